"""What is an event, and what is refused with which words."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoint.journal.model.event import MAX_DATA, Event, Refusal, read_event
from counterpoint.journal.model.row import event_of, identity, row_of

from .conftest import event, exposure

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


def nested(levels: int) -> Any:
    data: Any = 1
    for _ in range(levels):
        data = [data]
    return data


def test_an_event_keeps_every_attribute() -> None:
    read = read_event(
        event(7, traceparent="00-ab", partition=3, sampled=True, dataschema="urn:x"), received=NOW
    )
    assert isinstance(read, Event)
    assert (read.id, read.source, read.type, read.subject) == ("e7", "test", "order.placed", "user-7")
    assert read.time == datetime(2026, 5, 4, 10, tzinfo=UTC)
    assert read.received == NOW
    assert read.value == 7
    assert read.attributes == {"traceparent": "00-ab", "partition": 3, "sampled": True, "dataschema": "urn:x"}


def test_the_time_of_an_event_without_one_is_when_it_was_received() -> None:
    read = read_event(event(time=...), received=NOW)
    assert isinstance(read, Event)
    assert read.time == NOW


def test_an_exposure_shows_flag_variant_and_set() -> None:
    read = read_event(exposure(variant="off"), received=NOW)
    assert isinstance(read, Event)
    assert (read.flag, read.variant, read.flag_set, read.value) == ("checkout", "off", "default", None)


def test_an_exposure_without_subject_takes_opentelemetrys_context_id() -> None:
    document = exposure(subject=...)
    document["data"]["feature_flag.context.id"] = "user-9"
    read = read_event(document, received=NOW)
    assert isinstance(read, Event)
    assert read.subject == "user-9"


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2026-05-04T10:00:00+02:00", datetime(2026, 5, 4, 8, tzinfo=UTC)),
        ("2026-05-04t10:00:00.25z", datetime(2026, 5, 4, 10, 0, 0, 250_000, tzinfo=UTC)),
        ("2016-12-31T23:59:60Z", datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_times_are_read_as_rfc_3339_and_kept_in_utc(written: str, moment: datetime) -> None:
    read = read_event(event(time=written), received=NOW)
    assert isinstance(read, Event)
    assert read.time == moment


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"id": ...}, "id is missing"),
        ({"id": None}, "id is missing"),
        ({"id": ""}, "id is empty"),
        ({"id": 5}, "id is a number"),
        ({"id": "a\x00b"}, "id holds a character"),
        ({"id": "\ud800"}, "id holds a character"),
        ({"id": "x" * 5000}, "id has 5,000 characters"),
        ({"source": ...}, "source is missing"),
        ({"type": ["a"]}, "type is a list"),
        ({"subject": ""}, "subject is empty"),
        ({"subject": 5}, "subject is a number"),
        ({"specversion": ...}, "specversion is missing"),
        ({"specversion": "0.3"}, "specversion is '0.3'"),
        ({"time": "yesterday"}, "time is 'yesterday'"),
        ({"time": "2026-05-04T10:00:00"}, "with a zone"),
        ({"time": "2026-02-30T10:00:00Z"}, "RFC 3339"),
        ({"time": "0001-01-01T00:00:00+23:00"}, "outside the years"),
        ({"time": 1_700_000_000}, "time is a number"),
        ({"data": {"value": math.nan}}, "NaN"),
        ({"data": {"value": math.inf}}, "infinity"),
        ({"data": {"value": 2**64}}, "64 bits"),
        ({"data": ["\udfff"]}, "surrogate"),
        ({"data": {5: 1}}, "key that is no text"),
        ({"data": {"at": NOW}}, "a datetime"),
        ({"data": nested(65)}, "nests deeper"),
        ({"data": nested(100_000)}, "nests deeper"),
        ({"data": "x" * MAX_DATA}, "data is larger"),
        ({"data_base64": "aGk="}, "both given"),
        ({"data": ..., "data_base64": "?"}, "not valid base64"),
        ({"data": ..., "data_base64": 1}, "base64 text"),
        ({"extra": {"a": 1}}, "'extra' is an object"),
        ({"extra": 1.5}, "'extra' is a number"),
        ({"": "x"}, "attribute name"),
        ({f"x{number}": "y" for number in range(70)}, "extension attributes"),
    ],
)
def test_what_is_no_event_is_refused_by_name(changes: dict[str, Any], words: str) -> None:
    read = read_event(event(**changes), received=NOW)
    reason = row_of(read) if isinstance(read, Event) else read
    assert isinstance(reason, Refusal)
    assert words in reason.reason


@pytest.mark.parametrize("document", [None, 5, "text", [], [event()], b"{}", math.nan])
def test_what_is_no_object_is_refused(document: object) -> None:
    assert isinstance(read_event(document, received=NOW), Refusal)


json_like = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters())
    | st.binary(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(), max_size=5) | st.integers(), inner, max_size=3)
    ),
    max_leaves=8,
)
names = st.sampled_from(
    [
        "specversion",
        "id",
        "source",
        "type",
        "time",
        "subject",
        "data",
        "data_base64",
        "dataschema",
        "ext",
        "",
        "\ud800",
    ]
)


@given(json_like | st.dictionaries(names | st.integers(), json_like, max_size=6))
def test_hostile_documents_never_raise(document: Any) -> None:
    assert isinstance(read_event(document, received=NOW), Event | Refusal)


@given(st.dictionaries(names, json_like, max_size=5))
def test_a_nearly_right_document_gives_a_storable_event_or_a_reason(changes: dict[str, Any]) -> None:
    read = read_event({**event(), **changes}, received=NOW)
    if isinstance(read, Event):
        row = row_of(read)
        assert isinstance(row, Refusal) or all(
            isinstance(value, str | int | float | bytes | None) for value in row
        )


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(json_values, st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)))  # noqa: DTZ001 - the zone is added below
def test_a_row_gives_back_the_event_that_made_it(data: Any, time: datetime) -> None:
    read = read_event(event(data=data, time=time.replace(tzinfo=UTC).isoformat(), ext="ä"), received=NOW)
    assert isinstance(read, Event)
    row = row_of(read)
    assert not isinstance(row, Refusal)
    assert event_of(row) == read


def test_binary_data_comes_back() -> None:
    read = read_event(event(data=..., data_base64="aGk="), received=NOW)
    assert isinstance(read, Event)
    row = row_of(read)
    assert not isinstance(row, Refusal)
    assert event_of(row).document()["data_base64"] == "aGk="


def test_the_document_of_an_event_is_an_event_again() -> None:
    read = read_event(event(ext="x"), received=NOW)
    assert isinstance(read, Event)
    again = read_event(read.document(), received=NOW + timedelta(days=1))
    assert isinstance(again, Event)
    assert (again.id, again.data, again.attributes) == (read.id, read.data, read.attributes)


@pytest.mark.parametrize(
    ("time", "skew"),
    [
        ("2026-05-04T12:05:00Z", None),
        ("2026-05-04T12:05:01.5Z", 301),
        ("2000-01-01T00:00:00Z", None),
        ("1999-12-31T23:59:59Z", -831_211_201),
        ("9999-01-01T00:00:00Z", 2**31 - 1),
        (..., None),
    ],
)
def test_an_event_of_a_clock_that_is_wrong_says_so(time: Any, skew: int | None) -> None:
    read = read_event(event(time=time, clockskew=7), received=datetime(2026, 5, 4, 12, tzinfo=UTC))
    assert isinstance(read, Event)
    assert read.document().get("clockskew") == read.clockskew == skew
    assert "clockskew" not in read.attributes, "what a sender says of it is left out"


def test_identities_keep_source_and_id_apart() -> None:
    assert len({identity("a", "bc"), identity("ab", "c"), identity("", "abc"), identity("abc", "")}) == 4
