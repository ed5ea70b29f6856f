"""Reuse: what exists already where something new is made, and what two units may be building twice.

The map: `model` (judgements and how often the list is right), `standing` (the list of likely twins, renewed
in the background), `store` (the list as people have judged it), `notes` (what an import says), and the doors.
"""
