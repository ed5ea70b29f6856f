"""Where ours differs from Backstage on purpose: each difference with its reason, in both modes or by default alone.

`strict = true` reproduces Backstage's quirks; what differs in that mode too is either more than one plugin of
Backstage offers, or an internal error of theirs that nobody can rely on.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Difference:
    """One difference between two recordings of a case. `theirs` and `ours` are values at a pointer."""

    group: str
    case: str
    rank: str
    pointer: str
    theirs: Any
    ours: Any

    @property
    def statuses(self) -> tuple[Any, Any] | None:
        """The two statuses, where they differ."""
        return (self.theirs[0], self.ours[0]) if self.rank == "status" and self.ours else None


@dataclass(frozen=True)
class Mend:
    """A difference that is meant, and why."""

    why: str
    meant: Callable[[Difference], bool]


ALWAYS = (
    Mend(
        "what ends in an internal error there is refused with its reason",
        lambda each: each.statuses is not None and each.statuses[0] == 500 and each.statuses[1] in (400, 404),
    ),
    Mend(
        "templates are a module of their own there; ours knows them",
        lambda each: '"kind": "Template"' in each.case and each.statuses == (400, 200),
    ),
    Mend(
        "a cursor of an order without a direction is refused there, so that no second page can be had",
        lambda each: each.case.startswith(("walk GET", "back GET")) and "orderField=" in each.case and "%2C" not in each.case,
    ),
    Mend(
        "an address that would run a script is no target",
        lambda each: "javascript:alert" in each.case and each.statuses is not None and each.statuses[1] == 400,
    ),
)  # fmt: skip

BY_DEFAULT = (
    Mend(
        "entities that lack the order field are kept in /entities",
        lambda each: "GET /entities?order=" in each.case and each.pointer.endswith("<which>"),
    ),
    Mend(
        "% and _ are characters like any other in full text",
        lambda each: "fullText" in each.case and any(text in each.case for text in ("=%25", "_", "%25")),
    ),
    Mend(
        "what is good is kept beside what is bad, and the bad is shown", lambda each: each.group == "refused"
    ),
    Mend(
        "an entity comes once in a list, however many values it has in the field that the list is ordered by",
        lambda each: "metadata.tags" in each.case or "spec.list" in each.case,
    ),
    Mend(
        "errors name file, line and remedy",
        lambda each: each.pointer.endswith(("/message", "/cause", "/name")),
    ),
)


def meant(difference: Difference, *, strict: bool) -> bool:
    """Whether a difference is one that is listed here."""
    return any(mend.meant(difference) for mend in (ALWAYS if strict else ALWAYS + BY_DEFAULT))
