"""Reading a mapping file: YAML (or JSON) that says which columns become which events.

Every scalar is taken as text, as the file has it: a column named `1`, `yes` or `2024-01-15` is a name
like any other.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal, cast, get_args

import yaml

from counterpoint.errors import InputError, Problem
from counterpoint.journal.cell import cell_time
from counterpoint.journal.model.event import read_time
from counterpoint.journal.model.mapping import Column, EventMapping, Rule, Term, Text, exposure
from counterpoint.spelling import quoted

__all__ = ["load_mapping"]

Default = Literal["column", "literal"]
Unit = Literal["s", "ms", "us"]
TOP = ("source", "subject", "time", "row", "exposure", "metrics", "events", "empty", "delimiter")
EXPOSURE_KEYS = ("flag", "variant", "set", "subject", "time")
EVENT_KEYS = ("type", "subject", "time", "id", "data")
TERM_KEYS = ("column", "literal", "unit")
MAX_BYTES = 1_048_576


def load_mapping(file: Path) -> EventMapping:
    """Read a mapping file.

    Raises:
        InputError: it cannot be read; every problem in it is named with its line.
    """
    return _Reader(str(file)).read(_root(file))


def _root(file: Path) -> yaml.Node:
    try:
        raw = file.read_bytes()
    except OSError as error:
        raise InputError(f"The mapping file {file} cannot be read: {error.strerror}.") from error
    if len(raw) > MAX_BYTES:
        raise InputError(
            f"The mapping file {file} has {len(raw):,} bytes; a mapping has at most {MAX_BYTES:,}. Is it the data?"
        )
    try:
        root = yaml.compose(raw.decode("utf-8-sig"), Loader=yaml.SafeLoader)
    except UnicodeDecodeError as error:
        raise InputError(f"The mapping file {file} is not UTF-8 text (byte {error.start}).") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise InputError("The mapping file is not valid YAML.", [_yaml_problem(str(file), error)]) from error
    if root is None:
        raise InputError(f"The mapping file {file} is empty; docs/events.md shows one.")
    return root


def _yaml_problem(file: str, error: Exception) -> Problem:
    mark = getattr(error, "problem_mark", None)
    message = str(getattr(error, "problem", None) or getattr(error, "reason", None) or "it nests too deep")
    if mark is None:
        return Problem(message, file=file)
    return Problem(message, file=file, line=mark.line + 1, column=mark.column + 1)


class _Reader:
    """Reads the tree of one file and collects what is wrong with it."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._problems: list[Problem] = []

    def read(self, root: yaml.Node) -> EventMapping:
        keys = self._keys(root, "the mapping", TOP)
        source = self._term(keys["source"], "source", "literal") if "source" in keys else None
        if source is None and "source" not in keys:
            self._wrong(
                root, 'source is missing; name where the events come from, such as "source: cookie-cats"'
            )
        subject = self._optional(keys, "subject", "column")
        time = self._time(keys)
        rules = [
            *self._exposures(keys, subject, time),
            *self._metrics(keys, subject, time),
            *self._events(keys, subject, time),
        ]
        if not rules and not self._problems:
            self._wrong(root, "it makes no event; give exposure, metrics or events")
        row = tuple(self._columns(keys["row"])) if "row" in keys else ()
        empty = frozenset({"", *(self._texts(keys["empty"], "empty") if "empty" in keys else ())})
        delimiter = self._delimiter(keys)
        if self._problems or source is None:
            raise InputError("The mapping file cannot be used.", self._problems)
        return EventMapping(
            file=self._file, source=source, rules=tuple(rules), row=row, empty=empty, delimiter=delimiter,
        )  # fmt: skip

    def _exposures(
        self, keys: dict[str, yaml.Node], subject: Term | None, time: Term | None
    ) -> Iterator[Rule]:
        for node in self._entries(keys.get("exposure"), "exposure"):
            given = self._keys(node, "exposure", EXPOSURE_KEYS)
            flag = self._required(given, "flag", "literal", node, "exposure")
            variant = self._required(given, "variant", "column", node, "exposure")
            flag_set = self._optional(given, "set", "literal", "exposure ") or Text("default")
            whom = self._optional(given, "subject", "column", "exposure ") or subject
            when = self._time(given, "exposure ") or time
            if whom is None:
                self._wrong(node, "subject is missing; name the column that holds the user")
            elif isinstance(variant, Column) and isinstance(whom, Column) and variant.name == whom.name:
                message = f"exposure variant is the column {variant.name!r}, which is the subject already; name the column that holds the variant"
                self._wrong(given["variant"], message)
            elif flag is not None and variant is not None:
                yield exposure(flag=flag, variant=variant, flag_set=flag_set, subject=whom, time=when)

    def _metrics(self, keys: dict[str, yaml.Node], subject: Term | None, time: Term | None) -> Iterator[Rule]:
        if "metrics" not in keys:
            return
        metrics = self._keys(keys["metrics"], "metrics", None)
        if metrics and subject is None:
            self._wrong(keys["metrics"], "subject is missing; name the column that holds the user")
        for type_, node in metrics.items():
            if term := self._term(node, f"metrics {type_}", "column"):
                yield Rule(
                    kind="metric", type=Text(type_), subject=subject, time=time, data=(("value", term),)
                )

    def _events(self, keys: dict[str, yaml.Node], subject: Term | None, time: Term | None) -> Iterator[Rule]:
        if "events" not in keys:
            return
        for node in self._entries(keys["events"], "events"):
            given = self._keys(node, "events", EVENT_KEYS)
            type_ = self._required(given, "type", "literal", node, "events")
            data = self._keys(given["data"], "data", None) if "data" in given else {}
            terms = [(key, self._term(value, f"data {key}", "column")) for key, value in data.items()]
            if type_ is not None:
                yield Rule(
                    kind="event", type=type_,
                    subject=self._optional(given, "subject", "column", "events ") or subject,
                    time=self._time(given, "events ") or time,
                    id=self._optional(given, "id", "column", "events "),
                    data=tuple((key, term) for key, term in terms if term is not None),
                )  # fmt: skip

    def _time(self, keys: dict[str, yaml.Node], where: str = "") -> Term | None:
        term = self._optional(keys, "time", "literal", where)
        if isinstance(term, Text):
            try:
                text = cell_time(term.text, None)
                read_time(text)
            except ValueError as error:
                hint = "write it as 2024-01-15T00:00:00Z, or name a column: {column: ts}"
                self._wrong(keys["time"], f"{where}time is {term.text!r}: {error}; {hint}")
                return None
            return Text(text)
        return term

    def _delimiter(self, keys: dict[str, yaml.Node]) -> str | None:
        if "delimiter" not in keys:
            return None
        text = self._scalar(keys["delimiter"], "delimiter")
        text = {"tab": "\t", "\\t": "\t"}.get(text or "", text)
        if text is not None and (len(text) != 1 or text in '\r\n"'):
            self._wrong(
                keys["delimiter"], f'delimiter is {text!r}; it must be one character, such as ";" or tab'
            )
        return text

    def _required(
        self, keys: dict[str, yaml.Node], name: str, default: Default, parent: yaml.Node, where: str
    ) -> Term | None:
        if name not in keys:
            self._wrong(parent, f"{where} has no {name}")
        return self._optional(keys, name, default, f"{where} ")

    def _optional(
        self, keys: dict[str, yaml.Node], name: str, default: Default, where: str = ""
    ) -> Term | None:
        return self._term(keys[name], where + name, default) if name in keys else None

    def _term(self, node: yaml.Node, use: str, default: Default) -> Term | None:
        """A column or a fixed text: plain text is `default`, a mapping says which it is."""
        unit: str | None = None
        if isinstance(node, yaml.MappingNode):
            keys = self._keys(node, use, TERM_KEYS)
            named = [name for name in ("column", "literal") if name in keys]
            if len(named) != 1:
                self._wrong(node, f"{use} must be {{column: NAME}} or {{literal: TEXT}}")
                return None
            default = "column" if "column" in keys else "literal"
            if "unit" in keys and (unit := self._scalar(keys["unit"], f"{use} unit")) not in get_args(Unit):
                self._wrong(keys["unit"], f"{use} unit is {unit!r}; it must be s, ms or us (since 1970)")
            node = keys[default]
        text = self._scalar(node, use)
        if text is None:
            return None
        line = node.start_mark.line + 1
        return Column(text, line, use, cast("Unit | None", unit)) if default == "column" else Text(text)

    def _columns(self, node: yaml.Node) -> Iterator[Column]:
        for text in self._texts(node, "row"):
            yield Column(text, node.start_mark.line + 1, "row")

    def _texts(self, node: yaml.Node, use: str) -> list[str]:
        nodes = node.value if isinstance(node, yaml.SequenceNode) else [node]
        return [text for item in nodes if (text := self._scalar(item, use, empty=use == "empty")) is not None]

    def _entries(self, node: yaml.Node | None, use: str) -> list[yaml.Node]:
        """One entry, or a list of them."""
        if node is None:
            return []
        if isinstance(node, yaml.SequenceNode):
            return list(node.value)
        if use == "events":
            self._wrong(node, "events must be a list; begin each entry with a dash")
            return []
        return [node]

    def _scalar(self, node: yaml.Node, use: str, *, empty: bool = False) -> str | None:
        if not isinstance(node, yaml.ScalarNode):
            self._wrong(node, f"{use} must be text, not {_shape(node)}")
            return None
        text = str(node.value)
        if not text and not empty:
            self._wrong(node, f"{use} is empty")
            return None
        return text

    def _keys(self, node: yaml.Node, use: str, known: tuple[str, ...] | None) -> dict[str, yaml.Node]:
        if not isinstance(node, yaml.MappingNode):
            self._wrong(node, f"{use} must be a mapping (key: value), not {_shape(node)}")
            return {}
        found: dict[str, yaml.Node] = {}
        for key, value in node.value:
            name = self._scalar(key, f"a key of {use}")
            if name is None:
                continue
            if known is not None and name not in known:
                self._wrong(key, f"{name!r} is no key of {use}; it knows {quoted(known)}")
            elif name in found:
                self._wrong(key, f"{name!r} is given twice in {use}")
            found[name] = value
        return found

    def _wrong(self, node: yaml.Node, message: str) -> None:
        mark = node.start_mark
        self._problems.append(Problem(message, file=self._file, line=mark.line + 1, column=mark.column + 1))


def _shape(node: yaml.Node) -> str:
    return {yaml.ScalarNode: "text", yaml.SequenceNode: "a list", yaml.MappingNode: "a mapping"}[type(node)]
