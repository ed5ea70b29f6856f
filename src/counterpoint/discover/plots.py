"""What a comparison of methods looks like: the same charts on the page and in files."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import msgspec
from markupsafe import Markup

from counterpoint.discover.evaluating import ArtistTier, Compared, Judged, JudgedTier
from counterpoint.discover.version import Figure
from counterpoint.web.charts import Bar, Interval, Series, horizontal_bars, interval_plot, line_chart
from counterpoint.web.charts.files import as_file
from counterpoint.web.formats import percent

__all__ = [
    "MEASURES",
    "artist_plot",
    "calibration_plot",
    "lorenz_plot",
    "measure_plot",
    "plots_of",
    "tier_plot",
    "write_plots",
]

MEASURES: Mapping[str, str] = {
    "recall": "Recall",
    "ndcg": "NDCG",
    "map": "MAP",
    "r_precision": "R-precision",
}
"""What is measured for each listener, by the name of its field, with what it is called."""

BEGINS = 0.9 + 1e-9


class Compares(Protocol):
    """A method with its measures: of a comparison, or of a version."""

    @property
    def method(self) -> str: ...


def measure_plot(methods: Sequence[Compares], measure: str, places: int) -> Markup:
    """One measure of all methods, each with its 95 % interval over listeners, the best first."""
    rows = [_row(each.method, getattr(each, measure), first=at == 0) for at, each in enumerate(methods)]
    title = f"{MEASURES[measure]} at {places} places"
    return interval_plot(rows, title=title, write=_share, lower="worse", higher="better")


def calibration_plot(found: Compared) -> Markup:
    """How far lists are from what each listener hears."""
    rows = [_row(each.method, each.calibration, first=False) for each in found.methods]
    title = f"Calibration over {found.calibrated}, in nats"
    return interval_plot(
        rows, title=title, write=lambda value: f"{value:.3f}", lower="closer", higher="further off"
    )


def tier_plot(judged: Judged) -> Markup:
    """For each tier of popularity what lists show of it, and what is heard of it."""
    return _tiers(judged.tiers, f"Places beside listening, by popularity: {judged.method}")


def artist_plot(judged: Judged) -> Markup:
    """For each tier of artists what lists show of it, and what is heard of it; nothing where no artist is known."""
    return _tiers(judged.artists, f"Places beside listening, by how often artists are heard: {judged.method}")


def _tiers(tiers: Sequence[JudgedTier | ArtistTier], title: str) -> Markup:
    bars = [
        bar
        for tier in tiers
        for bar in (
            Bar(tier.name, tier.exposure.mean, percent(tier.exposure.mean, 1)),
            Bar("heard", tier.consumption, percent(tier.consumption, 1), voice=5),
        )
    ]
    return horizontal_bars(bars, title=title) if bars else Markup("")


def lorenz_plot(found: Compared) -> Markup:
    """How unevenly places are spread over items, method by method, beside listening.

    It ends where the most shown tenth begins: beyond it all curves meet, and their names with them.
    """
    curves = [Series(each.method, _most(each.lorenz)) for each in found.methods[:3]]
    heard = [Series("heard", _most(found.heard))] if found.heard else []
    return line_chart(
        [*curves, *heard],
        title="What share of places the least shown items have, by their share of the catalogue",
        write_x=_tenths,
        write_y=_tenths,
        from_zero=True,
    )


def _most(points: Sequence[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    return tuple(point for point in points if point[0] <= BEGINS)


def _tenths(value: float) -> str:
    return percent(value, 0)


def plots_of(found: Compared) -> dict[str, Markup]:
    """Every chart of a comparison by a name for its file; those without anything to show are left out."""
    drawn = {
        measure.replace("_", "-"): measure_plot(found.methods, measure, found.places) for measure in MEASURES
    }
    drawn["calibration"] = calibration_plot(found)
    drawn["lorenz"] = lorenz_plot(found)
    drawn |= {f"tiers-{each.method}": tier_plot(each) for each in found.methods}
    drawn |= {f"artists-{each.method}": artist_plot(each) for each in found.methods}
    return {name: chart for name, chart in drawn.items() if chart}


def write_plots(folder: Path, found: Compared) -> list[Path]:
    """Write each chart as an SVG file, and all figures as `evaluation.json`; the files, in the order of their names."""
    folder.mkdir(parents=True, exist_ok=True)
    written = {folder / f"{name}.svg": as_file(chart).encode() for name, chart in plots_of(found).items()}
    written[folder / "evaluation.json"] = msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n"
    for path, content in written.items():
        path.write_bytes(content)
    return sorted(written)


def _row(method: str, figure: Figure, *, first: bool) -> Interval:
    found = figure.measured()
    return Interval(method, found.mean, found.low, found.high, tone="good" if first else "quiet")


def _share(value: float) -> str:
    return f"{value:.3f}"
