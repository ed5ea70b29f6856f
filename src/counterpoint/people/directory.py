"""Finds people and units by what files and other systems call them: reference, name, title, e-mail address."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import count

from counterpoint.errors import InputError
from counterpoint.graph import formats
from counterpoint.graph.entity import Entity
from counterpoint.graph.reader import Reader
from counterpoint.graph.ref import parse_ref
from counterpoint.spelling import near

__all__ = ["Directory", "email_of", "name_from", "numbered"]

LONGEST = 63
"""Characters of an entity's name."""


class Directory:
    """The entities of one kind by every name that somebody may use; kept up to date by `add`."""

    def __init__(self, reader: Reader, kind: str) -> None:
        self.kind = kind
        self.by_ref: dict[str, Entity] = {}
        self._by_email: dict[str, str] = {}
        self._by_title: dict[str, list[str]] = {}
        self._taken: set[str] = set()
        for entity in reader.all(kind=kind):
            self.add(entity)

    def add(self, entity: Entity) -> None:
        """Take in an entity that is new or has changed."""
        self.by_ref[entity.ref] = entity
        self._taken.add(entity.name.lower())
        if email := email_of(entity):
            self._by_email.setdefault(email.casefold(), entity.ref)
        titled = self._by_title.setdefault(entity.title.casefold(), [])
        if entity.ref not in titled:
            titled.append(entity.ref)

    def by_email(self, email: str) -> Entity | None:
        """Who has an e-mail address."""
        ref = self._by_email.get(email.casefold())
        return self.by_ref[ref] if ref else None

    def find(self, text: str) -> Entity | None:
        """Who is meant by a reference, a name, an e-mail address, or a title that only one has."""
        if "@" in text and (found := self.by_email(text)):
            return found
        try:
            ref = parse_ref(text, default_kind=self.kind)
        except InputError:
            ref = None
        if ref is not None and str(ref) in self.by_ref:
            return self.by_ref[str(ref)]
        titled = self._by_title.get(text.casefold(), [])
        return self.by_ref[titled[0]] if len(titled) == 1 else None

    def missing(self, text: str, noun: str) -> str:
        """What to say where `find` finds nobody."""
        titled = self._by_title.get(text.casefold(), [])
        if len(titled) > 1:
            return f"{len(titled)} are called {text!r}; write which: {', '.join(sorted(titled)[:5])}"
        names = {entity.name.casefold(): entity.ref for entity in self.by_ref.values()}
        names |= {title: refs[0] for title, refs in self._by_title.items()}
        return f"there is no {noun} {text!r}{near(text.casefold(), names)}"

    def free_name(self, wanted: str) -> str:
        """A name that nobody has yet, as near to the wanted one as can be."""
        return next(name for name in numbered(wanted) if name.lower() not in self._taken)


def numbered(wanted: str) -> Iterator[str]:
    """A name, and after it the same with a number, for as long as it is taken."""
    yield wanted
    for number in count(2):
        tail = f"-{number}"
        yield f"{wanted[: LONGEST - len(tail)]}{tail}"


def email_of(entity: Entity) -> str:
    """The e-mail address of a person or unit; empty where there is none."""
    profile = entity.spec.get("profile")
    return str((profile or {}).get("email") or "") if isinstance(profile, dict) else ""


def name_from(texts: Iterable[str]) -> str:
    """A name for an entity out of the first text that makes one: "Ana Moreira" is `ana.moreira`; empty where none does."""
    for text in texts:
        local = text.partition("@")[0] if "@" in text else text
        plain = "".join(
            char
            for char in unicodedata.normalize("NFKD", local.replace("ß", "ss"))
            if not unicodedata.combining(char)
        )
        name = re.sub(r"[^a-z0-9_.-]+", "." if " " in local.strip() else "-", plain.lower())
        name = re.sub(r"[_.-]{2,}", lambda run: run[0][0], name).strip("_.-")[:LONGEST].strip("_.-")
        if name and formats.is_name(name):
            return name
    return ""
