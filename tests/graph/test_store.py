"""The graph's transactions on both databases: what is written is read, now and in the past."""

from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from counterpoint.errors import InputError, NotAllowedError, NotFoundError, PreconditionError, WorkspaceError
from counterpoint.graph import SYSTEM, Actor, Graph, Writer
from counterpoint.graph.circles import circles_through, round_text
from counterpoint.graph.entity import Put
from tests.graph.documents import belief, bet, component, document, group, user

BO = Actor("user:default/bo", "Bo", "person")
ANA = Actor("user:default/ana", "Ana", "person")


def put(graph: Graph, *documents: dict[str, Any], actor: Actor = SYSTEM) -> list[Put]:
    """Write documents in one transaction."""
    with graph.write(actor) as writer:
        return [writer.put(document) for document in documents]


def names(graph: Graph, **filters: Any) -> list[str]:
    """Names on the first page of a list."""
    with graph.read() as reader:
        return [entity.name for entity in reader.find(**filters).items]


def relations(graph: Graph, ref: str, *, at: datetime | None = None) -> list[tuple[str, str]]:
    with graph.read() as reader:
        entity = reader.get(ref, at=at)
        assert entity is not None
        return [(edge.type, edge.target) for edge in entity.relations]


def test_a_person_is_added_by_a_unit_that_takes_them_in_or_by_themselves(graph: Graph) -> None:
    put(graph, group("home"), user("ana", "home"))
    with graph.write(Actor("user:default/root", "root", "local")) as writer:
        writer.put(group("other"))
    put(graph, user("new", "home"), actor=ANA)
    put(graph, user("bo"), actor=BO)
    for added, text in (
        (user("alone"), "Name a unit of yours in memberOf"),
        (user("elsewhere", "other"), "no member"),
        (user("root", "home"), "Somebody acts by this name already"),
    ):
        with pytest.raises(NotAllowedError, match=text):
            put(graph, added, actor=ANA)
    put(graph, user("alone"), actor=Actor("user:default/ana", "Ana", "person", admin=True))


def test_texts_of_our_own_kinds_have_a_length_that_can_be_read(graph: Graph) -> None:
    put(graph, component("long", metadata={"title": "x" * 5_000}))
    with pytest.raises(InputError) as refused:
        put(graph, titled("x" * 201, "y" * 50_001))
    assert [problem.pointer for problem in refused.value.problems] == [
        "/metadata/title",
        "/metadata/description",
    ]
    put(graph, titled("x" * 200, "y" * 50_000))


def titled(title: str, description: str) -> dict[str, Any]:
    made = bet("long")
    return {**made, "metadata": {**made["metadata"], "title": title, "description": description}}


def test_what_is_put_is_read(graph: Graph) -> None:
    [made] = put(graph, component("Player", metadata={"title": "The player", "description": "Plays."}))
    entity = made.entity
    assert (made.outcome, entity.ref, entity.kind, entity.namespace, entity.name) == (
        "created", "component:default/player", "Component", "default", "Player",
    )  # fmt: skip
    assert (entity.title, entity.description, entity.owner) == (
        "The player",
        "Plays.",
        "group:default/discovery",
    )
    assert len(entity.uid) == 36
    assert len(entity.etag) == 40
    with graph.read() as reader:
        assert reader.get("Component:PLAYER") == entity
        assert reader.require("component:default/player") == entity
        assert reader.by_uid(entity.uid) == entity
        assert reader.get_many(["component:player", "component:none"]) == {entity.ref: entity}
        assert reader.all(kind="component") == [entity]
        assert reader.get("component:none") is None
        with pytest.raises(NotFoundError, match="component:default/none"):
            reader.require("component:none")


def test_the_same_content_writes_nothing(graph: Graph) -> None:
    put(graph, component("player"))
    with graph.read() as reader:
        before = reader.last_activity()
    given = component("player")
    [again] = put(graph, {key: given[key] for key in reversed(given)})
    assert again.outcome == "unchanged"
    with graph.read() as reader:
        assert reader.last_activity() == before
        assert len(reader.history("component:player")) == 1


def test_the_uid_stays_through_changes_and_ends_with_the_entity(graph: Graph) -> None:
    [first] = put(graph, component("player"))
    uid = first.entity.uid
    [second] = put(graph, component("player", lifecycle="deprecated"))
    assert (second.outcome, second.entity.uid, second.entity.version) == ("updated", uid, 2)
    assert second.entity.etag != first.entity.etag
    with graph.write(SYSTEM) as writer:
        writer.delete("component:player")
        assert writer.get("component:player") is None
        assert writer.by_uid(uid) is None
    [third] = put(graph, component("player"))
    assert third.outcome == "created"
    assert third.entity.uid != uid
    with graph.read() as reader:
        history = reader.history("component:player")
    assert [(each.version, each.action) for each in history] == [
        (1, "created"),
        (2, "updated"),
        (3, "deleted"),
        (4, "created"),
    ]
    assert history[2].document is None


