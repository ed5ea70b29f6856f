"""Release notes of one step of a rollout, from its bet: what changes for whom, why, and what is known. As Markdown."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from counterpoint.errors import CounterpointError, InputError
from counterpoint.flags.composing import read_plans
from counterpoint.flags.composition import FlagPlan
from counterpoint.graph.entity import Activity, Entity
from counterpoint.graph.flagd import flags_by_key
from counterpoint.graph.reader import Reader
from counterpoint.graph.ref import parse_ref
from counterpoint.rollouts.model import Event, Figures, Rollout, state_of
from counterpoint.rollouts.outcome import change_of, figures_before
from counterpoint.rollouts.store import Loaded, load
from counterpoint.workspace import Workspace

__all__ = ["Notes", "notes_of"]

READ = "experiment.read"
GATHERED = ("evidence.added", "evidence.offered")
"""What the activity log calls evidence about a bet."""
MOST = 10
"""Pieces of evidence that are told."""


class Notes(msgspec.Struct, frozen=True):
    """Release notes of a step."""

    rollout: str
    step: int
    """1 for the first."""
    percent: float
    markdown: str


class _Known(msgspec.Struct, frozen=True, kw_only=True):
    """All that notes are written from."""

    plan: Rollout
    step: int
    """From 0."""
    bet: Entity | None
    titles: Mapping[str, str]
    described: str
    """What the flag's definition says of it."""
    audience: str
    default: str
    readings: Sequence[Activity]
    gathered: Sequence[Activity]
    figures: Figures | None
    began: datetime | None


def notes_of(workspace: Workspace, name: str, step: int | None = None) -> Notes:
    """The notes of a step, counted from 1; without one, of the present step, or of the first before the start.

    Raises:
        NotFoundError, InputError: as `store.load`; or there is no step of this number.
    """
    loaded = load(workspace, name)
    number = max(loaded.state.step, 0) + 1 if step is None else step
    count = len(loaded.plan.steps)
    if not 1 <= number <= count:
        raise InputError(f"step is {number}; {loaded.ref} has the steps 1 to {count}.")
    with workspace.graph.read() as reader:
        known = _known(reader, loaded, number - 1)
    markdown = "\n".join(_lines(known)).strip() + "\n"
    return Notes(loaded.ref, number, loaded.plan.steps[number - 1].percent, markdown)


def _known(reader: Reader, loaded: Loaded, step: int) -> _Known:
    plan = loaded.plan
    bet = reader.get(plan.bet) if plan.bet else None
    expected = [str(each.get("metric")) for each in _mappings(bet.spec.get("success") if bet else None)]
    titles = reader.titles(
        [*(_metric(each, bet) for each in expected), *([plan.owner] if plan.owner else [])]
    )
    described, flag_plan = _flag(reader, plan)
    tests = bet.targets("testedBy") if bet else ()
    before = _up_to(loaded.events, step)
    return _Known(
        plan=plan,
        step=step,
        bet=bet,
        titles=titles,
        described=described,
        audience=_audience(flag_plan),
        default=flag_plan.default if flag_plan else "",
        readings=list(reader.newest_activity(READ, tests).values()),
        gathered=reader.activity(subject=bet.ref, action=GATHERED, limit=MOST) if bet else [],
        figures=figures_before(before) if before else None,
        began=next((event.at for event in reversed(before) if event.step == step and event.percent), None),
    )


def _up_to(events: Sequence[Event], step: int) -> Sequence[Event]:
    """The present run as far as the step; what was measured later is no news of it."""
    run = state_of(events).run
    runs = 0
    found = []
    for event in events:
        runs += event.kind == "started"
        if runs == run and event.step <= step:
            found.append(event)
    return found


def _flag(reader: Reader, plan: Rollout) -> tuple[str, FlagPlan | None]:
    try:
        composition, entity = read_plans(reader, plan.flag_set)
    except CounterpointError:  # the notes say what is known; that the flag is gone its page says
        return "", None
    flag = flags_by_key(entity.spec.get("definition")).get(plan.flag, {})
    metadata = flag.get("metadata")
    described = metadata.get("description") if isinstance(metadata, Mapping) else None
    return str(described or ""), composition.flags.get(plan.flag)


