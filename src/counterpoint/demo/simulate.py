"""Listeners of Arpeggio: whom the flag gives what, and what they do about it, with a known true effect.

Every listener has a latent appetite for music and a latent phone. The flag is really evaluated for each;
behaviour follows from the variant by the effects in `TRUTH`. The same seed gives the same events.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from counterpoint.flags import FlagSet

__all__ = ["FLAG", "START", "WEEKS", "Effect", "Simulation", "simulate"]

FLAG = "discover-weekly"
FLAG_SET = "default"
TREATMENT = "treatment"
START = datetime(2026, 10, 12, tzinfo=UTC)
"""A Monday."""
WEEKS = 4
DAY, WEEK = 86_400, 7 * 86_400

APPS = "//arpeggio.example/apps"
FLAGS = "//arpeggio.example/flag-service"
COUNTRIES = ("SE", "DE", "BR", "IN", "GB", "US", "MX", "FR", "PL", "JP")
PLATFORMS, PLATFORM_SHARES = ("android", "ios", "web"), (0.5, 0.35, 0.15)
"""What a listener first met the playlist on; it changes nothing."""

ACTIVE = np.array([0.93, 0.88, 0.84, 0.62])
"""Share of listeners of the control arm who play anything in each week."""
RETAINED = 0.02
"""What the playlist adds to the share who do so in the fourth week."""
MINUTES = 395.0
"""Mean of weekly listening of the control arm, weeks without listening included."""
MORE_MINUTES = 0.06
"""What the playlist adds to it, relative."""
SPREAD = 0.60
"""Standard deviation of the logarithm of a listener's appetite."""
START_MS, START_SPREAD = 1180.0, 0.30
"""Mean app start and the standard deviation of its logarithm between phones; the playlist changes nothing."""
SKIPPED, FEWER_SKIPS = 0.31, 0.015
"""Share of tracks skipped, and what the playlist takes from it, relative."""


@dataclass(frozen=True, slots=True)
class Effect:
    """The true mean of a metric in both arms, over all listeners that there could be."""

    control: float
    treatment: float

    @property
    def absolute(self) -> float:
        """Treatment minus control, in the metric's unit."""
        return self.treatment - self.control

    @property
    def relative(self) -> float:
        """The difference as a share of control."""
        return self.absolute / self.control


TRUTH: Mapping[str, Effect] = {
    "weekly-listening-minutes": Effect(MINUTES, MINUTES * (1 + MORE_MINUTES)),
    "week-4-retention": Effect(float(ACTIVE[3]), float(ACTIVE[3]) + RETAINED),
    "app-start-time": Effect(START_MS, START_MS),
    "skip-rate": Effect(SKIPPED, SKIPPED * (1 - FEWER_SKIPS)),
}
"""The true effect by metric. A listener without an event of a metric counts as 0, so every one has some."""


@dataclass(frozen=True, slots=True)
class Simulation:
    """What happened, and the truth behind it."""

    events: list[dict[str, Any]]
    """CloudEvents in the order of their time."""
    variants: Mapping[str, str]
    """Listener to variant."""
    truth: Mapping[str, Effect]


def simulate(flags: FlagSet, *, listeners: int = 6_000, seed: int = 7) -> Simulation:
    """Let listeners live with the flag for four weeks.

    Args:
        flags: the flag set that assigns them; it must hold `discover-weekly`.
        listeners: how many there are.
        seed: of all that is random; the assignment is the flag's alone.
    """
    rng = np.random.default_rng(seed)
    names = [f"listener-{number:05d}" for number in range(1, listeners + 1)]
    countries = rng.choice(len(COUNTRIES), size=listeners)
    variants = {
        name: _variant(flags, name, COUNTRIES[country])
        for name, country in zip(names, countries, strict=True)
    }
    treated = np.array([variants[name] == TREATMENT for name in names])
    exposed = np.sort(rng.uniform(0, 3 * DAY, size=listeners)).astype(np.int64)
    rng.shuffle(exposed)
    active = _activity(rng, treated)
    made = _Events(names, [COUNTRIES[country] for country in countries])
    # Of a generator of its own, so that everything else stays as it was.
    platforms = np.random.default_rng((seed, 1)).choice(PLATFORMS, size=listeners, p=PLATFORM_SHARES)
    made.add(
        FLAGS,
        "feature_flag.evaluation",
        "exposure",
        exposed,
        [
            _exposure(variants[name], COUNTRIES[country], str(platform))
            for name, country, platform in zip(names, countries, platforms, strict=True)
        ],
    )
    _listening(rng, made, treated, active)
    _starts(rng, made, exposed, active)
    _skips(rng, made, treated)
    return Simulation(made.sorted(), variants, TRUTH)


def _variant(flags: FlagSet, name: str, country: str) -> str:
    result = flags.evaluate(FLAG, {"targetingKey": name, "country": country})
    if result.variant is None:
        raise ValueError(f"the flag {FLAG} answers {result.reason} for {name}; it must choose a variant")
    return result.variant


