"""What the JSON of many events says, each different text decoded once.

Most events of a type say nearly the same: the texts of exposures differ by the subject that they repeat, and
those of metric events by the number under `value`, which has a column in every segment. So where whole texts are
different, those two are taken out and what remains is decoded once. Where anything is unusual about a text, or
there is too little in common, each text is decoded by itself: both ways say the same.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

import msgspec
import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["LONGEST", "SUBJECT", "Document", "Documents", "data_documents", "documents", "paired"]

LONGEST: Final = 1_024
"""Characters of a text; attributes with longer ones stay in the map."""
FEW: Final = 4
"""Decoding each different text once pays where there are so many times as many events."""
SAMPLE: Final = 256
"""Events that are looked at first."""

Document = Mapping[str, Any]
_NOTHING: Final[Document] = {}
_decode: Final = msgspec.json.Decoder().decode


class _Subject(str):
    __slots__ = ()


SUBJECT: Final = _Subject("")
"""Stands in a document for the subject of each event that has the document; that is a short text without NUL."""
_MARK: Final = "\0"
"""Stands for the subject in a text: no JSON has it, and as an escape it is one that JSON can say."""
_ESCAPED: Final = "\\u0000"
_VALUE: Final = '"value":'
_NUMBER: Final = _VALUE + "-?[0-9][-+.0-9eE]*"
_UNFIT: Final = r'["\\\x00]'
"""Subjects that JSON escapes, so that they could be mistaken for the JSON around them."""


class Documents:
    """The documents of a table's events."""

    def __init__(
        self, different: Sequence[Document], places: "pa.Array | None" = None,
        subjects: "pa.Array | None" = None,
    ) -> None:  # fmt: skip
        """Take the documents, and for each event which one it has (default: each its own) and what SUBJECT is."""
        self.different = different
        self.places = places
        self.subjects = subjects
        self._values: dict[str, list[Any]] = {}

    def __len__(self) -> int:
        return len(self.different) if self.places is None else len(self.places)

    def values(self, name: str) -> list[Any]:
        """What the different documents have under a name."""
        if name in self._values:
            return self._values[name]
        found = [document.get(name) for document in self.different]
        if len(self._values) < 64:  # as many as there are columns; more would take memory for nothing
            self._values[name] = found
        return found

    def counts(self) -> Counter[str]:
        """How many events have each name."""
        if self.places is None:
            return Counter(chain.from_iterable(self.different))
        found: Counter[str] = Counter()
        for place, count in self._frequencies:
            for name in self.different[place]:
                found[name] += count
        return found

    @cached_property
    def _frequencies(self) -> list[tuple[int, int]]:
        import pyarrow.compute as pc

        counted = pc.value_counts(self.places)
        return list(zip(*(counted.field(place).to_pylist() for place in (0, 1)), strict=True))

    def spread(self, name: str, values: "pa.Array") -> "pa.Array":
        """Each event's value, out of those of the different documents; of texts the subject where that is meant."""
        import pyarrow as pa
        import pyarrow.compute as pc

        if self.places is None:
            return values
        spread = values.take(self.places)
        meant = [value is SUBJECT for value in self.values(name)]
        if not any(meant) or not pa.types.is_string(values.type):
            return spread
        return pc.if_else(pa.array(meant).take(self.places), self.subjects, spread)

    def each(self) -> Sequence[Document]:
        """The document of each event, with its subject."""
        if self.places is None:
            return self.different
        found = [self.different[place] for place in self.places.to_pylist()]
        names = [
            [name for name, value in document.items() if value is SUBJECT] for document in self.different
        ]
        if self.subjects is None or not any(names):
            return found
        return [
            {name: subject if value is SUBJECT else value for name, value in document.items()}
            for document, subject in zip(found, self.subjects.to_pylist(), strict=True)
        ]


