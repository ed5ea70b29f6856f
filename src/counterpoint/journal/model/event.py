"""One event, and the rules by which a document becomes one (CloudEvents 1.0).

References:
    CloudEvents 1.0.2: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md
    Its JSON format: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
"""

import base64
import binascii
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import msgspec

from counterpoint.moments import rfc3339

__all__ = [
    "EXPOSURE",
    "PERSONAL",
    "Event",
    "Refusal",
    "check_json",
    "is_attribute",
    "read_event",
    "read_time",
]

EXPOSURE = "feature_flag.evaluation"
"""The type of an exposure: a subject was given a variant of a flag (OpenTelemetry's event name)."""
PERSONAL = "dev.counterpoint.discover."
"""Types that begin so tell what was recommended to a person, or what they said of it. They are measured like all others,
and shown to nobody in the organisation."""

MAX_ATTRIBUTE = 2_048
"""Characters of one attribute."""
MAX_EXTENSIONS = 64
"""Extension attributes of one event."""
MAX_NAME = 128
"""Characters of an extension attribute's name."""
MAX_DATA = 1_048_576
"""Bytes of the data as JSON."""
MAX_DEPTH = 64
"""Levels of the data; what nests deeper could not be read back everywhere."""
AHEAD = timedelta(minutes=5)
"""How far the time of an event may lie ahead of its arrival before the clock that gave it counts as wrong."""
LONGEST_SKEW = 2**31 - 1
"""Seconds."""
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
"""Before it, the time is of a clock that was never set."""
INTEGERS = range(-(2**63), 2**64)
"""Integers that JSON readers keep exactly."""

_UNTEXT = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
"""What a CloudEvents string may not hold: controls, lone surrogates, noncharacters."""
_LEAP = re.compile(r":60(?=[.Zz+-])")
_NO_TIME = "it is no date and time with a zone"
_CONTEXT = frozenset(
    {
        "specversion",
        "id",
        "source",
        "type",
        "time",
        "subject",
        "datacontenttype",
        "dataschema",
        "data",
        "data_base64",
    }
)
_OURS = frozenset({"recordedtime", "clockskew"})
"""Attributes that the journal adds when it gives an event back; as an event comes they are left out."""
RESERVED = _CONTEXT | _OURS
"""Names of attributes that are no extensions."""
_NAMES = {
    str: "text",
    bool: "true or false",
    int: "a number",
    float: "a number",
    type(None): "null",
    list: "a list",
    dict: "an object",
}


