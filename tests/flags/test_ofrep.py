"""Remote evaluation: with the published OpenFeature client, and to the letter of OFREP."""

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from openfeature import api
from openfeature.client import OpenFeatureClient
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext
from openfeature.flag_evaluation import FlagEvaluationDetails

from counterpoint.flags.exposure import exposures_of
from counterpoint.flags.ofrep import MAX_BODY, selected
from counterpoint.graph.actor import local_actor

from .conftest import DEFINITION, Served

PATH = "/ofrep/v1/evaluate/flags"
SWEDE = {"targetingKey": "user-1", "country": "SE"}


@pytest.fixture
def client(served: Served) -> Iterator[OpenFeatureClient]:
    """The OpenFeature SDK over the published OFREP provider."""
    api.set_provider(OFREPProvider(served.url))
    yield api.get_client()
    api.clear_providers()


def test_the_published_client_gets_every_type(client: OpenFeatureClient) -> None:
    context = EvaluationContext("user-1", {"country": "SE"})
    assert client.get_boolean_value("yes", False, context) is True
    assert client.get_string_value("text", "default", context) == "x"
    assert client.get_integer_value("whole", 0, context) == 20
    assert client.get_float_value("part", 0.25, context) == 1.0
    assert client.get_object_value("thing", {}, context) == {"a": [1, {"b": None}]}
    assert client.get_boolean_value("yes", True) is False


@pytest.mark.parametrize(
    ("key", "value", "variant", "reason", "code"),
    [
        ("yes", True, "on", "TARGETING_MATCH", None),
        ("a%2Fb", True, "on", "STATIC", None),
        ("off", False, "", "DISABLED", None),
        ("bare", False, "", "DEFAULT", None),
        ("broken", False, None, "ERROR", "PARSE_ERROR"),
        ("lost", False, None, "ERROR", "GENERAL"),
        ("none", False, None, "ERROR", "FLAG_NOT_FOUND"),
        ("text", False, None, "ERROR", "TYPE_MISMATCH"),
    ],
)
def test_the_published_client_understands_every_outcome(
    client: OpenFeatureClient, key: str, value: Any, variant: str | None, reason: str, code: str | None
) -> None:
    found: FlagEvaluationDetails[bool] = client.get_boolean_details(
        key, False, EvaluationContext("user-1", {"country": "SE"})
    )
    assert (found.value, found.variant, found.reason, found.error_code) == (value, variant, reason, code)
    if code is None:
        assert found.flag_metadata["flagSetId"] == "default"
    else:
        assert found.error_message


def post(http: httpx2.Client, key: str = "", context: Any = None, **options: Any) -> httpx2.Response:
    body = (
        {"json": {"context": context}}
        if context is not None
        else {"headers": {"content-type": "application/json"}}
    )
    return http.post(PATH + (f"/{key}" if key else ""), **{**body, **options})


def test_a_success_always_has_a_variant_and_its_metadata(http: httpx2.Client) -> None:
    assert post(http, "yes", SWEDE).json() == {
        "key": "yes",
        "value": True,
        "variant": "on",
        "reason": "TARGETING_MATCH",
        "metadata": {"flagSetId": "default", "version": "7"},
    }
    assert post(http, "off").json() == {
        "key": "off",
        "variant": "",
        "reason": "DISABLED",
        "metadata": {"flagSetId": "default", "version": "7"},
    }
    assert post(http, "text").json()["metadata"] == {
        "flagSetId": "default",
        "version": "7",
        "owner": "squad-a",
    }


@pytest.mark.parametrize(
    ("key", "status", "code"),
    [("broken", 400, "PARSE_ERROR"), ("lost", 400, "GENERAL"), ("none", 404, "FLAG_NOT_FOUND")],
)
def test_an_error_always_has_key_code_and_details(
    http: httpx2.Client, key: str, status: int, code: str
) -> None:
    answer = post(http, key, SWEDE)
    assert (answer.status_code, answer.json()["key"], answer.json()["errorCode"]) == (status, key, code)
    assert answer.json()["errorDetails"]


def test_floats_keep_their_point_and_integers_do_not_get_one(http: httpx2.Client) -> None:
    assert '"value":1.0' in post(http, "part").text
    assert '"value":20}' in post(http, "whole").text


@pytest.mark.parametrize("key", ["team%2Fodd%20key%3F%23%25%C3%A9", "team/odd%20key%3F%23%25%C3%A9"])
def test_a_key_may_hold_any_character(http: httpx2.Client, key: str) -> None:
    assert post(http, key).json()["key"] == "team/odd key?#%é"


@pytest.mark.parametrize("key", ["is%20it%20on%3F", "a?b=c&d", "a%3Fb%3Dc%26d"])
def test_a_question_mark_may_come_as_it_is(served: Served, http: httpx2.Client, key: str) -> None:
    """As the provider for Node sends it."""
    flag = DEFINITION["flags"]["whole"]
    served.write("default", {"flags": {"is it on?": flag, "a?b=c&d": flag, "a": flag}})
    assert post(http, key).json()["key"] in ("is it on?", "a?b=c&d")
    assert post(http, "a").json()["key"] == "a"
    assert post(http, "a?unknown").json()["key"] == "a"


def test_a_key_that_looks_encoded_is_found_either_way(http: httpx2.Client) -> None:
    assert post(http, "a%252Fb").json()["key"] == "a%2Fb"
    assert post(http, "a%2Fb").json()["key"] == "a%2Fb"


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"null", b'{"context": null}', b'{"context": [1]}', b'{"context": "x"}']
)
def test_a_missing_or_strange_context_counts_as_empty(http: httpx2.Client, content: bytes) -> None:
    answer = http.post(PATH + "/yes", content=content, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["variant"], answer.json()["reason"]) == (200, "off", "DEFAULT")