def test_relations_are_seen_from_both_ends_once(graph: Graph) -> None:
    put(graph, group("discovery", members=["ana"]), user("ana", "discovery"), component("player"))
    assert relations(graph, "user:ana") == [("memberOf", "group:default/discovery")]
    assert relations(graph, "group:discovery") == [
        ("hasMember", "user:default/ana"),
        ("ownerOf", "component:default/player"),
    ]
    put(graph, group("discovery"))
    assert ("hasMember", "user:default/ana") in relations(graph, "group:discovery")  # Ana still says so
    put(graph, user("ana"))
    assert relations(graph, "group:discovery") == [("ownerOf", "component:default/player")]


def test_a_relation_to_nothing_is_kept_and_found_when_its_target_comes(graph: Graph) -> None:
    put(graph, bet("weekly", beliefs=["taste"]))
    assert ("supportsBelief", "belief:default/taste") in relations(graph, "bet:weekly")
    put(graph, belief("taste"))
    assert ("supportedByBet", "bet:default/weekly") in relations(graph, "belief:taste")


def test_the_graph_can_be_asked_for_any_past_date(graph: Graph) -> None:
    [first] = put(graph, component("player", system="old"))
    then = first.entity.updated_at
    put(graph, component("player", system="new", type="library"), component("later"))
    with graph.write(SYSTEM) as writer:
        writer.delete("component:player")
    assert names(graph) == ["later"]
    assert names(graph, at=then) == ["player"]
    assert names(graph, at=then, type="library") == []
    assert names(graph, at=then, text="PLAY old") == ["player"]
    assert names(graph, at=datetime(2000, 1, 1, tzinfo=UTC)) == []
    assert relations(graph, "component:player", at=then) == [
        ("ownedBy", "group:default/discovery"),
        ("partOf", "system:default/old"),
    ]
    with graph.read() as reader:
        assert reader.facets("type", at=then) == [("service", 1)]
        with pytest.raises(InputError, match="zone"):
            reader.get("component:player", at=datetime(2026, 1, 1))  # noqa: DTZ001


def test_a_failing_transaction_leaves_nothing(graph: Graph) -> None:
    put(graph, component("before"))
    with pytest.raises(ZeroDivisionError), graph.write(SYSTEM) as writer:
        _write_and_fail(writer)
    assert names(graph) == ["before"]
    with graph.read() as reader:
        assert [each.action for each in reader.activity()] == ["entity.created"]
        assert reader.search("player") == []


def _write_and_fail(writer: Writer) -> None:
    writer.put(component("player"))
    writer.delete("component:before")
    writer.record("bet.decided", "bet:default/x")
    writer.flush()
    raise ZeroDivisionError


def test_one_bad_document_does_not_spoil_the_transaction(graph: Graph) -> None:
    with graph.write(SYSTEM) as writer:
        writer.put(component("good"))
        with pytest.raises(InputError) as caught:
            writer.put(component("bad", owner=""))
        writer.put(component("better"))
    assert caught.value.problems[0].pointer == "/spec/owner"
    assert names(graph) == ["better", "good"]


def test_two_versions_in_one_transaction_are_both_history(graph: Graph) -> None:
    put(graph, component("player"), component("player", type="library"), component("player", type="library"))
    with graph.read() as reader:
        assert [each.version for each in reader.history("component:player")] == [1, 2]
        assert reader.require("component:player").spec["type"] == "library"
        assert len(reader.search("library")) == 1
        assert reader.search("service") == []


def test_activity_tells_who_what_and_what_differs(graph: Graph) -> None:
    with graph.write(ANA) as writer:
        writer.put(component("player"), reason="We need one.")
        recorded = writer.record(
            "bet.decided", "bet:default/weekly", after={"decision": "ship"}, reason="It works."
        )
    put(graph, component("player", type="library"))
    with graph.read() as reader:
        newest, decided, created = reader.activity()
        assert (created.actor, created.action, created.reason) == (ANA.ref, "entity.created", "We need one.")
        assert decided == recorded
        assert (newest.before, newest.after) == ({"/spec/type": "service"}, {"/spec/type": "library"})
        assert reader.last_activity() == newest.seq
        assert reader.activity(subject="component:default/player") == [newest, created]
        assert reader.activity(action=["bet.decided"]) == [decided]
        assert reader.activity(actor=ANA.ref, limit=1) == [decided]
        assert reader.activity(before=newest.seq, after=created.seq) == [decided]


