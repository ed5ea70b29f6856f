"""Who has a say in a change: the owner, and whoever a membership, a part or a rename concerns."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa

from counterpoint.errors import NotAllowedError
from counterpoint.graph.actor import Actor
from counterpoint.graph.descriptor import owner_of, ref_of, relations_of
from counterpoint.graph.handover import PROVISIONED
from counterpoint.graph.permissions import may
from counterpoint.graph.reader import Reader
from counterpoint.graph.ref import parse_ref
from counterpoint.graph.summit import top_unit
from counterpoint.graph.tables import decode

__all__ = ["Consent"]

MEMBERSHIP = {"user": ("memberOf", "Group"), "group": ("parent", "Group")}
"""Fields by which an entity joins units, and with them gains their rights."""
CUSTOMS = frozenset({"vocabulary", "policypack"})
"""Kinds that bind whole units: nobody writes them for a unit that they do not belong to."""


class Consent(Reader, ABC):
    """A view of the graph in which an actor asks whether they may change something."""

    def __init__(self, connection: sa.Connection, actor: Actor) -> None:
        super().__init__(connection)
        self.actor = actor
        self._units: frozenset[str] | None = None

    @abstractmethod
    def _latest(self, ref: str) -> Any:
        """The newest row of an entity, be it current or a deletion; none where there was never one."""

    def _may_write_all(self) -> bool:
        """Whether nobody need ask who owns what is written: no person writes, but a machine that may."""
        return self.actor.kind != "person" and may(self.actor, "write").allow

    def _allow(self, ref: str, old: Any, document: Mapping[str, Any] | None) -> None:
        if self._may_write_all():
            return
        if old is None and document is not None and ref.startswith("user:"):
            self._require_acquaintance(ref, document)
        for owner, new in self._concerned(ref, old, document):
            self._ask(ref, owner, new=new)
        if not self.actor.admin and old is not None and document is not None:
            _refuse_identity(ref, decode(old.document), document)

    def _require_acquaintance(self, ref: str, document: Mapping[str, Any]) -> None:
        """Who may add a person: an administrator, the person, or a unit that takes them in, which is asked next.

        A name that somebody acts by already, as the user of this machine does, is theirs alone to describe.
        """
        if self.actor.admin or self.actor.kind != "person" or ref == self.actor.ref:
            return
        if self._has_acted(ref):
            raise NotAllowedError(
                f"{ref} was not added. Somebody acts by this name already; an administrator, an import or they themselves add it."
            )
        if not _joined(document):
            raise NotAllowedError(
                f"{ref} was not added. Name a unit of yours in memberOf that takes them in; without one an administrator or an import adds people."
            )

    def _ask(self, ref: str, owner: str | None, *, new: bool) -> None:
        known = new or owner is None or self.exists(owner) or self._has_acted(owner)
        units = frozenset() if new else self._own_units()
        decision = may(self.actor, "write", owner, new=new, owner_exists=known, units=units)
        if not decision.allow:
            raise NotAllowedError(f"{ref} was not changed. {decision.reason}")

    def _has_acted(self, owner: str) -> bool:
        """Whether a person who never had an entity is known all the same, since they did something here."""
        if not owner.startswith("user:") or self._latest(owner) is not None:
            return False
        return bool(self.activity(actor=owner, limit=1))

    def _concerned(
        self, ref: str, old: Any, document: Mapping[str, Any] | None
    ) -> Iterator[tuple[str | None, bool]]:
        """Every owner who has a say in a change, with whether the thing is new."""
        kind = ref.partition(":")[0]
        # People and units own themselves: who could edit them freely could join any unit, and write what it owns.
        yield (None if old is None else ref if kind in MEMBERSHIP else old.owner), old is None
        if kind in MEMBERSHIP and document is not None:
            before = _joined(decode(old.document)) if old is not None else set()
            for unit in sorted(_joined(document) - before):
                yield unit, False
            claimed = _claimed(decode(old.document)) if old is not None else set()
            for part in sorted(
                _claimed(document) - claimed
            ):  # whoever lies above binds it by words and practices
                yield part, False
        if kind in CUSTOMS:
            changed = [decode(old.document)] if old is not None else []
            changed += [document] if document is not None else []
            for each in changed:
                yield from ((unit, False) for unit in self._bound(ref, each))

    def _bound(self, ref: str, document: Mapping[str, Any]) -> list[str]:
        """Whom words and practices bind: the owner and the units that they name. The actor belongs to each.

        Without units they bind everybody; then the top unit owns them, and the actor is in that very unit.
        """
        owner, edges = str(owner_of(document)), relations_of(document)
        units = sorted({target for source, kind, target in edges if source == ref and kind == "appliesTo"})
        if not units:
            self._require_summit(ref, owner)
        return [owner, *units]

    def _require_summit(self, ref: str, owner: str) -> None:
        if self.actor.admin or self.actor.kind != "person":
            return
        top = top_unit(self)
        if top is None:  # nobody is above anybody
            return
        if owner != top:
            raise NotAllowedError(
                f"{ref} was not changed. Without `units` it holds for the whole organisation, and {top} is the"
                " unit above all others; name the units that it holds for, or let that unit own it."
            )
        direct = {target for _, kind, target in self._edges([self.actor.ref], at=None) if kind == "memberOf"}
        if top not in direct and top not in self.actor.units:  # everybody is in it through other units
            raise NotAllowedError(
                f"{ref} was not changed. It holds for the whole organisation: an administrator changes it,"
                f" or whoever is in {top} itself, not only in a part of it."
            )

    def _own_units(self) -> frozenset[str]:
        if self._units is None:
            self._units = self.units_of(self.actor.ref)
        return self._units


def _joined(document: Mapping[str, Any]) -> set[str]:
    ref = ref_of(document)
    field, kind = MEMBERSHIP[ref.kind]
    named = (document.get("spec") or {}).get(field) or []
    texts = [named] if isinstance(named, str) else named
    return {str(parse_ref(text, default_kind=kind, default_namespace=ref.namespace)) for text in texts}


def _claimed(document: Mapping[str, Any]) -> set[str]:
    """The units that a unit's document says are its parts."""
    ref = ref_of(document)
    named = (document.get("spec") or {}).get("children") or [] if ref.kind == "group" else []
    return {str(parse_ref(text, default_kind="Group", default_namespace=ref.namespace)) for text in named}


def _refuse_identity(ref: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """Other systems know people by their address and by what an identity provider has said of them.

    Who could change that of themselves would be taken for somebody else, and be given their memberships.

    Raises:
        NotAllowedError: one of the two is changed.
    """
    if ref.partition(":")[0] not in MEMBERSHIP:
        return
    old, new = before.get("spec") or {}, after.get("spec") or {}
    address = ref.startswith("user:") and _address(old) != _address(new)
    if address or old.get(PROVISIONED) != new.get(PROVISIONED):
        what = "the e-mail address" if address else f"spec.{PROVISIONED}"
        raise NotAllowedError(
            f"{ref} was not changed. By {what} other systems know who it is; an administrator, a file or the identity provider changes it."
        )


def _address(spec: Mapping[str, Any]) -> Any:
    profile = spec.get("profile")
    return profile.get("email") if isinstance(profile, dict) else None
