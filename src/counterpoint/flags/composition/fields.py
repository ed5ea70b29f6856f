"""A value of a document with its place: it is read as what is wanted of it, or a problem is noted."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from counterpoint.errors import Problem, escape
from counterpoint.flags.targeting import KNOWN, is_rule, subrules
from counterpoint.graph.flagd import too_deep
from counterpoint.spelling import near

__all__ = ["Fields", "Place"]

NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _.-]{0,62}")
"""Names that end up in `$ref`: plain ASCII, since flagd-core of PyPI finds no others."""
PATH: Final = re.compile(r"(?!\$flagd)[^\s.\\]+(?:\.[^\s.\\]+)*")


@dataclass(frozen=True, slots=True)
class Place:
    """A value, its pointer, and where problems are noted."""

    value: Any
    pointer: str
    problems: list[Problem]
    name: str = ""
    """The last part of the pointer, as it was written."""

    @property
    def shown(self) -> str:
        """The value as JSON, shortened."""
        written = json.dumps(self.value, ensure_ascii=False, default=str)
        return written if len(written) <= 60 else written[:59] + "…"

    def refuse(self, message: str) -> None:
        """Note that something is wrong here."""
        self.problems.append(Problem(message, self.pointer))

    def clean(self, *places: "Place") -> bool:
        """Whether nothing is wrong at these places so far."""
        wrong = {problem.pointer for problem in self.problems}
        return not any(place.pointer in wrong for place in places)

    def mapping(self) -> Mapping[str, Any]:
        """The value as an object; an empty one, with a problem, where it is none."""
        if isinstance(self.value, Mapping) and all(isinstance(key, str) for key in self.value):
            return self.value
        self.refuse(f"{self.shown} is no object of named members.")
        return {}

    def members(self) -> Iterator[tuple[str, "Place"]]:
        """The members of an object."""
        for key, value in self.mapping().items():
            yield key, Place(value, f"{self.pointer}/{escape(key)}", self.problems, key)

    def items(self) -> list["Place"]:
        """The items of a list."""
        if not isinstance(self.value, list):
            self.refuse(f"{self.shown} is no list.")
            return []
        return [
            Place(item, f"{self.pointer}/{index}", self.problems) for index, item in enumerate(self.value)
        ]

    def text(self) -> str | None:
        """The value as a text that is not empty."""
        if isinstance(self.value, str) and self.value:
            return self.value
        self.refuse(f"{self.shown} is no text. Write a text, in quotes where it looks like a number.")
        return None

    def texts(self) -> list[str]:
        """The texts of a list."""
        return [text for item in self.items() if (text := item.text()) is not None]

    def is_name(self, name: str) -> bool:
        """Whether a name may be used in a `$ref`."""
        if NAME.fullmatch(name):
            return True
        self.refuse(
            f"{name!r} cannot be a name here. Use up to 63 letters (a to z), digits, spaces, dots, - and _."
        )
        return False

    def rule(self) -> Any:
        """The value as JsonLogic that means the same in every flag."""
        if not is_rule(self.value):
            self.refuse(f"{self.shown} is no rule. Write JsonLogic: an object with one operator.")
        elif too_deep(self.value):
            self.refuse("The rule nests too deeply. Write a chain of conditions as one `if`.")
        else:
            for pointer, operator, given in subrules(self.value, self.pointer):
                if fault := _fault(operator, given):
                    self.problems.append(Problem(fault, pointer))
            return self.value
        return None


def _fault(operator: str, given: Any) -> str | None:
    """Why an operation cannot be part of a rule that several flags share."""
    if operator == "$ref":
        return "A rule here cannot hold a $ref, since references do not nest. Name segments in `segments`."
    if operator not in KNOWN:
        return f"There is no operator {operator!r}."
    if operator == "var" and given in ("$flagd.flagKey", ["$flagd.flagKey"]):
        return "The flag's key is another one where this flag is a prerequisite. Write a salt of your own."
    if operator == "fractional":
        return (
            "A rule here cannot split, since SDKs differ in what they draw. Use a ramp, a layer or a holdout."
        )
    return None


class Fields:
    """The members of an object of which the names are known."""

    def __init__(self, place: Place, names: tuple[str, ...]) -> None:
        self.place = place
        self.sound = isinstance(place.value, Mapping)
        """Whether it is an object at all."""
        self._members = dict(place.members())
        for key, member in self._members.items():
            if key not in names:
                meant = near(key, names) or f"; there are {', '.join(names)}."
                member.refuse(f"There is no field {key!r} here{meant}")

    def get(self, name: str) -> Place | None:
        """The member; None where it is missing or null."""
        member = self._members.get(name)
        return None if member is None or member.value is None else member

    def text(self, name: str) -> str | None:
        """The member as a text."""
        member = self.get(name)
        return member.text() if member else None

    def texts(self, name: str) -> list[str]:
        """The member as a list of texts."""
        member = self.get(name)
        return member.texts() if member else []

    def salt(self) -> str | None:
        """The member `salt` as a text in ASCII, which every SDK hashes alike."""
        member = self.get("salt")
        salt = member.text() if member else None
        if member and salt and not salt.isascii():
            member.refuse("A salt is of ASCII characters, since SDKs hash others differently.")
        return salt

    def path(self, name: str, otherwise: str) -> str:
        """The member as the path of an attribute."""
        member = self.get(name)
        path = member.text() if member else None
        if member and path and not PATH.fullmatch(path):
            member.refuse(
                f"{path!r} is no path of an attribute. Write names joined by dots, such as company.id."
            )
        return path or otherwise