class Refusal(msgspec.Struct, frozen=True):
    """Why a document is no event; the reason names the attribute and the rule."""

    reason: str


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened, as CloudEvents describes it."""

    id: str
    source: str
    """Together with `id` the identity of the event."""
    type: str
    time: datetime
    """When it happened, in UTC."""
    received: datetime
    """When the journal got it, in UTC."""
    subject: str | None = None
    """Whom or what it is about; in exposures and metric events the user."""
    data: Any = None
    data_base64: str | None = None
    """Binary data, where `data` is none."""
    attributes: Mapping[str, str | int | bool] = {}
    """`datacontenttype`, `dataschema` and the extension attributes."""

    @property
    def flag(self) -> str | None:
        """The key of the flag that an exposure is of."""
        return self._exposed("feature_flag.key")

    @property
    def variant(self) -> str | None:
        """The variant that the subject of an exposure was given."""
        return self._exposed("feature_flag.result.variant")

    @property
    def flag_set(self) -> str | None:
        """The flag set of an exposure, where it names one."""
        return self._exposed("feature_flag.set.id")

    @property
    def value(self) -> float | None:
        """The number under `value` in the data; true and false count as 1 and 0."""
        found = self.data.get("value") if isinstance(self.data, dict) else None
        return float(found) if isinstance(found, int | float) else None

    @property
    def clockskew(self) -> int | None:
        """By how many seconds the clock that gave the time is ahead of ours, where it is clearly wrong.

        68 years are told at most: CloudEvents' integers have 32 bits.
        """
        if self.time - self.received <= AHEAD and self.time >= EARLIEST:
            return None
        seconds = (self.time - self.received) // timedelta(seconds=1)
        return max(-LONGEST_SKEW, min(LONGEST_SKEW, seconds))

    def _exposed(self, key: str) -> str | None:
        if self.type != EXPOSURE or not isinstance(self.data, dict):
            return None
        found = self.data.get(key)
        return found if isinstance(found, str) else None

    def document(self) -> dict[str, Any]:
        """The event in CloudEvents' JSON format; `recordedtime` says when the journal got it, and `clockskew`
        by how many seconds its time is ahead of that, where its clock is clearly wrong."""
        found: dict[str, Any] = {
            "specversion": "1.0",
            "id": self.id,
            "source": self.source,
            "type": self.type,
        }
        if self.subject is not None:
            found["subject"] = self.subject
        found["time"] = rfc3339(self.time)
        found.update(self.attributes)
        found["recordedtime"] = rfc3339(self.received)
        if (skew := self.clockskew) is not None:
            found["clockskew"] = skew
        if self.data_base64 is not None:
            found["data_base64"] = self.data_base64
        elif self.data is not None:
            found["data"] = self.data
        return found


def read_event(document: object, *, received: datetime) -> Event | Refusal:
    """The event that `document` describes, or why it is none. Never raises, whatever it is given."""
    try:
        return _read(document, received)
    except _Refused as refused:
        return Refusal(str(refused))
    except (
        Exception
    ) as error:  # a strange mapping may raise anything, and one bad event must not cost the others
        return Refusal(f"cannot be read ({type(error).__name__})")


def read_time(text: str) -> datetime:
    """The moment that an RFC 3339 text names, in UTC.

    Raises:
        ValueError: it is no RFC 3339 date and time with a zone.
    """
    found = _parse_time(text)
    if isinstance(found, str):
        raise ValueError(found)
    return found


def is_attribute(text: str) -> bool:
    """Whether a text may be the id, source, type or subject of an event."""
    return 0 < len(text) <= MAX_ATTRIBUTE and (text.isprintable() or not _UNTEXT.search(text))


class _Refused(ValueError):  # noqa: N818 - control flow of this module only
    pass


def _read(document: object, received: datetime) -> Event:
    if not isinstance(document, Mapping):
        raise _Refused(f"an event must be a JSON object, not {_name(document)}")
    if document.get("specversion") != "1.0":
        raise _Refused(_wrong_version(document))
    source = _text(document, "source")
    identity = _text(document, "id")
    kind = _text(document, "type")
    subject = _text(document, "subject") if document.get("subject") is not None else None
    written = document.get("time")
    time = received if written is None else _time(written)
    data = document.get("data")
    if data is not None:
        check_json(data, MAX_DEPTH)
    if subject is None and kind == EXPOSURE and isinstance(data, Mapping):
        # OpenTelemetry names the targeting key here; CloudEvents' word for it is the subject.
        named = data.get("feature_flag.context.id")
        subject = named if isinstance(named, str) and named and not _UNTEXT.search(named) else None
    binary = document.get("data_base64")
    if binary is not None:
        _check_binary(binary, data)
    attributes = (
        {} if document.keys() <= _CONTEXT - {"datacontenttype", "dataschema"} else _attributes(document)
    )
    return Event(
        id=identity, source=source, type=kind, time=time, received=received,
        subject=subject, data=data, data_base64=binary, attributes=attributes,
    )  # fmt: skip


def _wrong_version(document: Mapping[Any, Any]) -> str:
    if document.get("specversion") is None:
        return 'specversion is missing; it must be "1.0"'
    return f'specversion is {_shown(document["specversion"])}; it must be "1.0"'


def _text(document: Mapping[Any, Any], name: str) -> str:
    value = document.get(name)
    if type(value) is str and is_attribute(value):
        return value
    if value is None:
        raise _Refused(f"{name} is missing; it must be non-empty text")
    if not isinstance(value, str):
        raise _Refused(f"{name} is {_name(value)}; it must be non-empty text")
    if not value:
        raise _Refused(f"{name} is empty; it must be non-empty text")
    if len(value) > MAX_ATTRIBUTE:
        raise _Refused(f"{name} has {len(value):,} characters; at most {MAX_ATTRIBUTE:,} are kept")
    raise _Refused(f"{name} holds a character that CloudEvents does not allow: {_shown(value)}")


def _time(value: object) -> datetime:
    if not isinstance(value, str):
        raise _Refused(f"time is {_name(value)}; it must be text such as 2026-05-03T12:00:00Z (RFC 3339)")
    found = _parse_time(value) if len(value) <= 64 else "too long"
    if isinstance(found, str):
        raise _Refused(f"time is {_shown(value)}: {found}; it must be RFC 3339, such as 2026-05-03T12:00:00Z")
    return found


@lru_cache(maxsize=4096)
def _parse_time(text: str) -> datetime | str:
    # RFC 3339 allows the leap second that Python's datetime cannot hold: it counts as the one before.
    try:
        # The plain type: msgspec takes four times as long to understand an annotated one anew each time.
        found = msgspec.convert(_LEAP.sub(":59", text) if ":60" in text else text, datetime)
        return _NO_TIME if found.tzinfo is None else found.astimezone(UTC)
    except msgspec.ValidationError:
        return _NO_TIME
    except (OverflowError, ValueError):
        return "it lies outside the years 1 to 9999"


def check_json(value: object, depth: int) -> None:
    """Refuse what JSON cannot say, so that what is stored is what was sent.

    Raises:
        ValueError: the value is no JSON, nests too deep or holds an integer outside 64 bits.
    """
    if value is None or isinstance(value, bool):
        return
    if isinstance(value, str):
        if _surrogates(value):
            raise _Refused("data holds half of a surrogate pair, which is no text")
    elif isinstance(value, float):
        if not -1.8e308 < value < 1.8e308:
            raise _Refused("data holds NaN or an infinity, which JSON cannot say")
    elif isinstance(value, int):
        if value not in INTEGERS:
            raise _Refused("data holds an integer outside 64 bits; send it as text")
    elif depth == 0:
        raise _Refused(f"data nests deeper than {MAX_DEPTH} levels")
    elif isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str) or _surrogates(key):
                raise _Refused("data holds a key that is no text")
            check_json(item, depth - 1)
    elif isinstance(value, list | tuple):
        for item in value:
            check_json(item, depth - 1)
    else:
        raise _Refused(f"data holds {_name(value)}, which is no JSON")


def _surrogates(text: str) -> bool:
    return not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text)


def _check_binary(binary: object, data: object) -> None:
    if data is not None:
        raise _Refused("data and data_base64 are both given; an event has one of them")
    if not isinstance(binary, str):
        raise _Refused(f"data_base64 is {_name(binary)}; it must be base64 text")
    if len(binary) > MAX_DATA:
        raise _Refused(f"data_base64 is larger than {MAX_DATA:,} bytes")
    try:
        base64.b64decode(binary, validate=True)
    except (binascii.Error, ValueError):
        raise _Refused("data_base64 is not valid base64") from None


def _attributes(document: Mapping[Any, Any]) -> dict[str, str | int | bool]:
    found: dict[str, str | int | bool] = {}
    for name in ("datacontenttype", "dataschema"):
        if document.get(name) is not None:
            found[name] = _text(document, name)
    for name, value in document.items():
        if name in RESERVED or value is None:
            continue
        if not isinstance(name, str) or not name or len(name) > MAX_NAME or _UNTEXT.search(name):
            raise _Refused(f"the attribute name {_shown(name)} is not allowed")
        if isinstance(value, str):
            found[name] = _text(document, name) if value else ""
        elif isinstance(value, bool) or (isinstance(value, int) and value in INTEGERS):
            found[name] = value
        else:
            raise _Refused(
                f"the extension attribute {_shown(name)} is {_name(value)}; it must be text, an integer or a boolean"
            )
    if len(found) > MAX_EXTENSIONS:
        raise _Refused(f"an event may have {MAX_EXTENSIONS} extension attributes, not {len(found):,}")
    return found


def _name(value: object) -> str:
    return _NAMES.get(type(value)) or f"a {type(value).__name__}"


def _shown(value: object) -> str:
    text = ascii(value) if isinstance(value, str | float) else _name(value)
    return text if len(text) <= 60 else text[:57] + "..."
