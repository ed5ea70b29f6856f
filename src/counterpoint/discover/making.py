"""Fitting a version of a recommender, one process at a time: begun, perhaps broken off and gone on with, and kept.

    discover/<namespace>.<name>/<number>.npz            the fitted version
    discover/<namespace>.<name>/<number>.trials.jsonl   what its search has tried, while it is being fitted
    discover/<namespace>.<name>/<number>.stages/        how far its fits are, while it is being fitted

A fit that was broken off leaves its row, its trials and its stages; the next one for the same goes on from there.
"""

import fcntl
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from counterpoint.discover.consent import refusals
from counterpoint.discover.continued import packed
from counterpoint.discover.crowds import people_by, worded_by
from counterpoint.discover.devices import device_of
from counterpoint.discover.fitting import (
    Choice,
    Judged,
    chosen,
    continuation_of,
    fitted_to,
    heard_by,
    judged,
    rivals,
)
from counterpoint.discover.kept import keep
from counterpoint.discover.listened import Listened
from counterpoint.discover.listening import listening_of
from counterpoint.discover.methods import method_of
from counterpoint.discover.plan import read_plan
from counterpoint.discover.resuming import Stages
from counterpoint.discover.search import Trial
from counterpoint.discover.told import FITTED
from counterpoint.discover.version import (
    Evaluated,
    KeptVersion,
    Tried,
    Version,
    drop,
    figures_of,
    kept_versions,
    put,
)
from counterpoint.engine import read_engine
from counterpoint.errors import ConflictError, InputError
from counterpoint.graph.actor import Actor
from counterpoint.graph.ref import parse_ref
from counterpoint.graph.writer import Writer
from counterpoint.moments import rfc3339, to_datetime
from counterpoint.stats.checks import positive
from counterpoint.syncing import sync
from counterpoint.workspace import Workspace

__all__ = ["alone", "file_of", "fit_version", "has_heard", "leave_nothing", "made", "stages_of", "trials_of"]

BEGUN = "recommender.fit.begun"
POLL = 0.1
Progress = Callable[[str], None]


def fit_version(
    workspace: Workspace,
    actor: Actor,
    name: str,
    *,
    method: str | None = None,
    options: Mapping[str, Any] | None = None,
    budget: float | None = None,
    seed: int = 0,
    until: datetime | None = None,
    progress: Progress = lambda _: None,
) -> Version:
    """Fit the next version of a recommender, or go on with one whose fit was broken off.

    Args:
        workspace: where it lives.
        actor: who asks; they may write the recommender.
        name: the recommender's name or reference.
        method: one of `METHODS`; without it the one is chosen that does best on a held-out slice.
        options: of the method.
        budget: CPU seconds of the choice; as the recommender says without it.
        seed: the same events, method, options and seed give the same file.
        until: events of later are left out; now without it.
        progress: told in a line what is being done.

    Raises:
        NotFoundError, InputError: as `read_plan`; or nothing is there to be fitted on, or there is no such method.
        NotAllowedError: the recommender is somebody else's.
        ConflictError: another process fits this recommender.
    """
    if method is not None:
        method_of(method)
    elif options:
        raise InputError(f"options are those of a method; name it beside {', '.join(options)}")
    if budget is not None:
        positive("budget", budget)
    now = to_datetime(workspace.journal.now())
    if until is not None and until > now:
        raise InputError(f"until == {rfc3339(until)}, must not be in the future")
    with workspace.graph.read() as reader:
        entity, plan = read_plan(reader, name)
    asked = Version(
        recommender=entity.ref,
        number=0,
        state="fitting",
        method=method or "",
        options=dict(options or {}),
        seed=seed,
        budget=(plan.budget if budget is None else budget) if method is None else 0.0,
        plan=plan,
        actor=actor.ref,
        began=datetime.now(UTC),
        until=until or now,
    )
    with alone(workspace, entity.ref):
        kept = _begun(workspace, actor, asked, anew=until is not None)
        if kept.version.began != asked.began:
            progress(f"going on with version {kept.version.number}, whose fit was broken off")
        try:
            return _fit(workspace, actor, kept, progress)
        except InputError:  # going on would end the same way
            with workspace.graph.write(actor) as writer:
                drop(writer, kept.version)
            leave_nothing(workspace, kept.version)
            raise


