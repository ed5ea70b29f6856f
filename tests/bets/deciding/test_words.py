"""The decision log by words: what is found is what has them, whatever was said, changed or added, on both databases."""

from importlib import import_module

import msgspec
import sqlalchemy as sa

from counterpoint import Workspace
from counterpoint.bets.deciding.finding import finders
from counterpoint.bets.deciding.model import AdviceKind, Content, Option, Step
from counterpoint.bets.deciding.records import advise, all_records, propose, revise, take_step
from counterpoint.bets.deciding.search import search_log
from counterpoint.bets.deciding.words import MOST, RECORD_WORDS
from counterpoint.bets.decision_log import DECISION_WORDS, DECISIONS
from counterpoint.bets.decisions import decide
from counterpoint.graph import Graph
from counterpoint.graph.search import words_of
from counterpoint.web.finding import search

from .test_records import ANA, CONTENT, REF, UNIT, with_bet

MADE = import_module("counterpoint.graph.migrations.versions.0019_decision_words")


def titles(graph: Graph, words: str = "", **more: str) -> set[str]:
    return {entry.title for entry in search_log(graph, words=words, **more).items}


def test_a_decision_is_found_by_all_that_was_said_and_no_longer_by_what_was_taken_back(graph: Graph) -> None:
    with_bet(graph)
    full = Content(
        title="Ostriches",
        unit=UNIT,
        kind=CONTENT.kind,
        context="Because of geese",
        drivers=("swans",),
        options=(Option(title="Ducks", good=("teal",), bad=("mallard",)), Option(title="Eagles")),
        chosen="Ducks",
        because="Herons",
        good=("kites",),
        bad=("Ångström's owls",),
        more="wrens",
    )
    made = propose(graph, full, actor=ANA)
    advise(graph, made.number, AdviceKind.GIVEN, "Mind the ravens", actor=ANA)
    take = "ostriches geese swans ducks teal mallard eagles herons kites ÅNGSTRÖM owls wrens ravens"
    for word in take.split():
        assert titles(graph, word) == titles(graph, word[:3]) == {"Ostriches"}, word
    assert titles(graph, take) == {"Ostriches"}
    for word in ("trich", "other", "kind", "%", ":other", "zebra"):
        assert titles(graph, word) == set(), word
    assert titles(graph, "!?") == set()
    revise(graph, made.number, msgspec.structs.replace(full, title="Emus", context=""), actor=ANA)
    assert titles(graph, "geese") == titles(graph, "ostriches") == set()
    assert titles(graph, "emus ravens") == {"Emus"}
    take_step(graph, made.number, Step.ACCEPT, actor=ANA, reason="Pelicans agree")
    assert titles(graph, "pelicans", state="accepted") == {"Emus"}
    assert titles(graph, "pelicans", kind="bet") == set()


def test_a_decision_about_a_bet_is_found_by_what_the_bet_is_called_today(graph: Graph) -> None:
    with_bet(graph)
    decide(graph, REF, "persevere", actor=ANA, reason="The penguins came back")
    with graph.read() as reader:
        document = reader.require(REF).document
    assert len(search_log(graph, words="penguin persevere").items) == 1
    with graph.write(ANA) as writer:
        writer.put({**document, "metadata": {**document["metadata"], "title": "Albatross"}})
    assert [entry.bet for entry in search_log(graph, words="albatross penguins").items] == [REF]
    assert search_log(graph, words="albatross penguins", unit=UNIT).total == 1


def test_kinds_are_told_apart_without_reading_what_was_said(graph: Graph) -> None:
    with_bet(graph)
    for kind in ("product", "spend"):
        changed = msgspec.convert(msgspec.to_builtins(CONTENT) | {"kind": kind, "title": kind}, Content)
        propose(graph, changed, actor=ANA)
    decide(graph, REF, "persevere", actor=ANA)
    assert titles(graph, kind="spend") == {"spend"}
    assert {entry.kind for entry in search_log(graph, kind="bet").items} == {"bet"}
    assert search_log(graph, kind="people").total == 0


