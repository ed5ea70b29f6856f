"""A week's playlist as a value: what it was made from, its tracks, and making it from its inputs alone. Pure."""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import msgspec
from msgspec.structs import replace

from counterpoint.discover.answering import Liking, hidden_by, liked, most_liked
from counterpoint.discover.hearing import Heard
from counterpoint.discover.plan import WeeklyPlan
from counterpoint.discover.sentences import POPULAR, reasons_of
from counterpoint.discover.serving import Ready
from counterpoint.discover.shelf import Shelf
from counterpoint.discover.weekly import WeeklyPlaylist, weekly
from counterpoint.errors import InputError, Problem
from counterpoint.said import Said

__all__ = [
    "KeptWeek",
    "Track",
    "TrackReason",
    "Week",
    "WeekInputs",
    "as_shown",
    "checked_week",
    "composed",
    "inputs_of",
    "this_week",
    "tracks_of",
]


UNCONSENTED: Said = "Nothing personal is used without consent: this is what many listen to."
FOLLOWING: Said = "Somebody was forgotten, and the version has yet to follow: this is what many listen to."
WRITTEN = re.compile(r"[0-9]{4}-W[0-9]{2}")


class TrackReason(msgspec.Struct, frozen=True, rename="camel"):
    """An item of the listener's own, and what share of the score it gave."""

    item: str
    title: str
    share: float


class Track(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """One place of a playlist."""

    item: str
    title: str
    score: float
    because: tuple[TrackReason, ...]
    known: bool
    explored: bool
    """Whether chance decided."""
    propensity: float
    """How likely it was to stand here: 1 where nothing was left to chance."""
    reason: Said


class Week(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """The playlist of one listener for one ISO week."""

    recommender: str
    listener: str
    week: str
    made_at: datetime
    version: int
    variant: str | None
    until: datetime
    """The cut of the journal: what came later had no say."""
    seed: str
    inputs: str
    """SHA-256 of everything that it was made from."""
    personal: bool
    tracks: tuple[Track, ...]
    taken_out: int = 0
    """Tracks that are not shown because the listener has said since that they are not their taste."""
    note: Said | None = None


class WeekInputs(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """What a playlist was made from."""

    history: dict[str, float]
    hidden: tuple[str, ...]
    lately: tuple[str, ...]
    options: WeeklyPlan
    digest: str
    """Of the listening that the version was fitted on."""
    personal: bool


class KeptWeek(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """What the table holds of a playlist."""

    variant: str | None
    tracks: tuple[Track, ...]
    inputs: WeekInputs
    renewed: bool = False
    """Whether it was made again without somebody: what chance decided in it was told when it was first made."""


def this_week(now: datetime | None = None) -> str:
    """The ISO week that it is in UTC, such as 2026-W48."""
    year, week, _ = (now or datetime.now(UTC)).date().isocalendar()
    return f"{year}-W{week:02d}"


def checked_week(week: str, now: datetime | None = None) -> str:
    """An ISO week that has come, or comes next."""
    year, _, number = week.partition("-W")
    try:
        # One way to write each week, since there is one playlist for it: int() takes signs and digits of any script.
        if not WRITTEN.fullmatch(week):
            raise ValueError(week)
        begins = date.fromisocalendar(int(year), int(number), 1)
    except ValueError:
        raise InputError(
            "The week is not valid.",
            [Problem(f'week is "{week}", must be an ISO week such as {this_week(now)}', "/week")],
        ) from None
    if begins > (now or datetime.now(UTC)).date() + timedelta(days=7):
        raise InputError(
            "The week is not valid.", [Problem(f"{week} lies further ahead than the next week.", "/week")]
        )
    return week


def inputs_of(ready: Ready, heard: Heard, lately: Sequence[str]) -> WeekInputs:
    """What a listener's playlist is made from; of who gave no consent nothing but what they do not want."""
    told = heard.corrected.for_taste()
    mine = liked(heard.liking, told, ready.shelf) if heard.personal else Liking()
    columns = ready.shelf.columns
    return WeekInputs(
        history={item: weight for item, weight in sorted(mine.weights.items()) if item in columns},
        hidden=tuple(sorted(ready.shelf.names(hidden_by(heard.liking, told, ready.shelf)))),
        lately=tuple(sorted(each for each in lately if each in columns)),
        options=ready.plan.weekly,
        digest=ready.fitted.version.digest,
        personal=heard.personal,
    )


def composed(ready: Ready, inputs: WeekInputs, listener: str, week: str) -> WeeklyPlaylist:
    """The playlist from its inputs alone."""
    columns = ready.shelf.columns
    return weekly(
        ready.shelf.model,
        ready.shelf.row(inputs.history),
        ready.shelf.catalogue,
        listener=listener,
        week=week,
        version=f"{ready.ref}/{ready.fitted.version.number}/{ready.fitted.version.digest}",
        hidden=[columns[each] for each in inputs.hidden if each in columns],
        lately=[columns[each] for each in inputs.lately if each in columns],
        options=inputs.options.options(),
    )


def tracks_of(shelf: Shelf, playlist: WeeklyPlaylist) -> tuple[Track, ...]:
    """The tracks with the names of things."""
    reasons = reasons_of(shelf, [(each.item, [item for item, _ in each.because]) for each in playlist.tracks])
    return tuple(
        Track(
            item=shelf.items[each.item],
            title=shelf.title(shelf.items[each.item]),
            score=each.score,
            because=tuple(
                TrackReason(shelf.items[item], shelf.title(shelf.items[item]), share)
                for item, share in each.because
            ),
            known=each.known,
            explored=each.explored,
            propensity=each.propensity,
            reason=reason,
        )
        for each, reason in zip(playlist.tracks, reasons, strict=True)
    )


def as_shown(shelf: Shelf, week: Week, heard: Heard, *, waits: bool = False) -> Week:
    """A playlist as its listener may see it now: their word since it was made counts at once.

    One that `waits` was made from somebody's listening who counts no more, and is not shown until it was made again.
    """
    told = heard.corrected.for_taste()
    if waits or (week.personal and not heard.personal):
        picked = most_liked(shelf, len(week.tracks), hidden=hidden_by(heard.liking, told, shelf))
        tracks = tuple(
            Track(
                item=shelf.items[each.item],
                title=shelf.title(shelf.items[each.item]),
                score=0.0,
                because=(),
                known=False,
                explored=False,
                propensity=1.0,
                reason=POPULAR,
            )
            for each in picked
        )
        note = UNCONSENTED if not heard.personal else FOLLOWING
        return replace(week, personal=False, tracks=tracks, note=note)
    out = set(told.items) | set(shelf.names(shelf.having(told.traits)))
    left = tuple(
        replace(each, because=tuple(one for one in each.because if one.item not in out))
        for each in week.tracks
        if each.item not in out
    )
    return replace(week, tracks=left, taken_out=len(week.tracks) - len(left))
