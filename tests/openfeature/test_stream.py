"""Server-sent events, however they are cut."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoint.openfeature.pauses import LONGEST_WISH, Pauses
from counterpoint.openfeature.stream import MOST, Message, Messages

STREAM = (
    b"\xef\xbb\xbf: hello\nid: 1\nevent: message\ndata: {\"a\":\ndata: 1}\n\n"
    b"retry: 1500\rid: 2\r\rdata:x\r\ndata: \xc3\xa9\r\n\r\nevent: lost\n\nid: a\0b\nretry: soon\ndata\n\ndata: cut off"
)  # fmt: skip
FOUND = [
    Message("message", '{"a":\n1}', "1"),
    Message("message", "x\né", "2"),
    Message("message", "", "2"),
]


@given(st.lists(st.integers(0, len(STREAM))))
def test_messages_are_the_same_however_the_stream_is_cut(cuts: list[int]) -> None:
    messages = Messages()
    edges = sorted({0, len(STREAM), *cuts})
    found = [message for start, end in pairwise(edges) for message in messages.feed(STREAM[start:end])]
    assert found == FOUND
    assert (messages.last_id, messages.retry) == ("2", 1.5)


@pytest.mark.parametrize("part", [b"x" * 100_000, b"data: " + b"x" * 100_000 + b"\n"])
def test_a_message_without_an_end_is_refused(part: bytes) -> None:
    messages = Messages()
    feeding = (message for _ in range(2 + MOST // len(part)) for message in messages.feed(part))
    with pytest.raises(ValueError, match="longer than"):
        list(feeding)


def test_pauses_grow_up_to_the_longest_and_are_never_quite_the_same() -> None:
    high, low = Pauses(1, 5, chance=lambda: 1.0), Pauses(1, 5, chance=lambda: 0.0)
    assert [high.after_failure() for _ in range(4)] == [1, 2, 4, 5]
    assert [low.after_failure() for _ in range(4)] == [0.5, 1, 2, 2.5]
    high.reset()
    assert high.after_failure() == 1
    assert high.spread(10) == pytest.approx(9)


def test_a_servers_wish_is_kept_within_reason() -> None:
    pauses = Pauses(1, 5, chance=lambda: 1.0)
    assert pauses.after_failure(30) == 30
    assert pauses.after_failure(10**9) == LONGEST_WISH
