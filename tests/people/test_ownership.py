"""Ownership at any date, orphans, sums over units, and retiring a unit."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterpoint.errors import ConflictError, InputError, NotAllowedError, NotFoundError
from counterpoint.graph import SYSTEM, Actor, Graph
from counterpoint.people.dates import When, now
from counterpoint.people.memberships import effective, join
from counterpoint.people.model import Membership
from counterpoint.people.ownership import hand_over, orphans, owned, tenures
from counterpoint.people.retirement import plan, retire
from counterpoint.people.rollup import Rollup, rollup, rollups
from counterpoint.people.store import read_person
from counterpoint.people.structure import load_structure
from tests.graph.documents import component, group, user
from tests.people.conftest import ADMIN

BEN = Actor("user:default/ben", "Ben", "person")
EVE = Actor("user:default/eve", "Eve", "person")
DISCOVERY, PLAYBACK, LISTENING = (f"group:default/{each}" for each in ("discovery", "playback", "listening"))


def things(graph: Graph, unit: str, *, nested: bool = False, when: When | None = None) -> list[str]:
    with graph.read() as reader:
        return [each.ref.rpartition("/")[2] for each in owned(reader, when or now(), unit, nested=nested)]


def present(graph: Graph) -> When:
    """The newest moment of the graph's history, to be asked for once it is the past."""
    with graph.read() as reader:
        at = reader.activity(limit=1)[0].at
    return When(at, at)


def test_who_owns_what_directly_and_with_all_parts(org):
    assert things(org, "discovery") == ["radio", "search"]
    assert things(org, "listening") == []
    assert things(org, "listening", nested=True) == ["radio", "search", "player"]


def test_ownership_is_right_for_past_dates_and_each_thing_has_one_owner(org):
    before = present(org)
    with org.write(SYSTEM) as writer:
        writer.put(component("radio", owner="playback"))
    assert things(org, "discovery") == ["search"]
    assert things(org, "discovery", when=before) == ["radio", "search"]
    with org.read() as reader:
        spans = tenures(reader, "component:default/radio")
        with pytest.raises(NotFoundError):
            tenures(reader, "component:default/nothing")
    assert [each.owner for each in spans] == [DISCOVERY, PLAYBACK]
    assert spans[0].end == spans[1].start
    assert spans[1].end is None


def test_what_is_owned_by_nobody_who_exists_is_an_orphan(org):
    with org.write(SYSTEM) as writer:
        writer.put(component("lyrics", owner="nobody"))
    with org.read() as reader:
        assert [(each.ref, each.why) for each in orphans(reader, now())] == [
            ("component:default/lyrics", "missing")
        ]


def test_a_unit_is_retired_only_with_a_new_home_for_each_thing(org):
    with pytest.raises(ConflictError) as refused:
        retire(org, "discovery", actor=ADMIN, homes={"component:default/radio": "playback"})
    assert [each.message for each in refused.value.problems] == ["component:default/search has no new home."]
    assert things(org, "discovery") == ["radio", "search"]
    with org.read() as reader:
        assert "lifecycle" not in reader.require(DISCOVERY).spec


def test_retiring_moves_things_and_parts_and_ends_memberships_at_once(org):
    with org.write(SYSTEM) as writer:
        writer.put(group("playlists", parent="discovery"))
        join(writer, Membership(person="user:default/dan", unit=DISCOVERY))
    before = present(org)
    with org.read() as reader:
        asked = plan(reader, "discovery", default="playback")
    assert not asked.homeless
    assert [(each.ref, each.to) for each in asked.parts] == [("group:default/playlists", LISTENING)]
    assert len(asked.members) == 3
    done = retire(org, "discovery", actor=BEN, default="playback", reason="Search is part of playing.")
    assert done.done
    assert things(org, "playback") == ["player", "radio", "search"]
    with org.read() as reader:
        assert reader.require("group:default/playlists").targets("childOf") == (LISTENING,)
        assert reader.require("user:default/ben").spec["memberOf"] == []
        assert effective(reader, now(), units=[DISCOVERY]) == []
        structure = load_structure(reader, now())
        assert DISCOVERY not in structure.units
        assert structure.retired[DISCOVERY].retired_on is not None
        past = load_structure(reader, before)
        assert DISCOVERY in past.units
        assert len(past.people_within(DISCOVERY)) == 3
        assert reader.activity(action="unit.retired")[0].reason == "Search is part of playing."
    assert things(org, "discovery", when=before) == ["radio", "search"]
    with pytest.raises(ConflictError, match="retired already"):
        retire(org, "discovery", actor=ADMIN)


def test_what_a_file_declares_stays_with_its_new_home_until_the_file_says_otherwise(org):
    here = "file:/srv/catalog.yaml"
    with org.write(SYSTEM) as writer:
        writer.put(component("radio"), location=here)
        writer.put(group("discovery", parent="listening"), location=here)
    retire(org, "discovery", actor=ADMIN, default="playback")

    def read_again(owner: str) -> str:
        with org.write(SYSTEM) as writer:
            put = writer.put(component("radio", owner=owner), location=here)
            writer.put(group("discovery", parent="listening"), location=here)
            return put.outcome

    assert read_again("discovery") == "unchanged"
    assert things(org, "playback") == ["player", "radio", "search"]
    with org.read() as reader:
        assert reader.require(DISCOVERY).spec["lifecycle"] == "retired"
        marks = reader.require("component:default/radio").metadata["annotations"]
    assert marks == {"counterpoint.dev/handed-over-from": DISCOVERY}
    assert read_again("playback") == "updated"
    with org.read() as reader:
        assert "annotations" not in reader.require("component:default/radio").metadata
    assert read_again("listening") == "updated"
    assert things(org, "listening") == ["radio"]
    assert read_again("discovery") == "updated"  # now it is what the file says


