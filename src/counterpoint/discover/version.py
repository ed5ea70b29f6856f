"""What is known of one version of a recommender, and its row in the graph's database."""

from dataclasses import dataclass
from datetime import datetime
from math import inf, isfinite
from typing import Any, Literal

import msgspec
from sqlalchemy import delete, insert, select, update

from counterpoint.discover.evaluation import Evaluation, Measured
from counterpoint.discover.plan import Plan
from counterpoint.discover.search import Trial
from counterpoint.discover.tables import VERSION
from counterpoint.graph.reader import Reader
from counterpoint.graph.writer import Writer
from counterpoint.moments import to_micros
from counterpoint.said import Said

__all__ = [
    "Evaluated",
    "Figure",
    "KeptVersion",
    "State",
    "Tried",
    "Version",
    "drop",
    "everybody",
    "figures_of",
    "kept_versions",
    "put",
]

State = Literal["fitting", "ready", "gone"]


class Figure(msgspec.Struct, frozen=True, rename="camel"):
    """A mean over listeners with its 95 % interval; without ends where one listener alone says nothing of them."""

    mean: float
    low: float | None
    high: float | None
    listeners: int

    @classmethod
    def of(cls, measured: Measured) -> "Figure":
        """As evaluations have it."""
        low, high = (each if isfinite(each) else None for each in (measured.low, measured.high))
        return cls(measured.mean, low, high, measured.rows)

    def measured(self) -> Measured:
        """As a search has it."""
        low, high = -inf if self.low is None else self.low, inf if self.high is None else self.high
        return Measured(self.mean, low, high, self.listeners)


def figures_of(found: Evaluation) -> dict[str, Any]:
    """What everything that tells of an evaluation says of it, by the names of the fields."""
    return {
        "recall": Figure.of(found.measured("recall")),
        "ndcg": Figure.of(found.measured("ndcg")),
        "map": Figure.of(found.measured("map")),
        "r_precision": Figure.of(found.measured("r-precision")),
        "coverage": found.coverage,
        "novelty": found.novelty,
        "exposure": found.exposure,
        "consumption": found.consumption,
    }


class Tried(msgspec.Struct, frozen=True, rename="camel"):
    """One trial of the search, on a slice that the method has not seen."""

    method: str
    options: dict[str, Any]
    recall: Figure
    ndcg: Figure
    seconds: float
    """CPU seconds."""

    @classmethod
    def of(cls, trial: Trial) -> "Tried":
        """As it is kept."""
        recall, ndcg = Figure.of(trial.recall), Figure.of(trial.ndcg)
        return cls(trial.method, dict(trial.options), recall, ndcg, trial.seconds)

    def trial(self) -> Trial:
        """As a search takes it."""
        return Trial(self.method, self.options, self.recall.measured(), self.ndcg.measured(), self.seconds)


class Evaluated(msgspec.Struct, frozen=True, rename="camel"):
    """One method on what was held out, at 20 places."""

    method: str
    options: dict[str, Any]
    recall: Figure
    ndcg: Figure
    map: Figure
    r_precision: Figure
    coverage: float | None
    novelty: float | None
    exposure: float | None
    """The share of places that the most popular tenth of the items takes."""
    consumption: float | None
    """The share of what is heard that it has."""
    behind: float | None = None
    """How much less recall it has than the method that was fitted; none for that one."""
    p: float | None = None
    """How likely such a difference is by chance, paired over listeners."""


class Version(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """One version of a recommender."""

    recommender: str
    """Its reference."""
    number: int
    state: State
    method: str
    """Empty until it is chosen."""
    options: dict[str, Any] = {}
    seed: int = 0
    budget: float = 0.0
    """CPU seconds that the choice could take; 0 where the method was given."""
    plan: Plan
    """What the recommender said when the fit began; a later fit of this version goes by it, too."""
    actor: str
    began: datetime
    fitted_at: datetime | None = None
    until: datetime
    """Events of later were left out."""
    digest: str = ""
    """Of the listening that it was fitted on."""
    trials: tuple[Tried, ...] = ()
    """Empty once somebody was forgotten who was among those it was tried on."""
    counts: dict[str, int] = {}
    """Listeners, items, interactions, playlists."""
    left_out: dict[str, int] = {}
    evaluation: tuple[Evaluated, ...] = ()
    """What was fitted first, then the others, the best first."""
    notes: tuple[Said, ...] = ()
    seconds: float = 0.0
    """CPU seconds of the fit."""
    bytes: int = 0
    """Of the file."""
    fits: int = 0
    """How often it was fitted: once, and again after each forgetting that concerned it."""
    following: bool = False
    """Whether somebody was forgotten since, or its file is lost, and it has not followed that yet."""


@dataclass(frozen=True, slots=True)
class KeptVersion:
    """A version with what its row says beside it."""

    version: Version
    known: int
    """Microseconds since 1970: what arrived later is not in it."""
    erasures: int
    """The newest erasure of the journal that it has followed."""
    refusals: int = 0
    """How many words against personalisation it has followed."""
    stale: int = 0
    """Microseconds since 1970: weeks made until then from another listening are to be made again; 0 where none are."""


def kept_versions(
    reader: Reader, recommender: str | None = None, *, number: int | None = None
) -> list[KeptVersion]:
    """The versions of a recommender, or of all, by recommender and number; or the one with a number."""
    query = select(VERSION).order_by(VERSION.c.recommender, VERSION.c.number)
    if recommender is not None:
        query = query.where(VERSION.c.recommender == recommender)
    if number is not None:
        query = query.where(VERSION.c.number == number)
    return [
        KeptVersion(
            msgspec.json.decode(row.version, type=Version), row.known, row.erasures, row.refusals, row.stale
        )
        for row in reader.connection.execute(query)
    ]


def everybody(erasures: int, newest: int) -> str:
    """What stands for the listening of a version that has yet to follow: another one after each forgetting.

    `erasures` is what it has followed, `newest` the newest erasure of the journal.
    """
    return f"everybody/{erasures}/{newest}"


def put(writer: Writer, kept: KeptVersion, *, new: bool = False) -> None:
    """Write a version's row, in the writer's transaction."""
    version = kept.version
    values = {
        "state": version.state,
        "until": to_micros(version.until),
        "known": kept.known,
        "erasures": kept.erasures,
        "fits": version.fits,
        "digest": version.digest,
        "version": msgspec.json.encode(version).decode(),
        "refusals": kept.refusals,
        "stale": kept.stale,
    }
    if new:
        key = {"recommender": version.recommender, "number": version.number}
        writer.connection.execute(insert(VERSION).values(**key, **values))
    else:
        writer.connection.execute(update(VERSION).where(*_key(version)).values(**values))


def drop(writer: Writer, version: Version) -> None:
    """Delete the row of a version that was never fitted."""
    writer.connection.execute(delete(VERSION).where(*_key(version)))


def _key(version: Version) -> tuple[Any, ...]:
    return VERSION.c.recommender == version.recommender, VERSION.c.number == version.number