def test_a_changed_entity_is_not_overwritten_by_one_who_read_it_before(graph: Graph) -> None:
    [first] = put(graph, component("player"))
    etag = first.entity.etag
    put(graph, component("player", type="library"))
    with pytest.raises(PreconditionError), graph.write(SYSTEM) as writer:
        writer.put(component("player", type="website"), if_match=[etag])


def test_the_location_is_kept_until_another_is_given(graph: Graph) -> None:
    with graph.write(SYSTEM) as writer:
        writer.put(component("player"), location="file:a.yaml")
    put(graph, component("player", type="library"))
    assert names(graph, location="file:a.yaml") == ["player"]
    with graph.write(SYSTEM) as writer:
        assert writer.put(component("player", type="library"), location="file:b.yaml").outcome == "updated"
    assert names(graph, location="file:a.yaml") == []


def test_lists_are_filtered_and_counted(graph: Graph) -> None:
    put(
        graph,
        component("a", metadata={"tags": ["java", "web"]}),
        component(
            "b", owner="group:default/ops", type="library", metadata={"tags": ["java"], "namespace": "media"}
        ),
        component("c", lifecycle="experimental"),
        group("discovery"),
    )
    assert names(graph, kind="COMPONENT") == ["a", "b", "c"]
    assert names(graph, kind=["component", "group"], owner="discovery") == ["a", "c"]
    assert names(graph, kind=[]) == []
    assert names(graph, tag="java", type="library") == ["b"]
    assert names(graph, namespace="media") == ["b"]
    assert names(graph, lifecycle="experimental") == ["c"]
    assert names(graph, related=("ownedBy", "group:default/ops")) == ["b"]
    with graph.read() as reader:
        assert reader.facets("tag") == [("java", 2), ("web", 1)]
        assert reader.facets("tag", tag="web") == [("java", 1), ("web", 1)]
        assert reader.facets("kind") == [("Component", 3), ("Group", 1)]
        assert reader.facets("owner", kind="component") == [
            ("group:default/discovery", 2),
            ("group:default/ops", 1),
        ]
        with pytest.raises(InputError, match="facet"):
            reader.facets("document")


@pytest.mark.parametrize("order", ["name", "-name", "title", "-updated", "owner", "type"])
def test_pages_hold_everything_once_and_in_order(graph: Graph, order: str) -> None:
    put(
        graph,
        *(
            component(f"n{index % 3}", metadata={"namespace": f"s{index}", "title": f"Ä{index % 2}"})
            for index in range(7)
        ),
    )
    put(graph, component("b", owner="user:ana"), group("a"))
    with graph.read() as reader:
        whole = reader.find(order=order, limit=100)
        assert (whole.total, whole.next_cursor) == (9, None)
        walked, cursor = list[str](), None
        while True:
            page = reader.find(order=order, limit=2, cursor=cursor)
            assert page.total == 9
            walked += [entity.ref for entity in page.items]
            cursor = page.next_cursor
            if cursor is None:
                break
        assert walked == [entity.ref for entity in whole.items]
        for bad in ("x", "W10", "!!!"):
            with pytest.raises(InputError, match="cursor"):
                reader.find(order=order, cursor=bad)
        with pytest.raises(InputError, match="order"):
            reader.find(order="size")
        with pytest.raises(InputError, match="limit"):
            reader.find(limit=-1)


def test_text_is_ordered_by_code_point(graph: Graph) -> None:
    titles = ["a", "B", "Z", "ä", "é", "_", "10", "9", "🎵", "ﬀ"]
    put(graph, *(component(f"n{index}", metadata={"title": title}) for index, title in enumerate(titles)))
    with graph.read() as reader:
        assert [entity.title for entity in reader.find(order="title").items] == sorted(titles)


def test_a_user_belongs_to_units_and_their_ancestors(graph: Graph) -> None:
    put(
        graph,
        user("ana", "discovery"),
        group("discovery", parent="music"),
        group("music", parent="company", type="tribe"),
        group("company", parent="music"),  # a circle ends
        group("guild", members=["ana"]),
        group("other", parent="music"),
    )
    with graph.read() as reader:
        assert reader.units_of("user:ana") == {
            f"group:default/{name}" for name in ("discovery", "music", "company", "guild")
        }
        assert reader.units_of("user:nobody") == frozenset()


