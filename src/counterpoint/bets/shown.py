"""What the pages of bets show, worked out of a line: nodes of the line of sight, figures, groups, rows."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from counterpoint.bets.form import BetForm, GuardrailRow, SuccessRow
from counterpoint.bets.line import Line, Node
from counterpoint.bets.model import Reading, State, mapping
from counterpoint.bets.stages import STAGES
from counterpoint.bets.transitions import ChoiceGuide, PolicyOf, Ruling, choices_for, informing, weigh
from counterpoint.said import Said
from counterpoint.web.formats import number, percent
from counterpoint.web.urls import entity_url, flag_url, with_query

__all__ = [
    "EXAMPLE",
    "FigureRow",
    "Group",
    "figure_rows",
    "form_rows",
    "grouped",
    "sight_nodes",
]

EXAMPLE = """\
apiVersion: counterpoint.dev/v1
kind: Bet
metadata:
  name: weekly-playlist
  title: A playlist for every Monday
spec:
  owner: discovery
  purpose: music-for-everyone
  beliefs: [finding-music-is-work]
  hypothesis: >-
    We believe a personal weekly playlist will bring listeners back
    for people with broad taste because finding new music is work.
  success:
    - metric: weekly-sessions
      expect: up by 3 %
  guardrails:
    - metric: app-start-seconds
      margin: 0.01
  kill: Fewer than one listener in ten opens it in the second week.
  patience: 2026-09-30
"""

DASH = "–"
MOST_OF_A_KIND = 2
"""Nodes of one kind on the line; more are told in the note of the last."""


class Group(msgspec.Struct, frozen=True):
    """Bets under one heading of the list."""

    title: str
    question: Said
    lines: tuple[Line, ...]

    @property
    def count(self) -> int:
        """How many bets."""
        return len(self.lines)


class Option(msgspec.Struct, frozen=True):
    """A choice of the decision form and what it would do."""

    guide: ChoiceGuide
    ruling: Ruling

    @property
    def leads_to(self) -> str:
        """The stage, or else the state, where the bet would stand; empty where it stays."""
        before, after = self.ruling.before, self.ruling.after
        if after.stage is not before.stage:
            return after.stage.label
        return after.state.value if after.state is not before.state else ""


class FigureRow(msgspec.Struct, frozen=True):
    """One metric of a reading as text, with the address of what computed it."""

    name: str
    ref: str
    """Of the metric; empty where the reading does not name it."""
    role: str
    treatment: str
    difference: str
    interval: str
    outcome: str
    href: str
    events: str
    """Address of the metric's events; empty where their type was not recorded."""
    event: str


class ArmRow(msgspec.Struct, frozen=True):
    """One arm of a reading."""

    variant: str
    users: int
    href: str
    """Address of the exposures that gave it, or of the reading where the flag is not known."""


def grouped(lines: Sequence[Line]) -> list[Group]:
    """The bets by stage in the order of the loop, then the paused, then the closed; no empty group."""
    groups = [
        Group(
            guide.stage.label,
            guide.exit_question,
            tuple(line for line in lines if line.bet.state is State.ACTIVE and line.bet.stage is guide.stage),
        )
        for guide in STAGES
    ]
    groups.append(
        Group(
            "Paused",
            "Resting; the stage is kept.",
            tuple(line for line in lines if line.bet.state is State.PAUSED),
        )
    )
    groups.append(
        Group(
            "Closed",
            "Killed or retired, with what was learned.",
            tuple(line for line in lines if line.bet.state.closed),
        )
    )
    return [group for group in groups if group.lines]


def sight_nodes(line: Line) -> list[dict[str, Any]]:
    """The nodes of the line of sight from purpose to decision; what is still to come is `open` and says what fills it."""
    bet = {
        "title": line.bet.title,
        "href": "#bet",
        "note": line.bet.stage.label,
        "status": line.bet.state.value if line.bet.state is not State.ACTIVE else None,
    }
    flags = [
        {
            "title": flag.key,
            "href": flag_url(flag.flag_set, flag.key),
            "note": ", ".join(flag.variants),
            "status": flag.state.lower() or None,
        }
        for flag in line.flags
    ]
    tests = [
        {
            "title": test.experiment.title,
            "href": entity_url(test.experiment.ref),
            "note": f"on {test.flag}" if test.flag else None,
        }
        for test in line.tests
    ]
    return [
        *_of_kind("Purpose", _named(line.purposes), "Name the purpose that it serves"),
        *_of_kind("Datum", _named(line.data), "Name what was seen, by an insight", most=1),
        *_of_kind("Insight", _named(line.insights), "Name the insight that it answers", most=1),
        *_of_kind("Belief", _named(line.beliefs), "Name the belief that it rests on"),
        *_of_kind("Bet", [bet], ""),
        *_of_kind("Flag", flags, "Give a flag the metadata entry bet"),
        *_of_kind("Experiment", tests, "Let an experiment name this bet"),
        *_of_kind("Verdict", _verdict(line), "Read the experiment"),
        *_of_kind("Decision", _decision(line), "Decide below"),
    ]