@pytest.mark.parametrize("content", [b"{", b"[]", b"1", b"\xff", b"[" * 5000, b'{"context": {"a": NaN}}'])
def test_a_body_that_is_no_object_is_an_invalid_context(http: httpx2.Client, content: bytes) -> None:
    for path in (PATH, PATH + "/yes"):
        answer = http.post(path, content=content, headers={"content-type": "application/json"})
        assert (answer.status_code, answer.json()["errorCode"]) == (400, "INVALID_CONTEXT")
        assert answer.json().keys() == {"key", "errorCode", "errorDetails"}


def test_a_large_body_is_refused(http: httpx2.Client) -> None:
    body = b'{"context": {"a": "' + b"x" * MAX_BODY + b'"}}'
    for content in (body, iter([body[:1000], body[1000:]])):
        answer = http.post(PATH, content=content, headers={"content-type": "application/json"})
        assert (answer.status_code, answer.json()["errorCode"]) == (413, "INVALID_CONTEXT")


def test_other_methods_are_refused(http: httpx2.Client) -> None:
    answer = http.get(PATH)
    assert (answer.status_code, answer.headers["allow"], answer.json()["errorCode"]) == (
        405,
        "POST",
        "GENERAL",
    )


def test_all_flags_come_with_their_errors_and_disabled_ones(http: httpx2.Client) -> None:
    found = post(http, context=SWEDE).json()
    assert found["metadata"] == {"flagSetId": "default", "version": "7"}
    by_key = {flag["key"]: flag for flag in found["flags"]}
    assert len(by_key) == 12
    assert by_key["off"]["reason"] == "DISABLED"
    assert by_key["broken"]["errorCode"] == "PARSE_ERROR"
    assert http.post(PATH + "/", json={"context": SWEDE}).json() == found


def test_the_etag_is_that_of_the_answers(http: httpx2.Client, served: Served) -> None:
    first = post(http, context=SWEDE)
    tag = first.headers["etag"]
    again = post(http, context=SWEDE, headers={"If-None-Match": tag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert post(http, context=SWEDE, headers={"If-None-Match": f'"x", W/{tag}'}).status_code == 304
    # Other attributes, same answers: same tag. Other answers, same definition: another tag.
    assert post(http, context={**SWEDE, "colour": "red"}).headers["etag"] == tag
    assert post(http, context={**SWEDE, "country": "DE"}, headers={"If-None-Match": tag}).status_code == 200
    changed = {"flags": {"text": {"state": "ENABLED", "variants": {"a": "y"}, "defaultVariant": "a"}}}
    served.write("default", changed)
    after = post(http, context=SWEDE, headers={"If-None-Match": tag})
    assert (after.status_code, after.json()["flags"][0]["value"]) == (200, "y")


def test_a_selector_picks_a_flag_set(http: httpx2.Client, served: Served) -> None:
    one = {"state": "ENABLED", "variants": {"b": "other"}, "defaultVariant": "b"}
    served.write("mobile", {"flags": {"text": one}})
    for selector in ("flagSetId=mobile", "source=mobile", "mobile", "flagSetId = mobile ,x=y"):
        assert post(http, "text", {}, headers={"Flagd-Selector": selector}).json()["value"] == "other"
        assert len(post(http, context={}, headers={"Flagd-Selector": selector}).json()["flags"]) == 1
    missing = {"Flagd-Selector": "flagSetId=nobody"}
    assert post(http, "text", {}, headers=missing).status_code == 404
    assert post(http, context={}, headers=missing).json()["errorDetails"] == "There is no flag set 'nobody'."


def test_a_selector_reaches_into_the_array_form(http: httpx2.Client, served: Served) -> None:
    one = {"key": "f", "state": "ENABLED", "variants": {"a": 1, "b": 2}}
    both = [{**one, "defaultVariant": name, "metadata": {"flagSetId": f"set-{name}"}} for name in ("a", "b")]
    served.write("default", {"flags": both})
    for name, value in (("a", 1), ("b", 2)):
        assert (
            post(http, "f", {}, headers={"Flagd-Selector": f"flagSetId=set-{name}"}).json()["value"] == value
        )


def test_without_any_flag_set_there_are_no_flags(http: httpx2.Client, served: Served) -> None:
    with served.workspace.graph.write(local_actor()) as writer:
        writer.delete("flagset:default/default")
    served.write("other", {"flags": {}})
    body = post(http).json()
    assert (body["flags"], body["metadata"]) == ([], {})
    assert post(http, "yes").status_code == 404


@pytest.mark.parametrize(
    ("header", "name"),
    [
        (None, None),
        ("", None),
        ("flagSetId=", None),
        ("colour=red", None),
        ("a", "a"),
        ("source=x/y.json", "x/y.json"),
    ],
)
def test_selectors(header: str | None, name: str | None) -> None:
    assert selected(header) == name


def test_successful_evaluations_become_exposures_once(http: httpx2.Client, served: Served) -> None:
    user = {"targetingKey": "only-here", "country": "SE"}
    for _ in range(3):
        post(http, "yes", user)
    post(http, "yes", {"country": "SE"})
    post(http, "off", user)
    post(http, "lost", user)
    post(http, context=user)
    exposures_of(served.workspace).flush()
    (event,) = served.workspace.journal.recent(subject="only-here")
    assert (event.type, event.flag, event.variant, event.flag_set) == (
        "feature_flag.evaluation",
        "yes",
        "on",
        "default",
    )
