"""The provider over a flag set in memory, through the OpenFeature SDK."""

import asyncio
import math
import subprocess
import sys
from copy import copy
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import pytest
from openfeature import api
from openfeature.client import OpenFeatureClient
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import ErrorCode
from openfeature.flag_evaluation import (
    FlagEvaluationDetails,
    FlagEvaluationOptions,
    FlagResolutionDetails,
    FlagType,
    Reason,
)
from openfeature.hook import Hook, HookContext, HookHints

from counterpoint.flags import FlagSet
from counterpoint.openfeature import CounterpointProvider, answers
from tests.flags.rules import MadeUp

SWEDE = EvaluationContext("user-1", {"country": "SE"})


@pytest.fixture
def client(flags: FlagSet) -> OpenFeatureClient:
    api.set_provider_and_wait(CounterpointProvider(flags))
    return api.get_client()


def test_each_type_is_answered(client: OpenFeatureClient) -> None:
    assert client.get_boolean_value("yes", False, SWEDE) is True
    assert client.get_boolean_value("yes", True) is False
    assert client.get_string_value("text", "default") == "x"
    assert client.get_integer_value("whole", 0) == 20
    assert client.get_float_value("half", 0.0) == 0.5
    assert client.get_object_value("thing", {}) == {"a": [1, {"b": None}]}


def test_an_answer_says_variant_reason_and_metadata(client: OpenFeatureClient) -> None:
    assert client.get_boolean_details("yes", False, SWEDE) == FlagEvaluationDetails(
        "yes", True, "on", {"version": "7"}, Reason.TARGETING_MATCH
    )
    assert client.get_string_details("text", "") == FlagEvaluationDetails(
        "text", "x", "a", {"version": "7", "owner": "squad-a"}, Reason.STATIC
    )


@pytest.mark.parametrize(
    ("key", "wanted", "default", "value"),
    [
        ("float", FlagType.INTEGER, 1, 20),
        ("whole", FlagType.FLOAT, 1.0, 20.0),
        ("float", FlagType.FLOAT, 1.0, 20.0),
    ],
)
def test_a_number_is_given_as_the_other_type_where_nothing_is_lost(
    client: OpenFeatureClient, key: str, wanted: FlagType, default: Any, value: Any
) -> None:
    found = client.evaluate_flag_details(wanted, key, default)
    assert (found.value, type(found.value), found.error_code) == (value, type(value), None)


@pytest.mark.parametrize(
    ("key", "wanted", "default"),
    [
        ("yes", FlagType.INTEGER, 7),
        ("yes", FlagType.FLOAT, 7.0),
        ("yes", FlagType.STRING, "d"),
        ("whole", FlagType.BOOLEAN, True),
        ("half", FlagType.INTEGER, 7),
        ("text", FlagType.OBJECT, {"d": 1}),
        ("thing", FlagType.STRING, "d"),
    ],
)
def test_another_type_is_a_mismatch_and_gives_the_default(
    client: OpenFeatureClient, key: str, wanted: FlagType, default: Any
) -> None:
    found = client.evaluate_flag_details(wanted, key, default)
    assert (found.value, found.error_code, found.reason) == (default, ErrorCode.TYPE_MISMATCH, Reason.ERROR)
    assert found.error_message
    assert key in found.error_message
    later = asyncio.run(client.evaluate_flag_details_async(wanted, key, default))
    assert (later.value, later.error_code) == (default, ErrorCode.TYPE_MISMATCH)


@pytest.mark.parametrize(
    ("key", "reason", "code"),
    [
        ("off", Reason.DISABLED, None),
        ("bare", Reason.DEFAULT, None),
        ("broken", Reason.ERROR, ErrorCode.PARSE_ERROR),
        ("lost", Reason.ERROR, ErrorCode.GENERAL),
        ("none", Reason.ERROR, ErrorCode.FLAG_NOT_FOUND),
    ],
)
def test_without_a_value_the_code_decides(
    client: OpenFeatureClient, key: str, reason: Reason, code: ErrorCode | None
) -> None:
    for default in (True, False):
        found = client.get_boolean_details(key, default, SWEDE)
        assert (found.value, found.variant, found.reason, found.error_code) == (default, None, reason, code)
        assert found.flag_metadata == {"version": "7"}
        assert bool(found.error_message) == bool(code)
    assert client.get_float_details("off", 1).reason == Reason.DISABLED


