"""Whatever appends, compactions, merges, snapshots and retention come in which order: the journal says what a set would.

COUNTERPOINT_FUZZ=200 pytest -n 0 tests/journal/test_layout_model.py makes up so many orders instead of a few.
"""

import os
import shutil
import tempfile
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from counterpoint.journal import Journal, Snapshot
from counterpoint.settings import JournalSettings

from .conftest import event

BEGIN = datetime(2026, 5, 4, 12, tzinfo=UTC)
DAYS = {"short": 3, "*": 30}
KINDS = ("short", "long")


class Model(RuleBasedStateMachine):
    """Two journals on one folder, as two processes have it, beside a dictionary."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.folder = Path(tempfile.mkdtemp(prefix="cp-layout-"))
        self.now = BEGIN
        rules = JournalSettings(retention=DAYS, identity_days=10_000)
        self.journals = [
            self.stack.enter_context(Journal(self.folder, rules, clock=lambda: self.now)) for _ in range(2)
        ]
        for journal in self.journals:  # what goes by itself would go at a moment that the model does not know
            journal._background.ask = lambda: None  # type: ignore[method-assign]
        self.held: dict[str, tuple[str, datetime, str | None]] = {}
        self.known: set[str] = set()
        self.open: list[tuple[ExitStack, Snapshot, set[str]]] = []
        self.version = self.journals[0].version()

    @rule(
        which=st.integers(0, 1),
        events=st.lists(
            st.tuples(
                st.integers(0, 60),
                st.sampled_from(KINDS),
                st.integers(-40, 0),
                st.sampled_from(["u", "v", None]),
            ),
            min_size=1,
            max_size=6,
        ),
    )
    def append(self, which: int, events: list[tuple[int, str, int, str | None]]) -> None:
        documents: list[dict[str, Any]] = []
        accepted = 0
        for number, kind, days, subject in events:
            time = self.now + timedelta(days=days)
            documents.append(
                event(
                    number,
                    type=kind,
                    time=time.isoformat(),
                    subject=subject or ...,
                    data={"n": number, "a": kind},
                )
            )
            if f"e{number}" not in self.known:
                accepted += 1
                self.known.add(f"e{number}")
                self.held[f"e{number}"] = (kind, time, subject)
        receipt = self.journals[which].append(documents)
        assert (receipt.accepted, receipt.duplicates) == (accepted, len(events) - accepted)
        # A repeat may use up a number: then results are computed again for nothing.
        self.expect(changed=accepted > 0 or None)

    @rule(which=st.integers(0, 1), full=st.booleans())
    def compact(self, which: int, full: bool) -> None:
        old = set()
        for name, (kind, time, _) in self.held.items():
            midnight = self.now.replace(hour=0)
            if time < midnight - timedelta(days=DAYS.get(kind, DAYS["*"])):
                old.add(name)
        done = self.journals[which].compact(full=full)
        assert sum(each.events for each in done.expired) == len(old)
        for name in old:
            del self.held[name]
        self.expect(changed=bool(old))

    @rule(days=st.integers(1, 20))
    def wait(self, days: int) -> None:
        self.now += timedelta(days=days)

    @precondition(lambda self: len(self.open) < 3)
    @rule(which=st.integers(0, 1))
    def take(self, which: int) -> None:
        stack = ExitStack()
        self.open.append((stack, stack.enter_context(self.journals[which].snapshot()), set(self.held)))

    @precondition(lambda self: self.open)
    @rule(place=st.integers(0, 2))
    def read(self, place: int) -> None:
        stack, snapshot, expected = self.open.pop(place % len(self.open))
        with stack:
            table = (
                snapshot.events(attributes={"n": "int64"}, data=False)
                .select("id", "n")
                .to_pyarrow()
                .to_pylist()
            )
        assert sorted((row["id"], row["n"]) for row in table) == sorted(
            (name, int(name[1:])) for name in expected
        )

    @rule()
    def look(self) -> None:
        with self.journals[0].snapshot() as snapshot:
            found = snapshot.events().select("id", "type", "subject").to_pyarrow().to_pylist()
        said = {(row["id"], row["type"], row["subject"]) for row in found}
        assert len(said) == len(found)
        assert said == {(name, kind, subject) for name, (kind, _, subject) in self.held.items()}

    @invariant()
    def counts_are_right(self) -> None:
        counts = {each.type: each.count for each in self.journals[1].counts()}
        assert counts == {
            kind: number
            for kind in KINDS
            if (number := sum(kind == each for each, _, _ in self.held.values()))
        }

    def expect(self, *, changed: bool | None) -> None:
        """Whether `version` is another (none: it may be): results are kept by it."""
        found = self.journals[1].version()
        assert changed is None or (found != self.version) == changed
        self.version = found

    def teardown(self) -> None:
        while self.open:
            self.read(0)
        self.look()
        assert [finding.level for finding in self.journals[1].check()] == ["ok"]
        self.stack.close()
        shutil.rmtree(self.folder)


TestModel = Model.TestCase
TestModel.settings = settings(
    max_examples=int(os.environ.get("COUNTERPOINT_FUZZ", "5")), stateful_step_count=12, deadline=None
)
