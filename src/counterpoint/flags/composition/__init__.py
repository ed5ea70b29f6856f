"""Plans of flags (ramps, arms, layers, holdouts, prerequisites), compiled to plain flagd JSON. Pure.

    read_composition(document) -> Composition       what a person wrote, checked, with pointers
    with_ramp, with_kill... (Composition) -> Composition   one change, as a new value
    compiled(definition, composition) -> definition     plain flagd JSON; the same input, the same output
    difference(before, after) -> changes            who enters, leaves or is drawn anew, in words

Nothing here reads a clock, a graph or a file, so a rollout's controller can call all of it.
"""

from counterpoint.flags.composition.changes import (
    with_kill,
    with_plan,
    with_ramp,
    with_restart,
    with_revival,
    without_plan,
)
from counterpoint.flags.composition.compiling import compiled
from counterpoint.flags.composition.detaching import reattached, settled
from counterpoint.flags.composition.difference import Change, Upcoming, difference, upcoming
from counterpoint.flags.composition.plan import (
    TOTAL,
    Composition,
    CompositionError,
    FlagPlan,
    percent_of,
    weight_of,
)
from counterpoint.flags.composition.reading import read_composition
from counterpoint.flags.composition.writing import document_of

__all__ = [
    "TOTAL",
    "Change",
    "Composition",
    "CompositionError",
    "FlagPlan",
    "Upcoming",
    "compiled",
    "difference",
    "document_of",
    "percent_of",
    "read_composition",
    "reattached",
    "settled",
    "upcoming",
    "weight_of",
    "with_kill",
    "with_plan",
    "with_ramp",
    "with_restart",
    "with_revival",
    "without_plan",
]
