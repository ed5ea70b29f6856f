"""Decision records as Markdown in MADR's shape, both ways. Pure.

References:
    MADR 4.0.0, https://adr.github.io/madr/: template/adr-template.md. What it does not have (unit, kind, review date,
    dissent) stands in the front matter and in a section of its own; sections that are not MADR's are kept.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

from counterpoint.bets.deciding.model import AdviceKind, Content, DecisionRecord, Kind, Option, check_content
from counterpoint.errors import InputError, Problem

__all__ = ["from_markdown", "to_markdown"]

CONTEXT = "Context and Problem Statement"
DRIVERS = "Decision Drivers"
OPTIONS = "Considered Options"
OUTCOME = "Decision Outcome"
CONSEQUENCES = "Consequences"
PROS = "Pros and Cons of the Options"
MORE = "More Information"
ADVICE = "Advice and Dissent"
OWN = frozenset({CONTEXT, DRIVERS, OPTIONS, OUTCOME, CONSEQUENCES, PROS, MORE, ADVICE})
CHOSEN = re.compile(r'Chosen option: "(?P<option>[^\n]*?)"(?:,? because (?P<because>.*?))?\s*\Z', re.DOTALL)
HEADING = re.compile(r"^(#{1,3}) +(.+?)(?: +#+)?$")
ITEM = re.compile(r"^[*-] +(.*)$")
GOOD, BAD = re.compile(r"^Good,? because ", re.IGNORECASE), re.compile(r"^Bad,? because ", re.IGNORECASE)
LISTS = {"decision-makers": "deciders", "consulted": "consulted", "informed": "informed"}
MOST = 200_000
"""Characters of a file that is read."""


def to_markdown(record: DecisionRecord) -> str:
    """The record as MADR; `from_markdown` reads its content again."""
    content = record.content
    decided = record.decided
    front = {
        "status": record.state.value
        + (f" by {record.superseded_by:04d}" if record.superseded_by is not None else ""),
        "date": (decided.at if decided else record.proposed_at).date().isoformat(),
        **{name: ", ".join(getattr(content, field)) for name, field in LISTS.items()},
        "unit": content.unit,
        "kind": content.kind.value,
        "bet": content.bet,
        "review-on": content.review_on,
        "supersedes": "" if content.supersedes is None else f"{content.supersedes}",
    }
    lines = ["---", *(f"{name}: {_quoted(value)}" for name, value in front.items() if value), "---", ""]
    lines += [f"# {content.title}", ""]
    lines += _section(2, CONTEXT, _text(content.context))
    lines += _section(2, DRIVERS, _items(content.drivers))
    lines += _section(2, OPTIONS, _items(option.title for option in content.options))
    lines += _outcome(content)
    lines += _pros(content.options)
    lines += _section(2, MORE, _text(content.more))
    lines += _section(2, ADVICE, _items(_said(record)))
    return "\n".join(lines).rstrip() + "\n"


def from_markdown(text: str, *, unit: str = "") -> Content:
    """The content of a decision record in Markdown; `unit` decides where the file names none.

    Raises:
        InputError: there is no title, the file is too long, or `check_content` refuses it.
    """
    if len(text) > MOST:
        raise InputError(f"The file has {len(text):,} characters; {MOST:,} are the most.")
    front, body = _front(text.replace("\r\n", "\n").lstrip("\ufeff"))
    title, sections = _sections(body)
    if not title:
        problem = Problem("Write the title as the first heading: # What is decided", "/title")
        raise InputError("This is no decision record in MADR's shape.", [problem])
    chosen, because, rest = _chosen(sections.pop(OUTCOME, ""))
    good, bad = _by_sign(sections.pop(CONSEQUENCES, ""))
    listed = _read_items(sections.pop(OPTIONS, ""))
    pros = _read_pros(sections.pop(PROS, ""))
    options = tuple(
        Option(title=each, good=pros.get(each, ((), ()))[0], bad=pros.get(each, ((), ()))[1])
        for each in dict.fromkeys([*listed, *pros])
    )
    context = sections.pop(CONTEXT, "")
    drivers = _read_items(sections.pop(DRIVERS, ""))
    sections.pop(ADVICE, None)
    more = [rest, sections.pop(MORE, "")] + [
        f"**{name}**\n\n{kept}" for name, kept in sections.items() if kept
    ]
    number = front.get("supersedes", "")
    return check_content(
        Content(
            title=title,
            unit=front.get("unit", "") or unit,
            kind=Kind(front["kind"]) if front.get("kind") in set(Kind) else Kind.ARCHITECTURE,
            bet=front.get("bet", ""),
            context=_unescaped(context),
            drivers=drivers,
            options=options,
            chosen=chosen,
            because=_unescaped(because),
            good=good,
            bad=bad,
            review_on=front.get("review-on", ""),
            supersedes=int(number) if number.isdecimal() and len(number) < 15 else None,
            more=_unescaped("\n\n".join(part for part in more if part)),
            deciders=_names(front.get("decision-makers", "")),
            consulted=_names(front.get("consulted", "")),
            informed=_names(front.get("informed", "")),
        )
    )


def _outcome(content: Content) -> list[str]:
    if not (content.chosen or content.good or content.bad):
        return []
    chosen = []
    if content.chosen:
        because = f", because {content.because}" if content.because else ""
        chosen = _text(f'Chosen option: "{content.chosen}"{because}')
    signed = [f"Good, because {each}" for each in content.good]
    signed += [f"Bad, because {each}" for each in content.bad]
    return _section(2, OUTCOME, chosen or ["(open)"]) + _section(3, CONSEQUENCES, _items(signed))


def _pros(options: Sequence[Option]) -> list[str]:
    lines: list[str] = []
    for option in options:
        if option.good or option.bad:
            signed = [f"Good, because {each}" for each in option.good]
            signed += [f"Bad, because {each}" for each in option.bad]
            lines += _section(3, option.title, _items(signed))
    return [f"## {PROS}", "", *lines] if lines else []


def _said(record: DecisionRecord) -> Iterable[str]:
    words = {AdviceKind.ASKED: "asked", AdviceKind.GIVEN: "advice", AdviceKind.DISSENT: "dissent"}
    for each in record.advice:
        who = each.whom if each.kind is AdviceKind.ASKED else each.actor
        text = " ".join(each.text.split())
        yield f"{each.at.date().isoformat()}, {words[each.kind]} ({each.stance.value}), {who}: {text}"


def _section(level: int, heading: str, lines: Sequence[str]) -> list[str]:
    return [f"{'#' * level} {heading}", "", *lines, ""] if lines else []


def _items(texts: Iterable[str]) -> list[str]:
    return [f"* {text}" for text in texts]


def _text(text: str) -> list[str]:
    """The lines of a text; one that would be read as a heading is escaped."""
    return [f"\\{line}" if re.match(r"\\*#", line) else line for line in text.split("\n")] if text else []


def _unescaped(text: str) -> str:
    return "\n".join(line[1:] if re.match(r"\\+#", line) else line for line in text.split("\n"))


def _quoted(value: str) -> str:
    """As a double-quoted scalar of YAML."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _front(text: str) -> tuple[dict[str, str], str]:
    """The front matter as texts (a list with commas between its items), and what follows it."""
    found = re.match(r"---[ \t]*\n(.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", text, re.DOTALL)
    if not found:
        return {}, text
    front: dict[str, list[str]] = {}
    key = ""
    for line in found[1].split("\n"):
        pair = re.match(r"([A-Za-z][\w-]*)[ \t]*:[ \t]*(.*)$", line)
        item = re.match(r"[ \t]*-[ \t]+(.*)$", line)
        if pair:
            key = pair[1].lower()
            value = pair[2].strip()
            if re.fullmatch(r"\[.*\]", value):
                front[key] = [_scalar(each) for each in value[1:-1].split(",")]
            else:
                front[key] = [_scalar(value)]
        elif item and key:
            front[key].append(_scalar(item[1]))
    return {name: ", ".join(each for each in values if each) for name, values in front.items()}, text[
        found.end() :
    ]


