"""Concerns: a risk to a date or to quality, said early, and what became of it.

The map: `model` (states, moves, who sees what at which moment; pure), `naming` (who may be how named),
`tables`, `viewing` (what one reader may see), `store` (raising and answering), `figures` (per unit), and the doors.

A concern is no entity on purpose: what is no entity is in no search, catalog, history, export or live stream.
"""
