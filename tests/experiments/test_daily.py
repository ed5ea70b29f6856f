"""Kept sums against the whole expression: whatever happens to a journal, both give the same totals."""

import os
import random
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from msgspec.structs import replace

from counterpoint.errors import InputError
from counterpoint.experiments import Experiment, Metric, kept_reading
from counterpoint.experiments.aggregation import exposures_of, totals_expression
from counterpoint.experiments.course_query import course_expression
from counterpoint.experiments.daily import daily_course, daily_totals, key_of
from counterpoint.experiments.estimates import estimates_of
from counterpoint.experiments.kept_reading import Reader
from counterpoint.experiments.over_time import days_of
from counterpoint.experiments.totals import ArmTotals, Totals, totals_of
from counterpoint.journal import EXPOSURE, Journal
from counterpoint.journal.daily import FOLDER, Kept, drop, drop_gone, size, trim
from counterpoint.journal.daily import key_of as subject_key
from counterpoint.journal.manifest import adopt, manifest
from counterpoint.journal.residue import search
from counterpoint.journal.sought import Named
from counterpoint.settings import JournalSettings
from counterpoint.stats import Comoments, Contrast

T0 = datetime(2026, 3, 1, tzinfo=UTC)
KINDS = ("sum", "mean", "count", "any")
PLAN = Experiment(
    name="e",
    flag="f",
    control="x",
    treatments=("y",),
    success=tuple(
        Metric(
            name=f"{kind}_{event}",
            event=event,
            aggregation=kind,
            field="value" if kind == "sum" else "ms",
            covariate_days=days,
        )
        for kind in KINDS
        for event, days in (("p", 2), ("q", 0))
    ),
    start=T0 + timedelta(days=1),
    end=T0 + timedelta(days=7),
)
NUMBER = Metric(name="number", event="p", aggregation="sum", cap=6, covariate_days=1)
LIMITED = replace(
    PLAN,
    success=(
        Metric(name="week", event="p", aggregation="sum", window_days=2, covariate_days=2, event_cap=2),
        Metric(name="later", event="q", aggregation="count", window_days=1, offset_days=1, covariate_days=1),
        Metric(name="back", event="p", aggregation="retention", window_days=3, offset_days=1, covariate_days=2),
        Metric(name="capped", event="p", aggregation="mean", field="ms", cap=1.5, event_cap=2.5),
        Metric(name="any", event="q", aggregation="any", field="ms", window_days=2),
        NUMBER,
        Metric(
            name="each", aggregation="ratio", numerator=NUMBER,
            denominator=Metric(name="many", event="q", aggregation="count", covariate_days=1),
        ),
        Metric(
            name="each in days", aggregation="ratio", window_days=2, covariate_days=2, numerator=NUMBER,
            denominator=Metric(name="those", event="p", aggregation="count"),
        ),
    ),
)  # fmt: skip
"""Windows, caps and ratios."""


def exposure(number: int, subject: str, variant: str, hour: int) -> dict[str, Any]:
    data = {"feature_flag.key": "f", "feature_flag.result.variant": variant}
    return made(number, EXPOSURE, subject, hour, data)


def made(number: int, kind: str, subject: str, hour: int, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "specversion": "1.0", "id": str(number), "source": "test", "type": kind, "subject": subject,
        "time": (T0 + timedelta(hours=hour)).isoformat(), "data": data,
    }  # fmt: skip


def whole(journal: Journal, plan: Experiment = PLAN, as_of: datetime | None = None) -> Totals:
    with journal.snapshot() as snapshot:
        exposures = exposures_of(plan, snapshot.events(EXPOSURE))
        events = snapshot.events("p", "q")
        expression = totals_expression(plan, exposures, events, as_of=as_of, last_data=True)
        return totals_of(plan, expression.to_pyarrow().to_pylist())


def kept(journal: Journal, plan: Experiment = PLAN, as_of: datetime | None = None) -> Totals:
    with journal.snapshot() as snapshot:
        kept_of = Kept(journal.folder, key_of(plan))
        found = daily_totals(plan, snapshot, kept_of, holds=journal.holds, as_of=as_of)
    assert found is not None
    return found