def _exposure(variant: str, country: str, platform: str) -> dict[str, Any]:
    return {
        "feature_flag.key": FLAG,
        "feature_flag.result.variant": variant,
        "feature_flag.set.id": FLAG_SET,
        "country": country,
        "platform": platform,
    }


def _activity(rng: np.random.Generator, treated: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Who plays anything in which week: listeners by weeks."""
    chance = np.tile(ACTIVE, (len(treated), 1))
    chance[treated, WEEKS - 1] += RETAINED
    found: NDArray[np.bool_] = rng.random(chance.shape) < chance
    return found


def _listening(
    rng: np.random.Generator, made: "_Events", treated: NDArray[np.bool_], active: NDArray[np.bool_]
) -> None:
    """Minutes at the end of each week, and at the end of the fourth whether there were any."""
    people = len(treated)
    appetite = rng.lognormal(-(SPREAD**2) / 2, SPREAD, size=people)
    # Staying longer adds minutes too; the factor is chosen so that both together give MORE_MINUTES.
    stay = ACTIVE.sum() / (ACTIVE.sum() + RETAINED)
    factor = np.where(treated, (1 + MORE_MINUTES) * stay, 1.0) * MINUTES / ACTIVE.mean()
    for week in range(WEEKS):
        noise = rng.lognormal(-(0.35**2) / 2, 0.35, size=people)
        minutes = np.round(active[:, week] * appetite * factor * noise, 1)
        moments = (week + 1) * WEEK - rng.integers(60, 2 * 3600, size=people)
        made.add(APPS, "listen.minutes", f"week-{week + 1}-minutes", moments, _values(minutes))
    moments = WEEKS * WEEK - rng.integers(1, 60, size=people)
    made.add(APPS, "retention.week4", "week-4", moments, [{"value": bool(each)} for each in active[:, -1]])


def _starts(
    rng: np.random.Generator, made: "_Events", exposed: NDArray[np.int64], active: NDArray[np.bool_]
) -> None:
    """App starts: the one that showed the flag, and one in each later week with listening."""
    people = len(exposed)
    phone = START_MS * rng.lognormal(-(START_SPREAD**2) / 2, START_SPREAD, size=people)
    for week in range(WEEKS):
        chosen = np.ones(people, dtype=bool) if week == 0 else active[:, week]
        noise = rng.lognormal(-(0.15**2) / 2, 0.15, size=people)
        first = exposed + 1 if week == 0 else week * WEEK + rng.integers(0, 6 * DAY, size=people)
        made.add(
            APPS, "app.start_ms", f"week-{week + 1}-start", first, _values(np.round(phone * noise)), chosen
        )


def _skips(rng: np.random.Generator, made: "_Events", treated: NDArray[np.bool_]) -> None:
    """The share of tracks skipped, week by week; there is one for each listener in each week."""
    people = len(treated)
    mean = np.where(treated, SKIPPED * (1 - FEWER_SKIPS), SKIPPED)
    habit = rng.beta(12 * mean, 12 * (1 - mean))
    for week in range(WEEKS):
        share = np.round(rng.binomial(40, habit) / 40, 3)
        moments = (week + 1) * WEEK - rng.integers(2 * 3600, 3 * 3600, size=people)
        made.add(APPS, "track.skipped", f"week-{week + 1}-skips", moments, _values(share))


def _values(values: NDArray[np.float64]) -> list[dict[str, Any]]:
    return [{"value": value} for value in values.tolist()]


class _Events:
    """Collects events, each listener's under ids that the seed does not change."""

    def __init__(self, names: list[str], countries: list[str]) -> None:
        self._names = names
        self._countries = countries
        self._found: list[tuple[int, dict[str, Any]]] = []

    def add(
        self,
        source: str,
        kind: str,
        label: str,
        moments: NDArray[np.int64],
        data: list[dict[str, Any]],
        chosen: NDArray[np.bool_] | None = None,
    ) -> None:
        """One event for each chosen listener, at that many seconds after the start."""
        texts = np.datetime_as_string(
            np.datetime64(START.replace(tzinfo=None), "s") + moments.astype("timedelta64[s]")
        )
        for index, name in enumerate(self._names):
            if chosen is None or chosen[index]:
                event = {
                    "specversion": "1.0",
                    "id": f"{name}-{label}",
                    "source": source,
                    "type": kind,
                    "subject": name,
                    "time": f"{texts[index]}Z",
                    "data": data[index]
                    if source == FLAGS
                    else data[index] | {"country": self._countries[index]},
                }
                self._found.append((int(moments[index]), event))

    def sorted(self) -> list[dict[str, Any]]:
        """All events in the order of their time."""
        return [event for _moment, event in sorted(self._found, key=lambda pair: (pair[0], pair[1]["id"]))]
