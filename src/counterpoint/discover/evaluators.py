"""Evaluations that are begun from a page or the API: made beside requests, one after the other, and kept like any other."""

import threading
from collections import deque
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import msgspec
import structlog
from sqlalchemy import delete, insert, select, update

from counterpoint.discover.evaluations import evaluate_recommender, require_evaluator
from counterpoint.discover.methods import METHODS, method_of
from counterpoint.discover.plan import read_plan
from counterpoint.discover.protocol import Protocol
from counterpoint.discover.tables import EVALUATION
from counterpoint.errors import ConflictError, CounterpointError, InputError
from counterpoint.graph.actor import SYSTEM, Actor
from counterpoint.moments import to_datetime, to_micros
from counterpoint.said import Said
from counterpoint.worker import Worker
from counterpoint.workspace import Workspace

__all__ = [
    "BUDGET",
    "MOST_BUDGET",
    "Evaluator",
    "EvaluatorState",
    "Wanted",
    "begin",
    "evaluator_of",
    "state_of",
]

BUDGET, MOST_BUDGET = 20.0, 3_600.0
"""CPU seconds of tuning each method: what is usual, and the most that a server gives."""
SILENCE = timedelta(minutes=30)
"""After so long without a sign it has ended with its process: a trial on much data may take minutes."""
BEGUN = "recommender.evaluation_begun"
State = Literal["none", "under way", "stopped", "failed", "done"]
log = structlog.get_logger("counterpoint.discover")


class Wanted(msgspec.Struct, frozen=True, rename="camel", kw_only=True, forbid_unknown_fields=True):
    """What is to be evaluated, and how."""

    protocol: Protocol = Protocol()
    methods: tuple[str, ...] = ()
    """All of them where none is named."""
    budget: float = BUDGET
    """CPU seconds of tuning each method."""
    bet: str | None = None
    """The bet that the result is evidence on."""

    def checked(self) -> "Wanted":
        """Itself. Raises `InputError` for methods that there are not, a budget out of range, or a split that is given."""
        for each in self.methods:
            method_of(each)
        if not 0 < self.budget <= MOST_BUDGET:
            raise InputError(
                f"budget == {self.budget:g}, must be above 0 and at most {MOST_BUDGET:g} CPU seconds; with more, call"
                " counterpoint discover evaluate"
            )
        if self.protocol.split == "given":
            raise InputError(
                'the split "given" is for files: call counterpoint discover evaluate with --test'
            )
        return self


