"""The short way from documents to rows gives what the long way gives, for whatever comes."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from counterpoint.journal.model import plain as module
from counterpoint.journal.model.event import EXPOSURE, Event, read_event
from counterpoint.journal.model.outcome import Rejected
from counterpoint.journal.model.plain import PlainJson, rows_of
from counterpoint.journal.model.row import Row, row_of

from .conftest import event, exposure

RECEIVED = datetime(2026, 5, 4, 12, tzinfo=UTC)

ODD_TEXTS = [
    "",
    "a",
    "ü",
    "\u2028",
    "\x00",
    "\x7f",
    "\ud800",
    "\ufdd0",
    "\U0001f600",
    "x" * 2_048,
    "x" * 2_049,
]
TIMES = [
    "2026-05-04T10:00:00Z", "2026-05-04T10:00:00.123456Z", "2026-05-04t10:00:00z", "2026-05-04T10:00:00+02:00",
    "2026-05-04T23:59:60Z", "2026-05-04T10:00:00", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59.9999999Z",
    "2026-05-04T10:00:00." + "1" * 60 + "Z", "yesterday", "",
]  # fmt: skip
texts = st.sampled_from(ODD_TEXTS) | st.text(max_size=5)
numbers = st.integers() | st.sampled_from(
    [2**63, 2**64, -(2**63) - 1, -0.0, 1e308, float("nan"), float("inf")]
)
leaves = st.none() | st.booleans() | numbers | st.floats() | texts
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
exposed = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(
        (
            "feature_flag.key",
            "feature_flag.result.variant",
            "feature_flag.set.id",
            "feature_flag.context.id",
            "value",
        ),
        texts | leaves,
    ),
)
documents = st.fixed_dictionaries(
    {
        "specversion": st.just("1.0") | leaves,
        "id": st.just("e1") | texts | leaves,
        "source": st.just("test") | texts,
        "type": st.sampled_from(["order.placed", EXPOSURE]) | texts,
    },
    optional={
        "subject": texts | leaves,
        "time": st.sampled_from(TIMES) | leaves,
        "data": exposed | values,
        "datacontenttype": st.just("application/json") | texts | leaves,
        "dataschema": texts,
        "data_base64": texts,
        "recordedtime": leaves,
        "extension": leaves,
        "clockskew": leaves,
    },
)
extended = st.builds(
    lambda document, further: {**further, **document}, documents, st.dictionaries(texts, leaves, max_size=3)
)


def long_way(items: list[Any]) -> tuple[list[Row], list[Rejected]]:
    """What is true by definition."""
    rows, rejected = [], []
    for index, item in enumerate(items):
        found = read_event(item, received=RECEIVED)
        row = row_of(found) if isinstance(found, Event) else found
        if isinstance(row, tuple):
            rows.append(row)
        else:
            rejected.append(Rejected(index, row.reason))
    return rows, rejected


def short_way(items: list[Any]) -> tuple[list[Row], list[Rejected]]:
    read = rows_of(items, received=RECEIVED)
    assert len(read.refused) == len(read.rejected)
    return read.rows, read.rejected


@given(st.lists(documents | extended | values, max_size=4))
@example([event(1, data={"value": 2**64})])
@example([event(1, data={"a": {"b": 2**64}})])
@example([event(1, data="\ud800")])
@example([event(1, data={1: "a key that is no text"})])
@example([event(1, data={"when": RECEIVED})])
@example([event(1, data={"set": {1}})])
@example([event(1, data={"x": "y" * 1_048_576})])
@example([exposure(1, subject=...)])
@example([event(1, **{f"ext{number}": "x" for number in range(64)})])
@example([event(1, **{f"ext{number}": "x" for number in range(64)}, datacontenttype="text/plain")])
@example([event(1, b="1", datacontenttype="text/plain", a="", dataschema="x")])
@example([event(1, **{"x" * 129: 1})])
def test_any_documents_become_the_same_rows_and_refusals(items: list[Any]) -> None:
    assert repr(short_way(items)) == repr(long_way(items))


def as_json(document: Any) -> bytes | None:
    try:
        return msgspec.json.encode(document)
    except ValueError:  # halves of surrogate pairs, which no JSON can hold
        return None


@given(documents | extended)
@example(event(1, data={"value": 2**64}))
@pytest.mark.parametrize("kind", [PlainJson, msgspec.Raw])
def test_what_is_read_from_json_is_what_any_json_reader_gives(kind: Any, document: dict[str, Any]) -> None:
    raw = as_json(document)
    if raw is None:
        return
    try:
        item = msgspec.json.decode(raw, type=kind)
    except msgspec.ValidationError:  # not in the common shape
        return
    assert repr(short_way([item])) == repr(long_way([msgspec.json.decode(raw)]))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"1e400", "Number out of range"),
        (b'"\xff"', "it is not UTF-8 text"),
        (b'"\\ud800"', "half of a surrogate pair"),
        (b"[" * 10_000 + b"]" * 10_000, "it nests too deep"),
        (b"1" * 5_000, ""),
    ],
)
def test_data_that_is_no_json_costs_its_event_only(data: bytes, words: str) -> None:
    raw = msgspec.json.encode(event(1, data=5)).replace(b":5", b":" + data)
    rows, rejected = short_way([event(1), msgspec.Raw(raw), event(2)])
    assert len(rows) == 2
    assert rejected[0].index == 1
    assert words in rejected[0].reason


@pytest.mark.parametrize(
    "document",
    [
        event(1),
        event(1, time=...),
        event(1, subject=...),
        event(1, data=...),
        event(1, data={"value": 1.5, "currency": "EUR", "gift": False, "note": None}),
        event(1, data={"items": [{"sku": "a", "price": 3}]}),
        event(1, datacontenttype="application/json"),
        event(1, subject="Zoë"),
        event(1, traceparent="00-4bf9-00f0-01", sampled=True, attempt=2, region=""),
        event(1, traceparent="00-4bf9-00f0-01", datacontenttype="application/json"),
        exposure(1),
    ],
)
def test_common_events_go_the_short_way(document: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    expected = long_way([document])
    monkeypatch.setattr(module, "read_event", None)
    assert short_way([document]) == expected
    raw = msgspec.json.encode(document)
    if not (document.keys() & {"traceparent"}):
        assert short_way([msgspec.json.decode(raw, type=PlainJson)]) == expected
    assert short_way([msgspec.Raw(raw)]) == expected