def paired(
    first: Documents, second: Documents
) -> "tuple[Iterable[tuple[Document, Document]], pa.Array | None]":
    """The different pairs of what events have of both, and which of them each event has; by event where places are none."""
    import pyarrow as pa

    if first.places is None or second.places is None:
        return zip(first.each(), second.each(), strict=True), None
    width = len(second.different)
    codes = first.places.to_numpy().astype(np.int64) * width + second.places.to_numpy()
    different, places = np.unique(codes, return_inverse=True)
    pairs = [(first.different[code // width], second.different[code % width]) for code in different.tolist()]
    return pairs, pa.array(places)


def documents(texts: "pa.ChunkedArray") -> Documents:
    """The objects that JSON texts say; nothing where a text says something else, or is none."""
    return _once(_plain(texts)) or _one_by_one(texts)


def data_documents(texts: "pa.ChunkedArray", subjects: "pa.ChunkedArray") -> Documents:
    """The same of data, without the number under `value`, which is no attribute, where that makes it quick."""
    plain = _plain(texts)
    found = _once(plain)
    if found is None and (form := _form(texts, subjects)) is not None:
        subject = _plain(subjects)
        found = _once(_formed(plain, subject, *form), subject)
    return found or _one_by_one(texts)


def _plain(array: "pa.ChunkedArray") -> "pa.Array":
    import pyarrow as pa

    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def _one_by_one(texts: "pa.ChunkedArray") -> Documents:
    return Documents([_document(text) for text in texts.to_pylist()])


def _document(text: str | None) -> Document:
    return _decode(text) if text and text[0] == "{" else _NOTHING


def _once(forms: "pa.Array", subjects: "pa.Array | None" = None) -> Documents | None:
    """By texts, or by their forms where `subjects` are given; none where it does not pay or a form cannot tell."""
    coded = forms.dictionary_encode()
    texts = coded.dictionary.to_pylist()
    if len(texts) * FEW > len(forms):
        return None
    found = [_document(text) if subjects is None else _of_form(text) for text in texts]
    if None in found:
        return None
    # Events without any text get the last document.
    places = coded.indices.fill_null(len(found))
    return Documents([*(each for each in found if each is not None), _NOTHING], places, subjects)


def _form(texts: "pa.ChunkedArray", subjects: "pa.ChunkedArray") -> tuple[bool, bool] | None:
    """Whether to take out the value, and the subject, so that much is alike; by a sample."""
    import pyarrow as pa
    import pyarrow.compute as pc

    step = max(len(texts) // SAMPLE, 1)
    chosen = pa.array(range(0, len(texts), step))
    text, subject = _plain(texts.take(chosen)), _plain(subjects.take(chosen))
    several = list(zip(text.to_pylist(), subject.to_pylist(), strict=True))
    value = any(each and _VALUE in each for each, _ in several)
    named = any(each and who is not None and f'"{who}"' in each for each, who in several)
    if named and (
        pc.any(pc.match_substring_regex(subjects, _UNFIT)).as_py()
        or pc.max(pc.utf8_length(subjects)).as_py() > LONGEST
    ):
        named = False
    if not (value or named):
        return None
    alike = len(pc.unique(_formed(text, subject, value, named))) * FEW <= len(text)
    return (value, named) if alike else None


def _formed(texts: "pa.Array", subjects: "pa.Array", value: bool, subject: bool) -> "pa.Array":  # noqa: FBT001 - a pair
    """The texts with a zero for the value, and with the mark for each text that is the subject."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if value:
        texts = pc.replace_substring_regex(texts, _NUMBER, f"{_VALUE}0")
    if not subject:
        return texts
    quoted = f'"{_MARK}"'
    marked = [
        text if who is None or text is None else text.replace(f'"{who}"', quoted)
        for text, who in zip(texts.to_pylist(), subjects.to_pylist(), strict=True)
    ]
    return pa.array(marked, type=pa.string())


def _of_form(form: str) -> Document | None:
    """What texts of this form say; none where the form cannot tell.

    Each mark must have become one whole text that is a value: where it became a key, a part of a text or stands
    between texts, the subject only looked like one of the texts.
    """
    if _ESCAPED in form or f"\\{_VALUE}" in form:
        return None
    try:
        found = _document(form.replace(_MARK, _ESCAPED))
    except msgspec.DecodeError:
        return None
    if _marks(found) != form.count(_MARK):
        return None
    return {name: SUBJECT if value == _MARK else value for name, value in found.items()}


def _marks(value: Any) -> int:
    if isinstance(value, dict):
        return sum(map(_marks, value.values()))
    if isinstance(value, list):
        return sum(map(_marks, value))
    return int(value == _MARK)
