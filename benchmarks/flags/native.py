"""Evaluations a second in process, on one core, beside what others publish, in one run.

    python benchmarks/flags/native.py --peer-python PEERS/bin/python

The peers live in an environment of their own:

    python3 -m venv PEERS
    PEERS/bin/pip install openfeature-flagd-core==2.0.0 growthbook==4.0.0
    npm ci --prefix tests/flags/clients

The workload is that of `workload.py`. Python: process CPU time, the collector off, best of 7 passes after a
warm-up; node: CPU time of the process, best of 9. Rounds of all take turns, so that a busy machine slows all.
GrowthBook is asked both ways: an instance for each user, as its documentation has it for the web, and one
instance whose attributes are set anew.
"""

import argparse
import gc
import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from workload import DEFINITION, FLAG, KEY, NORDIC, users

PASSES = 7
ROUNDS = 3
CLIENTS = Path(__file__).parents[2] / "tests" / "flags" / "clients"


def per_second(ask: Callable[[Any], Any], contexts: Sequence[Any]) -> tuple[float, float]:
    """Calls a second, and the share that came to true."""
    best, on = 0.0, 0
    gc.disable()
    for turn in range(PASSES + 1):
        begun = time.process_time()
        for context in contexts:
            ask(context)
        if turn:
            best = max(best, len(contexts) / (time.process_time() - begun))
    gc.enable()
    on = sum(bool(ask(context)) for context in contexts)
    return best, on / len(contexts)


def flat() -> list[dict[str, Any]]:
    """Contexts as one mapping."""
    return [{"targetingKey": key, **attributes} for key, attributes in users()]


def ours(bucketing: Any) -> tuple[float, float]:
    """`FlagSet.evaluate` with its result."""
    from counterpoint.flags import FlagSet

    evaluate = FlagSet.from_flagd(DEFINITION, bucketing).evaluate
    rate, _ = per_second(lambda context: evaluate(KEY, context), flat())
    contexts, key = flat(), KEY
    best = rate
    gc.disable()
    for _ in range(PASSES):  # without the harness's own call
        begun = time.process_time()
        for context in contexts:
            evaluate(key, context)
        best = max(best, len(contexts) / (time.process_time() - begun))
    gc.enable()
    return best, sum(evaluate(KEY, context).value for context in contexts) / len(contexts)


def bulk() -> tuple[float, float]:
    """Contexts a second for which a hundred such flags are evaluated at once."""
    from counterpoint.flags import FlagSet

    flags = FlagSet.from_flagd({"flags": {f"flag-{number}": FLAG for number in range(100)}})
    rate, _ = per_second(flags.evaluate_all, flat()[:500])
    return rate, 0.0


def flagd_core() -> tuple[float, float]:
    """flagd-core of PyPI, its resolve call."""
    from openfeature.contrib.tools.flagd.core import FlagdCore
    from openfeature.evaluation_context import EvaluationContext

    core = FlagdCore()
    core.set_flags(json.dumps(DEFINITION))
    contexts = [EvaluationContext(key, attributes) for key, attributes in users()]
    return per_second(lambda context: core.resolve_boolean_value(KEY, False, context).value, contexts)


def _growthbook() -> tuple[dict[str, Any], list[dict[str, Any]]]:
    rules = [
        {"condition": {"email": {"$regex": "@corp\\.example$"}}, "force": True},
        {"condition": {"country": {"$in": NORDIC}}, "force": True},
        {"condition": {"plan": "beta"}, "force": True},
        {"force": True, "coverage": 0.1, "hashAttribute": "id"},
    ]
    attributes = [{"id": key, **attributes} for key, attributes in users()]
    return {KEY: {"defaultValue": False, "rules": rules}}, attributes


def growthbook() -> tuple[float, float]:
    """GrowthBook, one instance whose attributes are set anew."""
    from growthbook import GrowthBook

    features, attributes = _growthbook()
    shared = GrowthBook(features=features)

    def ask(each: dict[str, Any]) -> bool:
        shared.set_attributes(each)
        return bool(shared.is_on(KEY))

    return per_second(ask, attributes)


def growthbook_each() -> tuple[float, float]:
    """GrowthBook, an instance for each user."""
    from growthbook import GrowthBook

    features, attributes = _growthbook()
    return per_second(lambda each: GrowthBook(attributes=each, features=features).is_on(KEY), attributes)


def npm() -> tuple[float, float]:
    """flagd-core of npm."""
    given = json.dumps({"definition": DEFINITION, "key": KEY, "users": flat()})
    command = ["node", str(Path(__file__).with_name("peers.mjs")), str(CLIENTS)]
    rate, share = json.loads(
        subprocess.run(command, input=given, capture_output=True, text=True, check=True).stdout
    )
    return rate, share


PEERS = {
    "PyPI flagd-core, resolve": flagd_core,
    "GrowthBook, one instance": growthbook,
    "GrowthBook, an instance a user": growthbook_each,
}


def peer(python: str, name: str) -> tuple[float, float]:
    """One peer in its own interpreter."""
    done = subprocess.run(
        [python, __file__, "--only", name], capture_output=True, text=True, check=True, timeout=600
    )
    rate, share = json.loads(done.stdout.splitlines()[-1])
    return rate, share


def measure(python: str | None) -> dict[str, Any]:
    """The best of all rounds, and the ratios to ours in the bucketing of the peer."""
    contenders: dict[str, Callable[[], tuple[float, float]]] = {
        "ours, v2": lambda: ours("v2"),
        "ours, v3": lambda: ours("v3"),
        "ours, 100 flags at once, contexts": bulk,
        "npm flagd-core": npm,
    }
    if python:
        contenders |= {name: lambda name=name: peer(python, name) for name in PEERS}
    rounds: list[dict[str, tuple[float, float]]] = [
        {name: contend() for name, contend in contenders.items()} for _ in range(ROUNDS)
    ]
    best = {name: max(each[name][0] for each in rounds) for name in contenders}
    found: dict[str, Any] = {name: round(rate) for name, rate in best.items()}
    found["share on"] = {name: rounds[0][name][1] for name in contenders}
    found["ours / peer"] = {
        name: round(
            best["ours, v2" if "flagd-core" not in name or "npm" in name else "ours, v3"] / best[name], 2
        )
        for name in contenders
        if not name.startswith("ours")
    }
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peer-python")
    parser.add_argument("--only")
    options = parser.parse_args()
    print(json.dumps(PEERS[options.only]() if options.only else measure(options.peer_python)))
