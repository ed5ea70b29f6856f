"""What a unit says of itself beside what Backstage knows: mission, charter, channels, topology. Pure.

Backstage lets a Group have any further key of any type, so these fields may hold anything. What does not
fit is treated as absent here, and kept in the document.
"""

from collections.abc import Mapping
from typing import Any

from counterpoint.graph.entity import Entity

__all__ = ["CHARTER", "TEXTS", "changed", "channels_of", "form_of", "text_of", "texts_of"]

CHARTER = ("mission", "usersServed", "waysOfWorking", "howToAskUs", "channels")
"""The fields of the form of a charter."""
TEXTS = ("usersServed", "waysOfWorking", "howToAskUs")
"""Those of them that stand in `spec.charter`."""


def text_of(unit: Entity, key: str) -> str:
    """The text of a field of the unit's spec; empty where it is none."""
    value = unit.spec.get(key)
    return value if isinstance(value, str) else ""


def texts_of(unit: Entity) -> dict[str, str]:
    """The texts of the charter, by key."""
    return _texts(unit.spec.get("charter"))


def channels_of(unit: Entity) -> tuple[dict[str, str], ...]:
    """Where the unit can be reached: texts by key, among them a title."""
    found = [_texts(each) for each in _channels(unit)]
    return tuple({"title": each.get("url", ""), **each} for each in found if _line_of(each))


def form_of(unit: Entity) -> dict[str, str]:
    """The charter as the fields of its form."""
    texts = texts_of(unit)
    return {
        "mission": text_of(unit, "mission"),
        **{key: texts.get(key, "") for key in TEXTS},
        "channels": "\n".join(filter(None, (_line_of(_texts(each)) for each in _channels(unit)))),
        "etag": unit.etag,
    }


def changed(unit: Entity, values: Mapping[str, str]) -> dict[str, Any]:
    """The unit's descriptor with the charter of a form; a field that was emptied is taken out.

    What the form does not show (a value that is no text, further keys of a channel) stays.
    """
    held, texts = unit.spec.get("charter"), texts_of(unit)
    charter: dict[str, Any] = dict(held) if isinstance(held, Mapping) else {}
    charter = {key: each for key, each in charter.items() if key not in TEXTS or key not in texts}
    charter |= {key: values[key].replace("\r\n", "\n") for key in TEXTS if values.get(key)}
    channels = _changed_channels(unit, values.get("channels", ""))
    spec = dict(unit.spec)
    _put(spec, "mission", values.get("mission", "").replace("\r\n", "\n"), str)
    _put(spec, "charter", charter, dict)
    _put(spec, "channels", channels, list)
    return {**unit.document, "spec": spec}


def _put(spec: dict[str, Any], key: str, value: Any, shape: type) -> None:
    if value:
        spec[key] = value
    elif isinstance(spec.get(key), shape):
        del spec[key]


def _changed_channels(unit: Entity, text: str) -> list[Any]:
    """A channel for each line; one whose line is as it was stays as it was."""
    held = {_line_of(_texts(each)): each for each in reversed(_channels(unit))}
    kept = [each for each in _channels(unit) if not _line_of(_texts(each))]
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return [held.get(line) or _channel(line) for line in lines] + kept


def _channels(unit: Entity) -> list[Any]:
    value = unit.spec.get("channels")
    return value if isinstance(value, list) else []


def _line_of(channel: Mapping[str, str]) -> str:
    return " ".join(filter(None, (channel.get("title", "").strip(), channel.get("url", "").strip())))


def _channel(line: str) -> dict[str, str]:
    """A line such as "Chat https://chat.example/x"; what has no address is a title."""
    title, _, url = line.rpartition(" ")
    if "://" in url or url.startswith("mailto:"):
        return {"title": title.strip() or url, "url": url}
    return {"title": line}


def _texts(value: Any) -> dict[str, str]:
    return (
        {key: text for key, text in value.items() if isinstance(text, str)}
        if isinstance(value, Mapping)
        else {}
    )
