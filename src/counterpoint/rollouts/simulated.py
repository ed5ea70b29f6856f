"""What plans were found to do by simulation: kept by plan and seed, and computed off the request's path."""

import hashlib
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal, NamedTuple

import msgspec
import structlog
from msgspec.structs import replace
from sqlalchemy import Column, Connection, MetaData, Table, delete, func, insert, select, update

from counterpoint.errors import CounterpointError, InputError
from counterpoint.flags.environments import set_ref
from counterpoint.graph.actor import SYSTEM, Actor
from counterpoint.graph.tables import INTEGER, TEXT
from counterpoint.moments import to_datetime, to_micros
from counterpoint.rollouts.plan_files import of_rollout
from counterpoint.rollouts.pulse import Key, Pulse
from counterpoint.rollouts.simulation import POLICIES, Characteristics, Policy, check_seed, simulate
from counterpoint.rollouts.store import Loaded, load
from counterpoint.said import Said
from counterpoint.workspace import Workspace

__all__ = ["CLEAN", "SEED", "Simulation", "Simulator", "begin", "compute", "simulation_of", "simulator_of"]

CLEAN: Final = 10_000
"""Simulated rollouts of a clean change; a tenth as many of each regression."""
SEED: Final = 1
SILENCE: Final = timedelta(seconds=15)
"""After so long without a sign (`pulse.BEAT`) what was under way has ended with its process."""
State = Literal["none", "under way", "stopped", "failed", "done"]

SIMULATIONS = Table(
    "rollouts_simulation",
    MetaData(),
    Column("rollout", TEXT, primary_key=True),
    Column("plan", TEXT, primary_key=True),
    Column("seed", INTEGER, primary_key=True),
    Column("started", INTEGER, nullable=False),
    Column("touched", INTEGER, nullable=False),
    Column("done", INTEGER, nullable=False),
    Column("total", INTEGER, nullable=False),
    Column("ended", INTEGER),
    Column("found", TEXT),
    Column("problem", TEXT),
)
"""`plan` is the digest of the plan, `found` a JSON value; see migration 0016."""
log = structlog.get_logger("counterpoint.rollouts")


