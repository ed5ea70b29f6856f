"""How the columns of a table become events: the values that a mapping file is read into."""

from typing import Literal

import msgspec

from counterpoint.journal.model.event import EXPOSURE

__all__ = ["Column", "EventMapping", "Rule", "Term", "Text", "exposure"]


class Column(msgspec.Struct, frozen=True):
    """What a column of the row says."""

    name: str
    line: int
    """Where the mapping file names it."""
    use: str
    """What for, as a message says it: `subject`, `metrics game.rounds`."""
    unit: Literal["s", "ms", "us"] | None = None
    """Of a time that is a number since 1970."""


class Text(msgspec.Struct, frozen=True):
    """The same text for every row."""

    text: str


Term = Column | Text


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One event for each row that has what it needs."""

    kind: Literal["exposure", "metric", "event"]
    type: Term
    subject: Term | None = None
    time: Term | None = None
    """None means the moment of the import."""
    id: Term | None = None
    """None means an id made of the row's key and the type."""
    flag: Term | None = None
    flag_set: Term | None = None
    variant: Term | None = None
    data: tuple[tuple[str, Term], ...] = ()
    """In metric events `value` and its column."""


class EventMapping(msgspec.Struct, frozen=True, kw_only=True):
    """A whole mapping file."""

    file: str
    source: Term
    rules: tuple[Rule, ...]
    row: tuple[Column, ...] = ()
    """The columns that tell one row from all others; none means the default of `docs/events.md`."""
    empty: frozenset[str] = frozenset({""})
    """Texts that stand for no value."""
    delimiter: str | None = None
    """Between the columns of a CSV file; none means a comma, or a tab in `.tsv`."""

    def columns(self) -> list[Column]:
        """Every column that the mapping names, in the file's order."""
        terms: list[Term | None] = [self.source, *self.row]
        for rule in self.rules:
            terms += [rule.type, rule.subject, rule.time, rule.id, rule.flag, rule.flag_set, rule.variant]
            terms += [term for _, term in rule.data]
        found: dict[str, Column] = {}
        for term in terms:
            if isinstance(term, Column):
                found.setdefault(term.name, term)
        return sorted(found.values(), key=lambda column: column.line)


def exposure(*, flag: Term, variant: Term, flag_set: Term, subject: Term, time: Term | None) -> Rule:
    """The rule of an exposure event."""
    return Rule(
        kind="exposure",
        type=Text(EXPOSURE),
        flag=flag,
        variant=variant,
        flag_set=flag_set,
        subject=subject,
        time=time,
    )