def assert_close(found: Comoments | None, expected: Comoments | None) -> None:
    if found is None or expected is None:
        assert found is expected
        return
    assert found.n == expected.n
    assert found.means == pytest.approx(expected.means, rel=1e-12, abs=1e-12)
    for ours, theirs in zip(found.cross, expected.cross, strict=True):
        assert ours == pytest.approx(theirs, rel=1e-9, abs=1e-9)


def assert_alike(found: Totals, expected: Totals) -> None:
    """Everything equal; means and sums of squares but for rounding."""
    assert [(g.variant, g.mixed, g.users, g.early, g.late) for g in found.groups] == [
        (g.variant, g.mixed, g.users, g.early, g.late) for g in expected.groups
    ]
    assert (found.first_exposure, found.last_exposure, found.outside) == (
        expected.first_exposure,
        expected.last_exposure,
        expected.outside,
    )
    for ours, theirs in zip(found.groups, expected.groups, strict=True):
        for name, metric in ours.metrics.items():
            other = theirs.metrics[name]
            assert (metric.events, metric.blank, metric.incomplete) == (
                other.events, other.blank, other.incomplete,
            )  # fmt: skip
            assert_close(metric.apart, other.apart)
            assert_close(metric.plain_apart, other.plain_apart)
            assert (metric.covariate is None) == (other.covariate is None)
            pairs = [(metric.moments, other.moments)]
            if metric.covariate and other.covariate:
                pairs.append((metric.covariate.moments, other.covariate.moments))
                assert metric.covariate.comoment == pytest.approx(
                    other.covariate.comoment, rel=1e-9, abs=1e-9
                )
            for a, b in pairs:
                assert a.n == b.n
                assert (a.mean, a.m2) == (
                    pytest.approx(b.mean, rel=1e-12, abs=1e-12),
                    pytest.approx(b.m2, rel=1e-9, abs=1e-9),
                )


def whole_course(
    journal: Journal, plan: Experiment = PLAN, as_of: datetime | None = None
) -> list[tuple[date, Totals]]:
    with journal.snapshot() as snapshot:
        exposures, events = exposures_of(plan, snapshot.events(EXPOSURE)), snapshot.events("p", "q")
        rows = course_expression(plan, exposures, events, centres={}, as_of=as_of, last_data=True)
        return days_of(plan, rows.to_pyarrow().to_pylist(), {})


def kept_course(
    journal: Journal, plan: Experiment = PLAN, as_of: datetime | None = None
) -> list[tuple[date, Totals]]:
    with journal.snapshot() as snapshot:
        kept_of = Kept(journal.folder, key_of(plan))
        found = daily_course(plan, snapshot, kept_of, holds=journal.holds, as_of=as_of)
    assert found is not None
    return found


def assert_same_days(found: list[tuple[date, Totals]], expected: list[tuple[date, Totals]]) -> None:
    """The same days with the same statistics of the arms; what does not count is not told of days."""
    assert [day for day, _ in found] == [day for day, _ in expected]
    for (_, one), (_, other) in zip(found, expected, strict=True):
        assert_alike(*(without_counts(each) for each in (one, other)))


def without_counts(totals: Totals) -> Totals:
    groups = tuple(
        replace(
            group,
            early=0,
            late=0,
            metrics={name: replace(metric, blank=0) for name, metric in group.metrics.items()},
        )
        for group in totals.groups
    )
    return replace(totals, groups=groups)


def whole_levels(journal: Journal, plan: Experiment) -> Totals:
    with journal.snapshot() as snapshot:
        exposures = exposures_of(plan, snapshot.events(EXPOSURE, attributes={"country": "string"}))
        expression = totals_expression(plan, exposures, snapshot.events("p", "q"), segments=plan.segments)
        return totals_of(plan, expression.to_pyarrow().to_pylist())


