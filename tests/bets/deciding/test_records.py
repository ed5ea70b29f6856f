"""Decision records: any sequence of steps leaves a record that only grew, and no path is blocked to who decides."""

import tempfile
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from counterpoint.bets.deciding.boundaries import BoundaryKind, boundaries, set_boundary
from counterpoint.bets.deciding.model import (
    AdviceKind,
    Content,
    DecisionRecord,
    DecisionState,
    Option,
    Stance,
    Step,
    check_content,
)
from counterpoint.bets.deciding.records import (
    GroundsWantedError,
    advise,
    all_records,
    propose,
    record,
    revise,
    take_step,
)
from counterpoint.bets.deciding.search import search_log, unit_latency
from counterpoint.bets.decisions import decide
from counterpoint.errors import ConflictError, InputError, NotAllowedError, NotFoundError
from counterpoint.graph.actor import SYSTEM
from counterpoint.graph.store import Graph
from tests.bets.judgement.test_predicting import ANA, BO, CY, REF, with_bet

UNIT = "group:default/discovery"
CONTENT = Content(
    title="Store playlists as lists",
    unit="discovery",
    context="Where do playlists live?",
    options=(Option(title="Lists", good=("simple",)), Option(title="Graph", bad=("new to us",))),
    chosen="Lists",
    because="everybody knows them",
)


def tribe(graph: Graph) -> Graph:
    with_bet(graph)
    theirs = {"apiVersion": "backstage.io/v1alpha1", "kind": "Group"}
    with graph.write(SYSTEM) as writer:
        for name, spec in (("search", {}), ("music", {"children": ["discovery"]})):
            writer.put(
                theirs | {"metadata": {"name": name}, "spec": {"type": "squad", "children": []} | spec}
            )
    return graph


def test_a_decision_goes_from_proposal_over_advice_to_acceptance(graph: Graph) -> None:
    made = propose(tribe(graph), CONTENT, actor=BO)  # anybody may propose
    assert (made.number, made.state, made.content.unit) == (1, DecisionState.PROPOSED, UNIT)
    asked = advise(graph, 1, AdviceKind.ASKED, "Does it hold for a million?", actor=ANA, whom="search")
    assert asked.state is DecisionState.ADVICE
    assert [row.whom for row in asked.waiting] == ["group:default/search"]
    advise(graph, 1, AdviceKind.GIVEN, "It does.", actor=CY, stance=Stance.FOR)
    advise(graph, 1, AdviceKind.GIVEN, "Not for two.", actor=BO, stance=Stance.AGAINST)
    done = take_step(graph, 1, Step.ACCEPT, actor=ANA, reason="Enough for years.")
    assert done.state is DecisionState.ACCEPTED
    assert done.decided is not None
    assert done.decided.reason == "Enough for years."
    assert [row.text for row in done.dissent] == ["Not for two."]
    late = advise(graph, 1, AdviceKind.DISSENT, "I still think so.", actor=BO)
    assert [row.text for row in late.dissent] == ["Not for two.", "I still think so."]
    assert late.state is DecisionState.ACCEPTED


def test_nobody_needs_advice_to_accept(graph: Graph) -> None:
    propose(tribe(graph), CONTENT, actor=ANA)
    assert take_step(graph, 1, Step.ACCEPT, actor=ANA).state is DecisionState.ACCEPTED


def test_where_the_unit_asks_for_it_a_reason_is_wanted_and_then_it_is_accepted(graph: Graph) -> None:
    pack = {
        "apiVersion": "counterpoint.dev/v1",
        "kind": "PolicyPack",
        "metadata": {"name": "ours"},
        "spec": {"owner": "discovery", "units": ["discovery"], "policies": {"I8": "ask_reason"}},
    }
    tribe(graph)
    with graph.write(SYSTEM) as writer:
        writer.put(pack)
    propose(graph, CONTENT, actor=ANA)
    with pytest.raises(GroundsWantedError, match="Nobody is named who is affected"):
        take_step(graph, 1, Step.ACCEPT, actor=ANA)
    assert (
        take_step(graph, 1, Step.ACCEPT, actor=ANA, reason="Only we use it.").state is DecisionState.ACCEPTED
    )


def test_only_the_deciding_unit_decides_and_a_decided_record_keeps_its_words(graph: Graph) -> None:
    propose(tribe(graph), CONTENT, actor=BO)
    for step in (Step.ACCEPT, Step.REJECT):
        with pytest.raises(NotAllowedError):
            take_step(graph, 1, step, actor=BO)
    with pytest.raises(NotAllowedError):
        revise(graph, 1, CONTENT, actor=CY)
    changed = revise(graph, 1, sa_replace(CONTENT, title="Lists it is"), actor=BO, version=1)
    assert (changed.version, changed.content.title) == (2, "Lists it is")
    with pytest.raises(ConflictError, match="Somebody has changed"):
        revise(graph, 1, CONTENT, actor=ANA, version=1)
    take_step(graph, 1, Step.REJECT, actor=ANA, reason="Not now.")
    with pytest.raises(ConflictError, match="keeps its words"):
        revise(graph, 1, CONTENT, actor=ANA)
    with pytest.raises(ConflictError, match="takes its place"):
        take_step(graph, 1, Step.ACCEPT, actor=ANA)