def made(
    workspace: Workspace,
    version: Version,
    listened: Listened,
    choice: Choice,
    others: Sequence[tuple[str, Mapping[str, Any]]],
    progress: Progress,
) -> Version:
    """The version fitted to what was heard and judged beside others, its file written; its row is for the caller."""
    progress(
        f"fitting {choice.method} to {listened.matrix.nnz:,} interactions and {len(listened.playlists):,} playlists"
    )
    engine = read_engine(workspace.settings.engine)
    device = device_of(workspace.settings.discover.device, progress)
    asked = (listened.digest, choice.method, dict(choice.options), version.seed, engine.kind, device.name)
    stages = Stages(stages_of(workspace, version), asked)
    model = fitted_to(
        listened,
        choice,
        seed=version.seed,
        said=progress,
        engine=engine,
        checkpoints=stages.of("fit"),
        device=device,
    )
    judgement = judged(
        listened,
        choice,
        others,
        seed=version.seed,
        said=progress,
        checkpoints=lambda method: stages.of(f"judged-{method}"),
        device=device,
    )
    continuation = continuation_of(listened, seed=version.seed, said=progress)
    beside, header = packed(continuation)
    about = {
        "recommender": version.recommender,
        "number": version.number,
        "method": choice.method,
        "options": dict(choice.options),
        "seed": version.seed,
        "attributes": listened.attributes,
        "continued": header,
    }
    file = file_of(workspace, version.recommender, version.number)
    items = [str(each) for each in listened.items]
    counts = {
        "heard": heard_by(listened),
        "people": people_by(listened),
        "worded": worded_by(listened, continuation),
    }
    keep(file, model, items, about, beside={**counts, **beside})
    sync(file.parent)
    return replace(
        version,
        state="ready",
        method=choice.method,
        options=dict(choice.options),
        fitted_at=datetime.now(UTC),
        digest=listened.digest,
        trials=tuple(map(Tried.of, choice.trials)),
        counts=_counts(listened),
        left_out=dict(listened.left_out),
        evaluation=tuple(map(_evaluated, judgement)),
        notes=tuple(each for each in (choice.note,) if each),
        bytes=file.stat().st_size,
        fits=version.fits + 1,
    )


def leave_nothing(workspace: Workspace, version: Version) -> None:
    """Let go of what a fit keeps to go on from: it is done, or somebody was in it who counts no more."""
    trials_of(workspace, version).unlink(missing_ok=True)
    shutil.rmtree(stages_of(workspace, version), ignore_errors=True)


def file_of(workspace: Workspace, recommender: str, number: int) -> Path:
    """Where a version is kept."""
    return _folder(workspace, recommender) / f"{number}.npz"


def trials_of(workspace: Workspace, version: Version) -> Path:
    """Where the trials of its search are kept while it is being fitted."""
    return _folder(workspace, version.recommender) / f"{version.number}.trials.jsonl"


def stages_of(workspace: Workspace, version: Version) -> Path:
    """The folder of what its fits have done, while it is being fitted."""
    return _folder(workspace, version.recommender) / f"{version.number}.stages"


@contextmanager
def alone(workspace: Workspace, recommender: str, *, wait: float = 0.0) -> Iterator[None]:
    """While the block runs, nobody else writes versions of this recommender.

    Raises:
        ConflictError: another process does so for longer than `wait` seconds.
    """
    folder = _folder(workspace, recommender)
    folder.mkdir(parents=True, exist_ok=True)
    end = time.monotonic() + wait
    with (folder / ".lock").open("ab") as handle:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > end:
                    raise ConflictError(
                        f"Another process is fitting {recommender}; wait until it has ended."
                    ) from None
                time.sleep(POLL)
        for draft in folder.glob(".*.npz.*"):  # of a process that was killed
            draft.unlink(missing_ok=True)
        yield


def _folder(workspace: Workspace, recommender: str) -> Path:
    ref = parse_ref(recommender)
    return workspace.path / "discover" / f"{ref.namespace}.{ref.name}"


def _begun(workspace: Workspace, actor: Actor, asked: Version, *, anew: bool) -> KeptVersion:
    """The row to fit: that of a fit for the same that was broken off, or a new one. Those for anything else go."""
    erasures, words = workspace.journal.last_erasure(), refusals(workspace)
    with workspace.graph.write(actor) as writer:
        writer.require_write(asked.recommender)
        found = kept_versions(writer, asked.recommender)
        for kept in found:
            if kept.version.state == "fitting" and _same(kept.version, asked, cut=anew):
                return KeptVersion(replace(kept.version, budget=asked.budget), kept.known, erasures, words)
        for kept in found:
            if kept.version.state == "fitting":
                drop(writer, kept.version)
                leave_nothing(workspace, kept.version)
        number = (
            max((each.version.number for each in found if each.version.state != "fitting"), default=0) + 1
        )
        kept = KeptVersion(replace(asked, number=number), workspace.journal.now(), erasures, words)
        put(writer, kept, new=True)
        writer.record(BEGUN, asked.recommender, after={"number": number, "method": asked.method or "auto"})
    return kept


