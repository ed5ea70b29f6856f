"""Bets: what squads try, what they know, and what they decide.

`model` (bets, readings, decisions as values), `advice` (what is missing), `transitions` (what each
decision does), `line` (from purpose to verdict through the graph), `store` (bets), `decisions` (their
own table), `form` and `shown` (what pages take and show), `routes` and `pages`.
"""
