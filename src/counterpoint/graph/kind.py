"""What is known of one kind of entity, and what the kinds of Backstage and ours share."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from counterpoint.errors import Problem
from counterpoint.graph.fields import Field, Reference

__all__ = ["OURS", "OWNER", "TYPE", "Kind", "LooseReference", "refers"]

OURS = ("counterpoint.dev/v1",)
"""The version of our own kinds."""


@dataclass(frozen=True, slots=True)
class LooseReference:
    """A reference inside a document that another standard defines; text that is no reference is skipped."""

    path: tuple[str, ...]
    """Keys from `spec` down; `*` stands for every key of an object and every item of a list."""
    reference: Reference


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of entity."""

    name: str
    api_versions: tuple[str, ...]
    fields: tuple[Field, ...]
    loose: tuple[LooseReference, ...] = ()
    purpose: str = ""
    """What it stands for, in one line for people."""
    check: Callable[[Mapping[str, Any]], Iterable[Problem]] | None = None
    """What fields that are right in themselves say against each other."""
    foreign: tuple[str, ...] = ()
    """Fields of the spec whose keys people name by another standard, in which case counts."""
    logged: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    """The form of a document in which the activity log compares it, where a list stands for things with names."""
    expected: tuple[Field, ...] = ()
    """Fields of ours in a kind of Backstage's. What does not fit them is taken all the same, with a remark."""
    opt_in: bool = False
    """Whether it is taken only where the workspace takes kinds that nobody has registered."""


def refers(
    name: str,
    default_kind: str | None,
    relation: str,
    inverse: str,
    *,
    required: bool = False,
    many: bool = False,
    default: str | None = None,
    lenient: bool = False,
    kinds: tuple[str, ...] = (),
) -> Field:
    """A field that points at entities, with the relation that it makes and its inverse."""
    return Field(
        name,
        "texts" if many else "text",
        required=required,
        reference=Reference(default_kind, relation, inverse, kinds),
        default=default,
        lenient=lenient,
    )


OWNER = refers("owner", "Group", "ownedBy", "ownerOf", required=True)
TYPE = Field("type", required=True)