class Simulation(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """What is known of a plan by simulation, and how to come to know it."""

    rollout: str
    state: State
    """Of the newest simulation of the present plan."""
    done: int = 0
    """Parts of the simulation that are done, while it is under way."""
    total: int = 0
    started: datetime | None = None
    ended: datetime | None = None
    """When the figures were computed."""
    problem: Said = ""
    """Why it failed, and what to do."""
    found: Characteristics | None = None
    is_current: bool = False
    """Whether the figures are of the plan as it is now; otherwise they are of an earlier one."""
    command: str = ""
    """What computes them on the command line."""


class _StoppedError(Exception):
    """The server stops; the simulation can be begun again."""


def simulation_of(workspace: Workspace, name: str, *, now: datetime | None = None) -> Simulation:
    """The newest figures of a rollout's plan, of an earlier plan where this one has none.

    Raises:
        NotFoundError, InputError: as `store.load`.
    """
    loaded = load(workspace, name)
    of_rollout = SIMULATIONS.c.rollout == loaded.ref
    with workspace.graph.read() as reader:
        now = now or _clock(reader.connection)
        rows = reader.connection.execute(
            select(SIMULATIONS).where(of_rollout).order_by(SIMULATIONS.c.started.desc()).limit(50)
        ).all()
    digest = _digest(loaded)
    newest = next((row for row in rows if row.plan == digest), None)
    done = [row for row in rows if row.found is not None]
    shown = next((row for row in done if row.plan == digest), done[0] if done else None)
    found = Simulation(
        rollout=loaded.ref,
        state="none" if newest is None else _state(newest, now),
        command=f"counterpoint rollouts simulate {loaded.plan.name}",
    )
    if newest is not None:
        started = to_datetime(newest.started)
        found = replace(
            found, done=newest.done, total=newest.total, started=started, problem=newest.problem or ""
        )
    if shown is None:
        return found
    return replace(
        found,
        found=msgspec.json.decode(shown.found, type=Characteristics),
        ended=to_datetime(shown.ended),
        is_current=shown.plan == digest,
    )


def _state(row: Any, now: datetime) -> State:
    if row.ended is not None:
        return "failed" if row.problem else "done"
    return "stopped" if now - to_datetime(row.touched) > SILENCE else "under way"


def begin(workspace: Workspace, actor: Actor, name: str, *, seed: int = SEED) -> Simulation:
    """Have the server compute the figures of a rollout's plan; one that is under way is not begun again.

    Raises:
        NotFoundError, InputError: as `store.load`.
        NotAllowedError: the actor does not own the rollout.
    """
    before = simulation_of(workspace, name)
    if before.state != "under way":
        loaded = load(workspace, name)
        _start(workspace, actor, loaded, seed)
        simulator_of(workspace).submit(loaded, seed)
    return simulation_of(workspace, name)


def compute(
    workspace: Workspace,
    actor: Actor,
    name: str,
    *,
    users_per_day: float | None = None,
    seed: int = SEED,
    runs: int = CLEAN,
    policies: Sequence[Policy] = POLICIES,
    advance: Callable[[float, float], None] = lambda done, total: None,
) -> Characteristics:
    """Compute the figures of a rollout's plan here and now, and keep them for its page.

    Those of other `users_per_day` than the plan says are of another plan, and are not kept. Of regressions there are a
    tenth of `runs`; the page says how many rollouts were simulated, and under which policies.

    Raises:
        NotFoundError, InputError: as `store.load`; nothing says what users do without the change, or the seed is
            none.
        NotAllowedError: the actor does not own the rollout.
    """
    check_seed(seed)
    loaded = load(workspace, name)
    given = _Given(seed, runs, tuple(policies))
    said = loaded.entity.spec.get("usersPerDay") if loaded.entity else None
    if users_per_day is not None and said not in (None, users_per_day):
        return _found(workspace, loaded, given, users_per_day=users_per_day, advance=advance)
    _start(workspace, actor, loaded, seed)
    return _computed(workspace, loaded, given, users_per_day=users_per_day, advance=advance)


def _start(workspace: Workspace, actor: Actor, loaded: Loaded, seed: int) -> None:
    """Write down that a simulation is under way, instead of what an earlier one of the same plan and seed found."""
    key = _key(loaded, seed)
    with workspace.graph.write(actor) as writer:
        now = to_micros(_clock(writer.connection))
        # One that was deleted is whose flag set it moves.
        writer.require_write(set_ref(loaded.plan.flag_set) if loaded.entity is None else loaded.ref)
        writer.connection.execute(delete(SIMULATIONS).where(*_is(key)))
        writer.connection.execute(
            insert(SIMULATIONS).values(**key, started=now, touched=now, done=0, total=0)
        )
        writer.record("rollout.simulation_started", loaded.ref, after={"seed": seed})


class _Given(NamedTuple):
    """How a plan is simulated."""

    seed: int = SEED
    runs: int = CLEAN
    policies: tuple[Policy, ...] = POLICIES


def _computed(
    workspace: Workspace,
    loaded: Loaded,
    given: _Given,
    *,
    users_per_day: float | None = None,
    advance: Callable[[float, float], None],
) -> Characteristics:
    key = _key(loaded, given.seed)

    def told(done: float, total: float) -> None:
        advance(done, total)
        _touch(workspace, key, done=int(done), total=int(total))

    try:
        with _pulse_of(workspace).of(tuple(key.items())):
            found = _found(workspace, loaded, given, users_per_day=users_per_day, advance=told)
    except CounterpointError as error:
        said = " ".join([error.message, *(each.message for each in getattr(error, "problems", ()))])
        _end(workspace, loaded, key, problem=said)
        raise
    _end(workspace, loaded, key, found=found)
    return found


def _found(
    workspace: Workspace,
    loaded: Loaded,
    how: _Given,
    *,
    users_per_day: float | None,
    advance: Callable[[float, float], None],
) -> Characteristics:
    given = of_rollout(workspace, loaded.ref)
    per_day = given.users_per_day if users_per_day is None else users_per_day
    if per_day is None:
        raise InputError(
            "Nothing says how many users come. Write `usersPerDay` into the rollout's spec, or give --users-per-day."
        )
    return simulate(
        given.plan,
        given.baselines,
        users_per_day=per_day,
        runs=how.runs,
        regressed_runs=max(how.runs // 10, 1),
        policies=how.policies,
        seed=how.seed,
        advance=advance,
    )


def _touch(workspace: Workspace, key: Mapping[str, Any], **values: int) -> None:
    # How far it is changes nothing that anybody made, so the activity log does not tell of it.
    with workspace.graph.write(SYSTEM) as writer:
        values["touched"] = to_micros(_clock(writer.connection))
        writer.connection.execute(update(SIMULATIONS).where(*_is(key)).values(**values))


def _pulse_of(workspace: Workspace) -> Pulse:
    """Signs of life of the simulations that this process has begun, those that wait for others too."""

    def beat(keys: list[Key]) -> None:
        for key in dict.fromkeys(keys):
            _touch(workspace, dict(key))

    return workspace.keep(Pulse, lambda _: Pulse(beat))


def _clock(connection: Connection) -> datetime:
    """The time by the database's clock where servers of several machines may write, else by that of this machine."""
    if connection.dialect.name == "postgresql":
        moment: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
        return moment.astimezone(UTC)
    return datetime.now(UTC)


def _end(
    workspace: Workspace,
    loaded: Loaded,
    key: Mapping[str, Any],
    *,
    found: Characteristics | None = None,
    problem: str | None = None,
) -> None:
    values: dict[str, Any] = {"problem": problem}
    told: dict[str, Any] = {"seed": key["seed"]}
    if found is not None:
        values["found"] = msgspec.json.encode(found).decode()
        told["falseRollbacks"] = found.of("plan", 1, 0.0).rate
    else:
        told["problem"] = problem
    with workspace.graph.write(SYSTEM) as writer:
        values["ended"] = to_micros(_clock(writer.connection))
        writer.connection.execute(update(SIMULATIONS).where(*_is(key)).values(**values))
        writer.record("rollout.simulated", loaded.ref, after=told)


def _key(loaded: Loaded, seed: int) -> dict[str, Any]:
    return {"rollout": loaded.ref, "plan": _digest(loaded), "seed": seed}


def _is(key: Mapping[str, Any]) -> list[Any]:
    return [SIMULATIONS.c[name] == value for name, value in key.items()]


def _digest(loaded: Loaded) -> str:
    """Of all that the figures of a plan depend on, but for the journal: who owns it and which flag it moves do not count."""
    plan = replace(
        loaded.plan,
        title="",
        flag="",
        owner=None,
        bet=None,
        component=None,
        treatment="",
        control="",
        salt="",
        bucketing="",
    )
    spec = loaded.entity.spec if loaded.entity else {}
    given = [item.get("baseline") for item in spec.get("guardrails") or ()]
    text = msgspec.json.encode([plan, given, spec.get("usersPerDay")], order="deterministic")
    return hashlib.sha256(text).hexdigest()


class Simulator:
    """Computes simulations one after the other in a thread of a server, until it is stopped."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._guard = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None
        self._stopping = threading.Event()

    def submit(self, loaded: Loaded, seed: int) -> None:
        """Compute what `begin` has written down; dropped where the server stops."""
        with self._guard:
            if self._stopping.is_set():
                return
            if self._pool is None:
                self._pool = ThreadPoolExecutor(1, thread_name_prefix="simulations")
            key = tuple(_key(loaded, seed).items())
            _pulse_of(self._workspace).begin(key)
            done = self._pool.submit(self._run, loaded, seed)
            done.add_done_callback(lambda _: _pulse_of(self._workspace).end(key))

    def start(self) -> None:
        """Take simulations from now on."""
        self._stopping.clear()

    def stop(self) -> None:
        """End what runs and drop what waits."""
        with self._guard:
            self._stopping.set()
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=True, cancel_futures=True)

    def _run(self, loaded: Loaded, seed: int) -> None:
        try:
            with suppress(CounterpointError):  # the page tells why there are no figures
                _computed(self._workspace, loaded, _Given(seed), advance=self._step)
        except _StoppedError:
            self._failed(loaded, seed, "The server stopped before it was done. Begin it again.")
        except Exception:
            log.exception("rollouts.not_simulated", rollout=loaded.ref)
            self._failed(loaded, seed, "It failed, and the server's log says why.")

    def _failed(self, loaded: Loaded, seed: int, problem: str) -> None:
        _end(self._workspace, loaded, _key(loaded, seed), problem=problem)

    def _step(self, done: float, total: float) -> None:
        if self._stopping.is_set():
            raise _StoppedError


def simulator_of(workspace: Workspace) -> Simulator:
    """What computes simulations of a workspace in this process."""
    return workspace.keep(Simulator, Simulator)
