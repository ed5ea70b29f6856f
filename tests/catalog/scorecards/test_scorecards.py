"""What scorecards say now: of an entity, of an owner, and after every kind of change."""

import math
from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from counterpoint.catalog.scorecards import store
from counterpoint.catalog.scorecards.facts import PROVIDERS, Provider
from counterpoint.catalog.scorecards.model import Exemption, exempt_until, expired
from counterpoint.catalog.scorecards.reported import Report, report
from counterpoint.catalog.scorecards.standing import Standing, standing_of
from counterpoint.errors import InputError, NotFoundError
from counterpoint.graph import SYSTEM, Ref
from counterpoint.graph.descriptor import validate
from counterpoint.graph.scorecard import check_scorecard
from counterpoint.graph.tables import revision
from tests.catalog.scorecards.conftest import CARD, card, put
from tests.graph.documents import component, group, user

READY = "scorecard:default/ready"
TODAY = date(2026, 5, 3)


def outcomes(workspace, ref, at=None):
    found = {
        each.scorecard: each for each in store.of_entity(workspace, Ref("component", "default", ref), at)
    }
    return {check.id: check.outcome for check in found[READY].checks} if READY in found else None


def test_each_check_has_its_outcome_and_counts(carded):
    assert outcomes(carded, "web") == {"owned": "passes", "live": "passes", "covered": "fails"}
    assert outcomes(carded, "lost") == {"owned": "fails", "live": "passes", "covered": "fails"}
    (view,) = store.list_scorecards(carded)
    assert view.entities == 3
    assert [(each.id, each.passes, each.fails) for each in view.checks] == [
        ("owned", 2, 1),
        ("live", 3, 0),
        ("covered", 0, 3),
    ]
    assert "coverage" in view.notes[0]


def test_what_comes_next_is_the_first_level_that_lacks_something(carded):
    (lost,) = store.of_entity(carded, Ref("component", "default", "lost"))
    assert (lost.next_level, [check.id for check in lost.next]) == ("known", ["owned"])
    assert lost.next[0].remedy == "Name a unit."
    (web,) = store.of_entity(carded, Ref("component", "default", "web"))
    assert (web.next_level, [check.id for check in web.next]) == ("cared for", ["covered"])


def test_owners_come_by_name_with_the_units_below_them(carded):
    assert [each.owner for each in store.of_owners(carded)] == [
        "group:default/nobody",
        "group:default/platform",
        "group:default/player",
    ]
    below = store.of_owners(carded, owner="platform")
    assert [(each.owner, [item.entity for item in each.items]) for each in below] == [
        ("group:default/platform", ["component:default/core"]),
        ("group:default/player", ["component:default/web"]),
    ]
    assert [each.owner for each in store.of_owners(carded, owner="platform", nested=False)] == [
        "group:default/platform"
    ]
    with pytest.raises(NotFoundError):
        store.of_owners(carded, scorecard=Ref("scorecard", "default", "none"))


def test_a_change_of_the_entity_or_of_its_neighbour_changes_the_outcome(carded):
    assert outcomes(carded, "lost")["owned"] == "fails"
    put(carded, group("nobody"))
    assert outcomes(carded, "lost")["owned"] == "passes"
    with carded.graph.write(SYSTEM) as writer:
        writer.delete("group:default/nobody")
    assert outcomes(carded, "lost")["owned"] == "fails"
    put(carded, component("web", owner="player", lifecycle="deprecated"))
    assert outcomes(carded, "web")["live"] == "fails"
    with carded.graph.write(SYSTEM) as writer:
        writer.delete("component:default/web")
    assert outcomes(carded, "web") is None


def test_a_change_of_the_scorecard_asks_everything_again(carded):
    assert outcomes(carded, "web") is not None
    put(carded, card(filter={"kind": "API"}))
    assert outcomes(carded, "web") is None
    with carded.graph.write(SYSTEM) as writer:
        writer.delete(READY)
    assert store.list_scorecards(carded) == []


def test_an_exemption_holds_through_its_last_day_and_is_told_when_it_has_ended(carded):
    today = datetime.now(UTC).date()
    exempt = {"entity": "web", "check": "covered", "reason": "It is rewritten.", "until": today.isoformat()}
    put(carded, card(exemptions=[exempt]))
    assert outcomes(carded, "web")["covered"] == "exempt"
    (web,) = store.of_entity(carded, Ref("component", "default", "web"))
    assert web.next == ()
    put(carded, card(exemptions=[exempt | {"until": (today - timedelta(days=1)).isoformat()}]))
    assert outcomes(carded, "web")["covered"] == "fails"
    (web,) = store.of_entity(carded, Ref("component", "default", "web"))
    assert (web.next[0].expired, web.next[0].reason) == (True, "It is rewritten.")


def test_a_new_day_ends_exemptions_without_any_change(carded):
    exempt = {"entity": "web", "reason": "Later.", "until": "2026-05-03"}
    put(carded, card(exemptions=[exempt]))
    now = [datetime(2026, 5, 3, 23, 59, 59, tzinfo=UTC)]
    standing = Standing(carded, lambda: now[0])
    assert "e" in standing.now().held[READY]["component:default/web"].letters
    now[0] += timedelta(seconds=1)
    assert "e" not in standing.now().held[READY]["component:default/web"].letters


