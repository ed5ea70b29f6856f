"""Rows of a table into event documents, by a mapping. Pure: values in, documents or a problem out."""

from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from typing import Any, Final
from urllib.parse import quote

import msgspec

from counterpoint.errors import InputError, Problem
from counterpoint.journal.cell import cell_json, cell_number, cell_text, cell_time, shown
from counterpoint.journal.model.event import is_attribute
from counterpoint.journal.model.mapping import Column, EventMapping, Rule, Term, Text
from counterpoint.spelling import near

__all__ = ["RowError", "Table"]

Values = Sequence[Any]
"""One row: texts of a CSV file, or the typed values of a Parquet file."""

SEEN: Final = 5_000_000
"""Rows of one file whose keys are compared; beyond that, memory matters more."""


class RowError(Exception):
    """Why a row makes no event; the message names the column and the value."""


class Table:
    """A mapping made ready for the columns of one file."""

    def __init__(self, mapping: EventMapping, header: Sequence[str], *, file: str) -> None:
        """Find the mapping's columns.

        Raises:
            InputError: the file lacks some, or has one twice; all are listed.
        """
        self._mapping = mapping
        self._places = _places(mapping, header, file)
        self._source = self._attribute(mapping.source)
        self._key, self._unique = self._row_key(len(header))
        self._unique = self._unique and not all(rule.id for rule in mapping.rules)
        self._seen: dict[int, int] = {}
        self._rules = [self._compile(rule, ordinal) for ordinal, rule in enumerate(mapping.rules)]

    def events(self, row: Values) -> list[dict[str, Any]]:
        """The CloudEvents documents of one row: one for each rule that has its value.

        Raises:
            RowError: a value is missing or is no number; the row makes no event at all.
        """
        key = self._key(row)
        if self._unique:
            self._check_unique(key, row)
        source = self._source(row)
        return [document for rule in self._rules if (document := rule(row, source, key)) is not None]

    def _check_unique(self, key: str, row: Values) -> None:
        mark = hash(tuple(map(str, row)))
        before = self._seen.setdefault(hash(key), mark)
        if before != mark:
            names = ", ".join(column.name for column in self._key_columns())
            raise RowError(
                f"{names}: {shown(key)} names an earlier row with other values; give `row` in the mapping the columns that tell rows apart"
            )
        if len(self._seen) > SEEN:
            self._unique = False

    def _key_columns(self) -> tuple[Column, ...]:
        """What tells rows apart: as the mapping says, else the subject where every row has the same time."""
        if self._mapping.row:
            return self._mapping.row
        subjects = {rule.subject for rule in self._mapping.rules}
        timed = any(isinstance(rule.time, Column) for rule in self._mapping.rules)
        subject = next(iter(subjects)) if len(subjects) == 1 else None
        return (subject,) if isinstance(subject, Column) and not timed else ()

    def _row_key(self, width: int) -> tuple[Callable[[Values], str], bool]:
        """The function that makes a row's key, and whether two rows must not share one."""
        columns = self._key_columns()
        readers = [self._attribute(column) for column in columns]
        if len(readers) == 1:
            return readers[0], True
        if readers:
            return lambda row: "/".join(quote(read(row), safe="") for read in readers), True

        def whole(row: Values) -> str:
            return blake2b(
                msgspec.json.encode([cell_text(value) for value in row[:width]]), digest_size=12
            ).hexdigest()

        return whole, False

    def _compile(self, rule: Rule, ordinal: int) -> Callable[[Values, str, str], dict[str, Any] | None]:
        type_ = self._attribute(rule.type)
        subject = self._attribute(rule.subject) if rule.subject else None
        time = self._time(rule.time) if rule.time else None
        named = self._attribute(rule.id) if rule.id else None
        data = self._data(rule)
        alike = [
            other
            for other in self._mapping.rules
            if other.type == rule.type or isinstance(other.type, Column)
        ]
        suffix = f":{ordinal}" if rule.kind == "event" and len(alike) > 1 else ""

        def build(row: Values, source: str, key: str) -> dict[str, Any] | None:
            found = data(row)
            if found is None:
                return None
            kind = type_(row)
            what = f"{kind}:{found['feature_flag.key']}" if rule.kind == "exposure" else kind
            document = {
                "specversion": "1.0",
                "id": named(row) if named else f"{key}:{what}{suffix}",
                "source": source,
                "type": kind,
                "data": found,
            }
            if subject:
                document["subject"] = subject(row)
            if time:
                document["time"] = time(row)
            return document

        return build

    def _data(self, rule: Rule) -> Callable[[Values], dict[str, Any] | None]:
        if rule.kind == "exposure" and rule.flag and rule.variant and rule.flag_set:
            flag, variant, flag_set = (
                self._text(rule.flag),
                self._text(rule.variant),
                self._text(rule.flag_set),
            )
            return lambda row: {
                "feature_flag.key": flag(row),
                "feature_flag.result.variant": variant(row),
                "feature_flag.set.id": flag_set(row),
            }
        if rule.kind == "metric":
            value = self._value("value", rule.data[0][1])
            return lambda row: None if (found := value(row)) is None else {"value": found}
        readers = [(key, self._value(key, term)) for key, term in rule.data]

        def read(row: Values) -> dict[str, Any] | None:
            found = {key: value for key, reader in readers if (value := reader(row)) is not None}
            return found if found or not readers else None

        return read

    def _text(self, term: Term) -> Callable[[Values], str]:
        """A reader of a text that must not be empty."""
        if isinstance(term, Text):
            fixed = term.text
            return lambda _row: fixed
        place, empty = self._places[term.name], self._mapping.empty

        def read(row: Values) -> str:
            text = cell_text(row[place])
            if text in empty:
                raise RowError(f"{term.name} is empty; it is needed as {term.use}")
            return text

        return read

    def _attribute(self, term: Term) -> Callable[[Values], str]:
        """As `_text`, of what becomes an attribute of the event."""
        read = self._text(term)
        if isinstance(term, Text):
            return read

        def check(row: Values) -> str:
            text = read(row)
            if not is_attribute(text):
                raise RowError(
                    f"{term.name} is {shown(text)}, which is too long or holds a control character"
                )
            return text

        return check

    def _time(self, term: Term) -> Callable[[Values], str]:
        read = self._text(term)
        if isinstance(term, Text):
            return read
        place = self._places[term.name]

        def parse(row: Values) -> str:
            read(row)
            try:
                return cell_time(row[place], term.unit)
            except ValueError as error:
                raise RowError(f"{term.name} is {shown(row[place])}: {error}") from None

        return parse

    def _fixed(self, key: str, text: str) -> Any:
        try:
            return cell_number(text) if key == "value" else cell_json(text)
        except ValueError as error:
            problem = Problem(f"data {key} is {shown(text)}, {error}", file=self._mapping.file)
            raise InputError("The mapping file cannot be used.", [problem]) from None

    def _value(self, key: str, term: Term) -> Callable[[Values], Any]:
        """A reader of a value for the data; None where the row has none. `value` must be a number."""
        if isinstance(term, Text):
            fixed = self._fixed(key, term.text)
            return lambda _row: fixed
        place, empty, parse = (
            self._places[term.name],
            self._mapping.empty,
            cell_number if key == "value" else cell_json,
        )

        def read(row: Values) -> Any:
            value = row[place]
            if value is None or value in empty or value != value:
                return None
            try:
                return parse(value)
            except ValueError as error:
                if isinstance(value, str) and value.strip() in empty:
                    return None
                raise RowError(f"{term.name} is {shown(value)}, {error}") from None

        return read


def _places(mapping: EventMapping, header: Sequence[str], file: str) -> Mapping[str, int]:
    problems = []
    for column in mapping.columns():
        times = header.count(column.name)
        if times == 0:
            hint = near(column.name, {name: repr(name) for name in header}) or "."
            problems.append(
                _column_problem(mapping, column, f"{file} has no column {column.name!r} ({column.use}){hint}")
            )
        elif times > 1:
            problems.append(
                _column_problem(
                    mapping, column, f"{file} has {times} columns named {column.name!r} ({column.use})."
                )
            )
    if problems:
        raise InputError(
            f"{file} does not fit the mapping. It has the columns {', '.join(header[:50])}.", problems
        )
    return {name: place for place, name in enumerate(header)}


def _column_problem(mapping: EventMapping, column: Column, message: str) -> Problem:
    return Problem(message, file=mapping.file, line=column.line)
