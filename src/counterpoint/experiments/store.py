"""Experiments in the workspace: plans from the graph, tables from the journal, readings into the activity log."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from counterpoint.engine import EngineAddress
from counterpoint.errors import ConflictError, InputError, NotFoundError
from counterpoint.experiments.journal_totals import EXPOSURE, columns_of, kept_totals
from counterpoint.experiments.model import Experiment
from counterpoint.experiments.plan import metric_refs, near_refs, part_refs, plan_of
from counterpoint.experiments.result import Result, Taken
from counterpoint.experiments.standing import Basis, Standing
from counterpoint.experiments.tables.reading import read_source, state_of
from counterpoint.experiments.tables.source import Source, source_of
from counterpoint.experiments.wording import day
from counterpoint.graph.actor import SYSTEM, Actor
from counterpoint.graph.entity import Activity, Entity
from counterpoint.graph.flagd import flags_by_key
from counterpoint.graph.reader import Reader
from counterpoint.graph.ref import parse_ref
from counterpoint.moments import rfc3339
from counterpoint.said import Said
from counterpoint.workspace import Workspace

if TYPE_CHECKING:
    from counterpoint.experiments.sizing import Sizing

__all__ = [
    "Loaded",
    "acknowledge",
    "explore",
    "load",
    "prepare",
    "read_now",
    "reading_of",
    "readings_of",
    "result_at_hand",
    "result_of",
    "sizing_of",
    "standing_of",
    "titles_of",
]

READ = "experiment.read"
LOOK = "experiment.look"
ACKNOWLEDGED = "experiment.acknowledged"
EXPLORED = "experiment.explored"
MOST_LOOKS = 1000
READINGS = 20
"""Recorded readings that the page of an experiment shows."""
PREPARED = 20
"""Experiments whose results a server computes when it starts."""


class Loaded(msgspec.Struct, frozen=True):
    """An experiment as the graph has it."""

    entity: Entity
    plan: Experiment
    version: tuple[str, ...]
    """Etags of the entities that the plan was made of."""
    notes: tuple[Said, ...] = ()
    """What is missing around it and does not keep it from being read."""
    newest: Activity | None = None
    """The newest reading that was recorded."""
    looks: tuple[Taken, ...] = ()
    """The looks that were taken since the plan's start, in their order."""
    acknowledged: Activity | None = None
    """Who acknowledged that the experiment is invalid."""
    source: Source | None = None
    """The table that it is read from; none where it is the journal."""


def load(workspace: Workspace, name: str) -> Loaded:
    """An experiment by its name or reference.

    Raises:
        NotFoundError: there is none of that name; the message tells near ones.
        InputError: the name is no reference to an experiment, a metric is missing, or the plan contradicts itself.
    """
    ref = parse_ref(name, default_kind="experiment")
    if ref.kind != "experiment":
        raise InputError(f"{ref} is no experiment; write its name, or experiment:{ref.namespace}/{ref.name}.")
    with workspace.graph.read() as reader:
        entity = reader.get(ref)
        if entity is None:
            others = [found.ref for found in reader.find(kind="Experiment", limit=1000).items]
            raise NotFoundError(
                f"There is no experiment {ref.name}{near_refs(ref, others) or '.'}{_remedy(others)}"
            )
        metrics = _metrics(reader, metric_refs(entity))
        metrics |= _metrics(reader, part_refs(metrics.values()))
        missing = not metrics.keys() >= {*metric_refs(entity), *part_refs(metrics.values())}
        known = [metric.ref for metric in reader.find(kind="Metric", limit=1000).items] if missing else []
        plan = plan_of(entity, metrics, known)
        notes = (*_notes(reader, entity, plan), *_explored(reader, entity.ref, plan))
        newest = reader.newest_activity(READ, [entity.ref]).get(entity.ref)
        acknowledged = reader.newest_activity(ACKNOWLEDGED, [entity.ref]).get(entity.ref)
        # A file may have been mended since, and has no start from which a new run would count.
        looks = () if plan.mended else _looks(reader, entity.ref, plan)
    version = (entity.etag, *(metrics[metric].etag for metric in sorted(metrics)))
    given = entity.spec.get("source")
    source = source_of(given) if given else None
    return Loaded(entity, plan, version, notes, newest, looks, acknowledged, source)


