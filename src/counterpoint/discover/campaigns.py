"""Advertising in the workspace: which campaign a listener may be shown, what was shown, and what it changed.

Campaigns come with the question; what was shown to whom is events of the journal, so that caps and paces hold across
processes. Who would have been shown a campaign but is in its holdout is noted as well: both groups would have been
shown it, so that comparing them says what it changed ("ghost ads", Johnson, Lewis and Nubbemeyer 2017).
"""

import threading
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import msgspec

from counterpoint.discover.access import require_listeners
from counterpoint.discover.advertising import Campaign, Seen, choose, held_out
from counterpoint.discover.forgotten import FORGOTTEN, forgotten
from counterpoint.discover.hearing import Heard
from counterpoint.discover.serving import Ready, Service
from counterpoint.discover.taste import Taste, taste_of
from counterpoint.errors import InputError, Problem
from counterpoint.graph.actor import Actor
from counterpoint.journal.attributes import Attribute
from counterpoint.journal.pulse import Beat
from counterpoint.moments import rfc3339, to_micros
from counterpoint.said import Said
from counterpoint.stats import rate, rate_difference
from counterpoint.workspace import Workspace

if TYPE_CHECKING:
    import ibis

__all__ = ["ADVERTISED", "WITHHELD", "Advert", "CampaignInput", "Effect", "advertise", "effect_of"]

ADVERTISED: Final = "dev.counterpoint.discover.advertised"
"""The type of the events that tell whom a campaign was shown."""
WITHHELD: Final = "dev.counterpoint.discover.withheld"
"""The type of those that tell who would have been shown it, and is in its holdout."""
SOURCE: Final = "/api/v1/discover"
MOST: Final = 1_000
"""Campaigns of one question, and events of one listener that are read."""
LONGEST_WINDOW: Final = 3_660 * 24
"""Hours over which showings to one listener are counted."""


