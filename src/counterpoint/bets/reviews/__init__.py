"""Bet reviews: what changed becomes the agenda, what is decided becomes the minutes.

`agenda` (pure), `gathering` (the facts it is made from), `beside` (concerns and dependencies), `boards` (units with their bets and cadence), `sittings`
(reviews with their fist of five), `digest` (a week out of the events), `briefs` (context, and what was understood),
`week` (what waits for one person); `routes`, `pages` and `commands`.
"""