def _looks(reader: Reader, ref: str, plan: Experiment) -> tuple[Taken, ...]:
    """The looks that the log has of the run that the plan speaks of; one of a form not known any more is passed over."""
    found: dict[tuple[int, str], Taken] = {}
    for entry in reader.activity(subject=ref, action=LOOK, oldest_first=True, limit=MOST_LOOKS):
        try:
            look = msgspec.convert(entry.after, Taken)
        except msgspec.ValidationError:
            continue
        if plan.start is None or look.as_of >= plan.start:
            found.setdefault(look.key, replace(look, by=entry.actor))
    return tuple(found[key] for key in sorted(found))


def _metrics(reader: Reader, refs: Iterable[str]) -> dict[str, Entity]:
    return {ref: found for ref, found in reader.get_many(list(refs)).items() if found.kind == "Metric"}


def result_of(
    workspace: Workspace,
    loaded: Loaded,
    *,
    engine: EngineAddress | None = None,
    full: bool = False,
    actor: Actor = SYSTEM,
) -> Result:
    """The result as of now; what has been computed for the same journal and plan is not computed again.

    On another engine than that of the settings it is computed anew each time. With `full` every event is read,
    whatever has been kept. A look of a sequential plan goes to the activity log, in the name of `actor`: once its
    figures are shown it has been taken, whoever looked.
    """
    now = datetime.now(UTC)
    if full or (engine is not None and engine != workspace.journal.engine):
        return _logged(workspace, loaded, _analyze(workspace, loaded, now, engine, full=full), actor)
    result = standing_of(workspace).newest(
        loaded.entity.ref,
        *_basis(workspace, loaded, now),
        lambda: _logged(workspace, loaded, _analyze(workspace, loaded, now), actor),
    )
    return replace(result, as_of=now)


def result_at_hand(workspace: Workspace, loaded: Loaded) -> tuple[Result, bool]:
    """The last result, and whether it holds for the journal of now; if not, a server renews it meanwhile."""
    now = datetime.now(UTC)
    result, holds = standing_of(workspace).at_hand(
        loaded.entity.ref,
        *_basis(workspace, loaded, now),
        lambda: _logged(workspace, loaded, _analyze(workspace, loaded, now), SYSTEM),
    )
    if not holds and not result.users:
        return result_of(workspace, loaded), True  # "nobody yet" is worth showing only while it is true
    return (replace(result, as_of=now) if holds else result), holds


def _logged(workspace: Workspace, loaded: Loaded, result: Result, actor: Actor) -> Result:
    """Record a look that was taken by this result, unless another process has recorded it meanwhile."""
    known = {look.key for look in loaded.looks}
    new = [look for look in result.looks if look.key not in known]
    if not new:
        return result
    ref = loaded.entity.ref
    with workspace.graph.write(actor) as writer:
        recorded = {look.key for look in _looks(writer, ref, loaded.plan)}
        for look in new:
            if look.key not in recorded:
                writer.record(LOOK, ref, after=msgspec.to_builtins(look))
    looks = tuple(look if look.key in known else replace(look, by=actor.ref) for look in result.looks)
    return replace(result, looks=looks)


def acknowledge(workspace: Workspace, loaded: Loaded, actor: Actor, reason: str | None = None) -> Activity:
    """Record that somebody knows the experiment to be invalid; from then on its figures are shown.

    Raises:
        ConflictError: it is not invalid, so there is nothing to acknowledge.
    """
    result = result_of(workspace, loaded, actor=actor)
    if result.verdict.state != "invalid":
        raise ConflictError(
            f"{loaded.entity.title} is not invalid (its verdict is {result.verdict.state}), so there is nothing"
            " to acknowledge."
        )
    after = {"condition": result.verdict.condition, "sentence": result.verdict.sentence}
    with workspace.graph.write(actor) as writer:
        return writer.record(ACKNOWLEDGED, loaded.entity.ref, after=after, reason=reason)


