"""Decisions of every kind, in MADR's fields and by the advice process: ask those affected and those who know.

`model` (records, states, what is missing), `latency` (where decisions wait) and `madr` (Markdown) are pure;
`records` (the log), `boundaries` (what a unit may decide by itself), `search` (the log with the decisions about
bets); `form`, `routes`, `pages` and `commands`.
"""
