"""Saved views: lists of the catalog by a name, of one person or of a unit.

The map: `model` (what a view is, and which questions it may hold), `store` (who sees and changes which), and
the doors.
"""