@pytest.mark.parametrize(
    ("until", "holds"), [(date(2026, 5, 2), False), (TODAY, True), (date(2026, 5, 4), True)]
)
def test_exemptions_end_after_their_last_day(until, holds):
    each = Exemption("component:default/web", "why", until)
    assert (exempt_until([each], "x", TODAY) is each) is holds
    assert (expired([each], "x", TODAY) is each) is not holds


def test_nothing_is_asked_of_people(carded):
    put(carded, user("ana", "player"), card(filter={}, checks=[CARD["spec"]["checks"][1]]))
    held = standing_of(carded).now().held[READY]
    assert "component:default/web" in held
    assert not [ref for ref in held if ref.startswith("user:")]
    problems = validate(card(filter={"kind": "User"}))
    assert [problem.pointer for problem in problems] == ["/spec/filter/kind"]
    with pytest.raises(InputError, match="about people"):
        report(carded, SYSTEM, Ref("user", "default", "ana"), Report({"speed": 3}))


@pytest.mark.parametrize(
    ("spec", "pointer"),
    [
        ({"checks": []}, "/spec/checks"),
        ({"checks": [{"id": "a", "title": "A"}]}, "/spec/checks/0/predicate"),
        ({"checks": [{"id": "a b", "title": "A", "predicate": {}}]}, "/spec/checks/0/id"),
        ({"checks": [{"id": "a", "title": "A", "predicate": {}}] * 2}, "/spec/checks/1/id"),
        ({"checks": [{"id": "a", "title": "A", "predicate": {"x": None}}]}, "/spec/checks/0/predicate/x"),
        (
            {"levels": [], "checks": [{"id": "a", "title": "A", "level": "x", "predicate": {}}]},
            "/spec/checks/0/level",
        ),
        (
            {"checks": [{"id": "a", "title": "A", "predicate": {}, "link": "javascript:alert(1)"}]},
            "/spec/checks/0/link",
        ),
        ({"checks": [{"id": "a", "title": "A", "predicate": {}, "link": "//evil"}]}, "/spec/checks/0/link"),
        ({"checks": [{"id": f"a{i}", "title": "A", "predicate": {}} for i in range(101)]}, "/spec/checks"),
        ({"levels": ["a", "a"]}, "/spec/levels/1"),
        ({"filter": {"$x": 1}}, "/spec/filter/$x"),
        ({"exemptions": [{"entity": "web", "reason": "x", "until": "soon"}]}, "/spec/exemptions/0/until"),
        ({"exemptions": [{"entity": "web", "reason": "x"}]}, "/spec/exemptions/0/until"),
        (
            {"exemptions": [{"entity": ":", "reason": "x", "until": "2026-01-01"}]},
            "/spec/exemptions/0/entity",
        ),
        (
            {"exemptions": [{"entity": "web", "check": "no", "reason": "x", "until": "2026-01-01"}]},
            "/spec/exemptions/0/check",
        ),
    ],
)
def test_a_scorecard_that_is_not_valid_is_refused_with_the_place(spec, pointer):
    assert pointer in {problem.pointer for problem in validate(card(**spec))}


def test_a_stored_scorecard_that_cannot_be_read_is_shown_as_broken_beside_good_ones(carded):
    put(carded, CARD | {"metadata": {"name": "other", "title": "Other"}})
    with carded.graph.write(SYSTEM) as writer:
        broken = '{"apiVersion":"counterpoint.dev/v1","kind":"Scorecard","metadata":{"name":"ready","namespace":"default"},"spec":{"owner":"platform","checks":[{"id":"a","title":"A","predicate":{"$x":1}}]}}'
        writer.connection.execute(sa.update(revision).where(revision.c.ref == READY).values(document=broken))
        writer.record("entity.updated", READY)
    views = {view.ref: view for view in store.list_scorecards(carded)}
    assert "/spec/checks/0/predicate/$x" in views[READY].problems[0]
    assert views["scorecard:default/other"].entities == 3


NAMES = st.sampled_from(["a", "b", "c", "d"])
CHANGES = st.lists(
    st.one_of(
        st.tuples(st.just("put"), NAMES, NAMES, NAMES, st.sampled_from(["production", "deprecated"])),
        st.tuples(st.just("unit"), NAMES),
        st.tuples(st.just("drop"), st.sampled_from(["component", "group"]), NAMES),
        st.tuples(st.just("fact"), NAMES, st.integers(70, 90)),
        st.tuples(st.just("look")),
    ),
    max_size=15,
)
ASKED = [
    {"id": "owned", "title": "o", "predicate": {"fact.owner.exists": True}},
    {"id": "used", "title": "u", "predicate": {"fact.dependants.count": {"$gte": 1}}},
    {"id": "whole", "title": "w", "predicate": {"fact.relations.missing.count": 0}},
    {"id": "needs", "title": "n", "predicate": {"fact.relations.dependsOn.exists": True}},
    {"id": "covered", "title": "c", "predicate": {"fact.coverage": {"$gte": 80}}},
    {"id": "live", "title": "l", "predicate": {"spec.lifecycle": "production"}},
]


