"""The API of what is told of a recommender as a whole: its versions, its evaluation, and creators' audiences.

It says nothing of any listener, so that everybody in the organisation may read it.
"""

from datetime import datetime
from typing import Any

import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

from counterpoint.discover import audiences, evaluations
from counterpoint.discover.audiences import Creator
from counterpoint.discover.creators import Audience
from counterpoint.discover.evaluating import Compared
from counterpoint.discover.evaluators import EvaluatorState, Wanted, begin, state_of
from counterpoint.discover.overview import versions_of
from counterpoint.discover.paths import BASE, TAGS, ref_of
from counterpoint.discover.plan import read_plan
from counterpoint.discover.version import Version
from counterpoint.errors import NotFoundError
from counterpoint.graph.actor import Actor
from counterpoint.paging import check_limit, cursor_of, read_cursor
from counterpoint.workspace import Workspace

__all__ = ["audience_routes"]

MOST = 500


class Versions(msgspec.Struct, frozen=True):
    """The versions of a recommender, the newest first."""

    items: tuple[Version, ...]


class Creators(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Creators by how many listen, those with most first."""

    items: tuple[Creator, ...]
    next_cursor: str | None = None


class Evaluation(msgspec.Struct, frozen=True, rename="camel"):
    """The newest evaluation, which `counterpoint discover evaluate` kept."""

    at: datetime
    by: str
    until: datetime
    """Events of later were left out."""
    sentence: str
    compared: Compared


class EvidenceWanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The bet whose risk of value the evaluation is evidence on."""

    bet: str


class EvidenceOffered(msgspec.Struct, frozen=True):
    """What the bet was told."""

    bet: str
    direction: str
    note: str
    source: str


@get(BASE + "/versions", tags=TAGS, sync_to_thread=True)
def list_versions(ws: NamedDependency[Workspace], recommender: FromPath[str]) -> Versions:
    """The versions of a recommender: method, options, trials of the search, evaluation, and what was left out."""
    return Versions(tuple(versions_of(ws, ref_of(recommender))))


@get(BASE + "/creators", tags=TAGS, sync_to_thread=True)
def list_creators(
    ws: NamedDependency[Workspace],
    recommender: FromPath[str],
    words: FromQuery[str] = "",
    limit: FromQuery[int] = 100,
    cursor: FromQuery[str | None] = None,
) -> Creators:
    """Artists and shows with listeners enough to be told of, those with most first; `words` narrows by name."""
    check_limit(limit, MOST)
    start = read_cursor(cursor, tuple[int])[0] if cursor else 0
    _, found = audiences.creators(ws, ref_of(recommender), words=words, limit=start + limit + 1)
    rest = found[start:]
    more = cursor_of(start + limit) if len(rest) > limit else None
    return Creators(tuple(rest[:limit]), more)


@get(BASE + "/creators/{creator:path}", tags=TAGS, sync_to_thread=True)
def read_audience(
    ws: NamedDependency[Workspace], recommender: FromPath[str], creator: FromPath[str]
) -> Audience:
    """Where a creator's listeners come from, how the audience grows, whom it is shared with, and which to try next.

    No figure is of fewer than 20 listeners, nor can one be had by subtracting.
    """
    return audiences.audience(ws, ref_of(recommender), creator.removeprefix("/"))[1]


@get(BASE + "/evaluation", tags=TAGS, sync_to_thread=True)
def read_evaluation(ws: NamedDependency[Workspace], recommender: FromPath[str]) -> Evaluation:
    """The newest evaluation: every method with its intervals, calibration and exposure by popularity."""
    with ws.graph.read() as reader:
        entity, _ = read_plan(reader, ref_of(recommender))
    newest = evaluations.newest_evaluation(ws, entity.ref)
    if newest is None:
        raise NotFoundError(
            f"{entity.title} has no evaluation that holds now; make one with: counterpoint discover evaluate {entity.name}"
        )
    found = newest.kept.compared
    return Evaluation(
        newest.entry.at, newest.entry.actor, newest.kept.until, evaluations.sentence_of(found), found
    )


@get(BASE + "/evaluation/state", tags=TAGS, sync_to_thread=True)
def read_evaluation_state(ws: NamedDependency[Workspace], recommender: FromPath[str]) -> EvaluatorState:
    """How far the last evaluation is that the server was asked for: none, under way, stopped, failed or done."""
    return state_of(ws, ref_of(recommender))


@post(BASE + "/evaluation", tags=TAGS, status_code=202, sync_to_thread=True)
def begin_evaluation(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    recommender: FromPath[str],
    data: JSONBody[Wanted],
) -> EvaluatorState:
    """Have methods compared by a protocol, beside requests; whoever may change the recommender may.

    What is found is the newest evaluation a little later, and evidence on a bet where one is named. One that is under
    way is not begun again, and one with other settings waits for it (409).
    """
    return begin(ws, actor, ref_of(recommender), data)


@post(BASE + "/evaluation/evidence", tags=TAGS, status_code=201, sync_to_thread=True)
def offer_evidence(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    recommender: FromPath[str],
    data: JSONBody[EvidenceWanted],
) -> EvidenceOffered:
    """Put the newest evaluation on a bet, as offline evidence on its risk of value; a later one takes its place."""
    entry = evaluations.offer_newest(ws, actor, ref_of(recommender), data.bet)
    return EvidenceOffered(
        entry.subject, entry.after["direction"], entry.after["note"], entry.after["source"]
    )


audience_routes: list[Any] = [
    list_versions,
    list_creators,
    read_audience,
    read_evaluation,
    read_evaluation_state,
    begin_evaluation,
    offer_evidence,
]
