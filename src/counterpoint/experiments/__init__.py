"""Experiments: metrics, exposure, sufficient statistics and the shipping rule.

    model           the plan: metrics, guardrails, arms, levels
    totals          what an engine answers: users and moments per arm
    aggregation     the one Ibis expression that asks for them
    decision        the tree of conditions that decides, and how it shares α and β
    stopping, looks when a result may be read, and what each reading may show
    sizing          users and days that a plan needs; `history` knows what the journal says before
    estimates, hypotheses       what each metric's tests say
    verdict         the tree's answer in plain words; `learning` says what an ended experiment taught
    by_segment, by_level        effects by the values of a segment: users in the one query, then what is told of them
    course_query, over_time     effects at the end of each day; `course` has the looks of a sequential plan
    result          all of it as values; `wording` writes figures
    analysis        tables in, result out
    plan            a plan from entities
    standing        the newest results, kept and renewed
    store           plans from the graph, tables from the journal, readings into the activity log
    commands, routes, pages     the doors

>>> from counterpoint.experiments import Experiment, Metric
>>> opened = Metric(name="opened", event="mail.opened", aggregation="any")
>>> plan = Experiment(name="mail", flag="mail", control="off", treatments=("on",), success=(opened,))
>>> plan.planned
(0.5, 0.5)
"""

from counterpoint.experiments.analysis import analyze
from counterpoint.experiments.model import Experiment, Guardrail, Metric
from counterpoint.experiments.result import Result, Verdict

__all__ = ["Experiment", "Guardrail", "Metric", "Result", "Verdict", "analyze"]