def sizing_of(
    workspace: Workspace, loaded: Loaded, *, per_day: float | None = None, users: int | None = None
) -> "Sizing":
    """Size an experiment from its plan and what the journal knows of its metrics and its traffic."""
    from counterpoint.experiments.history import history_of
    from counterpoint.experiments.sizing import size
    from counterpoint.experiments.users import exposures_of

    plan = loaded.plan
    with workspace.journal.snapshot(workspace.journal.engine) as snapshot:
        exposures = exposures_of(plan, snapshot.events(EXPOSURE))
        events = snapshot.events(*sorted({event for metric in plan.metrics for event in metric.types}))
        known = history_of(plan, exposures, events, now=datetime.now(UTC))
    return size(
        plan,
        known.baselines,
        per_day=known.per_day if per_day is None else per_day,
        traffic=known.traffic if per_day is None else "given",
        users=users,
    )


def prepare(workspace: Workspace) -> None:
    """Have the results of the experiments that changed last computed before somebody asks."""
    with workspace.graph.read() as reader:
        refs = [
            entity.ref for entity in reader.find(kind="Experiment", order="-updated", limit=PREPARED).items
        ]
    for ref in refs:
        standing_of(workspace).renew(ref, partial(_compute, workspace, ref))


class Results(Standing[Result]):
    """The results of experiments."""


def standing_of(workspace: Workspace) -> Results:
    """The results of a workspace that this process keeps."""
    return workspace.keep(Results, lambda _: Results())


def read_now(
    workspace: Workspace,
    loaded: Loaded,
    actor: Actor,
    *,
    engine: EngineAddress | None = None,
    full: bool = False,
) -> tuple[Result, Activity]:
    """Read an experiment because somebody asks, and record what was read in the activity log."""
    result = result_of(workspace, loaded, engine=engine, full=full, actor=actor)
    with workspace.graph.write(actor) as writer:
        recorded = writer.record(READ, loaded.entity.ref, after=reading_of(result))
    return result, recorded


def explore(
    workspace: Workspace,
    loaded: Loaded,
    actor: Actor,
    *,
    reason: str | None = None,
    engine: EngineAddress | None = None,
) -> tuple[Result, Activity]:
    """Look at a plan that does not say when it is read, and record the look with its figures.

    It is marked exploratory: it can ship nothing, and is told to whoever reads the experiment afterwards.

    Raises:
        ConflictError: the plan says when it is read, and is read then.
    """
    if loaded.plan.has_end:
        raise ConflictError(
            f"{loaded.entity.title} says when it is read, and a look before that would spoil it. Read it with:"
            f" counterpoint experiments analyze {loaded.entity.name}"
        )
    result = _analyze(workspace, loaded, datetime.now(UTC), engine, exploratory=True)
    with workspace.graph.write(actor) as writer:
        recorded = writer.record(EXPLORED, loaded.entity.ref, after=reading_of(result), reason=reason)
    return result, recorded


def _explored(reader: Reader, ref: str, plan: Experiment) -> Iterator[str]:
    """That somebody has looked without a stopping plan: whoever declares one afterwards has seen figures."""
    looks = [
        look
        for look in reader.activity(subject=ref, action=EXPLORED, limit=MOST_LOOKS)
        if plan.start is None or look.at >= plan.start
    ]
    if looks:
        times = "once" if len(looks) == 1 else f"{len(looks)} times"
        yield (
            f"It was explored without a stopping plan, {times}, last on {day(looks[0].at)}; a plan that was"
            " declared after that may have been chosen by what was seen. A start after the last look begins anew."
        )


def readings_of(workspace: Workspace, ref: str) -> list[Activity]:
    """The readings of an experiment that were recorded, exploratory ones too, newest first, at most `READINGS`."""
    with workspace.graph.read() as reader:
        found = [
            entry
            for action in (READ, EXPLORED)
            for entry in reader.activity(subject=ref, action=action, limit=READINGS)
        ]
    return sorted(found, key=lambda entry: -entry.seq)[:READINGS]


def titles_of(workspace: Workspace, refs: Iterable[str]) -> dict[str, str]:
    """Titles of entities by reference; what does not exist is left out."""
    with workspace.graph.read() as reader:
        return reader.titles(refs)