def _audience(plan: FlagPlan | None) -> str:
    audience = plan.audience if plan else None
    if audience is None:
        return "everybody"
    parts = [f"the segment {name}" for name in audience.segments] or ["everybody"]
    said = " or ".join(parts) + "".join(f", without the segment {name}" for name in audience.excluded)
    return said + (", by a rule of its own" if audience.rule is not None else "")


def _lines(known: _Known) -> Iterator[str]:
    plan, step = known.plan, known.plan.steps[known.step]
    bet = known.bet
    yield f"# {_plain(bet.title if bet else plan.title or plan.name)}: {step.percent:g} %"
    yield ""
    when = f", {known.began:%Y-%m-%d}" if known.began else ""
    yield f"Step {known.step + 1} of {len(plan.steps)}{when}. By {_plain(_owner(known))}."
    yield ""
    yield from _section("What changes, and for whom", _changes(known))
    if bet:
        yield from _section("Why", _why(bet))
        yield from _section("What we expect", _expected(known, bet))
    yield from _section("What must not get worse", _guardrails(plan))
    yield from _section("What is known", _evidence(known))


def _section(title: str, lines: Iterator[str]) -> Iterator[str]:
    found = list(lines)
    if found:
        yield from (f"## {title}", "", *found, "")


def _changes(known: _Known) -> Iterator[str]:
    plan, step = known.plan, known.plan.steps[known.step]
    if known.described:
        yield _plain(known.described)
        yield ""
    before = plan.steps[known.step - 1].percent if known.step else 0.0
    grown = f"up from {before:g} %" if before else "the first to have it"
    yield f"- {step.percent:g} % of {known.audience} ({grown}) get it: the flag `{plan.flag}` of the set `{plan.flag_set}`."
    if step.percent < 100:
        otherwise = f" (`{known.default}`)" if known.default else ""
        yield f"- For everybody else nothing changes{otherwise}. Whoever has it keeps it when more follow."


def _why(bet: Entity) -> Iterator[str]:
    for text in (bet.spec.get("hypothesis"), bet.description):
        if text:
            yield from (_plain(str(text)), "")


def _expected(known: _Known, bet: Entity) -> Iterator[str]:
    for each in _mappings(bet.spec.get("success")):
        metric = str(each.get("metric") or "")
        expect = f": {_plain(str(each['expect']))}" if each.get("expect") else ""
        title = known.titles.get(_metric(metric, bet)) or metric
        yield f"- {_plain(title)}{expect}"


def _guardrails(plan: Rollout) -> Iterator[str]:
    for each in plan.guardrails:
        relative = each.scale == "relative"
        size = f"{100 * each.margin:g} %" if relative else f"{each.margin:g} {each.metric.unit or ''}".strip()
        then = "is taken back" if each.action == "roll-back" else "pauses"
        yield f"- {_plain(each.metric.label)}: worse by more than {size}, and the rollout {then} by itself."


def _evidence(known: _Known) -> Iterator[str]:
    if known.figures:
        users = f"{known.figures.treatment_users:,} users with the change, {known.figures.control_users:,} without"
        for each in known.figures.guardrails:
            yield f"- This rollout: {_plain(each.label)} {change_of(each)}; {users}."
    for entry in known.readings:
        after = entry.after if isinstance(entry.after, Mapping) else {}
        said = after.get("sentence") or after.get("verdict")
        if said:
            yield f"- Experiment of {entry.at:%Y-%m-%d}: {_plain(str(said))}"
    for entry in known.gathered:
        after = entry.after if isinstance(entry.after, Mapping) else {}
        said = _plain(str(after.get("note") or after.get("direction") or ""))
        if said:
            yield f"- {str(after.get('method') or 'evidence').capitalize()} of {entry.at:%Y-%m-%d}, on {after.get('risk') or 'it'}: {said}"


def _owner(known: _Known) -> str:
    owner = known.plan.owner
    return known.titles.get(owner) or parse_ref(owner).name if owner else "nobody"


def _metric(name: str, bet: Entity | None) -> str:
    namespace = bet.namespace if bet else "default"
    try:
        return str(parse_ref(name, default_kind="metric", default_namespace=namespace))
    except InputError:
        return name


def _mappings(value: Any) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def _plain(text: str) -> str:
    """Text in one line, of which Markdown makes nothing else.

    >>> _plain("# A *list*\\n of <b>")
    '\\\\# A \\\\*list\\\\* of \\\\<b>'
    """
    return re.sub(r"(^[#>+-]|[\\`*_\[\]<|])", r"\\\1", " ".join(text.split()))
