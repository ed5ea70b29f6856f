"""Bets: what squads try, what they know, and what they decide.

Values: `model` (bets, readings, decisions), `documents` (reading them), `evidence` and `risks` (what is
known), `advice` (what is missing), `transitions` (what each decision does), `ranking`, `staleness`,
`survival`. In the graph: `line` (from purpose to verdict), `whole` (with all that is known), `store`
(bets), `decisions` and `decision_log`, `evidence_log` and `inflow` (what others put into the activity
log), `stances`, `follow_ups`, `ranks` and `board`, `why` (from data to bets), `learned`. `panels` and
`marks` are where others add to pages and boards. Doors: `routes`, `pages` and `commands`, with the
modules that they gather.
"""