class CampaignInput(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """Something to advertise, within a budget and a time."""

    name: str
    values: dict[str, tuple[str, ...]] = {}
    """Facets of taste that it fits, such as {"genre": ["jazz"]}."""
    start: datetime
    end: datetime
    budget: int
    """Showings in all."""
    cap: int = 3
    """Showings to one listener in `windowHours` at most."""
    window_hours: float = 24.0
    holdout: float = 0.1
    """The share of listeners who are never shown it."""
    categories: tuple[str, ...] = ()
    """Sensitive ones (health, religion, politics …) are never matched to a taste."""


class Advert(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """What may be shown, and why; no campaign where none may be."""

    campaign: str | None
    relevance: float
    by_taste: bool
    """Whether the taste was used: only with consent to advertising."""
    reason: Said


class Effect(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """What a campaign changed: those who were shown it beside those of its holdout who would have been."""

    campaign: str
    event: str
    days: float
    shown: int | None
    """Listeners; none where either group is smaller than may be told."""
    withheld: int | None
    shown_rate: float | None = None
    """The share who did it within so many days."""
    withheld_rate: float | None = None
    difference: float | None = None
    low: float | None = None
    """The 95 % interval of the difference."""
    high: float | None = None
    p: float | None = None
    note: Said | None = None


class _Shown:
    """How often each campaign was shown: counted once, then as events come; to who was forgotten it was not shown."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace, self._lock = workspace, threading.Lock()
        self._beat: Beat | None = None
        self._counts: Counter[tuple[str, str]] = Counter()

    def of(self, recommender: str) -> dict[str, int]:
        """The counts of a recommender's campaigns."""
        with self._lock:
            self._beat, events = self._workspace.journal.since(
                self._beat, wanted=lambda type_, _: type_ in (ADVERTISED, FORGOTTEN)
            )
            if events is None or any(each.type == FORGOTTEN for each in events):
                # What comes while it is counted counts twice: rather too few showings than too many.
                self._counts, events = self._counted(), None
            for event in events or ():
                if isinstance(event.data, dict):
                    self._counts[str(event.data.get("recommender")), str(event.data.get("campaign"))] += 1
            return {name: count for (ref, name), count in self._counts.items() if ref == recommender}

    def _counted(self) -> Counter[tuple[str, str]]:
        asked = {"of": Attribute("recommender", "string"), "named": Attribute("campaign", "string")}
        with self._workspace.journal.snapshot() as snapshot:
            events = snapshot.events(ADVERTISED, attributes=asked, data=False)
            rows = events.group_by("of", "named").aggregate(count=events.count()).to_pyarrow().to_pylist()
            found = Counter({(row["of"], row["named"]): row["count"] for row in rows})
            for ref in {row["of"] for row in rows if row["of"]}:
                found -= self._of_forgotten(events, ref, forgotten(snapshot, ref))
        return found

    def _of_forgotten(
        self, events: "ibis.Table", ref: str, gone: Mapping[str, int]
    ) -> Counter[tuple[str, str]]:
        """What was shown to people until they were forgotten."""
        if not gone:
            return Counter()
        mine = events.filter(events.of == ref, events.subject.isin(list(gone)))
        rows = mine.select("subject", "named", "received").to_pyarrow().to_pylist()
        return Counter(
            (ref, row["named"]) for row in rows if to_micros(row["received"]) <= gone[row["subject"]]
        )


def advertise(
    service: Service,
    actor: Actor,
    recommender: str,
    listener: str,
    campaigns: Sequence[CampaignInput],
    *,
    noted: bool = True,
    now: datetime | None = None,
) -> Advert:
    """The campaign that a listener is to be shown now. It counts as shown, unless it is not to be `noted`.

    Raises:
        NotAllowedError: the actor does not act for listeners.
        InputError: a campaign that makes no sense, or two of one name.
    """
    require_listeners(actor, listener)
    at = now or datetime.now(UTC)
    read = _read(campaigns)
    ref, plan = service.plan(recommender)
    heard = service.hearing.of(ref, plan, listener)
    consented = heard.personal and heard.consents.get("advertising") is True
    taste = None
    if consented:
        taste = _taste(service.chosen(recommender, listener, personal=True, exposed=False), heard, at)
    recent = service.workspace.journal.recent(type=ADVERTISED, subject=listener, limit=MOST, personal=True)
    seen = [
        Seen(str(each.data.get("campaign")), each.time)
        for each in recent
        if isinstance(each.data, dict)
        and each.data.get("recommender") == ref
        and to_micros(each.received) > heard.forgotten
    ]
    shown = service.workspace.keep(_Shown, _Shown).of(ref)

    def chosen(among: Sequence[Campaign]) -> Advert:
        found = choose(among, taste, listener=listener, consented=consented, seen=seen, shown=shown, now=at)
        return Advert(
            campaign=found.campaign,
            relevance=found.relevance,
            by_taste=found.by_taste,
            reason=f"{found.reason[0].upper()}{found.reason[1:]}.",
        )

    wanted = chosen([replace(each, holdout=0.0) for each in read])
    advert = chosen(read)
    if noted:
        kept_back = [each.name for each in read if each.name == wanted.campaign and held_out(each, listener)]
        told = [*((WITHHELD, name) for name in kept_back)]
        told += [(ADVERTISED, advert.campaign)] if advert.campaign is not None else []
        if told:
            service.workspace.journal.append(
                [_event(kind, ref, name, listener, at, by_taste=advert.by_taste) for kind, name in told]
            )
    return advert


def effect_of(service: Service, recommender: str, campaign: str, event: str, *, days: float = 28.0) -> Effect:
    """What a campaign changed in how many do something within so many days, by its holdout. Of nobody in particular.

    Raises:
        NotFoundError: there is no such recommender.
        InputError: days are not above 0.
    """
    if not 0 < days <= 3_660:
        raise InputError(
            "The request is not valid.", [Problem(f"days is {days:g}, must be above 0 and at most 3660")]
        )
    ref, _ = service.plan(recommender)
    (shown, did), (withheld, did_without) = _groups(service.workspace, ref, campaign, event, days)
    least = service.workspace.settings.discover.least_listeners
    if min(shown, withheld) < least:
        note = f"Each group must have {least} listeners or more before anything is told of them."
        return Effect(campaign=campaign, event=event, days=days, shown=None, withheld=None, note=note)
    found = rate_difference(rate(did_without, withheld), rate(did, shown), pooled=True)
    interval = found.interval
    return Effect(
        campaign=campaign,
        event=event,
        days=days,
        shown=shown,
        withheld=withheld,
        shown_rate=did / shown,
        withheld_rate=did_without / withheld,
        difference=found.estimate,
        low=None if interval is None else interval.low,
        high=None if interval is None else interval.high,
        p=found.p,
        note=None if found.p is not None and found.p <= 0.05 else "No clear change.",
    )


def _groups(
    workspace: Workspace, ref: str, campaign: str, event: str, days: float
) -> tuple[tuple[int, int], tuple[int, int]]:
    """Of those who were shown it and of those from whom it was withheld: how many, and how many of them did it.

    Whoever is in both, since the holdout changed meanwhile, is in neither. Only the sums leave the engine.
    """
    import ibis

    asked = {"of": Attribute("recommender", "string"), "named": Attribute("campaign", "string")}
    with workspace.journal.snapshot() as snapshot:
        told = snapshot.events(ADVERTISED, WITHHELD, attributes=asked, data=False)
        # Who was forgotten has no part, and what they are shown when they come back neither.
        gone = list(forgotten(snapshot, ref))
        mine = told.filter(told.of == ref, told.named == campaign, told.subject.notnull())
        mine = mine.filter(~mine.subject.isin(gone)) if gone else mine
        firsts = mine.group_by("subject").aggregate(
            first=mine.time.min(), shown=(mine.type == ADVERTISED).any(), kept=(mine.type == WITHHELD).any()
        )
        firsts = firsts.filter(firsts.shown != firsts.kept).select("subject", "first", "shown")
        done = snapshot.events(event, data=False)
        done = done.select("subject", done=done.time)
        joined = firsts.left_join(done, "subject")
        within = (joined.done >= joined.first) & (
            joined.done <= joined.first + ibis.interval(seconds=int(days * 86_400))
        )
        each = joined.group_by("subject", "shown").aggregate(did=within.fill_null(False).any())  # noqa: FBT003 - Ibis' own argument
        rows = each.group_by("shown").aggregate(n=each.count(), did=each.did.sum()).to_pyarrow().to_pylist()
    found = {bool(row["shown"]): (int(row["n"]), int(row["did"] or 0)) for row in rows}
    return found.get(True, (0, 0)), found.get(False, (0, 0))


def _taste(ready: Ready, heard: Heard, at: datetime) -> Taste:
    return taste_of(
        heard.plays,
        ready.traits.attributes,
        ready.traits.everybody,
        now=at,
        corrections=heard.corrected.for_taste(),
        half_life=timedelta(days=ready.plan.half_life),
    )


def _read(campaigns: Sequence[CampaignInput]) -> list[Campaign]:
    """Campaigns as `advertising` takes them, each with what is wrong of it."""
    if len(campaigns) > MOST:
        raise InputError(f"{len(campaigns)} campaigns are given; {MOST:,} are the most.")
    problems, found = [], []
    names = Counter(each.name for each in campaigns)
    for place, each in enumerate(campaigns):
        pointer = f"/campaigns/{place}"
        if not each.name.strip() or names[each.name] > 1:
            problems.append(
                Problem(f"The name {each.name!r} is empty, or another campaign has it.", f"{pointer}/name")
            )
        if each.start.tzinfo is None or each.end.tzinfo is None:
            problems.append(Problem("A time needs its zone, such as Z for UTC.", f"{pointer}/start"))
            continue
        if not 0 < each.window_hours <= LONGEST_WINDOW:
            rule = f"windowHours is {each.window_hours:g}, must be above 0 and at most {LONGEST_WINDOW:,}"
            problems.append(Problem(rule, f"{pointer}/windowHours"))
            continue
        try:
            found.append(
                Campaign(
                    name=each.name,
                    values=each.values,
                    start=each.start,
                    end=each.end,
                    budget=each.budget,
                    cap=each.cap,
                    window=timedelta(hours=each.window_hours),
                    holdout=each.holdout,
                    categories=frozenset(each.categories),
                )
            )
        except (InputError, OverflowError, ValueError) as error:
            problems.append(Problem(str(error), pointer))
    if problems:
        raise InputError("Nothing was chosen.", problems)
    return found


def _event(
    kind: str, ref: str, campaign: str, listener: str, at: datetime, *, by_taste: bool
) -> dict[str, object]:
    return {
        "specversion": "1.0",
        "id": uuid.uuid4().hex,
        "source": SOURCE,
        "type": kind,
        "subject": listener,
        "time": rfc3339(at),
        "data": {"recommender": ref, "campaign": campaign, "byTaste": by_taste and kind == ADVERTISED},
    }