def assert_same_levels(found: Totals, expected: Totals) -> None:
    assert found.segments.keys() == expected.segments.keys()
    for name, values in expected.segments.items():
        assert found.segments[name].keys() == values.keys()
        for value, groups in values.items():
            ours = found.segments[name][value]
            assert_alike(*(replace(NOTHING, groups=unplaced(each)) for each in (ours, groups)))


NOTHING = Totals()


def unplaced(groups: tuple[ArmTotals, ...]) -> tuple[ArmTotals, ...]:
    return tuple(
        sorted((replace(group, first=None, last=None) for group in groups), key=lambda g: g.variant or "")
    )


@contextmanager
def manifest_of(journal: Journal) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(journal.folder / "intake.db", isolation_level=None)) as database:
        yield database


def rewrite(journal: Journal, old: list[Any], change: Callable[[Any], Any]) -> None:
    """Put one new file in the place of some, as a merge or a deletion does: same events, or fewer."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = change(pa.concat_tables([pq.read_table(journal.folder / segment.path) for segment in old]))
    path = str(Path(old[0].path).with_name(f"again{abs(hash(tuple(s.path for s in old)))}.parquet"))
    pq.write_table(table, journal.folder / path)
    with manifest_of(journal) as database:
        database.execute("BEGIN IMMEDIATE")
        for segment in old:
            database.execute("DELETE FROM segments WHERE path = ?", (segment.path,))
        if len(table):
            new = replace(
                old[0], path=path, events=len(table), bytes=(journal.folder / path).stat().st_size,
                first=min(s.first for s in old), last=max(s.last for s in old), lowest=None, highest=None, columns=(),
            )  # fmt: skip
            adopt(database, [new], added=0)
        database.execute("COMMIT")


class Happening(RuleBasedStateMachine):
    """A journal to which things happen in any order."""

    folder: Path
    plan: Experiment
    opened = 0

    @initialize()
    def begin(self) -> None:
        Happening.opened += 1
        self.journal = Journal(self.folder / str(Happening.opened))
        self.number = 0
        self.as_of: datetime | None = None

    def teardown(self) -> None:
        if hasattr(self, "journal"):
            # At the end only: the days are a dear query, and hold all that has happened.
            found = kept_course(self.journal, self.plan, self.as_of)
            assert_same_days(found, whole_course(self.journal, self.plan, self.as_of))
            self.journal.close()

    @rule(
        shown=st.lists(
            st.tuples(st.sampled_from("abcdef"), st.sampled_from("xxyz"), st.integers(0, 200)), max_size=6
        ),
        happened=st.lists(
            st.tuples(
                st.sampled_from("ppqr"),
                st.sampled_from("abcdefg"),
                st.integers(-60, 230),
                st.one_of(st.none(), st.booleans(), st.integers(-3, 3), st.floats(-5, 5)),
            ),
            max_size=10,
        ),
        compact=st.booleans(),
    )
    def append(self, shown: list[Any], happened: list[Any], compact: bool) -> None:
        events = [exposure(self.number + i, *row) for i, row in enumerate(shown)]
        self.number += len(events)
        for kind, subject, hour, value in happened:
            self.number += 1
            data = {"value": value, "ms": value} if isinstance(value, int | float) else {}
            events.append(made(self.number, kind, subject, hour, data))
        receipt = self.journal.append(events)
        assert not receipt.rejected
        if compact:
            self.journal.compact()

    @rule(hours=st.none() | st.integers(0, 240))
    def go_on(self, hours: int | None) -> None:
        """What is known of the events ends earlier or later, or with the last of them."""
        self.as_of = None if hours is None else T0 + timedelta(hours=hours)

    @rule(which=st.integers(0, 1000))
    def merge(self, which: int) -> None:
        with manifest_of(self.journal) as database:
            segments = manifest(database)
        groups: dict[Any, list[Any]] = {}
        for segment in segments:
            groups.setdefault((segment.type, segment.period), []).append(segment)
        if groups:
            rewrite(self.journal, list(groups.values())[which % len(groups)], lambda table: table)

    @rule(subject=st.sampled_from("abcdef"), drops=st.booleans())
    def forget(self, subject: str, drops: bool) -> None:
        import pyarrow.compute as pc

        self.journal.compact()
        with manifest_of(self.journal) as database:
            segments = manifest(database)
        for segment in segments:
            rewrite(
                self.journal, [segment], lambda table: table.filter(pc.not_equal(table["subject"], subject))
            )
        if drops:
            drop_gone(self.journal.folder, set())
            assert not list((self.journal.folder / FOLDER).rglob("*.arrow"))

    @rule(subject=st.sampled_from("abcdef"))
    def forget_for_good(self, subject: str) -> None:
        self.journal.forget([Named(subject)], actor="test")
        assert not files_with(self.journal, subject)

    @rule()
    def merge_all(self) -> None:
        self.journal.compact(full=True)

    @rule(which=st.integers(0, 1000))
    def retain(self, which: int) -> None:
        with manifest_of(self.journal) as database:
            if segments := manifest(database):
                database.execute(
                    "DELETE FROM segments WHERE path = ?", (segments[which % len(segments)].path,)
                )

    @rule(which=st.integers(0, 1000))
    def lose(self, which: int) -> None:
        if files := sorted((self.journal.folder / FOLDER).rglob("*.arrow")):
            files[which % len(files)].unlink()

    @invariant()
    def both_agree(self) -> None:
        if hasattr(self, "journal"):
            found = kept(self.journal, self.plan, self.as_of)
            assert_alike(found, whole(self.journal, self.plan, self.as_of))


@pytest.mark.parametrize(
    "plan", [PLAN, LIMITED, replace(LIMITED, end=None)], ids=["plain", "limited", "open"]
)
def test_whatever_happens_kept_sums_give_what_the_whole_expression_gives(
    tmp_path: Path, plan: Experiment
) -> None:
    Happening.folder, Happening.plan = tmp_path, plan
    run_state_machine_as_test(
        Happening,
        settings=settings(
            max_examples=int(os.environ.get("COUNTERPOINT_FUZZ", "3")),
            stateful_step_count=7,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def files_read(
    journal: Journal,
    monkeypatch: pytest.MonkeyPatch,
    plan: Experiment = PLAN,
    as_of: datetime | None = None,
) -> list[str]:
    """The types and days of the segments that a result reads events from."""
    read: list[str] = []
    path_of = Reader._path

    def watched(reader: Reader, path: str) -> str:
        read.append(path.split("/", 1)[1].rsplit("/", 1)[0])
        return path_of(reader, path)

    with monkeypatch.context() as patch:
        patch.setattr(Reader, "_path", watched)
        kept(journal, plan, as_of)
    return sorted(read)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal(tmp_path / "journal") as opened:
        opened.append([exposure(i, f"u{i}", "xy"[i % 2], 24 + i) for i in range(6)])
        opened.append(
            [made(10 + i, "p", f"u{i % 6}", 24 * (i % 3), {"value": i, "ms": i}) for i in range(12)]
        )
        opened.compact()
        kept(opened)
        yield opened


def test_nothing_new_reads_no_events(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    assert files_read(journal, monkeypatch) == []


def test_a_new_day_of_known_users_reads_that_day(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    journal.append([made(50, "p", "u1", 100, {"value": 7}), made(51, "q", "u2", 100, {"value": 1})])
    journal.compact()
    assert files_read(journal, monkeypatch) == ["type=p/day=2026-03-05", "type=q/day=2026-03-05"]
    assert_alike(kept(journal), whole(journal))


def test_windows_that_end_read_no_events(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those whose window is over by now are among what is kept."""
    days = [T0 + timedelta(days=number) for number in (2, 3, 4)]
    journal.append([made(50, "q", "nobody", 150, {})])
    journal.compact()
    early = kept(journal, LIMITED, days[0])
    for day in days[1:]:
        assert files_read(journal, monkeypatch, LIMITED, day) == []
        assert_alike(kept(journal, LIMITED, day), whole(journal, LIMITED, day))
    late = kept(journal, LIMITED, days[-1])
    assert early.groups[0].metrics["week"].incomplete > late.groups[0].metrics["week"].incomplete


