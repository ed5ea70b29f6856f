"""What is kept of refused events: a class of reasons and a shape, and nothing of a person."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoint.journal import Journal, Refusal, read_event
from counterpoint.journal.model.event import Event
from counterpoint.journal.model.refusals import REASONS, REQUESTS, reason_of, sample_of
from counterpoint.journal.model.row import row_of

from .conftest import event

NOW = datetime(2026, 5, 4, tzinfo=UTC)
DEEP: Any = []
for _ in range(70):
    DEEP = [DEEP]

WRONG = [
    ("no-object", "text"),
    ("no-object", [event()]),
    ("specversion", event(specversion=...)),
    ("specversion", event(specversion="0.3")),
    ("missing", event(id=...)),
    ("missing", event(source="")),
    ("attribute", event(type=7)),
    ("attribute", event(subject={"name": "Bob"})),
    ("length", event(source="s" * 3000)),
    ("characters", event(id="a\x00b")),
    ("characters", event(comment="\ud800")),
    ("time", event(time="yesterday")),
    ("time", event(time=12)),
    ("time", event(time="2026-05-04T10:00:00")),
    ("data-value", event(data={"value": float("nan")})),
    ("data-value", event(data={"value": 2**70})),
    ("data-value", event(data="\ud800")),
    ("data-depth", event(data=DEEP)),
    ("data-size", event(data="x" * 1_100_000)),
    ("data-base64", event(data_base64="AA==")),
    ("data-base64", event(data=..., data_base64=7)),
    ("data-base64", event(data=..., data_base64="?")),
    ("attribute-name", event(**{"a\nb": 1})),
    ("extension", event(traits=["tall"])),
    ("extensions", event(**{f"a{number}": 1 for number in range(70)})),
]


@pytest.mark.parametrize(("reason", "document"), WRONG)
def test_every_refusal_of_an_event_is_in_a_class(reason: str, document: Any) -> None:
    found = read_event(document, received=NOW)
    found = row_of(found) if isinstance(found, Event) else found
    assert isinstance(found, Refusal)
    assert reason_of(found.reason) == reason


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        ("json", "line 3 is not valid JSON: it ends too early"),
        ("json", "not valid JSON: JSON is malformed: invalid character (byte 4)"),
        ("line-length", "the line has more than 2,097,152 bytes"),
        (
            "log-event",
            "/resourceLogs/0/scopeLogs/0/logRecords/1: a record 'x' is not kept; only the event ...",
        ),
        ("log-record", "/resourceLogs/0/scopeLogs/0/logRecords/1: feature_flag.key is missing"),
        ("other", "something new about bob@example.com"),
    ],
)
def test_lines_and_log_records_are_in_classes_too(reason: str, text: str) -> None:
    assert reason_of(text) == reason


def test_reasons_have_keys_of_their_own_and_a_remedy() -> None:
    keys = [each.key for each in (*REASONS, *REQUESTS)]
    assert len(keys) == len(set(keys))
    assert all(each.title and each.remedy.endswith(".") for each in (*REASONS, *REQUESTS))


SECRET = "bob@example.com"
LEAKS = [
    event(subject=SECRET, time="never"),
    event(subject=f"{SECRET}\x00"),
    event(subject=SECRET * 500),
    event(subject={"mail": SECRET}),
    event(subject=[SECRET]),
    event(id=f"{SECRET}\x00"),
    event(id=SECRET * 500),
    event(data={SECRET: {SECRET: [SECRET]}}, time="never"),
    event(data={"value": float("nan"), "mail": SECRET}),
    event(data=..., data_base64=SECRET),
    event(data=SECRET, data_base64=SECRET),
    event(**{SECRET: 1}, time="never"),
    event(**{f"{SECRET}\n": SECRET}),
    event(mail=SECRET, time="never"),
    event(mail=[SECRET]),
    event(mail=SECRET * 500),
    event(type={"mail": SECRET}),
    event(source=[SECRET]),
    event(specversion={"mail": SECRET}),
    event(time={"mail": SECRET}),
    [SECRET],
    {SECRET: SECRET},
    SECRET,
]


def test_nothing_of_a_person_is_kept_of_a_refused_event(open_journal: Callable[..., Journal]) -> None:
    journal = open_journal()
    for document in LEAKS:
        assert journal.append([document]).rejected
    journal.refuse([f"/resourceLogs/0/scopeLogs/0/logRecords/0: {SECRET} is no text", f"line 1: {SECRET}"])
    journal.refuse([f"mail is {SECRET!r}: which is no number"], rows=True)
    shown = repr(journal.samples()) + repr(journal.refusals())
    journal.close()
    kept = b"".join(path.read_bytes() for path in Path(journal.folder).rglob("*") if path.is_file())
    for trace in (SECRET, "bob", "example.com"):
        assert trace not in shown
        assert trace.encode() not in kept


def test_a_sample_tells_what_was_there_and_of_what_form() -> None:
    document = event(time="never", comment=7, flag=True, traits=["tall"], data=None)
    found = json.loads(sample_of({**document, "data_base64": msgspec.Raw(b'{"a": 1}')}))
    assert found == {
        "specversion": "1.0",
        "type": "order.placed",
        "source": "test",
        "time": "never",
        "id": "(text of 2 characters)",
        "subject": "(text of 6 characters)",
        "data_base64": "(JSON of 8 bytes)",
        "comment": "(a number)",
        "flag": "(true or false)",
        "traits": "(a list of 1)",
    }


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=12,
    )
)
def test_a_sample_can_be_made_of_anything_and_is_short(document: Any) -> None:
    found = sample_of(document)
    assert len(found) <= 300
    found.encode()
