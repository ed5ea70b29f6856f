"""What the pages of recommenders are made of: each with its versions, and which of them serves whom."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from counterpoint.discover.choosing import number_of
from counterpoint.discover.evaluations import Newest, newest_evaluation
from counterpoint.discover.plan import Plan, plan_of, read_plan
from counterpoint.discover.shadow import Agreement, agreements
from counterpoint.discover.versions import Version, versions
from counterpoint.errors import CounterpointError
from counterpoint.flags.exposure_counts import counts_of_flag
from counterpoint.flags.ready_sets import flag_sets
from counterpoint.flags.sentences import Step, steps_of
from counterpoint.graph.entity import Entity
from counterpoint.graph.reader import Reader
from counterpoint.said import Said
from counterpoint.workspace import Workspace

__all__ = ["Line", "Overview", "Served", "Serving", "lines_of", "overview_of", "public", "versions_of"]

BETS = {"Experiment": "testsBet", "Rollout": "rollsOutBet"}
"""The relation by which each kind of test of a flag leads to its bet."""


@dataclass(frozen=True, slots=True)
class Line:
    """A recommender in the list."""

    entity: Entity
    plan: Plan
    newest: Version | None
    """The newest version that is ready."""
    count: int
    """Versions that are ready."""


@dataclass(frozen=True, slots=True)
class Served:
    """What one variant of the flag means."""

    variant: str
    number: int | None
    """The version that it names; none where it names none."""
    ready: bool
    day: int
    """Exposures in the last 24 hours."""
    total: int
    """And in the last 90 days."""


@dataclass(frozen=True, slots=True)
class Serving:
    """Which version answers whom."""

    newest: int | None
    """Who is given no version by the flag is answered by the newest."""
    flag: str | None = None
    flag_set: str = ""
    steps: Sequence[Step] = ()
    """How the flag decides."""
    variants: Sequence[Served] = ()
    wrong: Said | None = None
    """Why the flag chooses nothing."""
    tests: Sequence[Entity] = ()
    """Experiments and rollouts of the flag."""
    bets: Sequence[str] = ()
    """Their bets."""


@dataclass(frozen=True, slots=True)
class Overview:
    """A recommender with what is known of it."""

    entity: Entity
    plan: Plan
    versions: Sequence[Version]
    """The newest first."""
    serving: Serving
    agreements: Sequence[Agreement]
    evaluation: Newest | None
    titles: dict[str, str] = field(default_factory=dict)

    @property
    def newest(self) -> Version | None:
        """The newest version that is ready."""
        return _ready(self.versions)


def lines_of(workspace: Workspace) -> list[Line]:
    """Every recommender, by its title."""
    with workspace.graph.read() as reader:
        entities = reader.all(kind="Recommender")
    found = []
    for entity in sorted(entities, key=lambda each: (each.title.casefold(), each.ref)):
        made = versions_of(workspace, entity.ref)
        ready = [each for each in made if each.state == "ready"]
        found.append(Line(entity, plan_of(entity.spec), _ready(made), len(ready)))
    return found


def overview_of(workspace: Workspace, name: str) -> Overview:
    """One recommender.

    Raises:
        NotFoundError, InputError: as `read_plan`.
    """
    with workspace.graph.read() as reader:
        entity, plan = read_plan(reader, name)
        agreed = agreements(reader, entity.ref)
        tests = _tests(reader, plan)
        bets = tuple(dict.fromkeys(bet for each in tests for bet in each.targets(BETS[each.kind])))
        titles = reader.titles([ref for ref in (entity.owner, *bets) if ref])
    made = versions_of(workspace, entity.ref)
    serving = _serving(workspace, plan, made, tests, bets)
    return Overview(entity, plan, made, serving, agreed, newest_evaluation(workspace, entity.ref), titles)


def public(version: Version, *, least: int) -> Version:
    """A version as everybody may see it: measures of fewer than `least` listeners are about people, and stay away."""
    judged = tuple(each for each in version.evaluation if each.recall.listeners >= least)
    tried = tuple(each for each in version.trials if each.recall.listeners >= least)
    left_out = {
        reason: count
        for reason, count in version.left_out.items()
        if "listener" not in reason or count >= least
    }
    hidden = len(judged) < len(version.evaluation)
    notes = (
        (
            *version.notes,
            f"Fewer than {least} listeners had something held out, so its measures are not shown.",
        )
        if hidden
        else version.notes
    )
    return replace(version, evaluation=judged, trials=tried, left_out=left_out, notes=notes)


def versions_of(workspace: Workspace, name: str) -> list[Version]:
    """The versions of a recommender as everybody may see them, the newest first.

    Raises:
        NotFoundError, InputError: as `read_plan`.
    """
    least = workspace.settings.discover.least_listeners
    return [public(each, least=least) for each in versions(workspace, name)]


def _ready(made: Sequence[Version]) -> Version | None:
    return next((each for each in made if each.state == "ready"), None)


def _tests(reader: Reader, plan: Plan) -> list[Entity]:
    """The experiments and rollouts of the recommender's flag."""
    if plan.flag is None:
        return []
    sets = {"Experiment": "exposedBy", "Rollout": "rollsOutFlagOf"}
    wanted = f"flagset:default/{plan.flag_set}"
    return [
        each
        for kind, relation in sets.items()
        for each in reader.all(kind=kind)
        if each.spec.get("flag") == plan.flag and wanted in each.targets(relation)
    ]


def _serving(
    workspace: Workspace, plan: Plan, made: Sequence[Version], tests: Sequence[Entity], bets: Sequence[str]
) -> Serving:
    newest = _ready(made)
    number = newest.number if newest else None
    if plan.flag is None:
        return Serving(number)
    wrong, steps, variants = None, list[Step](), list[Served]()
    try:
        stored = flag_sets(workspace).get(plan.flag_set)
        flag = stored.flags.flags.get(plan.flag) if stored else None
        if flag is None:
            wrong = f"The flag set '{plan.flag_set}' has no flag '{plan.flag}', so the newest version answers everybody."
        else:
            steps = steps_of(flag)
            counts = {
                each.variant: each for each in counts_of_flag(workspace, plan.flag_set, plan.flag).variants
            }
            ready = {each.number for each in made if each.state == "ready"}
            for variant, value in flag.variants.items():
                named, count = number_of(value), counts.get(variant)
                variants.append(
                    Served(
                        variant,
                        named,
                        named in ready,
                        count.day if count else 0,
                        count.total if count else 0,
                    )
                )
    except CounterpointError as error:
        wrong = f"The flag set '{plan.flag_set}' cannot be used: {error.message}"
    return Serving(number, plan.flag, plan.flag_set, steps, variants, wrong, tests, bets)
