"""The form of a decision record: what was typed, and the content that it makes. Pure."""

from collections.abc import Mapping
from typing import Any

import msgspec

from counterpoint.bets.deciding.model import Content, Kind, Option
from counterpoint.web.forms import count_of, one_of

__all__ = ["RecordForm", "content_of", "form_of", "options_of", "options_text", "read_form"]


class RecordForm(msgspec.Struct, frozen=True, kw_only=True):
    """What stands in the fields, as text; lists have a line for each item."""

    title: str = ""
    unit: str = ""
    kind: str = Kind.OTHER.value
    bet: str = ""
    context: str = ""
    drivers: str = ""
    options: str = ""
    chosen: str = ""
    because: str = ""
    good: str = ""
    bad: str = ""
    deciders: str = ""
    consulted: str = ""
    informed: str = ""
    review_on: str = ""
    supersedes: str = ""
    review: str = ""
    more: str = ""
    version: str = ""


LINES = ("drivers", "good", "bad")
NAMES = ("deciders", "consulted", "informed")


def read_form(data: Mapping[str, Any]) -> RecordForm:
    """The form as it was posted."""
    return RecordForm(**{name: one_of(data, name) for name in RecordForm.__struct_fields__})


def form_of(content: Content, version: int) -> RecordForm:
    """The form that shows a record as it is."""
    return RecordForm(
        title=content.title,
        unit=content.unit,
        kind=content.kind.value,
        bet=content.bet,
        context=content.context,
        drivers="\n".join(content.drivers),
        options=options_text(content.options),
        chosen=content.chosen,
        because=content.because,
        good="\n".join(content.good),
        bad="\n".join(content.bad),
        deciders=", ".join(content.deciders),
        consulted=", ".join(content.consulted),
        informed=", ".join(content.informed),
        review_on=content.review_on,
        supersedes="" if content.supersedes is None else str(content.supersedes),
        review=content.review,
        more=content.more,
        version=str(version),
    )


def content_of(form: RecordForm) -> Content:
    """The content that the form makes; `check_content` says what is wrong with it."""
    lines = {name: tuple(getattr(form, name).split("\n")) for name in LINES}
    names = {name: tuple(getattr(form, name).replace("\n", ",").split(",")) for name in NAMES}
    return Content(
        title=form.title,
        unit=form.unit,
        kind=Kind(form.kind) if form.kind in set(Kind) else Kind.OTHER,
        bet=form.bet,
        context=form.context,
        options=options_of(form.options),
        chosen=form.chosen,
        because=form.because,
        review_on=form.review_on,
        supersedes=count_of(form.supersedes),
        review=form.review,
        more=form.more,
        drivers=lines["drivers"],
        good=lines["good"],
        bad=lines["bad"],
        deciders=names["deciders"],
        consulted=names["consulted"],
        informed=names["informed"],
    )


def options_text(options: tuple[Option, ...]) -> str:
    """Options as people write them: one a line, below it "+ for" and "- against"."""
    lines: list[str] = []
    for option in options:
        lines.append(option.title)
        lines += [f"+ {each}" for each in option.good]
        lines += [f"- {each}" for each in option.bad]
    return "\n".join(lines)


def options_of(text: str) -> tuple[Option, ...]:
    """The options out of such lines; what stands for or against nothing is an option of its own.

    >>> options_of("Lists\\n+ simple\\n- slow\\nGraph")[0]
    Option(title='Lists', good=('simple',), bad=('slow',))
    """
    found: list[Option] = []
    for line in filter(None, map(str.strip, text.split("\n"))):
        sign, rest = line[:1], line[1:].strip()
        if sign in ("+", "-") and rest and found:
            last = found[-1]
            good = (*last.good, rest) if sign == "+" else last.good
            bad = (*last.bad, rest) if sign == "-" else last.bad
            found[-1] = Option(title=last.title, good=good, bad=bad)
        else:
            found.append(Option(title=line))
    return tuple(found)