def test_an_object_is_the_callers_own(client: OpenFeatureClient) -> None:
    first = client.get_object_details("thing", {})
    first.value["a"].append("mine")  # type: ignore[index]
    first.flag_metadata["mine"] = True  # type: ignore[index]
    again = client.get_object_details("thing", {})
    assert again.value == {"a": [1, {"b": None}]}
    assert again.flag_metadata == {"version": "7"}


def test_what_a_caller_does_with_an_answer_is_nobody_elses_concern(client: OpenFeatureClient) -> None:
    expected = client.get_boolean_details("yes", False, SWEDE)
    for _ in range(2):
        found = client.get_boolean_details("yes", False, SWEDE)
        assert found == expected
        found.value, found.variant, found.reason = False, "mine", "MINE"
        found.flag_metadata["mine"] = True  # type: ignore[index]


def test_an_answer_of_the_provider_is_shared_and_cannot_be_changed() -> None:
    flag = {"state": "ENABLED", "variants": {"on": True}, "defaultVariant": "on", "metadata": {"a": 1}}
    provider = CounterpointProvider(FlagSet.from_flagd({"flags": {"f": flag}}))
    found, again = (provider.resolve_boolean_details("f", False, SWEDE) for _ in range(2))
    assert again == found
    assert again is provider.resolve_boolean_details("f", False, SWEDE)
    with pytest.raises(AttributeError):
        found.value = False
    with pytest.raises(TypeError):
        found.flag_metadata["a"] = 2  # type: ignore[index]
    other = replace(found, reason="CACHED")
    assert (other.value, other.variant, other.reason, other.flag_metadata) == (True, "on", "CACHED", {"a": 1})
    assert copy(found) == found == FlagResolutionDetails(True, None, None, Reason.STATIC, "on", {"a": 1})
    assert FlagResolutionDetails(False) != found


def test_a_rule_that_makes_names_of_variants_has_one_answer_for_each() -> None:
    flag = {"state": "ENABLED", "variants": {"a": 1, "b": 2}, "targeting": {"cat": [{"var": "x"}, ""]}}
    provider = CounterpointProvider(FlagSet.from_flagd({"flags": {"f": flag}}))
    found = [
        provider.resolve_integer_details("f", 0, EvaluationContext("u", {"x": "ab"[number % 2]}))
        for number in range(50)
    ]
    assert [(each.value, each.variant) for each in found] == [(1, "a"), (2, "b")] * 25
    assert len({id(each) for each in found[2:]}) == 2


def test_flags_that_are_not_there_fill_no_memory() -> None:
    provider = CounterpointProvider(FlagSet.from_flagd({"flags": {}}))
    for number in range(50):
        assert provider.resolve_boolean_details(f"f{number}", False, SWEDE).error_code
    assert provider._boolean.quick == {}


def test_who_overrides_a_method_of_the_provider_is_asked() -> None:
    class Louder(CounterpointProvider):
        def resolve_string_details(self, *args: Any, **named: Any) -> FlagResolutionDetails[str]:
            return replace(super().resolve_string_details(*args, **named), value="HELLO")

    flag = {"state": "ENABLED", "variants": {"a": "hello"}, "defaultVariant": "a"}
    api.set_provider_and_wait(Louder(FlagSet.from_flagd({"flags": {"f": flag}})))
    assert [api.get_client().get_string_value("f", "") for _ in range(3)] == ["HELLO"] * 3


class Word(str):
    """A text of somebody's own type."""


ODD: list[Any] = [
    datetime(2026, 5, 4, 10, tzinfo=UTC), (1, "SE"), ["SE", datetime(2026, 5, 4, tzinfo=UTC)], {"text": ("SE",)},
    MappingProxyType({"text": Word("SE"), "number": 3}), Word("SE"), Decimal(3), math.nan, b"SE", {1, 2}, object(), 10**30, "\ud800",
]  # fmt: skip
ASK = {bool: "boolean", str: "string", int: "integer", float: "float", dict: "object"}


X, TIME = {"var": "x"}, "2026-05-04T10:00:00Z"


