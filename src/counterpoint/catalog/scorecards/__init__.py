"""Scorecards: checks of what the catalog says of things, with what to do next.

The map: `model` (scorecards and outcomes, pure), `reading` (from a descriptor to a scorecard, broken ones
told), `facts` (what checks can ask besides an entity's own keys) with `reported` (facts that other systems
send), `standing` (the present outcomes of a workspace, kept up with its changes), `history` (what was so
at any past date), `recording` (writes the history while a server runs), and the doors: `store`, `routes`,
`pages` over `shown`, `commands`.
"""
