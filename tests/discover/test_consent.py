"""Consent: one rule for what words come to, whoever reads them; a yes ends with being forgotten, a no does not."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoint import Workspace
from counterpoint.discover.consent import PURPOSES, Word, consents, declare, refusals, stands
from counterpoint.discover.forgetting import forget_listener
from counterpoint.discover.forgotten import forgotten
from counterpoint.discover.listening import listening_of
from counterpoint.discover.plan import plan_of
from counterpoint.discover.profile import Consents
from counterpoint.discover.profiles import consents_of
from counterpoint.discover.serving import service_of
from counterpoint.graph.actor import SYSTEM
from counterpoint.moments import to_datetime
from tests.discover.heard import NOW, REF, SPEC, event, opened, played, recommender, tell

WORDS = st.lists(st.builds(Word, st.integers(1, 5), st.booleans()), max_size=6)


@pytest.fixture
def either(each_database: None, tmp_path: Path) -> Iterator[Workspace]:
    """A workspace with two recommenders that need consent, on each database."""
    with opened(tmp_path / "workspace") as made:
        for name in ("weekly", "other"):
            recommender(made, name, consent="required")
        yield made


@given(WORDS, st.integers(0, 6))
def test_the_newest_word_holds_and_no_yes_outlives_a_forgetting(words: list[Word], until: int) -> None:
    held = stands(words, forgotten=until)
    newest = [each for each in words if each.at == max(one.at for one in words)]
    if any(each.refused for each in newest):
        assert held is False
    elif newest and newest[0].at > until:
        assert held is True
    else:
        assert held is None
    assert stands(reversed(words), forgotten=until) is held


def test_both_readers_find_the_same_words(workspace: Workspace) -> None:
    """One through an engine, of everybody; the other event by event."""
    recommender(workspace)
    service = service_of(workspace)
    kind = "dev.counterpoint.discover.consent"
    values = (True, False, "yes", 1, None)
    said = [
        event(kind, f"l{value}-{at}", NOW - timedelta(days=age), purpose=purpose, given=value)
        for value in values
        for at in range(2)
        for purpose in (*PURPOSES, "other")
        for age in (3, 2 + at)
    ]
    tell(workspace, said, [event(kind, "lTrue-1", NOW, purpose="research", given=False)])
    declare(workspace, "back", "personalisation", given=True, source="test")
    forget_listener(workspace, SYSTEM, "weekly", "lTrue-0")
    forget_listener(workspace, SYSTEM, None, "back")
    declare(workspace, "back", "advertising", given=True, source="test")
    with workspace.journal.snapshot() as snapshot:
        gone = forgotten(snapshot, REF)
        found = {each: consents(snapshot, each, forgotten=gone) for each in PURPOSES}
    names = sorted({each["subject"] for each in said} | {"back", "nobody"})
    for name in names:
        told = consents_of(service, SYSTEM, REF, name)
        assert told == Consents(**{each: found[each].get(name) for each in PURPOSES}), name
    assert found["advertising"]["back"]
    assert "lTrue-0" not in found["research"], "a yes of before the forgetting"
    assert found["research"]["lTrue-1"] is False
    assert found["personalisation"]["lyes-0"] is False


def test_a_yes_ends_with_being_forgotten_by_that_recommender_and_a_no_holds(either: Workspace) -> None:
    declare(either, "ana", "personalisation", given=True, source="app")
    declare(either, "ben", "personalisation", given=False, source="app")
    declare(either, "cem", "personalisation", given=True, source="app")
    forget_listener(either, SYSTEM, "weekly", "ana")
    forget_listener(either, SYSTEM, None, "ben")
    tell(either, [played(each, "new") for each in ("ana", "ben", "cem")])

    def heard(name: str) -> list[str]:
        plan = plan_of({**SPEC, "consent": "required"})
        cut = to_datetime(either.journal.now())
        found = listening_of(either, f"recommender:default/{name}", plan, until=cut)
        return [str(each) for each in found.listeners]

    assert heard("weekly") == ["cem"], "who was forgotten has agreed to nothing"
    assert heard("other") == ["ana", "cem"], "she was not forgotten there"
    service = service_of(either)
    assert consents_of(service, SYSTEM, "weekly", "ana") == Consents()
    assert consents_of(service, SYSTEM, "other", "ana").personalisation is True
    assert consents_of(service, SYSTEM, "weekly", "ben").personalisation is False
    assert not service.hearing.of(*service.plan("weekly"), "ana").personal
    declare(either, "ana", "personalisation", given=True, source="app")
    assert consents_of(service, SYSTEM, "weekly", "ana").personalisation is True
    assert heard("weekly") == ["ana", "cem"]


def test_words_against_are_counted(workspace: Workspace) -> None:
    assert refusals(workspace) == 0
    declare(workspace, "ana", "personalisation", given=True, source="app")
    declare(workspace, "ana", "research", given=False, source="app")
    assert refusals(workspace) == 0
    declare(workspace, "ana", "personalisation", given=False, source="app")
    tell(workspace, event("dev.counterpoint.discover.consent", "ben", purpose="personalisation", given="?"))
    assert refusals(workspace) == 2