class EvaluatorState(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """How far the last evaluation is that a server was asked for."""

    recommender: str
    state: State
    done: int = 0
    """Methods that are tuned."""
    total: int = 0
    started: datetime | None = None
    ended: datetime | None = None
    wanted: Wanted | None = None
    entry: int | None = None
    """Where the activity log has what was found."""
    problem: Said = ""
    """Why it failed, and what to do."""


class _StoppedError(Exception):
    """The server stops; the evaluation can be begun again."""


def state_of(workspace: Workspace, name: str, *, now: datetime | None = None) -> EvaluatorState:
    """How far it is.

    Raises:
        NotFoundError, InputError: as `read_plan`.
    """
    with workspace.graph.read() as reader:
        ref = read_plan(reader, name)[0].ref
        row = reader.connection.execute(
            select(EVALUATION).where(EVALUATION.c.recommender == ref)
        ).one_or_none()
    if row is None:
        return EvaluatorState(recommender=ref, state="none")
    state: State
    if row.ended is not None:
        state = "failed" if row.problem else "done"
    else:
        late = (now or datetime.now(UTC)) - to_datetime(row.touched) > SILENCE
        state = "stopped" if late else "under way"
    return EvaluatorState(
        recommender=ref,
        state=state,
        done=row.done,
        total=row.total,
        started=to_datetime(row.started),
        ended=None if row.ended is None else to_datetime(row.ended),
        wanted=msgspec.json.decode(row.asked, type=Wanted),
        entry=row.entry,
        problem=row.problem or "",
    )


def begin(workspace: Workspace, actor: Actor, name: str, wanted: Wanted) -> EvaluatorState:
    """Have the server compare methods; the same one that is under way is not begun again.

    Raises:
        NotFoundError: there is no such recommender, or no such bet.
        NotAllowedError: one of them is somebody else's.
        ConflictError: another one is under way, with other settings.
        InputError: as `Wanted.checked`.
    """
    wanted.checked()
    before = state_of(workspace, name)
    with workspace.graph.write(actor) as writer:
        require_evaluator(writer, before.recommender, wanted.bet)
        if before.state == "under way":
            if before.wanted != wanted:
                raise ConflictError(
                    f"Another evaluation of {before.recommender} is under way, with other settings: {before.done} of"
                    f" {before.total} methods are tuned. Begin this one once it has ended."
                )
            return before
        now = to_micros(datetime.now(UTC))
        total = len(wanted.methods) or len(METHODS)
        asked = msgspec.json.encode(wanted).decode()
        writer.connection.execute(delete(EVALUATION).where(EVALUATION.c.recommender == before.recommender))
        writer.connection.execute(
            insert(EVALUATION).values(
                recommender=before.recommender, started=now, touched=now, done=0, total=total, asked=asked
            )
        )
        writer.record(BEGUN, before.recommender, after=msgspec.to_builtins(wanted))
    evaluator_of(workspace).submit(actor, before.recommender, wanted)
    return state_of(workspace, name)


class Evaluator:
    """Evaluates one after the other in a thread of a server, while it runs."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._waiting: deque[tuple[Actor, str, Wanted]] = deque()
        self._worker = Worker("evaluations", self._work)
        self._idle = threading.Event()
        self._idle.set()

    def submit(self, actor: Actor, ref: str, wanted: Wanted) -> None:
        """Evaluate what `begin` has written down."""
        with self._worker.changed:
            self._idle.clear()
            self._waiting.append((actor, ref, wanted))
            self._worker.changed.notify_all()

    def start(self) -> None:
        """Evaluate from now on."""
        self._worker.start()

    def stop(self) -> None:
        """End what runs at its next trial, and what waits."""
        self._worker.stop()
        while self._waiting:
            self._end(
                self._waiting.popleft()[1], problem="The server stopped before it began. Begin it again."
            )

    def wait(self, seconds: float) -> bool:
        """Whether nothing is left to do, after at most so long."""
        return self._idle.wait(seconds)

    def _work(self) -> None:
        while True:
            with self._worker.changed:
                while not self._waiting and not self._worker.stopping:
                    self._idle.set()
                    self._worker.changed.wait()
                if self._worker.stopping:
                    return
                asked = self._waiting.popleft()
            self._run(*asked)

    def _run(self, actor: Actor, ref: str, wanted: Wanted) -> None:
        try:
            _, entry = evaluate_recommender(
                self._workspace,
                actor,
                ref,
                protocol=wanted.protocol,
                methods=wanted.methods,
                budget=wanted.budget,
                bet=wanted.bet,
                said=lambda _: self._step(ref),
                advance=lambda done, total: self._step(ref, done=done, total=total),
            )
            self._end(ref, entry=entry.seq)
        except _StoppedError:
            self._end(ref, problem="The server stopped before it was done. Begin it again.")
        except CounterpointError as error:
            self._end(ref, problem=error.message)
        except Exception:
            log.exception("discover.not_evaluated", recommender=ref)
            with suppress(Exception):  # the database may be what is wrong
                self._end(ref, problem="It failed, and the server's log says why.")

    def _step(self, ref: str, **done: int) -> None:
        """Between two trials."""
        if self._worker.stopping:
            raise _StoppedError
        self._write(ref, touched=to_micros(datetime.now(UTC)), **done)

    def _end(self, ref: str, **found: Any) -> None:
        self._write(ref, ended=to_micros(datetime.now(UTC)), **found)

    def _write(self, ref: str, **values: Any) -> None:
        # How far it is changes nothing that anybody made, so the activity log does not tell of it.
        row = update(EVALUATION).where(EVALUATION.c.recommender == ref)
        with self._workspace.graph.write(SYSTEM) as writer:
            writer.connection.execute(row.values(**values))


def evaluator_of(workspace: Workspace) -> Evaluator:
    """What evaluates recommenders of a workspace in this process."""
    return workspace.keep(Evaluator, Evaluator)
