"""How long a simulation of a million users takes, and whether it agrees with evaluating one by one.

    python benchmarks/flags/simulation.py [USERS]

For each kind of change: CPU seconds (the least of five runs) to invent the users, and from there to counts,
examples and segments of the changed flag; and the same counts by `FlagSet.evaluate` for 20,000 users.
"""

import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from counterpoint.flags import FlagSet
from counterpoint.flags.population import contexts_as
from counterpoint.flags.simulation import Outcome, population_for, simulate

RUNS = 5
COMPARED = 20_000
NORDIC = {"in": [{"var": "country"}, ["SE", "NO", "DK", "FI", "IS"]]}
ADULT = {">=": [{"var": "age"}, 18]}
BETA = {"sem_ver": [{"var": "version"}, ">=", "2.1.0"]}


def split(share: int, *seed: Any) -> dict[str, Any]:
    return {"fractional": [*seed, ["on", share], ["off", 100_000 - share]]}


SALTED = {"cat": ["salt:", {"var": "targetingKey"}]}
CHANGES: dict[str, tuple[Any, Any]] = {
    "a ramp from 10 to 25 %": (split(10_000), split(25_000)),
    "a ramp with a salt": (split(10_000, SALTED), split(25_000, SALTED)),
    "three conditions and a ramp": (
        {"if": [{"and": [NORDIC, ADULT, BETA]}, split(10_000), None]},
        {"if": [{"and": [NORDIC, ADULT]}, split(25_000), None]},
    ),
    "a condition on the subject": (
        {"if": [{"in": [{"var": "targetingKey"}, ["user-0000017", "user-0000018"]]}, "on", None]},
        {"if": [{"in": [{"var": "targetingKey"}, ["user-0000017"]]}, "on", split(500)]},
    ),
}


def flags(targeting: Any, bucketing: Any) -> FlagSet:
    one = {
        "state": "ENABLED",
        "variants": {"on": True, "off": False},
        "defaultVariant": "off",
        "targeting": targeting,
    }
    return FlagSet.from_flagd({"flags": {"checkout": one}}, bucketing)


def least(run: Callable[[], Any]) -> float:
    """The least CPU time of several runs, in seconds."""
    times = []
    for _ in range(RUNS):
        start = time.process_time()
        run()
        times.append(time.process_time() - start)
    return min(times)


def check(before: FlagSet, after: FlagSet) -> None:
    """Compare the counts with those of evaluating one by one."""
    population = population_for(before, after, COMPARED)
    contexts = [population.context(row) for row in range(COMPARED)]
    expected = Counter(
        tuple(Outcome(flags.evaluate("checkout", context).variant) for flags in (before, after))
        for context in contexts
    )
    for made in (population, contexts_as(contexts)):
        (change,) = simulate(before, after, made)
        if {(one.before, one.after): one.users for one in change.transitions} != dict(expected):
            raise SystemExit("The simulation disagrees with the evaluation.")


def main() -> None:
    users = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    print(f"{users:,} users, CPU seconds, least of {RUNS}")
    for bucketing in ("v2", "v3"):
        for name, rules in CHANGES.items():
            before, after = (flags(rule, bucketing) for rule in rules)
            check(before, after)
            population = population_for(before, after, users)
            inventing = least(lambda before=before, after=after: population_for(before, after, users))
            counting = least(lambda before=before, after=after, who=population: simulate(before, after, who))
            print(
                f"{bucketing}  {name:<30} invent {inventing:.3f}  count {counting:.3f}  {inventing + counting:.3f} s"
            )


if __name__ == "__main__":
    main()
