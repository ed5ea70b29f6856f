"""Who may do what: one pure decision, which the graph asks before every change."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from counterpoint.graph.actor import Actor

__all__ = ["Action", "Decision", "hidden_actions", "may"]

Action = Literal["read", "write"]
IDENTITY = ("account.", "session.", "token.")
"""Beginnings of actions that tell who may enter and when they came."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer, with its reason in words for people."""

    allow: bool
    reason: str


def may(
    actor: Actor | None,
    action: Action,
    owner: str | None = None,
    *,
    new: bool = False,
    owner_exists: bool = True,
    units: Collection[str] = (),
) -> Decision:
    """Decide whether an actor may read or write an entity.

    Permissions follow ownership: `owner` is who owns the entity now (before the change), `new` says
    that there is no such entity yet, `owner_exists` that the owner is itself an entity. `units` are
    the units that the actor belongs to, directly or through their ancestors; those that the actor's
    identity provider names count too.
    """
    if actor is None:
        return Decision(allow=False, reason="Nobody is signed in; sign in first.")
    if actor.admin or actor.kind in {"local", "system"}:
        return Decision(allow=True, reason=f"{actor.name} may do everything here.")
    if actor.kind == "service":
        return _service(actor, action)
    if action == "read":
        return Decision(allow=True, reason="Reading is open to everyone who is signed in.")
    if new:
        return Decision(allow=True, reason="Everyone who is signed in may add something new.")
    if owner is None:
        return Decision(allow=True, reason="Nobody owns it.")
    if not owner_exists:
        return Decision(allow=True, reason=f"Its owner {owner} does not exist.")
    if owner == actor.ref:
        return Decision(allow=True, reason=f"{actor.name} owns it.")
    if owner in units or owner in actor.units:
        return Decision(allow=True, reason=f"{actor.name} belongs to {owner}, which owns it.")
    if owner.startswith("user:"):  # nobody is a member of a person
        return Decision(
            allow=False, reason=f"It belongs to {owner}, and {actor.name} is somebody else; ask them."
        )
    return Decision(
        allow=False, reason=f"It belongs to {owner}, and {actor.name} is no member; ask them, or join."
    )


def hidden_actions(actor: Actor) -> tuple[str, ...]:
    """The beginnings of actions that the activity log does not show to an actor.

    When somebody signed in concerns nobody else, and which tokens exist only who manages them.
    """
    return () if actor.admin or actor.kind in {"local", "system"} else IDENTITY


def _service(actor: Actor, action: Action) -> Decision:
    if action in actor.scopes or "write" in actor.scopes:
        return Decision(allow=True, reason=f"The token of {actor.name} has the scope for it.")
    reason = f"The token of {actor.name} lacks the scope {action!r}; make one with --scope {action}."
    return Decision(allow=False, reason=reason)
