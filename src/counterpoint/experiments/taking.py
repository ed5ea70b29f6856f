"""What is recorded of a reading, so that it is never told otherwise afterwards. Pure."""

import math
from collections.abc import Iterator, Sequence
from datetime import datetime

from counterpoint.experiments.going import stops_of
from counterpoint.experiments.looks import Reading, fingerprint, key_of_level
from counterpoint.experiments.result import BETWEEN, Comparison, Taken, Verdict
from counterpoint.experiments.totals import Totals
from counterpoint.stats.distributions import normal_quantile

__all__ = ["taken_now"]


def taken_now(
    reading: Reading, totals: Totals, verdict: Verdict, comparisons: Sequence[Comparison], as_of: datetime
) -> tuple[Taken, ...]:
    """What is to be recorded of this reading: a look of a sequential plan that nobody has taken before, the one
    reading of a plan that is read once its users are there, or what is decided between looks and before the end; and
    each treatment that is stopped while others go on."""
    return (
        *_look(reading, totals, verdict, comparisons, as_of),
        *_stops(reading, totals, verdict, comparisons, as_of),
    )


def _stops(
    reading: Reading, totals: Totals, verdict: Verdict, comparisons: Sequence[Comparison], as_of: datetime
) -> Iterator[Taken]:
    """Treatments that are stopped now: what has been shown once stays shown, whatever comes after it."""
    known = stops_of(reading.taken)
    for comparison in comparisons if _stands(reading) else ():
        own = comparison.verdict
        if own is None or own.treatment not in verdict.stopped or own.treatment in known:
            continue
        yield Taken(
            index=BETWEEN,
            information=reading.progress.information or 0.0,
            users=reading.progress.users,
            data=fingerprint(totals),
            as_of=as_of,
            final=False,
            verdict=own.state,
            sentence=own.sentence,
            condition=own.condition,
            would_change=own.would_change,
            treatment=own.treatment,
            stops=own.treatment,
        )


def _look(
    reading: Reading, totals: Totals, verdict: Verdict, comparisons: Sequence[Comparison], as_of: datetime
) -> tuple[Taken, ...]:
    progress = reading.progress
    once = reading.plan.read_once and progress.final
    index = 1 if once else progress.look
    if index is None and verdict.state in {"ship", "do not ship"} and _stands(reading):
        index = BETWEEN
    known = any(look.key == (index, "") for look in reading.taken)
    if index is None or known or verdict.state == "invalid" or not progress.users:
        return ()
    plain = once or index == BETWEEN
    tests = [
        (comparison.treatment, metric, test)
        for comparison in comparisons
        for metric in comparison.metrics
        for test in metric.hypotheses
        if test.kind != "deterioration"
    ]
    spent = {}
    for alpha in () if plain else sorted({test.total_alpha for _, _, test in tests}):
        look = reading.look(alpha)
        spent[key_of_level(alpha)] = (look.spent, look.boundary if look.boundary < math.inf else None)
    return (
        Taken(
            index=index,
            information=1.0 if once else progress.information or 0.0,
            users=progress.users,
            data=fingerprint(totals),
            as_of=as_of,
            final=progress.final,
            verdict=verdict.state,
            sentence=verdict.sentence,
            condition=verdict.condition,
            would_change=verdict.would_change,
            treatment=verdict.treatment,
            spent=spent,
            scores={
                f"{test.kind}: {metric.name}: {treatment}": -normal_quantile(test.p)
                for treatment, metric, test in tests
                if test.p is not None and 0 < test.p < 1
            },
            shown=tuple(
                f"{test.kind}: {metric.name}: {treatment}" for treatment, metric, test in tests if test.shown
            ),
        ),
    )


def _stands(reading: Reading) -> bool:
    """Whether a decision between looks is one for good: a test that may be read at any time cannot take it back.

    At the end of a plan that is read once, what was recorded or the end itself says which data count.
    """
    progress = reading.progress
    return not progress.exploratory and (reading.stopping.continuous or not progress.final)
