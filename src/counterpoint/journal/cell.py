"""What one cell of a table says: a number, a time, a text. Pure."""

import math
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import msgspec

from counterpoint.journal.model.event import read_time

__all__ = ["cell_json", "cell_number", "cell_text", "cell_time", "shown"]

OUTCOMES: Final = {"true": 1, "yes": 1, "false": 0, "no": 0}

_JSON_NUMBER = re.compile(r"-?(0|[1-9]\d{0,17})(\.\d{1,17})?([eE][+-]?\d{1,3})?", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def cell_number(value: object) -> int | float:
    """The number that a table's value says; true, yes, false and no are 1 and 0.

    Raises:
        ValueError: it says none, or none that is finite and fits.
    """
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, str):
        value = _parsed(value)
    if isinstance(value, Decimal):
        value = float(value)
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        value = float(value)
    if not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError("which is no number")
    return value


def _parsed(text: str) -> int | float | None:
    plain = text.strip()
    if (outcome := OUTCOMES.get(plain.lower())) is not None:
        return outcome
    # Python reads 1_000 and digits of every script as numbers; in a table they are more likely mistakes.
    if "_" in plain or not plain.isascii() or len(plain) > 400:
        return None
    try:
        return int(plain)
    except ValueError:
        pass
    try:
        return float(plain)
    except ValueError:
        return None


def cell_json(value: object) -> Any:
    """A value as JSON says it: numbers and outcomes where a text is plainly one, else the text."""
    if isinstance(value, str):
        plain = value.strip()
        if plain.lower() in ("true", "false"):
            return plain.lower() == "true"
        return cell_number(plain) if _JSON_NUMBER.fullmatch(plain) else value
    return (
        cell_number(value)
        if isinstance(value, int | float | Decimal) and not isinstance(value, bool)
        else _json(value)
    )


def _json(value: object) -> Any:
    try:
        return msgspec.json.decode(msgspec.json.encode(value))
    except (TypeError, ValueError, msgspec.MsgspecError):
        raise ValueError("which has no form in JSON") from None


def cell_time(value: object, unit: str | None) -> str:
    """The moment that a table's value says, as RFC 3339; without a zone it is taken as UTC.

    Raises:
        ValueError: it says none.
    """
    if isinstance(value, datetime):
        moment = value if value.tzinfo else value.replace(tzinfo=UTC)
        return moment.astimezone(UTC).isoformat()
    if isinstance(value, date):
        return f"{value.isoformat()}T00:00:00Z"
    if unit is not None:
        return _since_1970(cell_number(value), unit)
    text = str(value).strip()
    if _DAY.fullmatch(text):
        text += "T00:00:00Z"
    for candidate in (text, f"{text}Z"):
        try:
            read_time(candidate)
        except ValueError:
            continue
        return candidate
    raise ValueError(
        "it is no time such as 2024-01-15T00:00:00Z or 2024-01-15 (a number of seconds needs `unit: s`)"
    )


def _since_1970(amount: float, unit: str) -> str:
    scale = {"s": 1_000_000, "ms": 1_000, "us": 1}[unit]
    try:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=round(amount * scale))
    except OverflowError:
        raise ValueError(f"it lies outside the years 1 to 9999 as {unit} since 1970") from None
    return moment.isoformat()


def cell_text(value: object) -> str:
    """A value as text; whole floats without their point, as a user id that went through a spreadsheet."""
    if isinstance(value, str):
        return value.strip()
    if value is None or value != value:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def shown(value: object) -> str:
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
