"""Whole answers beside those of the published packages: ours in v2 and npm's flagd-core, in v3 and PyPI's."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from counterpoint.flags import FlagSet

from . import deviations
from .deviations import met
from .engines import EXAMPLES, NOW, Answer, Context, Npm, Pypi, patient
from .rules import MadeUp

pytestmark = patient

BATCHES = 4


def ours(definition: Any, key: str, contexts: Sequence[Context], bucketing: Any) -> list[Answer]:
    flags = FlagSet.from_flagd(definition, bucketing)
    found = [flags.evaluate(key, context, now=NOW) for context in contexts]
    return [(one.variant, one.reason, one.error_code, one.value, dict(one.metadata)) for one in found]


def compared(peer: Any, which: Any, bucketing: str, other: str, seeds: range) -> None:
    """Both answer alike wherever no deviation is met, which is nearly everywhere."""
    same = left_out = 0
    for seed in seeds:
        made_up = MadeUp(seed, other=other)
        definition, key = made_up.definition()
        contexts = [made_up.context() for _ in range(8)]
        pairs = zip(ours(definition, key, contexts, bucketing), peer.whole(definition, key, contexts), strict=True)  # fmt: skip
        for context, (mine, theirs) in zip(contexts, pairs, strict=True):
            # PyPI's errors tell no metadata.
            told = 4 if theirs[4] is None else 5
            if json.dumps(mine[:told]) == json.dumps(theirs[:told]):
                same += 1
            else:
                assert met(which, definition, key, context), (seed, definition, context, mine, theirs)
                left_out += 1
    assert left_out < same / 8, (same, left_out)


@pytest.mark.parametrize("batch", range(BATCHES))
def test_npm_answers_alike(batch: int, npm: Npm) -> None:
    each = EXAMPLES // BATCHES
    # It hashes no UTF-8, so that its texts are ASCII here.
    compared(npm, deviations.npm, "v2", "x", range(batch * each, (batch + 1) * each))


@pytest.mark.parametrize("batch", range(BATCHES))
def test_pypi_answers_alike(batch: int, pypi: Pypi) -> None:
    each = EXAMPLES // BATCHES
    compared(pypi, deviations.pypi, "v3", "é✓", range(batch * each, (batch + 1) * each))


# Each deviation by an example: the rule, the context, what we answer and what they do. One that a new release of
# theirs no longer has fails here.
NAMES = ["a", "b", "d", "true", "false", "1", "1,2", "2", "null", "True"]
HERE = {"targetingKey": "u"}
NPM: list[tuple[str, Any, Context, str, str]] = [
    ("arithmetic that comes to no number is an error", {"if": [{">": [{"+": [{"var": "x"}]}, 1]}, "a", "b"]}, {"x": "12px"}, "a", "GENERAL"),
    ("lists and objects are compared with nothing", {"==": [{"var": "x"}, "1,2"]}, {"x": [1, 2]}, "true", "GENERAL"),
    ("a number and a text that is none are compared with an error", {"==": [{"var": "x"}, 1]}, {"x": "a"}, "false", "GENERAL"),
    ("null equals 0 and false", {"==": [{"var": "x"}, False]}, {}, "false", "true"),
    ("the truth of a list is that of its first element", {"!!": [{"merge": [0, 1]}]}, {}, "true", "false"),
    ("null is written as null", {"cat": [{"var": "x"}, ""]}, {}, "GENERAL", "null"),
    ("a default stands in for null", {"var": ["x", "a"]}, {"x": None}, "d", "a"),
    ("substr of what is no text is an error", {"substr": [{"var": "x"}, 1]}, {"x": 22}, "2", "GENERAL"),
    ("what can hold nothing is an error", {"in": ["a", {"var": "x"}]}, {"x": 1}, "false", "GENERAL"),
    ("a null expression gives null", {"fractional": [{"var": "none"}, ["a"]]}, HERE, "a", "d"),
    ("what is no list is gone through with an error", {"all": [{"var": "x"}, True]}, {"x": "t"}, "false", "GENERAL"),
    ("a list names a variant", {"merge": [1, 2]}, {}, "GENERAL", "1,2"),
    ("a comparison forgets its first operand while it works out the second", {"<": [{"var": "x"}, {"if": [{"==": [{"var": "y"}, "b"]}, 5, 6]}]}, {"x": 1, "y": "b"}, "true", "GENERAL"),
    ("and, or within cat and in lose their brackets", {"cat": ["x", {"or": [{"var": "x"}, "b"]}]}, {"x": "a"}, "GENERAL", "a"),
    ("an object of several members is an error", {"if": [{"===": [{"var": "x"}, {"p": 1, "q": 2}]}, "a", "b"]}, {"x": 1}, "b", "PARSE_ERROR"),
    ("members of prototypes are data", {"if": [{"var": "x.__proto__"}, "a", "b"]}, {"x": 1}, "b", "a"),
    ("members of prototypes are data", {"if": [{"missing": ["toString"]}, "a", "b"]}, {"x": 1}, "a", "b"),
    ("an operation without arguments is an error", {"if": [{"==": []}, "a", "b"]}, {}, "a", "PARSE_ERROR"),
    ("what is no list is gone through with an error", {"if": [{"all": [{"var": "x"}, True]}, "a", "b"]}, {"x": None}, "b", "a"),
    ("an empty list as a path is the whole context", {"if": [{"var": [[]]}, "a", "b"]}, {}, "b", "a"),
    ("an empty object is false", {"if": [{"var": "x"}, "a", "b"]}, {"x": {}}, "a", "b"),
    ("a targeting key may be a number", {"fractional": [["a"]]}, {"targetingKey": 5}, "d", "a"),
    ("letters beyond ASCII are hashed by their UTF-16", {"fractional": ["é1", ["a", 1], ["b", 1]]}, {}, "b", "a"),
]  # fmt: skip
PYPI: list[tuple[str, Any, Context, str, str]] = [
    ("arithmetic on what is no number", {"if": [{"==": [{"+": [{"var": "x"}]}, 12]}, "a", "b"]}, {"x": "12px"}, "a", "b"),
    ("arithmetic on what is no number", {"if": [{"/": [1, {"var": "x"}]}, "a", "b"]}, {"x": 0}, "a", "ZeroDivisionError"),
    ("the remainder of fractions", {"if": [{"==": [{"%": [{"var": "x"}, 3]}, -2]}, "a", "b"]}, {"x": -5}, "a", "b"),
    ("truth, null and fractions are written as in Python", {"cat": [{"var": "x"}]}, {"x": True}, "true", "True"),
    ("truth, null and fractions are written as in Python", {"cat": [{"var": "x"}]}, {"x": None}, "GENERAL", "null"),
    ("the empty text holds itself", {"in": ["", {"var": "x"}]}, {"x": ""}, "false", "true"),
    ("1 is true", {"===": [{"var": "x"}, 1]}, {"x": True}, "false", "true"),
    ("1 is true", {"in": [True, [1]]}, {}, "false", "true"),
    ("values of two types are compared as in Python", {"==": [{"var": "x"}, False]}, {}, "false", "true"),
    ("values of two types are compared as in Python", {"==": ["", 0]}, {}, "true", "false"),
    ("a default stands in for null", {"var": ["x", "a"]}, {"x": None}, "d", "a"),
    ("a weight of 5.0 is none", {"fractional": ["a", ["a", 5.0]]}, {}, "a", "d"),
    ("a pre-release needs no three numbers", {"sem_ver": ["1-alpha", "<", "1.0.0"]}, {}, "d", "true"),
    ("characters beyond 16 bits come after all others", {"if": [{"<": ["\U0001f600", "\uffff"]}, "a", "b"]}, {}, "a", "b"),
    ("an unknown operator counts where it is reached", {"if": [True, "a", {"near": 1}]}, {}, "PARSE_ERROR", "a"),
    ("the greatest of nothing is null", {"if": [{"max": []}, "a", "b"]}, {}, "a", "b"),
    ("the start of a reduce is not worked out", {"if": [{"reduce": [[], {"var": "current"}, {"==": [1, 2]}]}, "a", "b"]}, {}, "b", "a"),
    ("a number of a version may be beyond 2^53", {"if": [{"sem_ver": ["9007199254740992", ">", "1.0.0"]}, "a", "b"]}, {}, "b", "a"),
    ("a list is a variant of a split", {"fractional": [[["a"], 1]]}, HERE, "d", "GENERAL"),
]  # fmt: skip
APART = {
    "an empty list as a path is the whole context",
    "the start of a reduce is not worked out",
    "a number of a version may be beyond 2^53",
    "an object of several members is an error",
    "members of prototypes are data",
    "an operation without arguments is an error",
    "the greatest of nothing is null",
    "an empty object is false",
    "a targeting key may be a number",
    "letters beyond ASCII are hashed by their UTF-16",
    "characters beyond 16 bits come after all others",
    "an unknown operator counts where it is reached",
    "a list is a variant of a split",
}
"""Met by nothing that is made up here."""


def parting(peer: Any, which: Any, bucketing: str, case: tuple[str, Any, Context, str, str]) -> None:
    name, rule, context, mine, theirs = case
    definition = {"flags": {"f": {"state": "ENABLED", "variants": {one: one for one in NAMES}, "defaultVariant": "d", "targeting": rule}}}  # fmt: skip
    ((variant, _, error, *_),) = ours(definition, "f", [context], bucketing)
    assert (error or variant, *peer(definition, "f", [context])) == (mine, theirs)
    assert name in APART or name in met(which, definition, "f", context)


@pytest.mark.parametrize("case", NPM, ids=[case[0] for case in NPM])
def test_where_npm_parts_from_the_reference(case: Any, npm: Npm) -> None:
    parting(npm, deviations.npm, "v2", case)


@pytest.mark.parametrize("case", PYPI, ids=[case[0] for case in PYPI])
def test_where_pypi_parts_from_the_reference(case: Any, pypi: Pypi) -> None:
    parting(pypi, deviations.pypi, "v3", case)


# What a null bucketing expression comes to: without a targeting key nothing, and else as in the table of docs/flags.md.
EXPRESSIONS: dict[str, list[Any]] = {"none": [], "null": [None], "absent": [{"var": "absent"}]}


@pytest.mark.parametrize(
    ("expression", "v2", "v3", "in_npm", "in_pypi"),
    [("none", "a", "a", "a", "a"), ("null", "a", "d", "d", "d"), ("absent", "a", "d", "d", "d")],
)
def test_a_null_bucketing_expression(
    expression: str, v2: str, v3: str, in_npm: str, in_pypi: str, npm: Npm, pypi: Pypi
) -> None:
    rule = {"fractional": [*EXPRESSIONS[expression], ["a"]]}
    definition = {"flags": {"f": {"state": "ENABLED", "variants": {"a": "a", "d": "d"}, "defaultVariant": "d", "targeting": rule}}}  # fmt: skip
    contexts = [{"targetingKey": "u"}, {}, {"targetingKey": ""}]
    found = [[one[0] for one in ours(definition, "f", contexts, bucketing)] for bucketing in ("v2", "v3")]
    found += [npm(definition, "f", contexts), pypi(definition, "f", contexts)]
    assert found == [[first, "d", "d"] for first in (v2, v3, in_npm, in_pypi)]