def _scalar(text: str) -> str:
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] == '"':
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    if len(text) > 1 and text[0] == text[-1] == "'":
        return text[1:-1].replace("''", "'")
    return "" if text in ("~", "null") or text.startswith("{") else text


def _sections(body: str) -> tuple[str, dict[str, str]]:
    """The title, and the text of each section; those below the options stay in the section of the options."""
    title, current = "", ""
    sections: dict[str, list[str]] = {}
    fenced = False
    for line in body.split("\n"):
        fenced ^= line.startswith("```")
        heading = HEADING.match(line)
        if heading and fenced:  # a comment in code, unless the code was never closed
            fenced = heading[2] not in OWN
            heading = None if fenced else heading
        if heading and len(heading[1]) == 1 and not title:
            title = heading[2]
            continue
        inside = heading and len(heading[1]) == 3 and current == PROS
        if heading and not inside and len(heading[1]) != 1:
            current = heading[2]
            sections.setdefault(current, [])
            continue
        sections.setdefault(current or CONTEXT, []).append(line)
    return title, {name: "\n".join(lines).strip() for name, lines in sections.items()}


def _chosen(text: str) -> tuple[str, str, str]:
    """The option, the reason, and what else stands there."""
    found = CHOSEN.search(text)
    if found:
        return found["option"], (found["because"] or "").strip(), text[: found.start()].strip()
    return "", "", "" if text == "(open)" else text


def _read_items(text: str) -> tuple[str, ...]:
    items: list[str] = []
    for line in text.split("\n"):
        item = ITEM.match(line)
        if item:
            items.append(item[1].strip())
        elif items and line.strip():
            items[-1] += f" {line.strip()}"
    return tuple(item for item in items if item)


def _by_sign(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    items = _read_items(text)
    bad = tuple(BAD.sub("", item) for item in items if BAD.match(item))
    good = tuple(GOOD.sub("", item) for item in items if not BAD.match(item))
    return good, bad


def _read_pros(text: str) -> Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    parts = re.split(r"^### +(.+?)\s*$", text, flags=re.MULTILINE)
    return {parts[place]: _by_sign(parts[place + 1]) for place in range(1, len(parts), 2)}


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())