def reading_of(result: Result) -> dict[str, Any]:
    """What is recorded of a result: verdict, arms, quality and every metric as its JSON has them; not the query."""
    verdict, check = result.verdict, result.quality.sample_ratio
    return {
        "verdict": verdict.state,
        "sentence": verdict.sentence,
        "condition": verdict.condition,
        "wouldChange": verdict.would_change,
        "treatment": verdict.treatment,
        "asOf": rfc3339(result.as_of),
        "engine": result.engine,
        "source": result.source,
        "users": result.users,
        "arms": msgspec.to_builtins(result.arms),
        "sampleRatio": {"p": check.p, "threshold": check.threshold, "rejected": check.rejected},
        "mixedUsers": result.quality.mixed_users,
        "progress": msgspec.to_builtins(result.progress),
        "learning": msgspec.to_builtins(result.learning),
        "metrics": msgspec.to_builtins(result.metrics),
    }


def _compute(workspace: Workspace, ref: str) -> None:
    result_of(workspace, load(workspace, ref))


def _basis(workspace: Workspace, loaded: Loaded, now: datetime) -> tuple[Basis, Basis]:
    plan = loaded.plan
    ended = plan.end is not None and now >= plan.end
    # Looks and the watch over harm go by days, until the end has come; like new events, a new day is
    # read behind the reader's back.
    day = now.date() if not ended and (plan.end or plan.stopping or plan.units_per_arm) else None
    data = (workspace.journal.version(),) if loaded.source is None else state_of(workspace, loaded, now)
    return (*loaded.version, ended, loaded.acknowledged is not None), (*data, day, len(loaded.looks))


def _analyze(
    workspace: Workspace,
    loaded: Loaded,
    now: datetime,
    engine: EngineAddress | None = None,
    *,
    full: bool = False,
    exploratory: bool = False,
) -> Result:
    from counterpoint.experiments.aggregation import exposures_of
    from counterpoint.experiments.analysis import analyze

    if loaded.source is not None:
        return read_source(workspace, loaded, loaded.source, now, explore=exploratory)
    plan, engine = loaded.plan, engine or workspace.journal.engine
    with workspace.journal.snapshot(engine) as snapshot:
        exposures = exposures_of(plan, snapshot.events(EXPOSURE, attributes=columns_of(plan)))
        events = snapshot.events(*plan.types)
        totals = None if full else kept_totals(workspace, plan, snapshot, now)
        return analyze(
            plan,
            exposures,
            events,
            as_of=now,
            engine=engine.kind,
            totals=totals,
            last_data=True,
            looks=loaded.looks,
            acknowledged=loaded.acknowledged is not None,
            explore=exploratory,
        )


def _notes(reader: Reader, entity: Entity, plan: Experiment) -> Iterator[str]:
    for ref in entity.targets("exposedBy") if "source" not in entity.spec else ():
        found = reader.get(ref)
        if found is None and plan.flag_set is None:
            continue  # the set is only the default's guess
        if found is None:
            yield f"{ref} is not in the graph; exposures are counted all the same. Import it with: counterpoint import flags FILE --set {parse_ref(ref).name}"
        elif plan.flag not in flags_by_key(found.spec.get("definition")):
            yield f"{ref} has no flag {plan.flag}; exposures are counted all the same."
        else:
            yield from _unknown_arms(ref, flags_by_key(found.spec.get("definition"))[plan.flag], plan)
    for ref in entity.targets("testsBet"):
        if not reader.exists(ref):
            yield f"{ref}, the bet that it tests, is not in the graph."


def _unknown_arms(ref: str, flag: Mapping[str, Any], plan: Experiment) -> Iterator[str]:
    variants = flag.get("variants")
    known = list(variants) if isinstance(variants, Mapping) else []
    for arm in plan.arms:
        if known and arm not in known:
            yield f"The flag {plan.flag} of {ref} has no variant {arm}, only {', '.join(known)}; nobody can be given it. Mend the experiment's control and treatments, or the flag."


def _remedy(others: list[str]) -> str:
    if others:
        return (
            ""
            if len(others) > 20
            else f" There are: {', '.join(sorted(parse_ref(ref).short for ref in others))}."
        )
    return " There is none yet: write one as YAML and import it with: counterpoint import catalog FILE"