def test_a_person_changes_what_their_units_own_and_nothing_else(graph: Graph) -> None:
    put(
        graph,
        user("ana", "discovery"),
        group("discovery"),
        group("ops"),
        component("ours"),
        component("theirs", owner="ops"),
        component("lost", owner="gone"),
    )
    for name, owner in (("ours", "discovery"), ("lost", "gone"), ("new", "ops")):
        assert put(graph, component(name, owner=owner, type="library"), actor=ANA)
    for owner in ("ops", "discovery"):  # not even by taking it over
        with pytest.raises(NotAllowedError, match="group:default/ops"):
            put(graph, component("theirs", owner=owner, type="library"), actor=ANA)
    with pytest.raises(NotAllowedError), graph.write(ANA) as writer:
        writer.delete("component:theirs")
    with pytest.raises(NotAllowedError), graph.write(ANA) as writer:
        writer.require_write("component:theirs")
    with graph.write(ANA) as writer:
        writer.require_write("component:ours")
    put(graph, component("ours", owner="ops"), actor=ANA)  # what is ours may be given away
    with pytest.raises(NotAllowedError):
        put(graph, component("ours"), actor=ANA)


def test_nobody_joins_a_unit_to_gain_its_rights(graph: Graph) -> None:
    put(
        graph,
        user("ana", "discovery"),
        user("bo", "ops"),
        group("discovery"),
        group("ops"),
        component("theirs", owner="ops"),
    )
    for changed in (
        user("ana", "discovery", "ops"),
        group("ops", members=["ana"]),
        group("mine", parent="ops", members=["ana"]),
        user("bo", "discovery"),
    ):
        with pytest.raises(NotAllowedError):
            put(graph, changed, actor=ANA)
    put(graph, group("discovery", members=["bo"]), user("ana"), actor=ANA)


def test_nobody_puts_a_unit_above_another_to_bind_it_by_words_and_practices(graph: Graph) -> None:
    put(graph, user("ana", "discovery"), user("bo", "ops"), group("discovery"), group("ops"))
    with pytest.raises(NotAllowedError, match="group:default/ops"):
        put(graph, group("above", children=["ops"], members=["ana"]), actor=ANA)
    with pytest.raises(NotAllowedError, match="group:default/ops"):
        put(graph, group("discovery", children=["ops"]), actor=ANA)
    put(graph, group("above", children=["discovery", "to-come"], members=["ana"]), actor=ANA)
    put(graph, group("above", children=["discovery", "to-come"], members=["ana"], type="area"), actor=ANA)


@pytest.mark.parametrize(
    "spec",
    [
        {"profile": {"displayName": "Ana", "email": "boss@acme.example"}},
        {"profile": {"displayName": "Ana"}},
        {"profile": {"email": "ana@acme.example"}, "scim": {"userName": "boss@acme.example"}},
        {"profile": {"email": "ana@acme.example"}, "scim": {"deleted": True}},
    ],
)
def test_nobody_becomes_somebody_else_for_an_identity_provider(graph: Graph, spec: dict[str, Any]) -> None:
    known = user("ana")
    known["spec"]["profile"] = {"email": "ana@acme.example"}
    put(graph, known)
    changed = user("ana")
    changed["spec"] |= spec
    with pytest.raises(NotAllowedError, match="other systems know who it is"):
        put(graph, changed, actor=ANA)
    changed["spec"] |= {"profile": {"email": "ana@acme.example", "displayName": "Ana M"}}
    changed["spec"].pop("scim", None)
    put(graph, changed, actor=ANA)
    changed["spec"] |= spec
    put(graph, changed, actor=SYSTEM)


def test_what_a_person_owns_is_theirs_even_if_the_catalog_does_not_know_them(graph: Graph) -> None:
    put(graph, component("mine", owner=BO.ref), actor=BO)
    with pytest.raises(NotAllowedError, match=BO.ref):
        put(graph, component("mine", owner=ANA.ref), actor=ANA)
    put(graph, component("mine", owner=BO.ref, type="library"), actor=BO)
    put(graph, user("bo"))
    with graph.write(SYSTEM) as writer:
        writer.delete("user:bo")
    put(graph, component("mine", owner=ANA.ref), actor=ANA)  # Bo has left


def test_a_service_needs_the_scope_to_write(graph: Graph) -> None:
    with pytest.raises(NotAllowedError, match="scope 'write'"):
        put(
            graph,
            component("a"),
            actor=Actor("service:default/ci", "CI", "service", scopes=frozenset({"read"})),
        )
    put(
        graph, component("a"), actor=Actor("service:default/ci", "CI", "service", scopes=frozenset({"write"}))
    )