def test_a_new_home_must_exist_be_alive_and_be_another(org):
    with org.write(SYSTEM) as writer:
        writer.put(group("old", lifecycle="retired"))
    with org.read() as reader:
        for home, error in (
            ("nowhere", NotFoundError),
            ("old", InputError),
            ("component:default/player", InputError),
            ("discovery", InputError),
        ):
            with pytest.raises(error):
                plan(reader, "discovery", default=home)
        with pytest.raises(InputError) as refused:
            plan(reader, "discovery", {"component:default/player": "playback"})
    assert "neither owned by" in refused.value.problems[0].message


def test_strangers_can_neither_retire_a_unit_nor_hand_over_its_things(org):
    with pytest.raises(NotAllowedError):
        retire(org, "discovery", actor=EVE, default="playback")
    with org.write(EVE) as writer, pytest.raises(NotAllowedError):
        hand_over(writer, ["component:default/radio"], "playback")
    assert things(org, "discovery") == ["radio", "search"]


def test_a_person_in_several_units_counts_once_in_the_sum(org):
    with org.write(SYSTEM) as writer:
        join(writer, Membership(person="user:default/ana", unit=PLAYBACK))
        join(writer, Membership(person="user:default/dan", unit=LISTENING))
    with org.read() as reader:
        sums = rollups(reader, now())
        assert sums[DISCOVERY] == Rollup(1, 2, 2)
        assert sums[LISTENING] == Rollup(3, 3, 3)
        assert sums["group:default/acme"] == Rollup(4, 3, 3)
        assert rollup(reader, now(), [DISCOVERY, "group:default/backend"]) == Rollup(2, 3, 2)
        assert rollup(reader, now(), []) == Rollup()


UNITS = "uvwxyz"
PEOPLE = "abcd"


@settings(max_examples=25)
@given(
    parents=st.dictionaries(st.sampled_from(UNITS), st.sampled_from(UNITS), max_size=6),
    documents=st.sets(st.tuples(st.sampled_from(PEOPLE), st.sampled_from(UNITS))),
    dated=st.sets(st.tuples(st.sampled_from(PEOPLE), st.sampled_from(UNITS)), max_size=5),
    owners=st.lists(st.sampled_from(UNITS), max_size=5),
    gone=st.sets(st.sampled_from(UNITS), max_size=2),
    roots=st.sets(st.sampled_from(UNITS)),
)
def test_the_sums_are_those_of_a_naive_count(
    tmp_path_factory, parents, documents, dated, owners, gone, roots
):
    """Against a walk in plain Python, with circles of parents and retired units among them."""
    file = tmp_path_factory.mktemp("sums") / "graph.db"
    file.touch()
    with Graph(file) as graph:
        graph.migrate()
        with graph.write(SYSTEM) as writer:
            for name in UNITS:
                writer.put(group(name, **({"parent": parents[name]} if name in parents else {})))
            for name in PEOPLE:
                writer.put(user(name, *sorted(unit for person, unit in documents if person == name)))
            for number, owner in enumerate(owners):
                writer.put(component(f"c{number}", owner=owner))
            for person, unit in sorted(dated):
                join(writer, Membership(person=f"user:default/{person}", unit=f"group:default/{unit}"))
            for name in sorted(gone):
                document = writer.require(f"group:default/{name}").document
                writer.put(document | {"spec": document["spec"] | {"lifecycle": "retired"}})
        with graph.read() as reader:
            sums = rollups(reader, now())
            several = rollup(reader, now(), [f"group:default/{each}" for each in roots])
    live = [unit for unit in UNITS if unit not in gone]

    def inside(unit: str, seen: frozenset[str] = frozenset()) -> frozenset[str]:
        seen |= {unit}
        for part in live:
            if parents.get(part) == unit and part not in seen:
                seen = inside(part, seen)
        return seen

    def naive(units: frozenset[str]) -> Rollup:
        people = {person for person, unit in documents | dated if unit in units}
        return Rollup(len(units), len(people), sum(owner in units for owner in owners))

    assert sums == {f"group:default/{unit}": naive(inside(unit)) for unit in live}
    chosen = frozenset().union(*(inside(unit) for unit in roots if unit in live))
    assert several == naive(chosen)


def test_a_file_that_still_names_a_retired_unit_is_told_and_the_person_is_in_it_no_more(org):
    with org.write(SYSTEM) as writer:
        writer.put(user("ana", "discovery"), location="file:/srv/ana.yaml")
    decided = retire(org, "discovery", actor=ADMIN, default="playback")
    assert decided.named == ("user:default/ana",)
    with org.read() as reader:
        ana = read_person(reader, "ana", now())
        ben = read_person(reader, "ben", now())
    (stated,) = [each for each in ana.memberships if each.unit == DISCOVERY]
    assert not stated.current
    assert stated.words == "as its document says; the unit is retired"
    assert [each.unit for each in ben.memberships if each.current] == []


def test_a_person_at_a_date_is_in_units_by_the_names_of_then(org):
    before = present(org)
    with org.write(SYSTEM) as writer:
        document = group("discovery", type="squad", parent="listening")
        writer.put({**document, "metadata": {"name": "discovery", "title": "Found"}})
    with org.read() as reader:
        then, today = (read_person(reader, "ana", when) for when in (before, now()))
    assert [each.title for each in then.memberships if each.unit == DISCOVERY] == ["discovery"]
    assert [each.title for each in today.memberships if each.unit == DISCOVERY] == ["Found"]
