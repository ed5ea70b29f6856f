"""What imported entities refer to and that nobody has declared."""

from collections.abc import Iterable, Iterator
from typing import Any

from counterpoint.catalog.gathering import Declared
from counterpoint.catalog.remarks import Remark
from counterpoint.errors import escape
from counterpoint.graph.descriptor import ref_of
from counterpoint.graph.fields import references
from counterpoint.graph.kinds import kind_of
from counterpoint.graph.reader import Reader
from counterpoint.graph.ref import Ref, parse_ref
from counterpoint.spelling import near

__all__ = ["check_references"]

OWNER = "ownedBy"
SPEC = "/spec"


def check_references(reader: Reader, written: Iterable[Declared]) -> list[Remark]:
    """A remark for each reference whose target the graph does not hold: an error for owners, since
    everything has exactly one owner; a warning for the rest, since it may be imported later."""
    known: dict[str, bool] = {}
    spellings = _Spellings(reader)
    remarks = []
    for declared in written:
        for text, relation, target in _mentions(declared.document):
            pointer = _pointer(declared.read.value.get("spec"), text)
            if pointer == SPEC:
                continue  # a default that the file does not name, such as the flag set of an experiment
            ref = str(target)
            if ref not in known:
                known[ref] = reader.exists(ref)
            if not known[ref]:
                message = (
                    f"{'the owner ' if relation == OWNER else ''}{ref} does not exist{spellings.near(target)}"
                )
                problem = declared.read.problem(message, pointer)
                remarks.append(Remark("error" if relation == OWNER else "warning", problem))
    return remarks


def _mentions(document: dict[str, Any]) -> Iterator[tuple[str, str, Ref]]:
    """Every reference that a valid document makes: its text, the relation, the target."""
    namespace = ref_of(document).namespace
    for text, reference in references(kind_of(document["kind"]).fields, document.get("spec") or {}):
        yield (
            text,
            reference.relation,
            parse_ref(text, default_kind=reference.default_kind, default_namespace=namespace),
        )


def _pointer(value: Any, text: str, pointer: str = SPEC) -> str:
    """Where a text stands in a spec; the spec itself where it is a default."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        place = f"{pointer}/{escape(str(key))}"
        if item == text:
            return place
        if isinstance(item, dict | list) and (found := _pointer(item, text, place)) != place:
            return found
    return pointer


class _Spellings:
    """Names that exist, by kind, read when the first one is missing."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._names: dict[str, dict[str, str]] = {}

    def near(self, target: Ref) -> str:
        """An ending for a message that names what may have been meant; empty where nothing is near."""
        if target.kind not in self._names:
            kinds = ["Group", "User"] if target.kind == "group" else [target.kind]
            entities = self._reader.all(kind=kinds)
            self._names[target.kind] = {entity.name.lower(): entity.ref for entity in entities}
        return near(target.name, self._names[target.kind], cutoff=0.7)
