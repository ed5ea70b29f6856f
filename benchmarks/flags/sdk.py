"""Evaluations a second through the OpenFeature SDK: our provider, with and without exposures, and flagd's.

The workload is one boolean flag with four rules; 20,000 users with prebuilt contexts, about 5 % of them
caught by each rule and a tenth of the others by a `fractional`. One thread, process CPU time, the collector
off, best of 7 passes after a warm-up; rounds of all providers take turns, so that a busy machine slows all.

Run it in an environment with both: `pip install 'counterpoint[openfeature]' openfeature-provider-flagd`.
Where flagd's provider is in an environment of its own, name its interpreter: `--peer-python PATH`.
"""

import argparse
import gc
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from openfeature import api
from openfeature.evaluation_context import EvaluationContext

sys.path.insert(0, str(Path(__file__).parent))

from workload import DEFINITION, users

PASSES = 7
ROUNDS = 3


def contexts() -> list[EvaluationContext]:
    """20,000 users, always the same."""
    return [EvaluationContext(key, attributes) for key, attributes in users()]


def per_second(users: list[EvaluationContext]) -> tuple[float, float]:
    """Evaluations a second of the provider that is set, and the share of users who got `on`."""
    client = api.get_client()
    best, on = 0.0, 0
    gc.disable()
    for turn in range(PASSES + 1):
        begun = time.process_time()
        on = sum([client.get_boolean_value("new-checkout", False, user) for user in users])
        if turn:
            best = max(best, len(users) / (time.process_time() - begun))
    gc.enable()
    return best, on / len(users)


def ours(*, exposures: bool) -> tuple[float, float, float]:
    """With exposures also the rate of the first pass, in which every user is new."""
    from counterpoint.flags import FlagSet
    from counterpoint.openfeature import CounterpointProvider

    taken: list[Any] = []
    flags = FlagSet.from_flagd(DEFINITION, bucketing="v3")
    provider = CounterpointProvider(flags, exposures=taken.extend if exposures else False)
    api.set_provider_and_wait(provider)
    users, client = contexts(), api.get_client()
    client.get_boolean_value("new-checkout", False)  # whatever is made at first use
    begun = time.process_time()
    for user in users:
        client.get_boolean_value("new-checkout", False, user)
    first = len(users) / (time.process_time() - begun)
    assert provider.flush(60)
    rate, share = per_second(users)
    assert not exposures or (len(taken), provider.exposures.dropped) == (len(users), 0)
    api.shutdown()
    return rate, share, first


def flagd() -> tuple[float, float]:
    """flagd's provider in file mode."""
    from openfeature.contrib.provider.flagd import FlagdProvider
    from openfeature.contrib.provider.flagd.config import ResolverType

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "flags.json"
        file.write_text(json.dumps(DEFINITION))
        api.set_provider_and_wait(
            FlagdProvider(resolver_type=ResolverType.FILE, offline_flag_source_path=str(file))
        )
        found = per_second(contexts())
        api.shutdown()
    return found


def constant() -> float:
    """The SDK over a provider that gives one answer, made before: nothing through the SDK can be faster."""
    from openfeature.flag_evaluation import FlagResolutionDetails, Reason
    from openfeature.provider import AbstractProvider, Metadata

    answer, metadata, hooks = FlagResolutionDetails(False, reason=Reason.STATIC), Metadata("constant"), []

    class Constant(AbstractProvider):
        def get_metadata(self) -> Metadata:
            return metadata

        def get_provider_hooks(self) -> list[Any]:
            return hooks

        def resolve(self, flag_key: str, default_value: Any, evaluation_context: Any = None) -> Any:
            return answer

        resolve_boolean_details = resolve_string_details = resolve
        resolve_integer_details = resolve_float_details = resolve_object_details = resolve

    api.set_provider_and_wait(Constant())
    found, _ = per_second(contexts())
    api.shutdown()
    return found


def floor() -> tuple[float, float]:
    """The SDK over its own provider in memory, which knows no rules."""
    from openfeature.provider.in_memory_provider import InMemoryFlag, InMemoryProvider

    api.set_provider_and_wait(
        InMemoryProvider({"new-checkout": InMemoryFlag("off", {"on": True, "off": False})})
    )
    found = per_second(contexts())
    api.shutdown()
    return found


def peer(python: str) -> tuple[float, float]:
    """flagd's provider in its own interpreter."""
    done = subprocess.run(
        [python, __file__, "--only-flagd"], capture_output=True, text=True, check=True, timeout=600
    )
    rate, share = json.loads(done.stdout)
    return rate, share


def measure(python: str | None = None) -> dict[str, object]:
    """The best of all rounds, and ratios."""
    theirs: Callable[[], tuple[float, float]] = (lambda: peer(python)) if python else flagd
    rounds = []
    constants = []
    for _ in range(ROUNDS):
        rounds.append((ours(exposures=False), ours(exposures=True), theirs(), floor()))
        constants.append(constant())
    plain, exposed, other, bare = ([each[place] for each in rounds] for place in range(4))
    rate = max(each[0] for each in plain)
    assert {each[1] for each in (*plain, *exposed)} == {each[1] for each in other}, "they answer differently"
    return {
        "workload": "four rules and a fractional (bucketing v3), 20,000 users",
        "share on": plain[0][1],
        "ours, evaluations/s": round(rate),
        "ours with exposures, evaluations/s": round(max(each[0] for each in exposed)),
        "ours with exposures, first pass of 20,000 new subjects, all threads": round(
            max(each[2] for each in exposed)
        ),
        "flagd provider, evaluations/s": round(max(each[0] for each in other)),
        "SDK over its provider in memory, evaluations/s": round(max(each[0] for each in bare)),
        "SDK over one constant answer, evaluations/s": round(max(constants)),
        "one constant answer / flagd provider": round(max(constants) / max(each[0] for each in other), 2),
        "ours / flagd provider": round(rate / max(each[0] for each in other), 2),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer-python")
    parser.add_argument("--only-flagd", action="store_true")
    options = parser.parse_args()
    print(json.dumps(flagd() if options.only_flagd else measure(options.peer_python), indent=2))
    sys.stdout.flush()