@pytest.mark.parametrize(
    "rule",
    [
        X, {"==": [X, TIME]}, {"!==": [TIME, X]}, {"in": [X, [TIME, "a"]]}, {"in": [X, TIME + "!"]}, {"in": ["10", X]},
        {"starts_with": [X, "2026"]}, {"ends_with": [X, {"cat": ["Z"]}]}, {"<": [X, "3"]}, {">": [X, 1]}, {"==": [{"var": "deep.x"}, TIME]},
        {"cat": [X, ""]}, {"and": [X, {"==": [{"substr": [X, 0, 4]}, "2026"]}]}, {"fractional": [X, ["true", 1], ["false", 1]]},
        {"==": [{"var": "targetingKey"}, TIME]}, {"==": [X, {"var": "deep.x"}]},
    ],
)  # fmt: skip
@pytest.mark.parametrize("bucketing", ["v2", "v3"])
def test_a_time_is_a_text_to_every_quick_rule(rule: Any, bucketing: Any) -> None:
    names = ["true", "false", TIME, "d"]
    flag = {"state": "ENABLED", "variants": {name: name for name in names}, "defaultVariant": "d", "targeting": rule}  # fmt: skip
    flags = FlagSet.from_flagd({"flags": {"f": flag}}, bucketing)
    provider = CounterpointProvider(flags)
    at: Any = datetime(2026, 5, 4, 10, tzinfo=UTC)
    for subject, time in (("u", TIME), ("u", at), (at, at), (None, at)):
        context = EvaluationContext(subject, {"x": time, "deep": {"x": time}, "targetingKey": TIME})
        meant = {"x": TIME, "deep": {"x": TIME}, "targetingKey": subject or TIME}
        for _ in range(2):
            found = provider.resolve_string_details("f", "", context)
            assert found.variant == flags.evaluate("f", meant).variant


@pytest.mark.parametrize("seed", range(100))
def test_the_quick_answers_are_those_of_the_set(seed: int) -> None:
    """Attributes of any type, subjects of any kind, all types asked for, twice: the second time it is quick."""
    made_up = MadeUp(seed, other="é")
    definition, key = made_up.definition()
    flags = FlagSet.from_flagd(definition, "v2" if seed % 2 else "v3")
    reported: list[Any] = []
    provider = CounterpointProvider(flags, exposures=reported.extend)
    for _ in range(12):
        attributes = made_up.context()
        subject = made_up.roll.choice([attributes.get("targetingKey"), None, "", "u"])
        for name in made_up.roll.sample(sorted(attributes), min(len(attributes), made_up.roll.randint(0, 4))):
            attributes[name] = made_up.roll.choice(ODD)
        context = EvaluationContext(subject, MappingProxyType(attributes) if seed % 5 == 0 else attributes)
        found = flags.evaluate(key, answers.attributes_of(context))
        for kind, name in ASK.items():
            default = kind()
            told = getattr(provider, f"resolve_{name}_details")(key, default, evaluation_context=context)
            slow = getattr(CounterpointProvider, f"resolve_{name}_details")(provider, key, default, context)
            assert (told, repr(told.value)) == (slow, repr(slow.value)), (definition, context)
            if told.error_code is None:
                assert (told.variant, told.reason) == (found.variant, found.reason)
                assert told.flag_metadata == found.metadata
                assert told.value == (default if found.variant is None else found.value)


def test_a_new_flag_set_answers_at_once_where_an_old_one_was_asked() -> None:
    provider = CounterpointProvider(FlagSet.from_flagd({"flags": {}}))
    for number in range(20):
        flag = {"state": "ENABLED", "variants": {"v": number}, "defaultVariant": "v"}
        provider.got(FlagSet.from_flagd({"flags": {"f": flag}}))
        assert provider.resolve_integer_details("f", -1).value == number


def test_times_in_the_context_are_what_json_makes_of_them(client: OpenFeatureClient) -> None:
    at = datetime(2026, 5, 4, 10, tzinfo=UTC)
    assert client.get_boolean_value("since", False, EvaluationContext("u", {"joined": {"at": at}})) is True