def test_a_reader_sees_one_state_whatever_is_written_meanwhile(graph: Graph) -> None:
    put(graph, component("a"))
    with graph.read() as reader:
        assert reader.last_activity() == 1
        put(graph, component("b"))
        assert reader.last_activity() == 1
        assert reader.find().total == 1


def test_a_reader_cannot_write(graph: Graph) -> None:
    with pytest.raises((WorkspaceError, sa.exc.DBAPIError), match="read"), graph.read() as reader:
        reader.connection.execute(sa.text("DELETE FROM activity"))


def test_a_room_writes_its_own_tables_in_the_same_transaction(graph: Graph) -> None:
    with graph.write(SYSTEM) as writer:
        writer.connection.execute(sa.text("CREATE TABLE bets_note (text TEXT NOT NULL)"))
    with pytest.raises(ZeroDivisionError), graph.write(SYSTEM) as writer:
        _note_and_fail(writer)
    with graph.read() as reader:
        assert reader.connection.execute(sa.text("SELECT count(*) FROM bets_note")).scalar() == 0


def _note_and_fail(writer: Writer) -> None:
    writer.connection.execute(sa.text("INSERT INTO bets_note VALUES ('x')"))
    raise ZeroDivisionError


def test_a_second_transaction_inside_the_first_is_refused_rather_than_waited_for(graph: Graph) -> None:
    with graph.write(SYSTEM), pytest.raises(RuntimeError), graph.write(SYSTEM):
        pass


def test_odd_text_is_answered_with_nothing_or_one_clear_error(graph: Graph) -> None:
    put(graph, component("player"))
    with graph.read() as reader:
        for term in ("", "   ", "%", "_", "'; DROP TABLE tag; --", "\x00", "🎵", "a" * 10_000):
            assert reader.search(term) == []
        with pytest.raises(InputError):
            reader.get("component:\x00")
        assert reader.find(type="\x00").items == ()
    with graph.write(SYSTEM) as writer:
        writer.record("bet.decided", "bet:default/x", after={"text": "\x00"}, reason="a\x00b")


def test_a_number_beyond_64_bits_is_an_input_error_on_both_databases(graph: Graph) -> None:
    with pytest.raises(InputError), graph.write(SYSTEM) as writer:
        writer.connection.execute(
            sa.text("INSERT INTO tag (value, revision) VALUES ('x', :number)"), {"number": 2**70}
        )


def test_the_newest_change_of_a_kind_is_found_for_each_subject(graph: Graph) -> None:
    with graph.write(SYSTEM) as writer:
        for number in range(3):
            writer.record("experiment.read", "experiment:default/a", after=number)
        writer.record("experiment.read", "experiment:default/b", after="b")
        writer.record("bet.decided", "experiment:default/a", after="other")
    with graph.read() as reader:
        subjects = [f"experiment:default/{name}" for name in "abc"]
        found = reader.newest_activity("experiment.read", subjects)
    assert {subject: entry.after for subject, entry in found.items()} == {subjects[0]: 2, subjects[1]: "b"}


def test_titles_are_told_of_those_that_exist(graph: Graph) -> None:
    with graph.write(SYSTEM) as writer:
        writer.put(document("Group", "search", {"type": "squad", "children": []}, title="Search squad"))
        writer.put(group("gone"))
        writer.delete("group:default/gone")
    with graph.read() as reader:
        assert reader.titles(["group:default/search", "Group:Search", "group:default/gone"]) == {
            "group:default/search": "Search squad"
        }


def test_a_token_that_may_only_read_begins_no_transaction(graph: Graph) -> None:
    reader = Actor("token:default/ci", "ci", "service", scopes=frozenset({"read"}))
    with pytest.raises(NotAllowedError, match="lacks the scope 'write'"), graph.write(reader) as writer:
        writer.record("experiment.read", "experiment:default/a")


def test_circles_are_found_through_any_of_their_units_and_from_below(graph):
    with graph.write(SYSTEM) as writer:
        for name, above in (("a", "b"), ("b", "c"), ("c", "b"), ("top", None), ("me", "me"), ("leaf", "a")):
            writer.put(group(name, **({"parent": above} if above else {})))
        ours = ("group:default/b", "group:default/c")
        for start in ("leaf", "a", "b", "c"):
            assert circles_through(writer, [f"group:default/{start}"]) == [ours]
        assert circles_through(writer, ["group:default/top"]) == []
        assert circles_through(writer, ["group:default/me", *ours]) == [ours, ("group:default/me",)]
        assert round_text(ours) == "group:default/b → group:default/c → group:default/b"
        for number in range(3_000):
            writer.put(group(f"deep-{number}", parent=f"deep-{number + 1}"))
        assert circles_through(writer, ["group:default/deep-0"]) == []