def sa_replace(content: Content, **changes: Any) -> Content:
    import msgspec

    return msgspec.structs.replace(content, **changes)


def test_accepting_one_that_supersedes_ends_the_other(graph: Graph) -> None:
    propose(tribe(graph), CONTENT, actor=ANA)
    take_step(graph, 1, Step.ACCEPT, actor=ANA)
    propose(graph, sa_replace(CONTENT, title="A graph after all", chosen="Graph", supersedes=1), actor=ANA)
    assert record(graph, 1).state is DecisionState.ACCEPTED
    take_step(graph, 2, Step.ACCEPT, actor=ANA)
    old = record(graph, 1)
    assert (old.state, old.superseded_by) == (DecisionState.SUPERSEDED, 2)
    with pytest.raises(InputError) as refused:
        propose(graph, sa_replace(CONTENT, unit="search", supersedes=2), actor=ANA)
    assert refused.value.problems[0].pointer == "/supersedes"


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"title": " "}, "/title"),
        ({"unit": "nobody"}, "/unit"),
        ({"bet": "nothing"}, "/bet"),
        ({"chosen": "Neither"}, "/chosen"),
        ({"review_on": "soon"}, "/reviewOn"),
        ({"supersedes": 9}, "/supersedes"),
    ],
)
def test_bad_content_is_refused_with_its_place(graph: Graph, changes: dict[str, Any], pointer: str) -> None:
    with pytest.raises(InputError) as refused:
        propose(tribe(graph), sa_replace(CONTENT, **changes), actor=ANA)
    assert [problem.pointer for problem in refused.value.problems] == [pointer]
    assert all_records(graph) == ()


def test_asking_nobody_and_saying_nothing_is_refused(graph: Graph) -> None:
    propose(tribe(graph), CONTENT, actor=ANA)
    for whom, text, pointer in (("nobody", "?", "/whom"), ("", "?", "/whom"), ("search", " ", "/text")):
        with pytest.raises(InputError) as refused:
            advise(graph, 1, AdviceKind.ASKED, text, actor=ANA, whom=whom)
        assert refused.value.problems[0].pointer == pointer
    with pytest.raises(NotFoundError):
        record(graph, 2)


def test_the_log_is_searched_by_words_and_holds_the_decisions_about_bets(graph: Graph) -> None:
    propose(tribe(graph), CONTENT, actor=ANA)
    decide(graph, REF, "kill", actor=ANA, reason="Nobody opened it.")
    assert [entry.kind for entry in search_log(graph).items] == ["bet", "other"]
    assert [entry.title for entry in search_log(graph, words="GRAPH lists").items] == [CONTENT.title]
    assert [entry.bet for entry in search_log(graph, words="nobody opened").items] == [REF]
    assert search_log(graph, unit="search").total == 0
    with pytest.raises(NotFoundError, match="nix"):
        search_log(graph, unit="nix")
    assert search_log(graph, state="proposed").items[0].waits == "for advice to be asked, or for a decision"
    page = search_log(graph, limit=1)
    assert (len(page.items), page.total) == (1, 2)
    rest = search_log(graph, limit=1, cursor=page.next_cursor)
    assert ([*page.items, *rest.items], rest.next_cursor) == ([*search_log(graph).items], None)
    # What is decided meanwhile moves nothing: the next page begins where the first one ended.
    decide(graph, REF, "persevere", actor=ANA, reason="It came back.")
    assert search_log(graph, limit=1, cursor=page.next_cursor).items == rest.items
    with pytest.raises(InputError, match="no cursor"):
        search_log(graph, cursor="1")
    assert unit_latency(graph, UNIT).open == 1


def test_the_log_pages_as_it_searches_whatever_is_asked_for(graph: Graph) -> None:
    with_bet(graph)
    for number in range(6):
        found = propose(graph, msgspec.structs.replace(CONTENT, title=f"Number {number}"), actor=ANA)
        if number % 3 == 0:
            advise(graph, found.number, AdviceKind.ASKED, "What do you say?", actor=ANA, whom=UNIT)
        elif number % 3 == 1:
            take_step(graph, found.number, Step.ACCEPT, actor=ANA, reason="Because.")
        decide(graph, REF, "persevere", actor=ANA, reason=f"Go on, number {number}.")
    for asked in (
        {},
        {"unit": UNIT},
        {"state": "accepted"},
        {"state": "advice"},
        {"state": "nothing"},
        {"kind": "bet"},
    ):
        searched = search_log(graph, words="number", limit=100, **asked)  # reads all of them
        listed, cursor = [], None
        while True:
            page = search_log(graph, limit=4, cursor=cursor, **asked)
            listed += page.items
            assert page.total == searched.total
            if (cursor := page.next_cursor) is None:
                break
        assert tuple(listed) == searched.items
    assert len(search_log(graph, limit=100).items) == 12