def test_a_context_that_holds_itself_is_no_trouble(client: OpenFeatureClient) -> None:
    endless: list[Any] = []
    endless.append(endless)
    found = client.get_boolean_details("yes", True, EvaluationContext("u", {"country": endless}))
    assert (found.value, found.error_code) == (False, None)


def test_a_targeting_key_outranks_an_attribute_of_that_name() -> None:
    rule = {"if": [{"===": [{"var": "targetingKey"}, "mine"]}, "on", "off"]}
    flag = {"state": "ENABLED", "variants": {"on": True, "off": False}, "targeting": rule}
    provider = CounterpointProvider(FlagSet.from_flagd({"flags": {"f": flag}}))
    for key, wanted in (("mine", True), (None, False), ("", False)):
        context = EvaluationContext(key, {"targetingKey": "other"})
        assert provider.resolve_boolean_details("f", False, context).value is wanted
    assert provider.resolve_boolean_details(
        "f", False, EvaluationContext(None, {"targetingKey": "mine"})
    ).value


def test_asynchronous_calls_answer_alike(client: OpenFeatureClient) -> None:
    async def ask() -> list[Any]:
        return [
            await client.get_boolean_value_async("yes", False, SWEDE),
            await client.get_string_value_async("text", ""),
            await client.get_integer_value_async("whole", 0),
            await client.get_float_value_async("half", 0.0),
            await client.get_object_value_async("thing", {}),
        ]

    assert asyncio.run(ask()) == [True, "x", 20, 0.5, {"a": [1, {"b": None}]}]


def test_hooks_of_all_levels_run(flags: FlagSet) -> None:
    came: list[str] = []

    class Telling(Hook):
        def __init__(self, name: str) -> None:
            self.name = name

        def before(self, hook_context: HookContext, hints: HookHints) -> EvaluationContext | None:
            came.append(f"before {self.name}")
            assert hook_context.provider_metadata
            assert hook_context.provider_metadata.name == "Counterpoint"
            return EvaluationContext(attributes={"country": "SE"})

        def after(
            self, hook_context: HookContext, details: FlagEvaluationDetails[Any], hints: HookHints
        ) -> None:
            came.append(f"after {self.name} {details.variant}")

    api.set_provider_and_wait(CounterpointProvider(flags, hooks=[Telling("provider")]))
    api.add_hooks([Telling("api")])
    client = api.get_client()
    client.add_hooks([Telling("client")])
    options = FlagEvaluationOptions(hooks=[Telling("call")])
    assert client.get_boolean_value("yes", False, None, options) is True
    levels = ["api", "client", "call", "provider"]
    assert came == [
        *(f"before {level}" for level in levels),
        *(f"after {level} on" for level in reversed(levels)),
    ]


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({}, ValueError, "either a FlagSet or the url"),
        ({"url": "ftp://x"}, ValueError, "must be an address"),
        ({"url": "http://me:secret@x"}, ValueError, "no user, password"),
        ({"url": "http://x", "token": "a\nb"}, ValueError, "visible ASCII"),
        ({"url": "http://x", "exposures": 5}, TypeError, "exposures is a int"),
    ],
)
def test_wrong_options_are_told(
    options: dict[str, Any], error: type[Exception], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COUNTERPOINT_URL", raising=False)
    with pytest.raises(error, match=words):
        CounterpointProvider(**options)


def test_a_flag_set_and_a_url_are_one_too_many(flags: FlagSet) -> None:
    with pytest.raises(ValueError, match="either"):
        CounterpointProvider(flags, url="http://x")
    with pytest.raises(ValueError, match="needs the url"):
        CounterpointProvider(flags, exposures=True)


def test_importing_it_brings_nothing_of_the_server() -> None:
    program = (
        "import sys, counterpoint.openfeature\n"
        "heavy = 'litestar duckdb sqlalchemy pyarrow numpy scipy ibis uvicorn httpx2 jinja2 structlog asyncio'.split()\n"
        "print([name for name in heavy if name in sys.modules],"
        " [name for name in sys.modules if name.startswith(('counterpoint.server', 'counterpoint.journal', 'counterpoint.graph'))])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    # What a flag definition may be is asked at every door, so the graph has that check: pure, and without its stores.
    assert done.stdout.strip() == "[] ['counterpoint.graph', 'counterpoint.graph.flagd']"