def test_what_the_migration_keeps_of_older_decisions_is_what_is_kept_of_new_ones(graph: Graph) -> None:
    with_bet(graph)
    first = propose(graph, CONTENT, actor=ANA)
    advise(graph, first.number, AdviceKind.DISSENT, "Straße, naïve", actor=ANA)
    revise(graph, first.number, msgspec.structs.replace(CONTENT, title="Anew"), actor=ANA)
    take_step(graph, first.number, Step.REJECT, actor=ANA, reason="No time")
    decide(graph, REF, "kill", actor=ANA, reason="Nobody opened it")
    tables = (RECORD_WORDS, DECISION_WORDS)
    with graph.read() as reader:
        kept = [set(reader.connection.execute(sa.select(table)).all()) for table in tables]
    assert all(kept)
    with graph.write(ANA) as writer:
        connection = writer.connection
        for table in tables:
            connection.execute(sa.delete(table))
        MADE.fill(connection)
        assert [set(connection.execute(sa.select(table)).all()) for table in tables] == kept


def test_of_a_text_without_end_the_first_words_are_kept(graph: Graph) -> None:
    with_bet(graph)
    long = " ".join(f"w{number}" for number in range(3_000))
    options = tuple(Option(title=f"o{place}", good=(f"{place} {long[:15_000]}",)) for place in range(1))
    context = " ".join(f"v{number}" for number in range(3_000))[:20_000]
    content = msgspec.structs.replace(CONTENT, context=context, options=options, chosen="o0")
    propose(graph, content, actor=ANA)
    said = set(words_of(f"{context} {options[0].good[0]}"))
    with graph.read() as reader:
        held = reader.connection.execute(sa.select(sa.func.count()).select_from(RECORD_WORDS)).scalar()
    assert len(said) > MOST
    assert held == MOST + 1  # and its kind
    assert titles(graph, "v2500") == {CONTENT.title}


def test_no_more_is_read_than_is_shown(graph: Graph) -> None:
    """Twenty records with the same word: of them a page of two reads two, by what the statements gave back."""
    with_bet(graph)
    for number in range(20):
        propose(graph, msgspec.structs.replace(CONTENT, title=f"Heron {number}"), actor=ANA)
    assert len(all_records(graph)) == 20
    asked: list[str] = []

    def listen(_conn, _cursor, statement, parameters, _context, _many):  # type: ignore[no-untyped-def]
        if "content" in statement:
            asked.append(str(parameters))

    with graph.read() as reader:
        engine = reader.connection.engine
    sa.event.listen(engine, "before_cursor_execute", listen)
    try:
        found = search_log(graph, words="heron", limit=2)
    finally:
        sa.event.remove(engine, "before_cursor_execute", listen)
    assert (len(found.items), found.total) == (2, 20)
    assert len(asked) == 1
    assert (
        asked[0].count(",") <= 3
    )  # the numbers of three records: two and the one that says that there are more


def test_decisions_of_bets_never_lose_their_words(graph: Graph) -> None:
    with_bet(graph)
    made = decide(graph, REF, "persevere", actor=ANA, reason="A flamingo")
    with graph.read() as reader:
        seq = reader.connection.execute(sa.select(DECISIONS.c.seq).where(DECISIONS.c.id == made.id)).scalar()
        words = reader.connection.execute(sa.select(DECISION_WORDS).where(DECISION_WORDS.c.seq == seq))
        assert {row.word for row in words} == {"persevere", "a", "flamingo"}


def test_the_search_of_everything_finds_records_by_what_was_said(workspace: Workspace) -> None:
    graph = with_bet(workspace.graph)
    propose(graph, msgspec.structs.replace(CONTENT, title="Storks nest here"), actor=ANA)
    propose(graph, msgspec.structs.replace(CONTENT, context="Where do storks go?"), actor=ANA)
    found = search(workspace, "stork", limit=5, finders=finders).items
    assert [(each.kind, each.title, each.url) for each in found] == [
        ("Decision", "Storks nest here", "/decisions/1"),
        ("Decision", CONTENT.title, "/decisions/2"),
    ]
    assert found[0].owner == UNIT
    assert search(workspace, "zebra", limit=5, finders=finders).items == ()
