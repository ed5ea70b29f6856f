"""Bets in the graph: list, read with the whole line, write. Decisions are in `decisions`."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import msgspec

from counterpoint.bets.line import Line, load_of
from counterpoint.bets.required import require_bet
from counterpoint.bets.whole import read_whole
from counterpoint.errors import InputError, Problem
from counterpoint.graph.actor import Actor
from counterpoint.graph.customs import Customs
from counterpoint.graph.descriptor import validate
from counterpoint.graph.permissions import Decision as Permission
from counterpoint.graph.permissions import may
from counterpoint.graph.reader import Reader
from counterpoint.graph.ref import parse_ref
from counterpoint.graph.store import Graph
from counterpoint.graph.writer import Writer

__all__ = [
    "BetPage",
    "document_of",
    "list_bets",
    "may_write",
    "names_of",
    "people_of",
    "problems_of",
    "read",
    "write",
    "write_in",
]


class BetPage(msgspec.Struct, frozen=True, rename="camel"):
    """A part of the list of bets, each with its line of sight."""

    items: tuple[Line, ...]
    total: int
    next_cursor: str | None = None


def list_bets(
    graph: Graph,
    *,
    owner: str | None = None,
    limit: int = 50,
    cursor: str | None = None,
    sent: Collection[str] | None = None,
) -> BetPage:
    """The bets in the order of their names, of one owner or of all.

    `sent` are the types of events that the journal has seen; without them a metric that is defined counts as measured.
    """
    with graph.read() as reader:
        page = reader.find(kind="Bet", owner=owner, limit=limit, cursor=cursor)
        return BetPage(read_whole(reader, page.items, sent=sent), page.total, page.next_cursor)


def read(graph: Graph, ref: str, *, sent: Collection[str] | None = None) -> Line:
    """One bet with its whole line, decisions newest first; `sent` as `list_bets` takes it.

    Raises:
        NotFoundError: there is no such bet.
    """
    with graph.read() as reader:
        return _read(graph, reader, ref, sent)


def document_of(graph: Graph, ref: str) -> dict[str, Any]:
    """The bet's descriptor as it is stored.

    Raises:
        NotFoundError: there is no such bet.
    """
    with graph.read() as reader:
        return require_bet(reader, ref).document


def names_of(graph: Graph, kind: str, *, limit: int = 500) -> tuple[str, ...]:
    """What a field of this kind may name, as short as it can be written: `discovery`, `media/retention`."""
    with graph.read() as reader:
        items = reader.find(kind=kind, limit=limit).items
    return tuple(
        item.name if item.namespace == "default" else f"{item.namespace}/{item.name}" for item in items
    )


def people_of(graph: Graph, line: Line, others: Iterable[str] = ()) -> dict[str, str]:
    """The names of those who decided and answered about the bet, and of `others`, by their references."""
    refs = {item.actor for item in line.decisions} | {item.actor for item in line.stances}
    refs |= {each.actor for item in line.decisions for each in item.known.stances}
    with graph.read() as reader:
        return reader.titles(refs.union(others))


def may_write(graph: Graph, line: Line, actor: Actor) -> Permission:
    """Whether the actor may edit the bet and decide about it, with the reason in words."""
    with graph.read() as reader:
        units = reader.units_of(actor.ref) if actor.kind == "person" else frozenset()
    exists = line.owner is not None and line.owner.exists
    return may(actor, "write", line.bet.owner, owner_exists=exists, units=units)


def problems_of(graph: Graph, document: Mapping[str, Any]) -> tuple[Problem, ...]:
    """What `write` would refuse the descriptor of a new bet for, without writing."""
    with graph.read() as reader:
        return tuple(_problems(reader, document, None, new=True))


def write(
    graph: Graph,
    document: Mapping[str, Any],
    *,
    actor: Actor,
    ref: str | None = None,
    new: bool = False,
    if_match: Collection[str] | None = None,
) -> Line:
    """Store a Bet descriptor and return its line.

    `ref` says which bet it must be, `new` that there is none of that name yet, `if_match` which versions it may have.

    Raises:
        InputError: the descriptor is not valid, names another bet, or its owner does not exist.
        PreconditionError: the bet has a version that `if_match` does not name.
        NotAllowedError: the bet belongs to somebody else.
    """
    with graph.write(actor) as writer:
        return write_in(graph, writer, document, ref=ref, new=new, if_match=if_match)


def write_in(
    graph: Graph,
    writer: Writer,
    document: Mapping[str, Any],
    *,
    ref: str | None = None,
    new: bool = False,
    if_match: Collection[str] | None = None,
) -> Line:
    """The same in an open transaction of the graph."""
    problems = _problems(writer, document, ref, new=new)
    if problems:
        raise InputError("The bet cannot be stored.", problems)
    put = writer.put(document, if_match=if_match)
    return _read(graph, writer, put.ref)


def _read(graph: Graph, reader: Reader, ref: str, sent: Collection[str] | None = None) -> Line:
    entity = require_bet(reader, ref)
    limit = Customs(graph).read(reader, entity.owner).limit("betsAtOnce")
    load = load_of(reader, entity.owner, limit)
    return read_whole(reader, [entity], load=load, sent=sent)[0]


def _problems(reader: Reader, document: Mapping[str, Any], ref: str | None, *, new: bool) -> list[Problem]:
    """The graph's own problems, and what it does not ask: it is a bet, this one, and its owner exists."""
    if document.get("kind") != "Bet":
        return [Problem("Write `kind: Bet`.", "/kind")]
    problems = list(validate(document))
    if problems:
        return problems
    metadata, spec = document["metadata"], document["spec"]
    namespace = str(metadata.get("namespace") or "default")
    named = str(parse_ref(f"bet:{namespace}/{metadata['name']}"))
    if ref is not None and named != str(parse_ref(ref, default_kind="Bet")):
        problems.append(
            Problem(f"The document is {named} and the address says {ref}; make them agree.", "/metadata/name")
        )
    if new and reader.exists(named):
        problems.append(
            Problem(
                f"There is a bet called {metadata['name']} already; choose another name.", "/metadata/name"
            )
        )
    owner = parse_ref(spec["owner"], default_kind="Group", default_namespace=namespace)
    if not reader.exists(owner):
        problems.append(
            Problem(
                f"There is no {owner.kind} called {owner.name}; import it first, or choose one that exists.",
                "/spec/owner",
            )
        )
    return problems
