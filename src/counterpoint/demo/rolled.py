"""Discover Weekly ships: a first build makes the app start slower and is taken back by its rollout, the second passes.

The rollout, its flag and its controller are the real ones, told that it is then. Only what phones report is made up.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from counterpoint.catalog.importer import import_targets
from counterpoint.demo.arriving import Arrivals, arrivals
from counterpoint.demo.simulate import START_MS, START_SPREAD
from counterpoint.errors import CounterpointError
from counterpoint.flags.composing import compose
from counterpoint.flags.exposure_event import Exposure, event_of
from counterpoint.flags.store import read_set, write_set
from counterpoint.graph import Actor
from counterpoint.moments import rfc3339
from counterpoint.rollouts import controller, store
from counterpoint.rollouts.model import ACTIVE
from counterpoint.rollouts.simulated import compute
from counterpoint.rollouts.simulation import POLICIES
from counterpoint.workspace import Workspace

__all__ = ["BUILDS", "RECENT", "ROLLOUT", "WEEKLY_FLAG", "WEEKLY_SET", "Build", "give_to_all", "roll_out"]

ROLLOUT: Final = "rollout:default/discover-weekly"
WEEKLY_SET: Final = "weekly"
WEEKLY_FLAG: Final = "weekly-build"
UNIT = frozenset({"group:default/discovery"})
ENGINEER = Actor("user:default/jonas.albrecht", "Jonas Albrecht", "person", units=UNIT)
OWNER = Actor("user:default/ana.moreira", "Ana Moreira", "person", units=UNIT)
LISTENERS: Final = 6_000
NOISE: Final = 0.15
"""Standard deviation of the logarithm of one start of a phone around its usual one."""
CHECKS: Final = 2
"""Parts of a day after which the story has a check of the controller; the last finds the step's time over."""
AT_NOON: Final = (2,)
"""Steps that are checked before their time is over as well; the server would do so each minute."""
MOST: Final = 12
"""Checks of one build, at most."""
PART: Final = timedelta(days=1) / CHECKS
LATER: Final = timedelta(minutes=10)
"""From the end of a part of the day to its check."""
RECENT: Final = 40
"""Listeners in the rollout who open the app in the hour before everybody gets it."""
SIMULATED: Final = 1_000
"""Simulated rollouts that the page of the plan shows at once; a tenth of what the server computes when asked to."""
COMPARED: Final = tuple(each for each in POLICIES if each.kind == "plan" or each.minutes > 1)
"""Without the fixed threshold of each minute, which takes as long as all the others."""
APPS: Final = "//arpeggio.example/apps"
PIPELINE: Final = "//arpeggio.example/pipeline"


@dataclass(frozen=True, slots=True)
class Build:
    """A build of the playlist's service."""

    version: str
    at: datetime
    """When it was deployed."""
    slower: float
    """What it truly adds to the start of the app, relative."""
    reason: str


BUILDS = (
    Build("1.0.0", datetime(2026, 9, 21, 8, tzinfo=UTC), 0.20, "Build 1.0.0 is out."),
    Build(
        "1.1.0",
        datetime(2026, 9, 29, 8, tzinfo=UTC),
        0.0,
        "Build 1.1.0 asks for the playlist after the first screen, not before it.",
    ),
)


def roll_out(workspace: Workspace, arpeggio: Path, *, seed: int) -> None:
    """Take the first build to where it is taken back, and the second to half of the listeners."""
    write_set(workspace, ENGINEER, WEEKLY_SET, arpeggio / "weekly-flags.json", reason="For the rollout.")
    compose(workspace, ENGINEER, WEEKLY_SET, arpeggio / "weekly-flag-plans.yaml", reason="For the rollout.")
    report = import_targets(workspace.graph, ENGINEER, [str(arpeggio / "rollouts")])
    if report.failed:
        problems = [remark.problem for remark in report.remarks if remark.level == "error"]
        raise CounterpointError("Arpeggio's rollouts are damaged.", problems)
    rng = np.random.default_rng(seed)
    usual = START_MS * rng.lognormal(-(START_SPREAD**2) / 2, START_SPREAD, size=LISTENERS)
    with arrivals(workspace) as journal:
        for build in BUILDS:
            _ship(workspace, journal, build, usual, rng)


