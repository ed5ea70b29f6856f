"""Decision records as MADR's Markdown, there and back."""

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterpoint.bets.deciding.madr import from_markdown, to_markdown
from counterpoint.bets.deciding.model import (
    Advice,
    AdviceKind,
    Content,
    DecisionRecord,
    DecisionState,
    Kind,
    Option,
    Stance,
    check_content,
)
from counterpoint.errors import InputError

AT = datetime(2026, 5, 3, 9, tzinfo=UTC)
LINE = (
    st.text(
        st.characters(codec="utf-8", exclude_categories=("C", "Z"), exclude_characters='"'),
        min_size=1,
        max_size=20,
    )
    .map(str.strip)
    .filter(
        lambda text: text and not re.match(r"[*\-#\\]|(?i:good|bad)|```|---", text) and not text.endswith("#")
    )
)
PROSE = st.lists(st.one_of(LINE, st.sampled_from(["", "# no heading", "```", "* an item"])), max_size=4).map(
    lambda lines: "\n".join(lines).strip()
)
OPTIONS = st.lists(
    st.builds(
        Option,
        title=LINE,
        good=st.lists(LINE, max_size=2).map(tuple),
        bad=st.lists(LINE, max_size=2).map(tuple),
    ),
    max_size=3,
    unique_by=lambda option: option.title,
).map(tuple)
REFS = st.lists(st.sampled_from(["group:default/search", "user:default/ana"]), max_size=2, unique=True).map(
    tuple
)


@st.composite
def contents(draw: st.DrawFn) -> Content:
    options = draw(OPTIONS)
    chosen = draw(st.sampled_from([option.title for option in options])) if options else draw(LINE)
    return check_content(
        Content(
            title=draw(LINE),
            unit="group:default/search",
            kind=draw(st.sampled_from(Kind)),
            context=draw(PROSE),
            drivers=tuple(draw(st.lists(LINE, max_size=3))),
            options=options,
            chosen=chosen,
            because=draw(LINE),
            good=tuple(draw(st.lists(LINE, max_size=2))),
            bad=tuple(draw(st.lists(LINE, max_size=2))),
            deciders=draw(REFS),
            consulted=draw(REFS),
            informed=draw(REFS),
            review_on=draw(st.sampled_from(["", "2026-09-30"])),
            supersedes=draw(st.sampled_from([None, 3])),
            more=draw(PROSE),
        )
    )


def recorded(content: Content, **more: object) -> DecisionRecord:
    return DecisionRecord(
        number=7,
        version=1,
        state=DecisionState.PROPOSED,
        content=content,
        proposed_at=AT,
        proposed_by="user:default/ana",
        **more,
    )


@settings(max_examples=150)
@given(contents())
def test_what_is_written_is_read_again(content: Content) -> None:
    assert from_markdown(to_markdown(recorded(content))) == content


TEMPLATE = """---
status: "accepted"
date: 2026-05-03
decision-makers: [ana, bo]
consulted:
  - "search"
informed: everybody
---

# Use Plain JUnit5 for advanced test assertions

## Context and Problem Statement

How to write readable test assertions?
How to write advanced ones?

## Considered Options

* Plain JUnit5
* Hamcrest
* AssertJ

## Decision Outcome

Chosen option: "Plain JUnit5", because it is a standard.

### Consequences

* Good, because tests are readable
* Bad, because more code is needed

### Confirmation

A review looks at it.

## Pros and Cons of the Options

### Plain JUnit5

Homepage: https://junit.org

* Good, because developers know it
* Bad, because complex assertions are hard

### Hamcrest

* Neutral, because it is old

## Our Own Section

Kept.
"""


def test_a_file_as_others_write_it_is_read_and_nothing_is_lost() -> None:
    found = from_markdown(TEMPLATE, unit="group:default/search")
    assert found.title == "Use Plain JUnit5 for advanced test assertions"
    assert found.context.startswith("How to write readable")
    assert [option.title for option in found.options] == ["Plain JUnit5", "Hamcrest", "AssertJ"]
    assert found.options[0].good == ("developers know it",)
    assert found.options[0].bad == ("complex assertions are hard",)
    assert (found.chosen, found.because) == ("Plain JUnit5", "it is a standard.")
    assert (found.good, found.bad) == (("tests are readable",), ("more code is needed",))
    assert (found.deciders, found.consulted, found.informed) == (("ana", "bo"), ("search",), ("everybody",))
    assert found.kind is Kind.ARCHITECTURE
    assert "A review looks at it." in found.more
    assert "Kept." in found.more


def test_advice_and_dissent_are_written_with_their_words() -> None:
    row = Advice(
        kind=AdviceKind.DISSENT,
        whom="",
        text="Too\nearly.",
        stance=Stance.AGAINST,
        actor="user:default/bo",
        at=AT,
    )
    text = to_markdown(recorded(Content(title="T", unit="group:default/a"), advice=(row,)))
    assert "* 2026-05-03, dissent (against), user:default/bo: Too early." in text
    assert from_markdown(text).more == ""


@pytest.mark.parametrize(
    ("text", "pointer"),
    [
        ("", "/title"),
        ("Just text.", "/title"),
        ("# T\n", "/unit"),
        ("---\nreview-on: soon\nunit: a\n---\n# T\n", "/reviewOn"),
    ],
)
def test_what_is_no_record_is_refused_with_its_place(text: str, pointer: str) -> None:
    with pytest.raises(InputError) as refused:
        from_markdown(text)
    assert [problem.pointer for problem in refused.value.problems] == [pointer]
