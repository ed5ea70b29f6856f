"""Search: the words of an entity, how much each counts, and the snippet around a match."""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from counterpoint.graph.descriptor import title_of
from counterpoint.graph.flagd import flags_by_key

__all__ = ["NAME", "OTHER", "has_words", "postings_of", "snippet_of", "words_of"]

NAME, TAGS, OTHER = 1, 2, 3
"""Ranks: in the name or title, in tags or description, anywhere else. Less is better."""
WORD_LENGTH = 64
SHORT = 100
"""Characters of a text whose words are worth keeping, since others may have the same."""
WORDS = 500
"""Words kept of one entity, so that a document of megabytes costs no more than a page."""
UNREAD = frozenset({"definition"})
"""Fields of a spec whose text is another format's; only the keys of their flags are read."""
PLACES = ("backstage.io/managed-by-location", "backstage.io/managed-by-origin-location")
"""Annotations that say which file it came from: words that thousands share, and that nobody means."""

_WORD = re.compile(r"[^\W_]+")
_AROUND = 60


def words_of(text: str) -> list[str]:
    """The words of a text, case folded, in order."""
    return [word[:WORD_LENGTH] for word in _WORD.findall(text.casefold())]


@lru_cache(maxsize=16_384)
def _words_again(text: str) -> list[str]:
    """The words of a text such as an owner or a lifecycle, which many entities have."""
    return words_of(text)


def postings_of(document: Mapping[str, Any]) -> dict[str, int]:
    """The words by which an entity is found, each with its best rank."""
    found: dict[str, int] = {}
    for rank, _field, text in _texts(document):  # the best rank first
        for word in _words_again(text) if len(text) < SHORT else words_of(text):
            if word not in found:
                if len(found) >= WORDS:
                    return found
                found[word] = rank
    return found


def has_words(document: Mapping[str, Any], words: Iterable[str]) -> bool:
    """Whether every word (as `words_of` gives them) occurs in a document, as a whole or as a beginning."""
    text = "\n".join(text for _rank, _field, text in _texts(document)).casefold()
    return all(re.search(rf"(?<![^\W_]){re.escape(word)}", text) for word in words)


def snippet_of(document: Mapping[str, Any], terms: list[str]) -> tuple[str, str]:
    """The field that matches best, and the words around the match."""
    for _rank, field, text in _texts(document):
        for match in _WORD.finditer(text):
            if any(match.group().casefold().startswith(term) for term in terms):
                return field, _around(text, match.start())
    return "name", str(document["metadata"]["name"])


def _around(text: str, position: int) -> str:
    start, end = max(0, position - _AROUND), min(len(text), position + 2 * _AROUND)
    cut = " ".join(text[start:end].split())
    return f"{'…' if start else ''}{cut}{'…' if end < len(text) else ''}"


def _texts(document: Mapping[str, Any]) -> Iterator[tuple[int, str, str]]:
    """Every text of a document as (rank, field, text), best rank first."""
    metadata, spec = document["metadata"], document.get("spec") or {}
    yield NAME, "name", metadata["name"]
    title = title_of(document)
    if title != metadata["name"]:
        yield NAME, "title", title
    if metadata.get("tags"):
        yield TAGS, "tags", " ".join(metadata["tags"])
    if metadata.get("description"):
        yield TAGS, "description", metadata["description"]
    for key, value in spec.items():
        if key not in UNREAD:
            yield from ((OTHER, "text", text) for text in _strings(value))
    yield from ((OTHER, "text", key) for key in flags_by_key(spec.get("definition")))
    for key, text in (metadata.get("annotations") or {}).items():
        if key not in PLACES:
            yield OTHER, "text", text
    for key in ("labels", "links"):
        yield from ((OTHER, "text", text) for text in _strings(metadata.get(key)))


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)
