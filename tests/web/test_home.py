"""The front page: what waits for a person, the first steps, and the log told in lines."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from counterpoint import Workspace
from counterpoint.graph.actor import Actor
from counterpoint.graph.entity import Activity, Entity, Relation
from counterpoint.web import PageContext, render
from counterpoint.web.activity import grouped, named_in
from counterpoint.web.finding import Results, search
from counterpoint.web.home import first_steps, gather, prompts, returning

NOW = datetime(2026, 5, 3, 12, 0, tzinfo=UTC)
TODAY = date(2026, 5, 3)
ANA = Actor("user:default/ana", "Ana Lind", "person", admin=True)
PAGE = PageContext("Arpeggio", "/", "Ana Lind", True, "token", None)


def entity(kind: str, name: str, spec: dict[str, Any], relations: tuple[Relation, ...] = ()) -> Entity:
    return Entity(
        ref=f"{kind.lower()}:default/{name}",
        uid=name,
        etag="",
        kind=kind,
        namespace="default",
        name=name,
        title=name.title(),
        owner="group:default/discovery",
        document={"kind": kind, "metadata": {"name": name, "namespace": "default"}, "spec": spec},
        relations=relations,
        updated_at=NOW,
    )


def entry(
    seq: int, action: str = "entity.created", subject: str = "bet:default/radio", **more: Any
) -> Activity:
    return Activity(seq, more.pop("at", NOW), more.pop("actor", ANA.ref), action, subject, **more)


RADIO = entity("Bet", "radio", {"stage": "ship"}, (Relation("testedBy", "experiment:default/radio"),))
READ = entry(
    5, "experiment.read", "experiment:default/radio", after={"verdict": "ship", "sentence": "More sessions."}
)


def test_figures_read_after_the_last_decision_wait_for_one() -> None:
    (prompt,) = prompts([RADIO], [], {READ.subject: READ}, {RADIO.ref: entry(4, "bet.decided")}, TODAY)
    assert (prompt.title, prompt.why, prompt.href) == ("Radio", "More sessions.", "/bets/default/radio")


def test_figures_that_somebody_acted_on_wait_for_nothing() -> None:
    assert prompts([RADIO], [], {READ.subject: READ}, {RADIO.ref: entry(6, "bet.decided")}, TODAY) == ()


def test_the_verdict_that_was_decided_on_is_no_news_when_it_is_read_again() -> None:
    decided = entry(4, "bet.decided", after={"choice": "ship", "verdicts": ["ship"]})
    assert prompts([RADIO], [], {READ.subject: READ}, {RADIO.ref: decided}, TODAY) == ()
    other = entry(4, "bet.decided", after={"choice": "persevere", "verdicts": ["keep running"]})
    assert prompts([RADIO], [], {READ.subject: READ}, {RADIO.ref: other}, TODAY)


def test_a_test_that_goes_on_waits_for_nobody() -> None:
    going = entry(5, "experiment.read", READ.subject, after={"verdict": "keep running"})
    assert prompts([RADIO], [], {READ.subject: going}, {}, TODAY) == ()


def test_patience_that_ended_and_beliefs_that_expired_wait() -> None:
    bets = [
        entity("Bet", "late", {"patience": "2026-05-01"}),
        entity("Bet", "today", {"patience": "2026-05-03"}),
        entity("Bet", "odd", {"patience": "soon"}),
    ]
    beliefs = [entity("Belief", "old", {"expires": "2026-05-02T10:00:00Z"}), entity("Belief", "kept", {})]
    found = prompts(bets, beliefs, {}, {}, TODAY)
    assert [(prompt.title, prompt.why) for prompt in found] == [
        ("Late", "Its patience ended 2 days ago. Go on, change it or end it?"),
        ("Old", "This belief expired 1 day ago. Do you still hold it?"),
    ]


def test_an_override_comes_back_on_its_day_until_somebody_says_what_came_of_it(workspace: Workspace) -> None:
    graph = workspace.graph
    with graph.write(ANA) as writer:
        writer.record("override.asked", RADIO.ref, after={"decision": "1", "due": "2026-05-03"})
    with graph.read() as reader:
        assert returning(reader, [RADIO], TODAY - timedelta(days=1)) == ()
        (prompt,) = returning(reader, [RADIO], TODAY)
    assert prompt.href == "/bets/default/radio#follow-ups"
    with graph.write(ANA) as writer:
        writer.record("override.learned", RADIO.ref, after={"decision": "1", "due": "2026-05-03"})
    with graph.read() as reader:
        assert returning(reader, [RADIO], TODAY) == ()


def test_first_steps_are_done_one_by_one() -> None:
    none = first_steps({}, has_events=False, has_reads=False, has_decisions=False)
    assert not any(step.done for step in none)
    assert all(step.command or step.href for step in none)
    some = first_steps({"API": 1, "Bet": 2}, has_events=True, has_reads=False, has_decisions=False)
    assert [step.done for step in some] == [True, True, False, True, False, False]


def test_the_same_done_in_a_row_is_one_line() -> None:
    entries = [
        entry(9, "bet.decided", reason="Enough."),
        *(entry(8 - at, subject=f"component:default/c{at}") for at in range(4)),
        entry(4, subject="component:default/other", actor="user:default/ben"),
        entry(3, at=NOW - timedelta(hours=2), actor="user:default/ben"),
    ]
    groups = grouped(entries)
    assert [(len(group.entries), group.others) for group in groups] == [(1, 0), (4, 2), (1, 0), (1, 0)]
    assert groups[1].shown == tuple(entries[1:3])
    assert len(grouped(entries, limit=2)) == 2
    assert grouped([]) == []


def test_each_change_of_flags_is_a_line_that_says_what_became_of_them() -> None:
    def turned(seq: int, before: str, after: str) -> Activity:
        place = "/spec/definition/flags/f/state"
        return entry(seq, "entity.updated", "flagset:default/s", before={place: before}, after={place: after})

    groups = grouped([turned(3, "DISABLED", "ENABLED"), turned(2, "ENABLED", "DISABLED"), entry(1)])
    assert [group.said for group in groups] == ["turned 'f' on", "turned 'f' off", ""]


def test_a_line_names_a_subject_once() -> None:
    (group,) = grouped([entry(3), entry(2), entry(1)])
    assert ([each.seq for each in group.shown], group.others) == ([3], 0)


def test_only_references_of_entities_are_looked_up() -> None:
    assert named_in([entry(1, subject="catalog", actor="system:default/counterpoint")]) == set()
    assert named_in([entry(1)]) == {"bet:default/radio", "user:default/ana"}


def test_an_empty_workspace_is_shown_the_way(workspace: Workspace) -> None:
    with workspace.graph.read() as reader:
        home = gather(reader, has_events=lambda: False)
    html = render(PAGE, "web/home.html", home=home)
    assert "counterpoint import catalog ./services" in html
    assert "0 of 6 done" in html
    assert "The catalog is empty." in html
    assert "Needs a decision" not in html


def test_a_workspace_at_work_is_told(workspace: Workspace) -> None:
    spec: dict[str, Any] = {"owner": "discovery"}
    ours = "counterpoint.dev/v1"
    documents = [
        {
            "apiVersion": "backstage.io/v1alpha1",
            "kind": "Group",
            "metadata": {"name": "discovery", "title": "The Discovery <squad>"},
            "spec": {"type": "squad", "children": []},
        },
        {
            "apiVersion": ours,
            "kind": "Purpose",
            "metadata": {"name": "music"},
            "spec": {**spec, "statement": "Music <for> all."},
        },
        {
            "apiVersion": ours,
            "kind": "Bet",
            "metadata": {"name": "radio", "title": "Radio"},
            "spec": {**spec, "stage": "build", "patience": "2026-01-01"},
        },
        {
            "apiVersion": ours,
            "kind": "Bet",
            "metadata": {"name": "gone", "title": "Gone"},
            "spec": {**spec, "state": "killed"},
        },
        {
            "apiVersion": ours,
            "kind": "Experiment",
            "metadata": {"name": "radio"},
            "spec": {**spec, "bet": "radio", "flag": "radio", "control": "off", "treatments": ["on"]},
        },
    ]
    with workspace.graph.write(ANA) as writer:
        for document in documents:
            writer.put(document)
        writer.record(
            "experiment.read", "experiment:default/radio", after={"verdict": "ship", "sentence": "More <b>."}
        )
    with workspace.graph.read() as reader:
        home = gather(reader, has_events=lambda: False, today=TODAY)
    assert [row.entity.title for row in home.bets] == ["Radio"]
    assert home.bets[0].verdict == "ship"
    assert home.counts["Bet"] == 2
    assert [step.done for step in home.steps] == [False, True, False, True, True, False]
    html = render(PAGE, "web/home.html", home=home)
    assert "Music &lt;for&gt; all." in html
    assert "The Discovery &lt;squad&gt;" in html
    assert "More &lt;b&gt;." in html
    assert "Gone</a>" not in html.split("Recent activity")[0]


def test_search_results_mark_the_words(workspace: Workspace) -> None:
    with workspace.graph.write(ANA) as writer:
        writer.put(
            {
                "apiVersion": "counterpoint.dev/v1",
                "kind": "Purpose",
                "metadata": {"name": "music", "description": "Radio & more"},
                "spec": {"owner": "discovery", "statement": "x"},
            }
        )
    found = search(workspace, "radio", limit=50)
    frame = {"kind": "", "tabs": [], "tab": "", "limit": 50}
    html = render(PAGE, "web/search.html", term="radio", found=found, **frame)
    assert "<mark>Radio</mark> &amp; more" in html
    assert "1 result" in html
    empty = render(PAGE, "web/search.html", term='"><b>', found=Results(()), **frame)
    assert "Nothing has these words" in empty
    assert "><b>" not in empty