@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(changes=CHANGES)
def test_following_changes_gives_what_asking_everything_gives(tmp_path_factory, changes):
    from counterpoint import Workspace

    with Workspace.create(tmp_path_factory.mktemp("w") / "w", name="T") as workspace:
        put(workspace, card(levels=[], checks=ASKED))
        kept = standing_of(workspace)
        for change in changes:
            with workspace.graph.write(SYSTEM) as writer:
                match change:
                    case ("put", name, owner, other, lifecycle):
                        writer.put(
                            component(
                                name, owner=owner, lifecycle=lifecycle, dependsOn=[f"component:{other}"]
                            )
                        )
                    case ("unit", name):
                        writer.put(group(name))
                    case ("drop", kind, name):
                        if writer.exists(f"{kind}:{name}"):
                            writer.delete(f"{kind}:{name}")
            if change[0] == "fact":
                ref = Ref("component", "default", change[1])
                with workspace.graph.read() as reader:
                    there = reader.exists(ref)
                if there:
                    report(workspace, SYSTEM, ref, Report({"coverage": change[2]}))
            if change[0] == "look":
                kept.now()
        for ref in ("component:default/a", "component:default/b"):
            one = {card: held[ref] for card, held in kept.about(ref).held.items() if ref in held}
            assert one == {
                card: held[ref] for card, held in Standing(workspace).now().held.items() if ref in held
            }
        assert kept.now().held == Standing(workspace).now().held


def test_facts_from_elsewhere_are_asked_and_one_that_stumbles_harms_no_other(carded, monkeypatch):
    def docs(_workspace, entity, _reader):
        if entity.name == "web":
            raise RuntimeError("the folder is gone")
        return {"docs.present": True, "docs.pages": None}

    monkeypatch.setitem(PROVIDERS, "docs", Provider(docs, lambda *_: ()))
    checks = [
        {"id": "docs", "title": "d", "predicate": {"fact.docs.present": True}},
        {"id": "pages", "title": "p", "predicate": {"fact.docs.pages": {"$gte": 1}}},
        CARD["spec"]["checks"][1] | {"level": "known"},
    ]
    put(carded, card(checks=checks))
    assert outcomes(carded, "web") == {"docs": "fails", "pages": "fails", "live": "passes"}
    assert outcomes(carded, "core") == {"docs": "passes", "pages": "fails", "live": "passes"}


def test_facts_from_elsewhere_are_asked_again_after_a_while_and_the_graph_s_own_are_not(carded, monkeypatch):
    asked = []
    provider = Provider(
        lambda _workspace, entity, _reader: asked.append(entity.name) or {},
        lambda *_: ["component:default/web"],
    )
    monkeypatch.setitem(PROVIDERS, "docs", provider)
    clock = [1_000.0]
    monkeypatch.setattr("counterpoint.catalog.scorecards.standing.time.monotonic", lambda: clock[0])
    standing = Standing(carded)
    kept = standing.now()
    clock[0] += 10_000
    assert standing.now() is kept
    assert standing.fresh_for() == math.inf
    put(
        carded,
        card(checks=[{"id": "docs", "title": "d", "predicate": {"fact.docs.present": True}}], levels=[]),
    )
    kept = standing.now()
    assert len(asked) == 3
    clock[0] += 61 + 1_000 * kept.took
    assert standing.fresh_for() == 0
    assert standing.now() is kept
    assert standing.now(patience=1) is not kept
    assert asked[3:] == ["web"], "only what has such facts is asked again"


def test_a_scorecard_that_would_ask_too_much_of_every_entity_is_refused():
    predicate = {"$any": [{"spec.type": f"t{number}"} for number in range(99)]}
    checks = [{"id": f"c{number}", "title": "t", "predicate": predicate} for number in range(11)]
    (problem,) = validate(card(checks=checks, levels=[]))
    assert problem.pointer == "/spec/checks"
    assert "1,090 conditions; 1,000 are the most" in problem.message
    assert validate(card(checks=checks[:10], levels=[])) == []


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("spc.type", "did you mean spec?"),
        ("title", "keys begin with"),
        ("metadata.titel", "did you mean metadata.title?"),
        ("spec.lifecylce", "did you mean spec.lifecycle?"),
        ("relations.ownedby", None),
        ("relations.ownedBi", "did you mean relations.ownedBy?"),
        ("spec.tier", None),
        ("metadata.annotations.acme.example/tier", None),
        ("fact.coverage", None),
        ("KIND", None),
    ],
)
def test_a_key_that_is_a_slip_is_refused_with_what_was_meant(key, told):
    spec = {"checks": [{"id": "a", "title": "A", "predicate": {"$any": [{key: {"$exists": True}}]}}]}
    problems = list(check_scorecard(spec))
    assert [problem.pointer for problem in problems] == (
        [f"/spec/checks/0/predicate/$any/0/{key}"] if told else []
    )
    assert all(told in problem.message for problem in problems)
