"""Who acts: a person, a service, the user of this machine, or the system itself."""

import getpass
import re
from dataclasses import dataclass
from typing import Literal

__all__ = ["SYSTEM", "Actor", "local_actor"]


@dataclass(frozen=True, slots=True)
class Actor:
    """One who reads and writes; every change names its actor."""

    ref: str
    """An entity reference such as `user:default/ana`; the entity itself may be missing."""
    name: str
    """What people call the actor."""
    kind: Literal["person", "service", "local", "system"]
    admin: bool = False
    scopes: frozenset[str] = frozenset()
    """What a service may do: `read`, `write`..."""
    units: frozenset[str] = frozenset()
    """Units that an identity provider names, beside those that the graph knows."""


SYSTEM = Actor("system:default/counterpoint", "Counterpoint", "system", admin=True)
"""Acts where nobody asked: start-up, controllers, schedules."""


def local_actor() -> Actor:
    """The user of this machine. Whoever can write the folder may do everything in it."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a container may run as a user that has no name
        name = "local"
    plain = re.sub(r"[^a-z0-9_.-]+", "-", name.lower()).strip("-_.") or "local"
    return Actor(f"user:default/{plain[:63]}", name, "local", admin=True)
