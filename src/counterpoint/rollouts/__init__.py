"""Rollouts: a flag that moves through steps against guardrails, and stops itself.

model       the plan, what has happened (events), where that leads (state): pure
problems    what contradicts itself in a plan: pure
judging     what the guardrails' figures say: pass, fail, inconclusive: pure
deciding    what the controller does, and what people may do: pure, ordered named rules
reading     a plan from an entity, a file and a template
figures     the journal's figures of a running step
outcome     how a run ended, in a sentence: what the bet's evidence takes from it; pure
log         the events in their table, which only grows
controller  loads, decides, publishes and records, in one transaction
readiness   what a rollout needs of its flag before it runs
store       lists, where a rollout stands, what people do with it
notes       release notes of a step, from its bet
happened    moves, deployments and figures of a run, as the page draws them
simulation  how often a plan stops a good change, and how late a bad one
simulated   simulations of the workspace's rollouts: kept, and computed off the request's path
commands, routes     the doors
"""
