"""Answers for all flags at once: their ETag, what is kept of them, and for how long."""

from typing import Any

import httpx2

from counterpoint.flags import FlagSet
from counterpoint.flags.bulk import Bulk
from counterpoint.flags.ofrep import answer

from .conftest import DEFINITION, Served

BULK = "/ofrep/v1/evaluate/flags"
ON = {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "off"}
LATER = {"if": [{">": [{"var": "$flagd.timestamp"}, 4_000_000_000]}, "on"]}


class Counting(FlagSet):
    """Counts how often it evaluates."""

    evaluated = 0

    def evaluate_all(self, *arguments: Any, **named: Any) -> Any:
        self.evaluated += 1
        return super().evaluate_all(*arguments, **named)


def counting(definition: dict[str, Any]) -> Counting:
    return Counting(FlagSet.from_flagd(definition)._source, "v2")


def test_the_same_answers_are_made_once_for_each_context_and_stream() -> None:
    flags, bulk = counting({"flags": {"f": ON}}), Bulk(answer)
    first = bulk.content(flags, {"targetingKey": "u", "plan": "beta"}, "/s")
    assert bulk.content(flags, {"plan": "beta", "targetingKey": "u"}, "/s") is first
    assert flags.evaluated == 1
    bulk.content(flags, {"targetingKey": "v", "plan": "beta"}, "/s")
    bulk.content(flags, {"targetingKey": "u", "plan": "beta"}, "/other")
    assert flags.evaluated == 3


def test_values_that_python_takes_for_equal_are_different_contexts() -> None:
    flags, bulk = counting({"flags": {"f": ON}}), Bulk(answer)
    for value in (1, True, "1", 1.0, [1], None):
        bulk.content(flags, {"a": value}, "/s")
    assert flags.evaluated == 6


def test_a_changed_set_is_evaluated_anew() -> None:
    bulk = Bulk(answer)
    for _ in range(50):  # where an old one has gone, a new one may have its address
        flags = counting({"flags": {"f": ON}})
        bulk.content(flags, {}, "/s")
        assert flags.evaluated == 1
        del flags


def test_rules_that_read_the_time_are_evaluated_each_time() -> None:
    flags, bulk = counting({"flags": {"f": {**ON, "targeting": LATER}}}), Bulk(answer)
    assert bulk.content(flags, {}, "/s").etag == bulk.content(flags, {}, "/s").etag
    assert flags.evaluated == 2


def test_what_is_kept_is_bounded() -> None:
    flags, bulk = counting({"flags": {f"f{number}": ON for number in range(20)}}), Bulk(answer, most=100_000)
    for number in range(500):
        bulk.content(flags, {"targetingKey": str(number)}, "/s")
    assert 10 < len(bulk._kept) < 60
    assert bulk._size <= 100_000
    bulk.content(flags, {"targetingKey": "499"}, "/s")
    assert flags.evaluated == 500, "the newest are kept"
    bulk.content(flags, {"targetingKey": "0"}, "/s")
    assert flags.evaluated == 501


def test_what_is_larger_than_the_room_for_it_is_answered_and_not_kept() -> None:
    flags, bulk = counting({"flags": {f"f{number}": ON for number in range(200)}}), Bulk(answer, most=10_000)
    assert bulk.content(flags, {}, "/s") == bulk.content(flags, {}, "/s")
    assert (flags.evaluated, bulk._size) == (2, 0)


def test_a_context_with_half_a_character_is_answered() -> None:
    flags, bulk = counting({"flags": {"f": ON}}), Bulk(answer)
    assert b'"off"' in bulk.content(flags, {"a": "\ud800"}, "/s").body


def test_an_answer_names_the_stream_of_its_set(http: httpx2.Client, served: Served) -> None:
    served.write("other", {"flags": {"f": ON}})
    named = {"Flagd-Selector": "flagSetId=other"}
    for headers, name in (({}, "default"), (named, "other")):
        (stream,) = http.post(BULK, headers=headers).json()["eventStreams"]
        assert stream == {
            "type": "sse",
            "endpoint": {"requestUri": f"/ofrep/v1/sse?channels={name}"},
            "inactivityDelaySec": 120,
        }


def test_the_tag_goes_with_attributes_and_definitions_and_asks_about_both(
    http: httpx2.Client, served: Served
) -> None:
    def ask(country: str, tag: str = "") -> httpx2.Response:
        query = "?flagConfigEtag=anything&flagConfigLastModified=1771622898"
        return http.post(
            BULK + query,
            json={"context": {"country": country}},
            headers={"If-None-Match": tag} if tag else {},
        )

    sweden = ask("SE").headers["etag"]
    assert (ask("SE", sweden).status_code, ask("NO", sweden).status_code) == (304, 304)
    assert ask("FI", sweden).status_code == 200
    served.write("default", {**DEFINITION, "metadata": {"version": "8"}})
    assert ask("SE", sweden).status_code == 200


def test_the_tag_changes_with_the_week_of_the_ticket_so_that_clients_get_a_new_one(
    guarded: Served, monkeypatch: Any
) -> None:
    import counterpoint.flags.ofrep as remote
    from counterpoint.flags.tickets import WEEK

    key = {"X-API-Key": guarded.key("weekly", "flags:evaluate")}
    first = httpx2.post(guarded.url + BULK, headers=key)
    later = remote.time.time() + WEEK

    class Clock:
        time = staticmethod(lambda: later)
        monotonic = staticmethod(remote.time.monotonic)

    monkeypatch.setattr(remote, "time", Clock)
    second = httpx2.post(guarded.url + BULK, headers={**key, "If-None-Match": first.headers["etag"]})
    assert second.status_code == 200
    assert second.json()["eventStreams"] != first.json()["eventStreams"]