def give_to_all(workspace: Workspace, *, now: datetime | None = None) -> None:
    """Let the owner approve the last step, once the experiment has been read, and everybody have it."""
    now = now or datetime.now(UTC)
    compute(workspace, OWNER, ROLLOUT, runs=SIMULATED, policies=COMPARED)
    if store.load(workspace, ROLLOUT).state.phase not in ACTIVE:
        return  # with an unlucky seed the second build was taken back as well: that is what alpha means
    opened = _opened(workspace, range(1, LISTENERS + 1))[:RECENT]
    moments = [now - timedelta(hours=1) * (1 - n / RECENT) for n in range(len(opened))]
    with arrivals(workspace) as journal:
        journal.append(now, [_exposure(*one, at, "today") for one, at in zip(opened, moments, strict=True)])
    reason = "Four weeks of the experiment say that it is worth it, and the app starts as fast as before."
    store.command(workspace, OWNER, ROLLOUT, "approve", reason=reason, now=now)
    controller.step(workspace, ROLLOUT, now=now)


def _ship(
    workspace: Workspace,
    journal: Arrivals,
    build: Build,
    usual: NDArray[np.float64],
    rng: np.random.Generator,
) -> None:
    """Start the rollout with a build, and check it until it is taken back or waits for people."""
    journal.append(build.at, [_deployed(build)])
    store.command(workspace, ENGINEER, ROLLOUT, "start", reason=build.reason, now=build.at + LATER)
    seen: set[int] = set()
    for part in range(MOST):
        begin = build.at + part * PART + 2 * LATER
        waiting = [n for n in range(1 + part % CHECKS, LISTENERS + 1, CHECKS) if n not in seen]
        opened = _opened(workspace, waiting)
        seen.update(number for number, _ in opened)
        events = []
        seconds = np.sort(rng.uniform(0, (PART - 2 * LATER).total_seconds(), size=len(opened)))
        noise = rng.lognormal(-(NOISE**2) / 2, NOISE, size=len(opened))
        for (number, variant), after, factor in zip(opened, seconds, noise, strict=True):
            at = begin + timedelta(seconds=round(float(after), 3))
            slow = 1 + build.slower * (variant == "on")
            events.append(_exposure(number, variant, at, build.version))
            events.append(_start(number, float(usual[number - 1] * factor * slow), at, build.version))
        end = build.at + (part + 1) * PART + LATER
        journal.append(end, events)
        if part // CHECKS not in AT_NOON and part % CHECKS < CHECKS - 1:
            continue
        happened = controller.step(workspace, ROLLOUT, now=end + LATER)
        if any(event.kind == "rolled-back" or event.trouble == "approval" for event in happened):
            return


def _opened(workspace: Workspace, numbers: Sequence[int]) -> list[tuple[int, str]]:
    """Those of the listeners whom the flag lets in now, with what it gives them."""
    with workspace.graph.read() as reader:
        flags = read_set(reader, WEEKLY_SET).flags
    given = ((n, flags.evaluate(WEEKLY_FLAG, {"targetingKey": _name(n)}).variant) for n in numbers)
    return [(number, variant) for number, variant in given if variant in ("on", "control")]


def _name(number: int) -> str:
    return f"listener-{number:05d}"


def _exposure(number: int, variant: str, at: datetime, label: str) -> dict[str, Any]:
    exposure = Exposure(WEEKLY_SET, WEEKLY_FLAG, variant, _name(number), "SPLIT", at.timestamp())
    return event_of(exposure, f"weekly-{label}-{number:05d}")


def _start(number: int, milliseconds: float, at: datetime, label: str) -> dict[str, Any]:
    """The start of the app that followed, as phones report it a second later."""
    return _event(
        f"weekly-start-{label}-{number:05d}",
        APPS,
        "app.start_ms",
        _name(number),
        at + timedelta(seconds=1),
        {"value": round(milliseconds, 1)},
    )


def _deployed(build: Build) -> dict[str, Any]:
    """The CDEvent of the pipeline that deployed the build."""
    kind, name = "dev.cdevents.service.deployed.0.3.0", f"deployed-discover-weekly-{build.version}"
    artifact = f"pkg:oci/discover-weekly@{build.version}?repository_url=registry.arpeggio.example"
    content = {"environment": {"id": "production"}, "artifactId": artifact}
    data = {
        "context": {
            "specversion": "0.5.1",
            "id": name,
            "source": PIPELINE,
            "type": kind,
            "timestamp": rfc3339(build.at),
        },
        "subject": {"id": "component:default/discover-weekly", "content": content},
    }
    return _event(name, PIPELINE, kind, "component:default/discover-weekly", build.at, data)


def _event(
    name: str, source: str, kind: str, subject: str, at: datetime, data: dict[str, Any]
) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": name,
        "source": source,
        "type": kind,
        "subject": subject,
        "time": rfc3339(at),
        "data": data,
    }
