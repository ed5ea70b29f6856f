"""Compositions made up at random: ours, npm's flagd-core (v2) and PyPI's (v3) give every user the same."""

import json
import random
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

from counterpoint.flags import FlagSet
from counterpoint.flags.composition import compiled, document_of, read_composition

from .conftest import NOW, Npm, Pypi, ours

COUNTRIES = ["SE", "NO", "DE", "São Tomé", 'quo"te', "$& $1", "back\\slash"]
UNITS = ["targetingKey", "company", "device.id"]
SEGMENTS: list[Any] = [
    {"in": [{"var": "country"}, COUNTRIES[:3]]},
    {"==": [{"var": "country"}, COUNTRIES[3]]},
    {"in": [{"var": "country"}, COUNTRIES[4:]]},
    {"starts_with": [{"var": "email"}, "a"]},
    {"and": [{"!!": [{"var": "age"}]}, {">=": [{"var": "age"}, 40]}]},
    {"sem_ver": [{"var": "version"}, ">=", "2.1.0"]},
    {"!": [{"var": "beta"}]},
]


def made_up(seed: int) -> dict[str, Any]:
    """A composition of one to six flags, each perhaps standing on earlier ones."""
    roll = random.Random(seed)  # noqa: S311 - made-up people

    def part(high: int = 100) -> float:
        return (
            roll.choice([0, 1, 5, 12.345, 50, 100, round(roll.random() * 100, 3)])
            * high
            / 100
            // 0.001
            / 1000
        )

    segments = {f"s{index}": rule for index, rule in enumerate(SEGMENTS)}
    cut = round(roll.random() * 100, 3)
    slots = (
        [{"name": "l", "from": 0, "to": cut}, {"name": "l", "from": cut, "to": 100}] if 0 < cut < 100 else []
    )
    flags: dict[str, Any] = {}
    for index in range(roll.randint(1, 6)):
        arms = roll.choice([{"on": 1}, {"on": 1, "two": 1}, {"on": 3, "two": 1, "three": 2}])
        plan: dict[str, Any] = {
            "variants": {**{arm: arm for arm in arms}, "off": "none", "control": "none"},
            "default": "off",
            "treatments": arms,
            "ramp": part(),
            "bucketBy": roll.choice(UNITS),
        }
        if roll.random() < 0.5:
            plan["control"] = "control"
        if roll.random() < 0.5:
            plan["audience"] = {"segments": roll.sample(sorted(segments), roll.randint(0, 2)), "except": roll.sample(sorted(segments), roll.randint(0, 1))}  # fmt: skip
        if roll.random() < 0.3:
            plan.setdefault("audience", {})["rule"] = roll.choice(SEGMENTS)
        if roll.random() < 0.5:
            plan["holdouts"] = roll.sample(["h1", "h2"], roll.randint(1, 2))
        if slots and roll.random() < 0.5:
            plan["layer"] = slots.pop()
        if flags and roll.random() < 0.6:
            parents = roll.sample(sorted(flags), min(len(flags), roll.randint(1, 2)))
            plan["prerequisites"] = [{"flag": parent, "variant": roll.choice(["on", "off", "control"])} for parent in parents]  # fmt: skip
        if roll.random() < 0.3:
            plan["schedule"] = [{"at": "2026-09-21T13:00:00Z", "ramp": part()}, {"at": "2026-09-21T14:00:00Z", "ramp": part()}]  # fmt: skip
        if roll.random() < 0.3:
            plan["overrides"] = {"on": ["u1", "u2"], "off": ["u3"]}
        if roll.random() < 0.1:
            plan["killed"] = True
        flags[roll.choice(["flag", "team/flag", 'é"\\']) + str(index)] = plan
    return {
        "segments": segments,
        "layers": {"l": {"bucketBy": roll.choice(UNITS)}},
        "holdouts": {
            "h1": {"percent": part(20)},
            "h2": {"percent": part(50), "bucketBy": roll.choice(UNITS), "salt": 'odd $& "salt"'},
        },
        "flags": flags,
    }


