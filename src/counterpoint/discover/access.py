"""Whose a profile, a playlist and an export are: the listener's, and of nobody in the organisation. Pure.

No role weakens that, an administrator's neither. A service with the scope `discover` acts for its listeners, as a
product's own backend does; a listener who holds a link acts for themselves; and whoever runs commands on the machine
itself can read its disk anyway.
"""

from dataclasses import replace

from counterpoint.errors import InputError, NotAllowedError, Problem
from counterpoint.graph.actor import Actor
from counterpoint.journal.model.event import MAX_ATTRIBUTE, is_attribute

__all__ = ["SCOPE", "acting", "acts_for_listeners", "listening_actor", "require_listeners"]

SCOPE = "discover"
"""The scope of the token with which a product's backend acts for its listeners; no other scope includes it."""
HOLDER = "listener"
"""What a service may do that stands for one listener who holds a link."""


def acts_for_listeners(actor: Actor) -> bool:
    """Whether an actor may see and change what belongs to a listener."""
    return actor.kind in {"local", "system"} or (
        actor.kind == "service" and bool(actor.scopes & {SCOPE, HOLDER})
    )


def require_listeners(actor: Actor, *listeners: str) -> None:
    """Refuse everybody who does not act for listeners, and names that no listener can have.

    Raises:
        NotAllowedError: the actor is a person, whatever their role, or a service without the scope.
        InputError: a name that cannot be the subject of an event.
    """
    if not acts_for_listeners(actor):
        raise NotAllowedError(
            "What was learnt of a listener is theirs alone; no role opens it, an administrator's neither. A product's"
            f" backend acts for its listeners with a token of the scope '{SCOPE}'; a listener opens a link of their own,"
            " which `counterpoint discover link` makes."
        )
    for each in listeners:
        if not (each.strip() and is_attribute(each)):
            rule = f"{each[:40]!r} cannot be a listener: it must be a text as the subject of an event is, with 1 to {MAX_ATTRIBUTE:,} characters"
            raise InputError("The listener is not valid.", [Problem(rule, "/listener")])


def acting(actor: Actor) -> Actor:
    """The same, as who may write what belongs to listeners though it may write nothing else.

    Raises:
        NotAllowedError: as `require_listeners`.
    """
    require_listeners(actor)
    return replace(actor, kind="system")


def listening_actor() -> Actor:
    """Whoever holds a listener's link. The log of changes says so much and not who it is."""
    return Actor("system:default/listener", "A listener", "service", scopes=frozenset({HOLDER}))