def figure_rows(reading: Reading | None) -> list[FigureRow]:
    """The metrics of a reading as rows; a value that was not recorded shows as a dash."""
    if reading is None:
        return []
    href = _reading_url(reading)
    return [row for item in _items(reading.detail.get("metrics")) if (row := _figure(item, href))]


def arm_rows(line: Line) -> list[ArmRow]:
    """The arms of the newest verdict with their users."""
    reading = line.verdict
    if reading is None:
        return []
    flag = next((test.flag for test in line.tests if test.experiment.ref == reading.experiment), "")
    rows = []
    for arm in _items(reading.detail.get("arms")):
        if isinstance(arm.get("users"), int):
            variant = str(arm.get("variant") or "")
            exposures = with_query("/events", flag=flag, variant=variant)
            rows.append(ArmRow(variant, arm["users"], exposures if flag else _reading_url(reading)))
    return rows


def options(line: Line, policy_of: PolicyOf = informing) -> list[Option]:
    """What the decision form offers: each choice with where it leads, and whether it would be an override."""
    return [
        Option(
            guide,
            weigh(line.bet, guide.choice, line.readings, missing=line.advice, policy_of=policy_of),
        )
        for guide in choices_for(line.bet)
    ]


def form_rows(form: BetForm) -> tuple[list[SuccessRow], list[GuardrailRow]]:
    """The lines of the form: what is there and one empty line to add another."""
    return [*form.success, SuccessRow()], [*form.guardrails, GuardrailRow()]


def _named(nodes: Sequence[Node]) -> list[dict[str, Any]]:
    return [
        {
            "title": node.text or node.title,
            "href": entity_url(node.ref) if node.exists else None,
            "open": not node.exists,
        }
        for node in nodes
    ]


def _of_kind(
    kind: str, nodes: list[dict[str, Any]], wanted: str, *, most: int = MOST_OF_A_KIND
) -> list[dict[str, Any]]:
    if not nodes:
        return [{"kind": kind, "title": wanted, "open": True}]
    shown = [{"kind": kind} | node for node in nodes[:most]]
    if len(nodes) > most:
        shown[-1]["note"] = f"and {len(nodes) - most} more below"
    return shown


def _verdict(line: Line) -> list[dict[str, Any]]:
    verdict = line.verdict
    return (
        [{"title": verdict.sentence, "href": _reading_url(verdict), "status": verdict.verdict}]
        if verdict
        else []
    )


def _decision(line: Line) -> list[dict[str, Any]]:
    if not line.decisions:
        return []
    newest = line.decisions[0]
    return [
        {
            "title": newest.reason or newest.choice.capitalize(),
            "href": "#decisions",
            "status": newest.choice,
            "note": "override" if newest.override else None,
        }
    ]


def _reading_url(reading: Reading) -> str:
    return entity_url(reading.experiment) + reading.anchor


def _figure(item: Mapping[str, Any], href: str) -> FigureRow | None:
    name = str(item.get("label") or item.get("title") or item.get("name") or "")
    if not name:
        return None
    treatment, event, ref = (str(item.get(key) or "") for key in ("treatment", "event", "ref"))
    difference, interval = _difference(item)
    return FigureRow(
        name=name,
        ref=ref,
        role=str(item.get("role") or ""),
        treatment=treatment,
        difference=difference,
        interval=interval,
        outcome=str(item.get("outcome") or ""),
        href=href,
        events=with_query("/events", type=event) if event else "",
        event=event,
    )


def _difference(item: Mapping[str, Any]) -> tuple[str, str]:
    """The difference and its interval: relative where that was recorded, else in the metric's unit."""
    if _is_number(item.get("relative")):
        return _share(item["relative"]), _span(item.get("relativeInterval"), _share)
    unit = f" {item['unit']}" if item.get("unit") else ""

    def amount(value: Any) -> str:
        if not _is_number(value):
            return "unbounded"
        if item.get("aggregation") == "any":
            return f"{number(value * 100, 2, signed=True)} pp"
        return f"{number(value, signed=True)}{unit}"

    return amount(item["difference"]) if _is_number(item.get("difference")) else DASH, _span(
        item.get("interval"), amount
    )


def _share(value: Any) -> str:
    return percent(value, signed=True) if _is_number(value) else "unbounded"


def _span(interval: object, write: Callable[[Any], str]) -> str:
    bounds = mapping(interval)
    return f"{write(bounds.get('low'))} to {write(bounds.get('high'))}" if bounds else DASH


def _items(value: object) -> Iterable[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list | tuple) else []


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