def people(seed: int, count: int, other: str = "é✓") -> Iterator[dict[str, Any]]:
    """Contexts in which anything may be missing or of an odd type."""
    roll = random.Random(seed)  # noqa: S311 - made-up people
    for number in range(count):
        context: dict[str, Any] = {
            "targetingKey": roll.choice([f"u{number % 50}", f"{roll.getrandbits(64):x}", f"{other}{number}"]),
            "company": roll.choice([roll.randint(1, 500), f"c{roll.randint(1, 500)}", None, 1.5, True]),
            "device": roll.choice([{"id": f"d{number}"}, {"id": number}, {}, None, "text"]),
            "country": roll.choice([*COUNTRIES, None]),
            "email": roll.choice([f"a{number}@x.example", f"b{number}@x.example"]),
            "age": roll.randint(0, 90),
            "version": roll.choice(["2.1.0", "v2", "1.9.9-rc.1", None]),
            "beta": roll.choice([True, False, None]),
        }
        for name in ("targetingKey", "company", "device", "country", "email", "beta"):
            if roll.random() < 0.05:
                del context[name]
        yield context


def compiled_from(seed: int, v: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    plans = made_up(seed)
    return plans, compiled({"flags": {}}, read_composition(plans), v)


@pytest.mark.parametrize("batch", range(10))
def test_npm_answers_alike(batch: int, npm: Npm) -> None:
    for seed in range(batch * 20, batch * 20 + 20):
        plans, made = compiled_from(seed, "v2")
        contexts = list(people(seed, 300, "x"))  # it hashes no UTF-8
        for key in plans["flags"]:
            assert npm(made, key, contexts) == ours(made, key, contexts), (seed, key)


@pytest.mark.parametrize("batch", range(5))
def test_pypi_answers_alike(batch: int, pypi: Pypi) -> None:
    for seed in range(batch * 20, batch * 20 + 20):
        plans, made = compiled_from(seed, "v3")
        contexts = list(people(seed, 100))
        for key in plans["flags"]:
            assert pypi(made, key, contexts) == ours(made, key, contexts, v="v3"), (seed, key)


def test_every_composition_keeps_its_promises() -> None:
    for seed in range(60):
        plans, made = compiled_from(seed, "v2")
        flags = FlagSet.from_flagd(made, strict=True)
        assert not flags.warnings
        contexts = list(people(seed, 200))
        seen = {key: ours(made, key, contexts) for key in plans["flags"]}
        for key, plan in plans["flags"].items():
            assert set(seen[key]) <= plan["variants"].keys()
            if plan.get("killed"):
                assert set(seen[key]) == {"off"}
                continue
            for need in plan.get("prerequisites", []):
                for variant, parent in zip(seen[key], seen[need["flag"]], strict=True):
                    assert variant == "off" or parent == need["variant"]


def test_a_composition_reads_back_as_itself_and_compiles_to_the_same() -> None:
    for seed in range(60):
        plans, made = compiled_from(seed, "v2")
        again = read_composition(json.loads(json.dumps(document_of(read_composition(plans)))))
        assert again == read_composition(plans)
        assert json.dumps(compiled({"flags": {}}, again)) == json.dumps(made)
        assert compiled(made, again) == made, "compiling what was compiled changes nothing"


def test_growing_any_ramp_reassigns_nobody() -> None:
    for seed in range(60):
        plans = made_up(seed)
        key = sorted(plans["flags"])[0]
        plan = plans["flags"][key]
        plan.pop("schedule", None)
        ramps = sorted({min(each, 50) for each in (0, 1, 7.5, plan["ramp"], 50)})
        contexts = list(people(seed, 200))
        steps = []
        for ramp in ramps:
            plan["ramp"] = ramp
            steps.append(ours(compiled({"flags": {}}, read_composition(plans)), key, contexts, now=NOW))
        for before, after in pairwise(steps):
            for one, other in zip(before, after, strict=True):
                assert one in ("off", other)
