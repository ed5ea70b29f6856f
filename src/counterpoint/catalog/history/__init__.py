"""The past of the catalog: one entity between two dates, its relations at one, and what could be counted then.

The map: `asking` (which moments are meant), `shown` (differences as rows), and the doors `routes`, `pages`
and `commands`. What is asked lies in `graph.past` and `graph.comparison`.
"""