def _same(before: Version, asked: Version, *, cut: bool) -> bool:
    """Whether going on with a fit gives what is asked for; a cut counts where one was given."""
    mine = (before.method, before.options, before.seed, before.plan, before.until if cut else None)
    return mine == (asked.method, asked.options, asked.seed, asked.plan, asked.until if cut else None)


def _fit(workspace: Workspace, actor: Actor, kept: KeptVersion, progress: Progress) -> Version:
    version, known = kept.version, kept.known
    while True:
        started = time.process_time()
        noted = _noted(workspace, actor, version, known)
        progress("reading what was heard")
        listened = listening_of(
            workspace, version.recommender, version.plan, until=version.until, known=known
        )
        _require_heard(listened)
        choice = _choice(workspace, version, listened, progress)
        others = rivals(choice, budget=version.budget)
        done = made(workspace, version, listened, choice, others, progress)
        done = replace(done, seconds=round(time.process_time() - started, 3))
        with workspace.graph.write(actor) as writer:
            if _is_current(workspace, writer, noted):
                put(writer, KeptVersion(done, known, noted.erasures, noted.refusals))
                _record(writer, done)
                break
        progress("somebody was forgotten meanwhile; fitting again without them")
    leave_nothing(workspace, version)
    return done


def has_heard(listened: Listened) -> bool:
    """Whether there is anything to fit to: playlists alone will do."""
    return bool(listened.matrix.nnz or listened.playlists)


def _require_heard(listened: Listened) -> None:
    """Raises InputError where there is nothing to fit to, with what was left out and why."""
    if has_heard(listened):
        return
    events = ", ".join(sorted({each.event for each in listened.plan.signals}))
    gone = "; ".join(f"{count:,} {reason}" for reason, count in listened.left_out.items())
    raise InputError(
        f"Nothing was heard that counts in events of {events}, so there is nothing to fit{f'. Left out: {gone}' if gone else ''}."
    )


def _noted(workspace: Workspace, actor: Actor, version: Version, known: int) -> KeptVersion:
    """What the fit that begins now has followed, in its row too: who forgets somebody meanwhile changes it."""
    noted = KeptVersion(version, known, workspace.journal.last_erasure(), refusals(workspace))
    with workspace.graph.write(actor) as writer:
        put(writer, noted)
    return noted


def _is_current(workspace: Workspace, writer: Writer, noted: KeptVersion) -> bool:
    """Whether nobody was forgotten meanwhile; a withdrawal is followed afterwards."""
    (row,) = kept_versions(writer, noted.version.recommender, number=noted.version.number)
    return row.erasures == noted.erasures == workspace.journal.last_erasure()


def _choice(workspace: Workspace, version: Version, listened: Listened, progress: Progress) -> Choice:
    if version.method:
        return Choice(version.method, version.options)
    file = trials_of(workspace, version)
    done = _trials_done(file, listened.digest)
    if done:
        progress(f"{len(done)} trials were done before")
    with file.open("ab") as sink:

        def tried(trial: Trial) -> None:
            sink.write(msgspec.json.encode(Tried.of(trial)) + b"\n")
            sink.flush()

        return chosen(
            listened, budget=version.budget, seed=version.seed, done=done, tried=tried, said=progress
        )


def _trials_done(file: Path, digest: str) -> list[Trial]:
    """The trials that a fit on the same listening has left; the file is ready for more."""
    first = msgspec.json.encode(digest)
    lines = file.read_bytes().split(b"\n") if file.exists() else []
    found: list[Trial] = []
    if lines and lines[0] == first:
        with suppress(msgspec.DecodeError):  # the last line of a process that was killed
            found.extend(msgspec.json.decode(line, type=Tried).trial() for line in lines[1:] if line)
    whole = [first, *(msgspec.json.encode(Tried.of(each)) for each in found)]
    file.write_bytes(b"\n".join(whole) + b"\n")
    return found


def _record(writer: Writer, version: Version) -> None:
    recall = version.evaluation[0].recall if version.evaluation else None
    after = {"number": version.number, "method": version.method, "options": version.options, **version.counts}
    writer.record(FITTED, version.recommender, after=after | ({"recall": recall} if recall else {}))


def _counts(listened: Listened) -> dict[str, int]:
    return {
        "listeners": len(listened.listeners),
        "items": len(listened.items),
        "interactions": int(listened.matrix.nnz),
        "playlists": len(listened.playlists),
    }


def _evaluated(each: Judged) -> Evaluated:
    found = each.found
    return Evaluated(
        each.method,
        dict(each.options),
        **figures_of(found),
        behind=each.behind,
        p=each.p,
    )
