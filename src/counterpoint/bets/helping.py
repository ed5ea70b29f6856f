"""Who may add evidence and answer for the sponsor: the owner, the units that contribute, and the sponsor."""

from counterpoint.errors import NotAllowedError
from counterpoint.graph.actor import Actor
from counterpoint.graph.entity import Entity
from counterpoint.graph.permissions import Decision, may
from counterpoint.graph.reader import Reader
from counterpoint.graph.writer import Writer

__all__ = ["may_help", "require_help"]


def may_help(reader: Reader, bet: Entity, actor: Actor) -> Decision:
    """Whether the actor may add to what is known of a bet, with the reason in words."""
    units = reader.units_of(actor.ref) if actor.kind == "person" else frozenset()

    def ask(owner: str | None) -> Decision:
        exists = owner is not None and reader.exists(owner)
        return may(actor, "write", owner, owner_exists=exists, units=units)

    decision = ask(bet.owner)
    for helper in (*bet.targets("hasContributor"), *bet.targets("sponsoredBy")):
        # A helper that does not exist opens the bet to nobody but whoever acts by that name.
        if not decision.allow and (helper == actor.ref or reader.exists(helper)):
            also = ask(helper)
            decision = also if also.allow else decision
    return decision


def require_help(writer: Writer, bet: Entity) -> None:
    """Make sure that the writer's actor may add to what is known of a bet.

    Raises:
        NotAllowedError: they may not.
    """
    decision = may_help(writer, bet, writer.actor)
    if not decision.allow:
        raise NotAllowedError(f"Nothing was added to {bet.ref}. {decision.reason}")
