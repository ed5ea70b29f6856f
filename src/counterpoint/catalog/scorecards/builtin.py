"""The facts that need nobody to report them, and the names that are theirs."""

from collections.abc import Mapping

__all__ = ["BUILT_IN", "PREFIX", "RESERVED", "group_of"]

PREFIX = "fact."
"""What a fact's name begins with in a predicate."""

BUILT_IN: Mapping[str, str] = {
    "age.days": "whole days since its descriptor last changed",
    "dependants.count": "how many entities depend on it or consume it",
    "description.length": "characters of its description, 0 without one",
    "docs.present": "whether it has documentation",
    "docs.pages": "pages of its documentation",
    "docs.broken_links": "links in its documentation that lead nowhere",
    "docs.problems": "other problems with its documentation, such as pages that cannot be read",
    "docs.age_days": "days since its documentation last changed",
    "docs.behind_days": "days by which the code beside its documentation is newer",
    "links.count": "links in its descriptor",
    "orphan": "whether no file declares it any more",
    "owner.exists": "whether its owner is in the catalog",
    "problems.count": "problems with its file since it was last good",
    "relations.TYPE.count": "how many relations of a type it has, such as relations.dependsOn.count",
    "relations.TYPE.exists": "whether it has a relation of a type, and everything at its other end exists",
    "relations.missing.count": "relations whose other end is not in the catalog",
}
"""Facts that need nobody to report them, with what they say."""


def group_of(name: str) -> str:
    """The first part of a fact's name: `docs` for `docs.present`."""
    return name.partition(".")[0]


RESERVED = frozenset(group_of(name) for name in BUILT_IN)
"""First parts that reported facts may not have."""