def test_the_boundaries_of_a_unit_and_those_above_it_are_shown_together(graph: Graph) -> None:
    tribe(graph)
    set_boundary(graph, "music", BoundaryKind.SPEND, "Up to 50 kEUR a quarter", actor=SYSTEM)
    set_boundary(graph, "discovery", BoundaryKind.SPEND, "Up to 5 kEUR", actor=ANA)
    set_boundary(graph, "discovery", BoundaryKind.BRAND, "No logo", actor=ANA)
    set_boundary(graph, "discovery", BoundaryKind.BRAND, " ", actor=ANA)
    assert [(each.unit, each.text) for each in boundaries(graph, "discovery")] == [
        (UNIT, "Up to 5 kEUR"),
        ("group:default/music", "Up to 50 kEUR a quarter"),
    ]
    with pytest.raises(NotAllowedError):
        set_boundary(graph, "discovery", BoundaryKind.RISK, "None", actor=BO)


@pytest.mark.parametrize("table", ["bets_record", "bets_record_step", "bets_record_advice", "bets_boundary"])
def test_the_database_keeps_what_was_decided(graph: Graph, table: str) -> None:
    propose(tribe(graph), CONTENT, actor=ANA)
    advise(graph, 1, AdviceKind.ASKED, "?", actor=ANA, whom="search")
    set_boundary(graph, "discovery", BoundaryKind.SPEND, "5", actor=ANA)
    for statement in (f"UPDATE {table} SET actor = 'x'", f"DELETE FROM {table}"):
        with pytest.raises(sa.exc.DBAPIError), graph.write(SYSTEM) as writer:
            writer.connection.exec_driver_sql(statement)


class Deciding(RuleBasedStateMachine):
    """Ana's unit decides in any order, others advise; an open decision can always be accepted and rejected."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(prefix="counterpoint-")
        file = Path(self.folder.name) / "graph.db"
        file.touch()
        self.graph = Graph(file)
        self.graph.migrate()
        tribe(self.graph)
        self.records: dict[int, DecisionRecord] = {}

    def teardown(self) -> None:
        self.graph.close()
        self.folder.cleanup()

    @rule(supersedes=st.integers(0, 3))
    def propose(self, supersedes: int) -> None:
        old = supersedes if supersedes in self.records else None
        made = propose(self.graph, sa_replace(CONTENT, supersedes=old), actor=BO)
        self.records[made.number] = made

    @rule(which=st.integers(1, 4), kind=st.sampled_from(AdviceKind))
    def advise(self, which: int, kind: AdviceKind) -> None:
        if which not in self.records:
            return
        before = record(self.graph, which)
        actor = ANA if kind is AdviceKind.ASKED else CY
        try:
            after = advise(self.graph, which, kind, "So.", actor=actor, whom="search")
        except ConflictError:
            assert kind is AdviceKind.ASKED
            assert not before.state.open
        else:
            assert after.advice[:-1] == before.advice

    @rule(which=st.integers(1, 4), step=st.sampled_from([Step.ACCEPT, Step.REJECT]))
    def decide(self, which: int, step: Step) -> None:
        if which not in self.records:
            return
        before = record(self.graph, which)
        try:
            after = take_step(self.graph, which, step, actor=ANA)
        except ConflictError:
            assert not before.state.open
        else:
            assert before.state.open
            assert after.state is (DecisionState.ACCEPTED if step is Step.ACCEPT else DecisionState.REJECTED)

    @invariant()
    def the_log_only_grows(self) -> None:
        found = {each.number: each for each in all_records(self.graph)}
        assert found.keys() == self.records.keys()
        for number, before in self.records.items():
            assert found[number].steps[: len(before.steps)] == before.steps
            assert found[number].content == before.content
        self.records = found


TestDeciding: Any = Deciding.TestCase
TestDeciding.settings = settings(max_examples=6, stateful_step_count=12, deadline=None)


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"review": "x" * 20_001}, "/review"),
        ({"drivers": ("x" * 20_001,)}, "/drivers"),
        ({"options": (Option(title="Lists", good=("x" * 20_001,)),)}, "/options"),
    ],
)
def test_no_text_of_a_decision_is_without_end(changes: dict[str, Any], pointer: str) -> None:
    with pytest.raises(InputError) as caught:
        check_content(msgspec.structs.replace(CONTENT, **changes))
    assert [each.pointer for each in caught.value.problems] == [pointer]
