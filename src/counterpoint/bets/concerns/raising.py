"""Raising concerns: who may be how named, and what is kept of it.

Nothing here tells who raised a nameless concern: no column, no entry of the activity log, no moment finer than a day.
"""

import secrets
from datetime import date
from uuid import uuid4

import msgspec
import sqlalchemy as sa

from counterpoint.bets.concerns.model import GUESSABLE, Concern, Naming, Risk
from counterpoint.bets.concerns.tables import answers, concerns, row_of
from counterpoint.bets.concerns.viewing import members_of, viewer_of
from counterpoint.bets.decisions import require_bet
from counterpoint.bets.given import given_text, given_word, hashed
from counterpoint.bets.model import mapping
from counterpoint.errors import InputError, NotAllowedError, Problem, Said
from counterpoint.graph.actor import Actor
from counterpoint.graph.entity import Entity
from counterpoint.graph.permissions import may
from counterpoint.graph.reader import Reader
from counterpoint.graph.ref import parse_ref
from counterpoint.graph.store import Graph
from counterpoint.moments import today_utc

__all__ = ["LONGEST", "Choices", "Raised", "choices_for", "erase_author", "raise_concern", "require_write"]

LONGEST = 4_000
"""Characters of a concern or an answer."""
_SMALL = f"Fewer than {GUESSABLE} people are in the squad: colleagues may guess who raised this, whatever we leave out."


class Raised(msgspec.Struct, frozen=True, rename="camel"):
    """A concern that was just raised. `receipt` is shown this once: with it a nameless concern is taken back."""

    concern: Concern
    receipt: str | None = None
    warning: Said = ""


class Choices(msgspec.Struct, frozen=True):
    """How a reader may be named in a concern about a bet."""

    unit: str
    unit_title: str
    namings: tuple[Naming, ...]
    inside: bool
    """Whether the reader belongs to that unit."""
    small: bool
    """Whether colleagues may guess who raises one without a name."""


def raise_concern(
    graph: Graph,
    bet: str,
    text: str,
    *,
    actor: Actor,
    risk: Risk | str = Risk.DEADLINE,
    naming: Naming | str = Naming.NAMED,
    about_on: date | None = None,
    publish: bool = False,
    today: date | None = None,
) -> Raised:
    """Keep a concern about a bet. Anybody may raise one by name; members of its squad also without.

    `about_on` is the date that is at risk, that of the bet where none is given. `publish` lets everybody see it at once.

    Raises:
        InputError: the text is empty or too long, a word is not known, or the naming is not open to the actor.
        NotAllowedError: the actor may not write.
        NotFoundError: there is no such bet.
    """
    day = today or today_utc()
    risk, naming = given_word(Risk, risk, "/risk"), given_word(Naming, naming, "/naming")
    text = given_text(text, LONGEST, "/text", wanted="Say in a sentence what you fear will go wrong.")
    require_write(actor)
    with graph.read() as reader:
        entity = require_bet(reader, bet)
        choices = _choices(reader, entity, actor, day)
        about = about_on or (_deadline(entity) if risk is Risk.DEADLINE else None)
    if naming not in choices.namings:
        raise InputError(
            "The concern was not raised.",
            [Problem("Only people of the squad raise one without their name; raise it by name.", "/naming")],
        )
    if publish and not choices.inside:
        raise InputError(
            "The concern was not raised.",
            [Problem("The squad that owns the bet publishes it; raise it without.", "/publish")],
        )
    receipt = secrets.token_urlsafe(24) if naming is Naming.ANONYMOUS else None
    concern = Concern(
        id=uuid4().hex,
        bet=entity.ref,
        unit=choices.unit,
        owner=entity.owner or choices.unit,
        risk=risk,
        text=text,
        naming=naming,
        author=actor.ref if naming is Naming.NAMED else None,
        raised_on=day,
        about_on=about,
        shared=bool(_contributors(entity)),
        published_on=day if publish else None,
    )
    # No entry of the activity log, of whatever naming: its moment would tell when somebody sat at a keyboard.
    with graph.write(actor) as writer:
        row = row_of(concern) | {"receipt": hashed(receipt) if receipt else None}
        writer.connection.execute(sa.insert(concerns).values(row))
    small = naming is Naming.ANONYMOUS and choices.small
    return Raised(concern, receipt, _SMALL if small else "")


def choices_for(graph: Graph, bet: str, *, actor: Actor, today: date | None = None) -> Choices:
    """How the actor may be named in a concern about a bet.

    Raises:
        NotFoundError: there is no such bet.
    """
    with graph.read() as reader:
        return _choices(reader, require_bet(reader, bet), actor, today or today_utc())


def erase_author(graph: Graph, person: str, *, actor: Actor) -> int:
    """Take a person's name from the concerns that they raised and the answers that they gave; how many rows it was in.

    The person may, and an administrator, who reads none of them by that.

    Raises:
        NotAllowedError: the actor is somebody else.
    """
    ref = str(parse_ref(person, default_kind="User"))
    if not (actor.ref == ref or actor.admin or actor.kind in ("local", "system")):
        raise NotAllowedError(f"{ref} erases their own name, or an administrator does.")
    with graph.write(actor) as writer:
        mine = sa.update(concerns).where(concerns.c.author == ref).values(author=None)
        said = sa.update(answers).where(answers.c.by == ref).values(by="")
        return sum(writer.connection.execute(each).rowcount for each in (mine, said))


def require_write(actor: Actor) -> None:
    """Refuse who may write nothing at all.

    Raises:
        NotAllowedError: as a token to read.
    """
    decision = may(actor, "write", new=True)
    if not decision.allow:
        raise NotAllowedError(f"Nothing was changed. {decision.reason}")


def _choices(reader: Reader, bet: Entity, actor: Actor, day: date) -> Choices:
    viewer = viewer_of(reader, actor, day)
    owner = bet.owner or ""
    squads = [owner, *_contributors(bet)]
    own = next((each for each in squads if each in viewer.units and each != actor.ref), None)
    unit = own or owner
    title = reader.titles([unit]).get(unit, unit) if unit else ""
    namings = tuple(Naming) if own else (Naming.NAMED,)
    small = own is not None and len(members_of(reader, unit)) < GUESSABLE
    return Choices(unit, title, namings, own is not None, small)


def _contributors(bet: Entity) -> tuple[str, ...]:
    """The units that work on the bet beside its owner, as its document names them."""
    named = mapping(bet.document.get("spec")).get("contributors")
    texts = [each for each in named if isinstance(each, str)] if isinstance(named, list) else []
    refs = (str(parse_ref(each, default_kind="Group", default_namespace=bet.namespace)) for each in texts)
    return tuple(dict.fromkeys(ref for ref in refs if ref != bet.owner))


def _deadline(bet: Entity) -> date | None:
    try:
        return date.fromisoformat(str(mapping(bet.document.get("spec")).get("deadline"))[:10])
    except ValueError:
        return None
