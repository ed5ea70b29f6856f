"""Search: the words of an entity, how much each counts, and the snippet around a match."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from counterpoint.graph.descriptor import title_of
from counterpoint.graph.flagd import flags_by_key

__all__ = ["NAME", "OTHER", "has_words", "postings_of", "snippet_of", "words_of"]

NAME, TAGS, OTHER = 1, 2, 3
"""Ranks: in the name or title, in tags or description, anywhere else. Less is better."""
WORD_LENGTH = 64
LONG = 20_000
"""Characters from which texts are looked at one by one, since the first may have all words that are kept."""
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
    words = _WORD.findall(text.casefold())
    if len(max(words, key=len, default="")) > WORD_LENGTH:
        return [word[:WORD_LENGTH] for word in words]
    return words


def postings_of(document: Mapping[str, Any]) -> dict[str, int]:
    """The words by which an entity is found, each with its best rank."""
    texts: dict[int, list[str]] = {NAME: [], TAGS: [], OTHER: []}
    for rank, _field, text in _texts(document):
        texts[rank].append(text)
    found: dict[str, int] = {}
    for rank, each in texts.items():  # the best rank first
        if sum(map(len, each)) > LONG:
            for text in each:
                _take(found, text, rank)
        elif each:  # all at once: most texts have a word or two
            _take(found, "\n".join(each), rank)
    return found


def _take(found: dict[str, int], text: str, rank: int) -> None:
    if len(found) >= WORDS:
        return
    words = words_of(text)
    if len(found) + len(words) <= WORDS:
        found |= {word: rank for word in words if word not in found}
        return
    for word in words:
        if word not in found:
            if len(found) >= WORDS:
                return
            found[word] = rank


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
        if type(value) is str:  # most are
            if key not in UNREAD:
                yield OTHER, "text", value
        elif key not in UNREAD:
            yield from ((OTHER, "text", text) for text in _strings(value))
    yield from ((OTHER, "text", key) for key in flags_by_key(spec.get("definition")))
    for key, text in (metadata.get("annotations") or {}).items():
        if key not in PLACES:
            yield OTHER, "text", text
    for key in ("labels", "links"):
        if key in metadata:
            yield from ((OTHER, "text", text) for text in _strings(metadata[key]))


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)
