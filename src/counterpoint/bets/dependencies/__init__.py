"""Dependencies between units: who waits for whom and how badly, in the words of both sides.

The map: `model` (severities, states and steps; pure), `store`, and the doors.
"""
