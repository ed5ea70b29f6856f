"""How values are written for people: the filters of the templates, usable from code as well."""

import re
from datetime import UTC, date, datetime
from typing import Any

from markupsafe import Markup

from counterpoint.web.urls import ref_parts

__all__ = [
    "ago",
    "coded",
    "day",
    "initials",
    "marked",
    "moment",
    "number",
    "paragraphs",
    "percent",
    "plural",
    "short",
    "unbroken",
]

MINUTE, HOUR, DAY = 60, 3600, 86400
STEPS = ((MINUTE, 1, "second"), (HOUR, MINUTE, "minute"), (DAY, HOUR, "hour"), (30 * DAY, DAY, "day"))
"""Up to how many seconds a distance is told in which unit; further away it is told as a date."""
MINUS = "−"


def _parsed(value: Any) -> datetime | date:
    if isinstance(value, str):
        value = datetime.fromisoformat(value) if len(value) > 10 else date.fromisoformat(value)
    if isinstance(value, datetime) and value.tzinfo is None:
        return value.replace(tzinfo=UTC)
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    if isinstance(value, date):
        return value
    raise TypeError(f"{type(value).__name__} is no date")


def _machine(value: datetime | date) -> str:
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds").replace("+00:00", "Z")
    return value.isoformat()


def _day_text(value: datetime | date) -> str:
    return f"{value.day} {value:%b} {value.year}"


def day(value: Any) -> Markup:
    """Return `<time>` with the day, as "3 May 2026", of a date, a datetime or their ISO text (UTC)."""
    at = _parsed(value)
    return Markup('<time datetime="{}">{}</time>').format(_machine(at), _day_text(at))


def moment(value: Any) -> Markup:
    """Return `<time>` with day and time of day in UTC, as "3 May 2026, 14:02"."""
    at = _parsed(value)
    text = f"{_day_text(at)}, {at:%H:%M}" if isinstance(at, datetime) else _day_text(at)
    return Markup('<time datetime="{}" title="{} UTC">{}</time>').format(_machine(at), text, text)


def ago(value: Any, now: datetime | None = None) -> Markup:
    """Return `<time>` with the distance from `now` in words; beyond thirty days the date.

    The full time stands in the title, and in `datetime` for machines.
    """
    at = _parsed(value)
    if not isinstance(at, datetime):
        return day(at)
    seconds = ((now or datetime.now(UTC)) - at).total_seconds()
    text = _distance(seconds) or _day_text(at)
    title = f"{_day_text(at)}, {at:%H:%M} UTC"
    return Markup('<time datetime="{}" title="{}">{}</time>').format(_machine(at), title, text)


def _distance(seconds: float) -> str:
    size = abs(seconds)
    if size < 10:
        return "just now"
    for limit, unit, word in STEPS:
        if size < limit:
            count = int(size // unit)
            phrase = plural(count, word)
            return f"{phrase} ago" if seconds > 0 else f"in {phrase}"
    return ""


def number(value: float, places: int | None = None, *, signed: bool = False) -> str:
    """Return a number with commas between thousands, as on the command line, and a true minus.

    Without `places` an integer keeps none, and others keep up to three significant digits after the point.
    """
    if value != value or value in (float("inf"), float("-inf")):
        return "–" if value != value else ("∞" if value > 0 else f"{MINUS}∞")
    if places is None:
        text = f"{value:,.0f}" if float(value).is_integer() or abs(value) >= 1000 else f"{value:,.3g}"
        if "e" in text:
            text = f"{value:.2g}"
    else:
        text = f"{value:,.{places}f}"
    if text.startswith("-"):
        return MINUS + text[1:] if text.strip("-0.,") else text[1:]
    return f"+{text}" if signed and value > 0 else text


def percent(value: float, places: int = 1, *, signed: bool = False) -> str:
    """Return a share as a percentage: 0.1234 becomes "12.3 %"."""
    return f"{number(value * 100, places, signed=signed)}\u202f%"


def unbroken(text: str) -> str:
    """Return a sentence in which no figure is parted from its sign of per cent at the end of a line."""
    return re.sub(r"(?<=\d) (?=%|pp\b)", "\u202f", text)


def plural(count: int, word: str, words: str | None = None) -> str:
    """Return the count with the word in the right form: "1 bet", "3 bets"."""
    return f"{number(count)} {word if count == 1 else words or word + 's'}"


def short(ref: Any) -> str:
    """Return the name of a reference as people say it: `group:default/search` becomes "search"."""
    _, namespace, name = ref_parts(ref)
    return name if namespace == "default" else f"{namespace}/{name}"


def initials(name: str) -> str:
    """Return one or two letters that stand for a name."""
    words = [word for word in re.split(r"[\W_]+", name) if word]
    if not words:
        return "?"
    return (words[0][0] + (words[-1][0] if len(words) > 1 else "")).upper()


def paragraphs(text: str | None) -> Markup:
    """Return plain text as paragraphs: blank lines part them, single line ends are kept, all else is escaped."""
    blocks = [block.strip() for block in re.split(r"\n\s*\n", text or "") if block.strip()]
    return Markup("").join(
        Markup("<p>{}</p>").format(Markup("<br>").join(line.strip() for line in block.splitlines()))
        for block in blocks
    )


def coded(text: str) -> Markup:
    """Return escaped text with what stands between backticks as code."""
    pieces = re.split(r"`([^`]*)`", text)
    return Markup("").join(
        Markup("<code>{}</code>").format(piece) if at % 2 else piece for at, piece in enumerate(pieces)
    )


def marked(text: str, term: str) -> Markup:
    """Return escaped text with the words of a search marked where a word begins with them."""
    words = [re.escape(word) for word in re.findall(r"[^\W_]+", term)]
    if not words:
        return Markup("").join([text])
    pieces = re.split(rf"((?<![^\W_])(?:{'|'.join(words)}))", text, flags=re.IGNORECASE)
    return Markup("").join(
        Markup("<mark>{}</mark>").format(piece) if at % 2 else piece for at, piece in enumerate(pieces)
    )
