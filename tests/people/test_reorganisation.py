"""A reorganisation replayed step by step: whatever was true at a moment is answered for that moment ever after.

The machine keeps a plain copy of the organisation after every step; at the end, and on the way, the graph
is asked for those moments and must answer what the copy says.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from counterpoint.errors import ConflictError
from counterpoint.graph import SYSTEM, Graph
from counterpoint.moments import to_datetime
from counterpoint.people.dates import When, now
from counterpoint.people.importing import import_files
from counterpoint.people.managers import lines, manager_of, set_manager
from counterpoint.people.memberships import effective, end, join, moment_of_writing, recorded
from counterpoint.people.model import ManagerLine, Membership, holds, moment_of
from counterpoint.people.organisation import draw
from counterpoint.people.ownership import orphans, owned
from counterpoint.people.retirement import retire
from counterpoint.people.rollup import rollups
from counterpoint.people.structure import load_structure
from tests.graph.documents import component, group, user

PEOPLE = ("ana", "ben", "cleo", "dan")
UNITS = ("north", "east", "south", "west")
THINGS = ("player", "search", "radio")
ROOT = "acme"


def ref(name: str) -> str:
    kind = "user" if name in PEOPLE else "component" if name in THINGS else "group"
    return f"{kind}:default/{name}"


@dataclass(frozen=True)
class Organisation:
    """What is true at a moment, in plain Python."""

    members: frozenset[tuple[str, str]] = frozenset()
    parents: frozenset[tuple[str, str]] = frozenset()
    titles: frozenset[tuple[str, str]] = frozenset()
    owners: frozenset[tuple[str, str]] = frozenset()
    managers: frozenset[tuple[str, str]] = frozenset()


def seen(graph: Graph, when: When) -> Organisation:
    """What the graph says of a moment."""
    with graph.read() as reader:
        structure = load_structure(reader, when)
        managed = [manager_of(reader, ref(person), when) for person in PEOPLE]
        things = owned(reader, when)
    return Organisation(
        frozenset((_name(each.person), _name(each.unit)) for each in structure.memberships),
        frozenset((each.name, _name(each.parent)) for each in structure.units.values() if each.parent),
        frozenset((each.name, each.title) for each in structure.units.values()),
        frozenset((_name(each.ref), _name(each.owner)) for each in things),
        frozenset((_name(each.person), _name(each.manager)) for each in managed if each),
    )


def _name(text: str | None) -> str:
    return str(text).rpartition("/")[2]


class Reorganisation(RuleBasedStateMachine):
    """Units come, move, are renamed and retired; people join and leave; things change hands."""

    make: Callable[[], Graph]

    @initialize()
    def found(self) -> None:
        self.graph = type(self).make()
        self.past: list[tuple[datetime, Organisation]] = []
        with self.graph.write(SYSTEM) as writer:
            writer.put(group(ROOT, type="organisation"))
            for name in PEOPLE:
                writer.put(user(name))
            for name in THINGS:
                writer.put(component(name, owner=ROOT))
            self.at = to_datetime(writer.now)
        self.members: set[tuple[str, str]] = set()
        self.parents: dict[str, str] = {}
        self.titles = {ROOT: ROOT}
        self.owners = dict.fromkeys(THINGS, ROOT)
        self.managers: dict[str, str] = {}
        self.remember()

    def remember(self) -> None:
        self.past.append((self.at, self.present()))

    def present(self) -> Organisation:
        return Organisation(
            frozenset(self.members),
            frozenset(self.parents.items()),
            frozenset(self.titles.items()),
            frozenset(self.owners.items()),
            frozenset(self.managers.items()),
        )

    def write(self, change: Callable[[Any], Any]) -> Any:
        with self.graph.write(SYSTEM) as writer:
            made = change(writer)
            self.at = to_datetime(writer.now)
        return made

    @rule(unit=st.sampled_from(UNITS), parent=st.sampled_from((ROOT, *UNITS)), title=st.sampled_from("XYZ"))
    def make_or_move_or_rename(self, unit: str, parent: str, title: str) -> None:
        if parent not in self.titles or self._inside(parent, unit):
            return
        self.write(
            lambda writer: writer.put(
                group(unit, parent=parent) | {"metadata": {"name": unit, "title": title}}
            )
        )
        self.titles[unit], self.parents[unit] = title, parent
        self.remember()

    def _inside(self, unit: str, above: str) -> bool:
        here: str | None = unit
        while here is not None and here != above:
            here = self.parents.get(here)
        return here == above

    @rule(person=st.sampled_from(PEOPLE), unit=st.sampled_from(UNITS))
    def join(self, person: str, unit: str) -> None:
        if unit not in self.titles or (person, unit) in self.members:
            return

        def change(writer: Any) -> None:
            join(writer, Membership(person=ref(person), unit=ref(unit), start=moment_of_writing(writer)))

        self.write(change)
        self.members.add((person, unit))
        self.remember()

    @precondition(lambda self: self.members)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        person, unit = data.draw(st.sampled_from(sorted(self.members)))

        def change(writer: Any) -> None:
            here = moment_of_writing(writer)
            for each in recorded(writer, person=ref(person)):
                if each.unit == ref(unit) and holds(each, here):
                    end(writer, str(each.id), here)

        self.write(change)
        self.members.discard((person, unit))
        self.remember()

    @rule(thing=st.sampled_from(THINGS), unit=st.sampled_from((ROOT, *UNITS)))
    def hand_over(self, thing: str, unit: str) -> None:
        if unit in self.titles:
            self.write(lambda writer: writer.put(component(thing, owner=unit)))
            self.owners[thing] = unit
            self.remember()

    @rule(person=st.sampled_from(PEOPLE), manager=st.sampled_from(PEOPLE))
    def manage(self, person: str, manager: str) -> None:
        if person == manager or self.managers.get(person) == manager:
            return

        def change(writer: Any) -> None:
            line = ManagerLine(person=ref(person), manager=ref(manager), start=moment_of_writing(writer))
            set_manager(writer, line)

        here: str | None = manager
        while here is not None and here != person:
            here = self.managers.get(here)
        if here == person:
            with pytest.raises(ConflictError):
                self.write(change)
            return
        self.write(change)
        self.managers[person] = manager
        self.remember()

    @rule(unit=st.sampled_from(UNITS), home=st.sampled_from((ROOT, *UNITS)))
    def retire(self, unit: str, home: str) -> None:
        if unit not in self.titles or home not in self.titles or home == unit:
            return
        things = [thing for thing, owner in self.owners.items() if owner == unit]
        if things:
            with pytest.raises(ConflictError):
                retire(self.graph, unit, actor=SYSTEM)
        retire(self.graph, unit, actor=SYSTEM, default=home)
        with self.graph.read() as reader:
            self.at = reader.activity(limit=1)[0].at
        self.owners |= dict.fromkeys(things, home)
        self.members = {each for each in self.members if each[1] != unit}
        above = self.parents.pop(unit, None)
        for part in [each for each, parent in self.parents.items() if parent == unit]:
            del self.parents[part]
            if above is not None:
                self.parents[part] = above
        del self.titles[unit]
        self.remember()

    @invariant()
    def every_moment_is_answered_as_it_was(self) -> None:
        if not hasattr(self, "past"):
            return
        assert seen(self.graph, now()) == self.present()
        for at, known in self.past[-1:] + self.past[:: max(1, len(self.past) // 3)]:
            assert seen(self.graph, When(at, at)) == known

    @invariant()
    def nothing_is_without_an_owner_and_nobody_has_two_managers(self) -> None:
        if not hasattr(self, "past"):
            return
        with self.graph.read() as reader:
            assert orphans(reader, now()) == []
            for person in PEOPLE:
                spans = lines(reader, person=ref(person))
                assert not any(
                    one is not other and holds(one, moment_of(other.start))
                    for one in spans
                    for other in spans
                    if other.start is not None
                )

    @invariant()
    def the_graph_s_relations_are_the_memberships(self) -> None:
        if not hasattr(self, "past"):
            return
        with self.graph.read() as reader:
            for person in PEOPLE:
                held = {each.unit for each in effective(reader, now(), person=ref(person))}
                assert set(reader.require(ref(person)).targets("memberOf")) == held

    def teardown(self) -> None:
        if hasattr(self, "graph"):
            self.graph.close()


STEPS = settings(
    max_examples=5, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck)
)


def test_any_reorganisation_is_answered_for_every_moment_of_it_on_sqlite():
    with TemporaryDirectory() as folder:
        count = iter(range(100_000))

        def make() -> Graph:
            file = Path(folder) / f"{next(count)}.db"
            file.touch()
            graph = Graph(file)
            graph.migrate()
            return graph

        machine = type("OnSqlite", (Reorganisation,), {"make": staticmethod(make)})
        run_state_machine_as_test(machine, settings=STEPS)


@pytest.mark.postgresql
def test_any_reorganisation_is_answered_for_every_moment_of_it_on_postgresql(postgresql_url):
    import uuid

    import sqlalchemy as sa

    def make() -> Graph:
        name = f"reorg_{uuid.uuid4().hex}"
        url = sa.make_url(postgresql_url)
        engine = sa.create_engine(
            url.set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool
        )
        with engine.connect() as connection:
            connection.exec_driver_sql(f'CREATE DATABASE "{name}"')
        engine.dispose()
        graph = Graph(url.set(database=name).render_as_string(hide_password=False))
        graph.migrate()
        return graph

    machine = type("OnPostgresql", (Reorganisation,), {"make": staticmethod(make)})
    run_state_machine_as_test(machine, settings=settings(STEPS, max_examples=2, stateful_step_count=8))


def test_a_scripted_reorganisation_by_imports_and_calls_is_right_for_past_dates(graph, tmp_path):
    """Found, split, moved, merged, retired: through files that replace each other, and through the store."""

    def imported(**files: str) -> datetime:
        paths = []
        for name, text in files.items():
            path = tmp_path / f"{name}.csv"
            path.write_text(text)
            paths.append(path)
        report = import_files(graph, SYSTEM, paths, complete=True)
        assert not report.failed, report.problems
        with graph.read() as reader:
            return reader.activity(limit=1)[0].at

    units = (
        "unit,title,type,parent\nacme,Acme,organisation,\nmusic,Music,tribe,acme\nsound,Sound,squad,music\n"
    )
    founded = imported(
        units=units, people="person,unit,role\nana,sound,lead\nben,sound,member\ncleo,sound,member\n"
    )
    with graph.write(SYSTEM) as writer:
        writer.put(component("player", owner="sound"))
        writer.put(component("library", owner="sound"))
        stocked = to_datetime(writer.now)
    split = imported(
        units=units + "shelf,Shelf,squad,music\n",
        people="person,unit,role\nana,sound,lead\nben,sound,member\ncleo,shelf,lead\n",
    )
    with graph.write(SYSTEM) as writer:
        writer.put(component("library", owner="shelf"))
    renamed = imported(units=units.replace("sound,Sound", "sound,Playback") + "shelf,Shelf,squad,acme\n")
    merged = retire(graph, "shelf", actor=SYSTEM, default="sound")
    with graph.write(SYSTEM) as writer:
        join(
            writer,
            Membership(
                person="user:default/cleo", unit="group:default/sound", start=moment_of_writing(writer)
            ),
        )
        last = to_datetime(writer.now)

    def at(moment: datetime) -> tuple[dict[str, int], dict[str, str], dict[str, str]]:
        when = When(moment, moment)
        with graph.read() as reader:
            drawn = draw(load_structure(reader, when))
            things = {_name(each.ref): _name(each.owner) for each in owned(reader, when)}
            sums = rollups(reader, when)
        assert all(sums[each.ref].people == each.people for each in drawn.places)
        people = {each.title: each.people for each in drawn.places}
        return people, {each.title: _name(each.parent) for each in drawn.places}, things

    assert merged.done
    assert at(founded)[0] == {"Acme": 3, "Music": 3, "Sound": 3}
    assert at(stocked)[2] == {"player": "sound", "library": "sound"}
    people, parents, _ = at(split)
    assert people == {"Acme": 3, "Music": 3, "Sound": 2, "Shelf": 1}
    assert parents["Shelf"] == "music"
    people, parents, things = at(renamed)
    assert people == {"Acme": 3, "Music": 2, "Playback": 2, "Shelf": 1}
    assert parents["Shelf"] == "acme"
    assert things == {"player": "sound", "library": "shelf"}
    people, _, things = at(last)
    assert people == {"Acme": 3, "Music": 3, "Playback": 3}
    assert things == {"player": "sound", "library": "sound"}


def test_memberships_from_before_the_graph_began_are_answered_with_the_unit_as_first_recorded(graph):
    with graph.write(SYSTEM) as writer:
        writer.put(group("acme", type="organisation"))
        writer.put(group("sound", parent="acme"))
        writer.put(user("ana"))
        start, stop = date(2024, 1, 1), date(2025, 1, 1)
        join(writer, Membership(person="user:default/ana", unit="group:default/sound", start=start, end=stop))
    then = datetime(2024, 6, 1, tzinfo=UTC)
    with graph.read() as reader:
        drawn = draw(load_structure(reader, When(then, then)))
        much_later = then + timedelta(days=365)
        later = draw(load_structure(reader, When(much_later, much_later)))
    assert {each.title: each.people for each in drawn.places} == {"acme": 1, "sound": 1}
    assert later.places == ()
