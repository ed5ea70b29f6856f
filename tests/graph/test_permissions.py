"""Who may do what: the table of the rule, and what holds for everyone."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoint.graph.actor import SYSTEM, Actor, local_actor
from counterpoint.graph.permissions import hidden_actions, may

ANA = Actor("user:default/ana", "Ana", "person")
ADMIN = Actor("user:default/eve", "Eve", "person", admin=True)
READER = Actor("service:default/report", "Report", "service", scopes=frozenset({"read"}))
WRITER = Actor("service:default/ci", "CI", "service", scopes=frozenset({"write"}))
SQUAD = "group:default/discovery"


@pytest.mark.parametrize(
    ("actor", "action", "situation", "allowed"),
    [
        (None, "read", {}, False),
        (None, "write", {}, False),
        (ADMIN, "write", {"owner": SQUAD}, True),
        (local_actor(), "write", {"owner": SQUAD}, True),
        (SYSTEM, "write", {"owner": SQUAD}, True),
        (READER, "read", {}, True),
        (READER, "write", {"new": True}, False),
        (READER, "write", {"owner": SQUAD}, False),
        (WRITER, "write", {"owner": SQUAD}, True),
        (WRITER, "read", {}, True),
        (ANA, "read", {"owner": SQUAD}, True),
        (ANA, "write", {"owner": SQUAD}, False),
        (ANA, "write", {"owner": SQUAD, "units": {"group:default/other"}}, False),
        (ANA, "write", {"owner": SQUAD, "units": {SQUAD}}, True),
        (ANA, "write", {"owner": ANA.ref}, True),
        (ANA, "write", {"owner": SQUAD, "new": True}, True),
        (ANA, "write", {"owner": SQUAD, "owner_exists": False}, True),
        (ANA, "write", {"owner": None}, True),
    ],
)
def test_permissions_follow_ownership(
    actor: Actor | None, action: Any, situation: dict[str, Any], allowed: bool
) -> None:
    assert may(actor, action, **situation).allow is allowed


def test_units_that_the_identity_provider_names_count() -> None:
    actor = Actor("user:default/ana", "Ana", "person", units=frozenset({SQUAD}))
    assert may(actor, "write", SQUAD).allow


ACTORS = st.builds(
    Actor,
    st.sampled_from(["user:default/ana", "user:default/bo"]),
    st.just("X"),
    st.sampled_from(["person", "service", "local", "system"]),
    admin=st.booleans(),
    scopes=st.frozensets(st.sampled_from(["read", "write", "flags"])),
)
OWNERS = st.sampled_from([None, SQUAD, "group:default/other", "user:default/ana"])
UNITS = st.frozensets(st.sampled_from([SQUAD, "group:default/other"]))


@given(actor=ACTORS, owner=OWNERS, units=UNITS, new=st.booleans(), known=st.booleans())
def test_every_answer_has_a_reason_and_who_writes_may_read(
    actor: Actor, owner: str | None, units: frozenset[str], new: bool, known: bool
) -> None:
    write = may(actor, "write", owner, new=new, owner_exists=known, units=units)
    read = may(actor, "read", owner, new=new, owner_exists=known, units=units)
    assert write.reason.endswith(".") or not write.allow
    assert read.allow or not write.allow
    joined = may(
        actor, "write", owner, new=new, owner_exists=known, units=units | ({owner} if owner else set())
    )
    assert joined.allow or not write.allow  # joining a unit never takes a right away


def test_sign_ins_accounts_and_tokens_are_hidden_from_all_but_administrators() -> None:
    assert "session." in hidden_actions(ANA)
    assert "token." in hidden_actions(WRITER)
    assert [hidden_actions(actor) for actor in (ADMIN, SYSTEM, local_actor())] == [(), (), ()]