def test_a_new_day_of_windows_reads_that_day(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    kept(journal, LIMITED)
    journal.append([made(50, "p", "u1", 100, {"value": 7}), made(51, "q", "u2", 100, {"value": 1})])
    journal.compact()
    read = files_read(journal, monkeypatch, LIMITED)
    assert set(read) == {"type=p/day=2026-03-05", "type=q/day=2026-03-05"}
    assert_alike(kept(journal, LIMITED), whole(journal, LIMITED))


@pytest.mark.parametrize("plan", [PLAN, LIMITED], ids=["plain", "limited"])
def test_days_and_segments_read_no_events_of_what_is_kept_and_give_what_all_events_give(
    journal: Journal, monkeypatch: pytest.MonkeyPatch, plan: Experiment
) -> None:
    """Sixty users of four countries, some of whom saw both variants; what is still in the intake counts too."""
    shown = [exposure(1000 + i, f"c{i}", "xy"[i % 2], 30 + i) for i in range(60)]
    shown += [exposure(1100 + i, f"c{i}", "y", 90) for i in range(0, 60, 7)]
    for row in shown:
        row["data"]["country"] = [None, "a", "b", "c", "b"][int(row["subject"][1:]) % 5]
    happened = [
        made(2000 + i, "pq"[i % 2], f"c{i % 61}", (i * 37) % 200 - 20, {"value": i % 9, "ms": 100 + i % 3})
        for i in range(400)
    ]
    journal.append([*shown[:40], *happened[:300]])
    journal.compact()
    kept(journal, plan)
    journal.append([*shown[40:], *happened[300:]])
    read: list[str] = []
    monkeypatch.setattr(
        Reader, "_path", lambda reader, path, was=Reader._path: read.append(path) or was(reader, path)
    )
    # By the variant too, of which each value is in one arm only.
    segmented = replace(plan, segments=("variant", "country"))
    found, days = kept(journal, segmented), kept_course(journal, plan)
    assert not read
    assert len(found.segments["country"]) == 4
    assert_alike(found, whole(journal, plan))
    assert_same_levels(found, whole_levels(journal, segmented))
    assert_same_days(days, whole_course(journal, plan))
    assert len(days) > 5


def test_a_ratio_of_values_that_lie_far_from_0_keeps_its_digits_from_day_to_day(journal: Journal) -> None:
    """With 100,000,000 on each value numerators are all but multiples of denominators."""
    added = Metric(name="all", event="q", aggregation="sum", field="value")
    per = Metric(
        name="per", aggregation="ratio", numerator=added, covariate_days=2,
        denominator=Metric(name="many", event="q", aggregation="count"),
    )  # fmt: skip
    plan = replace(PLAN, success=(per,))
    rng = random.Random(5)  # noqa: S311 - made up, and the same each time
    journal.append([exposure(3000 + i, f"f{i}", "xy"[i % 2], 40) for i in range(200)])
    for day in range(4):
        rows = [
            made(
                4000 + 1000 * day + i, "q", f"f{i % 200}", 24 + 24 * day + i % 23,
                {"value": 1e8 + rng.gauss(10 + i % 2, 3)},
            )
            for i in range(200 + 150 * day)
        ]  # fmt: skip
        journal.append(rows)
        journal.compact()
        kept(journal, plan)
    found, expected = kept(journal, plan), whole(journal, plan)
    last = kept_course(journal, plan)[-1][1]

    def compared(totals: Totals) -> Contrast:
        arms = [arm.metrics["per"] for arm in map(totals.arm, "xy") if arm is not None]
        contrast = estimates_of(plan, per, *arms).pair.contrast()
        assert contrast is not None
        return contrast

    exact = compared(expected)
    for each in (compared(found), compared(last)):
        assert each.estimate == pytest.approx(exact.estimate, rel=1e-6)
        assert each.se == pytest.approx(exact.se, rel=1e-6)


def test_a_late_event_reads_its_own_file(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    journal.append([made(50, "p", "u1", 30, {"value": 7})])
    journal.compact()
    assert files_read(journal, monkeypatch) == ["type=p/day=2026-03-02"]
    assert_alike(kept(journal), whole(journal))


def test_a_merged_day_reads_that_day(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    journal.append([made(50, "p", "u1", 30, {"value": 7})])
    journal.compact()
    kept(journal)
    with manifest_of(journal) as database:
        day = [segment for segment in manifest(database, ["p"]) if segment.period == "2026-03-02"]
    rewrite(journal, day, lambda table: table)
    assert files_read(journal, monkeypatch) == ["type=p/day=2026-03-02"]
    assert_alike(kept(journal), whole(journal))


def test_many_small_files_of_sums_become_few(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("counterpoint.experiments.kept_sums.MOST_PARTS", 2)
    for day in range(5):
        journal.append(
            [
                made(50 + day, "p", f"u{day}", 30 + 24 * day, {"value": 7}),
                exposure(90 + day, f"n{day}", "x", 40 + day),
            ]
        )
        journal.compact()
        assert_alike(kept(journal), whole(journal))
    state = Kept(journal.folder, key_of(PLAN)).load()
    assert all(len(names) <= 2 for names in (*state.shown.values(), *state.happened.values()))
    assert len(state.users) <= 3


def test_what_comes_from_a_persons_files_is_gone_after_a_drop(journal: Journal) -> None:
    with manifest_of(journal) as database:
        paths = {segment.path for segment in manifest(database)}
    assert drop(journal.folder, {"segments/of/others.parquet"}) == 0
    assert drop(journal.folder, paths) == 1
    assert not list((journal.folder / FOLDER).rglob("*.arrow"))
    assert_alike(kept(journal), whole(journal))


def test_sums_of_segments_that_are_gone_meanwhile_are_not_kept(journal: Journal) -> None:
    journal.append([made(50, "p", "u1", 30, {"value": 7})])
    journal.compact()
    files = set((journal.folder / FOLDER).rglob("*.arrow"))
    with journal.snapshot() as snapshot:
        found = daily_totals(PLAN, snapshot, Kept(journal.folder, key_of(PLAN)), holds=lambda _: False)
    assert_alike(found, whole(journal))
    assert set((journal.folder / FOLDER).rglob("*.arrow")) == files


def test_what_was_not_used_for_longest_is_given_up_first(journal: Journal) -> None:
    other = replace(PLAN, end=None)
    assert_alike(kept(journal, other), whole(journal, other))
    old = Kept(journal.folder, key_of(PLAN)).folder
    os.utime(old / "state.json", (1, 1))
    trim(journal.folder, size(journal.folder / FOLDER) - 1)
    assert [home.name for home in (journal.folder / FOLDER).iterdir()] == [key_of(other)]
    trim(journal.folder, 0)
    assert not list((journal.folder / FOLDER).iterdir())


def test_files_of_a_computation_that_was_broken_off_are_found_and_removed(journal: Journal) -> None:
    stray = Kept(journal.folder, key_of(PLAN)).file()
    stray.write_bytes(b"half")
    (finding,) = [found for found in journal.check() if found.level != "ok"]
    assert "broken off" in finding.message
    journal.check(mend=True)
    assert not stray.exists()
    assert_alike(kept(journal), whole(journal))


def test_two_threads_keep_the_same_sums_one_after_the_other(journal: Journal) -> None:
    journal.append([made(50, "p", "u1", 30, {"value": 7})])
    journal.compact()
    with ThreadPoolExecutor(2) as pool:
        for found in pool.map(lambda _: kept(journal), range(2)):
            assert_alike(found, whole(journal))


def test_values_that_are_no_finite_numbers_are_refused_as_in_the_whole_expression(journal: Journal) -> None:
    journal.append([made(50 + i, "p", "u1", 30, {"value": 1e308}) for i in range(2)])
    journal.compact()
    for way in (kept, whole):
        with pytest.raises(InputError, match="not all finite numbers"):
            way(journal)


def files_with(journal: Journal, subject: str) -> list[Path]:
    """Kept files with a row of the subject, as a hash or as the bytes of one."""
    import pyarrow as pa

    key, _ = subject_key(subject)
    raw = key.to_bytes(8, "little", signed=True)
    found = []
    for file in sorted((journal.folder / FOLDER).rglob("*.arrow")):
        with pa.memory_map(str(file)) as source:
            keys = pa.ipc.open_file(source).read_all()["key"].to_pylist()
        if key in keys or raw in file.read_bytes():
            found.append(file)
    return found


def test_whom_the_journal_forgets_is_in_no_kept_sum(journal: Journal) -> None:
    assert files_with(journal, "u3")
    journal.forget([Named("u3")], actor="test")
    assert not files_with(journal, "u3")
    assert_alike(kept(journal), whole(journal))


def test_forgetting_somebody_leaves_what_is_kept_of_others(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {file.name for file in (journal.folder / FOLDER).rglob("*.arrow")}
    journal.append([exposure(70, "v9", "x", 70), made(71, "p", "v9", 80, {"value": 3, "ms": 1})])
    journal.compact()
    assert_alike(kept(journal), whole(journal))
    days = {file.name for file in (journal.folder / FOLDER).rglob("*.arrow")} - before
    journal.forget([Named("u3")], actor="test")
    left = {file.name for file in (journal.folder / FOLDER).rglob("*.arrow")}
    assert days & left, "files of days on which the person did nothing stay"
    assert not files_with(journal, "u3")
    read = files_read(journal, monkeypatch)
    assert set(read) == {"type=feature_flag.evaluation/day=2026-03-02"}, (
        "only the day of the person's exposure"
    )
    assert_alike(kept(journal), whole(journal))


def test_who_is_forgotten_and_named_in_events_of_others_takes_all_that_is_kept(journal: Journal) -> None:
    journal.append([made(70, "p", "u1", 80, {"value": 3, "friend": "u3"})])
    journal.compact()
    kept(journal)
    journal.forget([Named("u3")], actor="test")
    assert not list((journal.folder / FOLDER).rglob("*.arrow"))
    assert_alike(kept(journal), whole(journal))


def test_retention_takes_the_sums_of_what_goes(tmp_path: Path) -> None:
    settings = JournalSettings(retention={"p": 4})
    clock = [T0 + timedelta(days=3)]
    with Journal(tmp_path / "journal", settings, clock=lambda: clock[0]) as journal:
        journal.append([exposure(1, "anna", "x", 25), made(2, "p", "anna", 30, {"value": 1, "ms": 2})])
        journal.compact()
        kept(journal)
        assert list((journal.folder / FOLDER).rglob("*.arrow"))
        journal.compact()
        assert list((journal.folder / FOLDER).rglob("*.arrow")), "nothing is too old yet"
        clock[0] += timedelta(days=10)
        journal.compact()
        assert not list((journal.folder / FOLDER).rglob("*.arrow"))
        assert_alike(kept(journal), whole(journal))


def test_rows_that_no_longer_count_hold_nobody_who_is_forgotten(journal: Journal) -> None:
    with manifest_of(journal) as database:
        old = manifest(database, [EXPOSURE])
        events = manifest(database, ["p"])
    for segments in (old, events):
        rewrite(
            journal,
            segments,
            lambda table: table.filter([text != "u3" for text in table["subject"].to_pylist()]),
        )
    kept(journal)
    journal.forget([Named("u3")], actor="test")
    assert not files_with(journal, "u3")
    assert not search(journal.folder / FOLDER, ["u3"]).traces


def test_subjects_of_one_hash_are_told_apart_by_reading_everything(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(kept_reading, "KEY", kept_reading.KEY.replace("md5_number_upper(subject)", "7"))
        with journal.snapshot() as snapshot:
            kept_of = Kept(journal.folder, key_of(replace(PLAN, end=None)))
            found = daily_totals(replace(PLAN, end=None), snapshot, kept_of, holds=journal.holds)
    assert found is None
    assert not list(kept_of.folder.glob("*.arrow"))
