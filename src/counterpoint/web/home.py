"""What the front page shows, gathered from the graph: what needs a decision, active bets, first steps."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from counterpoint.graph.entity import Activity, Entity
from counterpoint.graph.reader import Reader
from counterpoint.moments import today_utc
from counterpoint.said import Said
from counterpoint.web.activity import ActivityGroup, grouped, named_in, practised
from counterpoint.web.formats import plural
from counterpoint.web.urls import entity_url

__all__ = ["BetRow", "Home", "Prompt", "Step", "first_steps", "gather", "prompts", "returning"]

BETS = 200
"""Active bets that are looked at for what needs a decision; the page lists the first few."""
READ, DECIDED = "experiment.read", "bet.decided"
ASKED, LEARNED = "override.asked", "override.learned"
"""What the rooms call these changes in the activity log."""
SOFTWARE = ("Component", "API", "Resource", "System", "Domain")


@dataclass(frozen=True, slots=True)
class Prompt:
    """Something that waits for a person."""

    title: str
    why: Said
    href: str
    owner: str | None
    icon: str = "decision"
    tone: str = "warn"


@dataclass(frozen=True, slots=True)
class BetRow:
    """An active bet in the list."""

    entity: Entity
    stage: str
    verdict: str | None
    """The newest verdict of an experiment that tests it."""


@dataclass(frozen=True, slots=True)
class Step:
    """One of the first things to do in a new workspace."""

    title: Said
    why: Said
    done: bool
    command: str = ""
    href: str = ""
    practice: str = ""
    """The practice that it belongs to; without it the step is not asked for."""


@dataclass(frozen=True, slots=True)
class Home:
    """All that the front page shows."""

    purpose: Entity | None
    prompts: tuple[Prompt, ...]
    bets: tuple[BetRow, ...]
    bets_total: int
    activity: tuple[ActivityGroup, ...]
    titles: Mapping[str, str]
    """Titles of the entities that the page names, by reference."""
    kinds: tuple[tuple[str, int], ...]
    steps: tuple[Step, ...]

    @property
    def counts(self) -> Mapping[str, int]:
        """Number of entities by kind."""
        return dict(self.kinds)


def gather(
    reader: Reader,
    *,
    has_events: Callable[[], bool],
    hidden: Collection[str] = (),
    practises: Callable[[str | None, str], bool] = lambda _unit, _practice: True,
    hides: Callable[[str], bool] = lambda _kind: False,
    today: date | None = None,
) -> Home:
    """Read all that the front page shows; the journal is asked only while no experiment has been read.

    Actions that begin with one of `hidden` are left out, bets of units that do not practise them, and
    what happened to entities of a kind that the organisation `hides`.
    """
    kinds = reader.facets("kind")
    found = reader.find(kind="Bet", order="-updated", limit=BETS).items
    bets = [bet for bet in found if _is_active(bet) and practises(bet.owner, "bets")]
    reads = reader.newest_activity(READ, [ref for bet in bets for ref in bet.targets("testedBy")])
    decisions = reader.newest_activity(DECIDED, [bet.ref for bet in bets])
    beliefs = [
        belief for belief in reader.find(kind="Belief", limit=BETS).items if practises(belief.owner, "bets")
    ]
    purposes = reader.find(kind="Purpose", order="name", limit=1).items
    recent = grouped(practised(reader.activity(hidden=hidden, limit=200), hides), limit=8)
    entries = [entry for group in recent for entry in group.shown]
    day = today or today_utc()
    waiting = (*prompts(bets, beliefs, reads, decisions, day), *returning(reader, bets, day))
    owners = {owner for owner in (*(bet.owner for bet in bets), *(one.owner for one in waiting)) if owner}
    has_reads = bool(reads or reader.activity(action=READ, limit=1))
    steps = first_steps(
        dict(kinds),
        has_events=has_reads or has_events(),
        has_reads=has_reads,
        has_decisions=bool(decisions or reader.activity(action=DECIDED, limit=1)),
    )
    return Home(
        purpose=purposes[0] if purposes else None,
        prompts=waiting,
        bets=tuple(BetRow(bet, _stage(bet), _verdict(bet, reads)) for bet in bets[:6]),
        bets_total=len(bets),
        activity=tuple(recent),
        titles=reader.titles(owners | named_in(entries)),
        kinds=tuple(kinds),
        steps=tuple(step for step in steps if not step.practice or practises(None, step.practice)),
    )


def _is_active(bet: Entity) -> bool:
    return bool(bet.spec.get("state", "active") == "active")


def _stage(bet: Entity) -> str:
    return str(bet.spec.get("stage") or "think")


def _read_of(bet: Entity, reads: Mapping[str, Activity]) -> Activity | None:
    found = [reads[ref] for ref in bet.targets("testedBy") if ref in reads]
    return max(found, key=lambda entry: entry.seq, default=None)


def _verdict(bet: Entity, reads: Mapping[str, Activity]) -> str | None:
    read = _read_of(bet, reads)
    after = read.after if read else None
    return str(after["verdict"]) if isinstance(after, dict) and after.get("verdict") else None


def prompts(
    bets: Sequence[Entity],
    beliefs: Sequence[Entity],
    reads: Mapping[str, Activity],
    decisions: Mapping[str, Activity],
    today: date,
) -> tuple[Prompt, ...]:
    """Return what waits for a person: figures read since the last decision, patience that ended, beliefs that expired."""
    found = []
    for bet in bets:
        read, decided = _read_of(bet, reads), decisions.get(bet.ref)
        if read is not None and _is_news(read, decided):
            sentence = read.after.get("sentence") if isinstance(read.after, dict) else None
            why = str(sentence or "Its experiment was read and nobody has decided since.")
            found.append(Prompt(bet.title, why, entity_url(bet.ref), bet.owner, "decision", "info"))
        elif (days := _days_over(bet.spec.get("patience"), today)) is not None:
            why = f"Its patience ended {plural(days, 'day')} ago. Go on, change it or end it?"
            found.append(Prompt(bet.title, why, entity_url(bet.ref), bet.owner, "activity"))
    for belief in beliefs:
        days = _days_over(belief.spec.get("expires"), today)
        if days is not None:
            why = f"This belief expired {plural(days, 'day')} ago. Do you still hold it?"
            found.append(Prompt(belief.title, why, entity_url(belief.ref), belief.owner, "belief"))
    return tuple(found)


def returning(reader: Reader, bets: Sequence[Entity], today: date) -> tuple[Prompt, ...]:
    """Return the overrides that come back: each asks what came of passing over a rule."""
    refs = [bet.ref for bet in bets]
    asked, learned = reader.newest_activity(ASKED, refs), reader.newest_activity(LEARNED, refs)
    found = []
    for bet in bets:
        entry, answer = asked.get(bet.ref), learned.get(bet.ref)
        due = str(_field(entry, "due") or "9999-12-31")
        if entry and due <= today.isoformat() and (answer is None or answer.seq < entry.seq):
            why = "It passed over a rule with a reason, and asked to be looked at again. What came of it?"
            found.append(
                Prompt(bet.title, why, f"{entity_url(bet.ref)}#follow-ups", bet.owner, "decision", "info")
            )
    return tuple(found)


def _is_news(read: Activity, decided: Activity | None) -> bool:
    """Whether a reading says what nobody has decided on: not that of a test that goes on, nor an old verdict again."""
    verdict = _field(read, "verdict")
    if verdict == "keep running":
        return False
    known = _field(decided, "verdicts")
    return decided is None or (
        decided.seq < read.seq and verdict not in (known if isinstance(known, list) else ())
    )


def _field(entry: Activity | None, name: str) -> object:
    return entry.after.get(name) if entry is not None and isinstance(entry.after, dict) else None


def _days_over(value: object, today: date) -> int | None:
    """Return how many days ago a date was, None where there is none, where it is no date, or not past."""
    try:
        day = date.fromisoformat(str(value)[:10])
    except ValueError:
        return None
    return (today - day).days if day < today else None


def first_steps(
    counts: Mapping[str, int], *, has_events: bool, has_reads: bool, has_decisions: bool
) -> tuple[Step, ...]:
    """Return the way from an empty workspace to a first decision, each step with whether it is done."""
    return (
        Step(
            "Bring in the catalog",
            "Reads catalog-info.yaml files in Backstage's format: who owns what, and how it hangs together.",
            any(counts.get(kind) for kind in SOFTWARE),
            "counterpoint import catalog ./services",
        ),
        Step(
            "Write a bet",
            "A hypothesis, what would show that it works, and what would end it.",
            bool(counts.get("Bet")),
            href="/bets/new",
            practice="bets",
        ),
        Step(
            "Put it behind a flag",
            "Reads a flagd definition; any OpenFeature client can then ask for it.",
            bool(counts.get("FlagSet")),
            "counterpoint import flags flags.json",
            practice="flags",
        ),
        Step(
            "Bring in what happened",
            "CloudEvents as NDJSON, or a CSV or Parquet file with a mapping.",
            has_events,
            "counterpoint import events results.csv --mapping mapping.yaml",
        ),
        Step(
            "Read the experiment",
            "Arms, difference, interval, and what they say in words.",
            has_reads,
            "counterpoint experiments analyze NAME",
            practice="experiments",
        ),
        Step(
            "Decide",
            "Record on the bet what you do next, and why.",
            has_decisions,
            href="/bets",
            practice="bets",
        ),
    )
