"""Brings descriptors into the graph: file by file, each read, checked and written in a transaction of its own.

What is good is kept whatever stands beside it; everything else is named with its file and line. What
only the whole can tell comes last: who has an entity that two files name, what nothing declares any
more, and which references lead nowhere.
"""

import os
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from counterpoint.catalog.added import Added, add_all
from counterpoint.catalog.addresses import is_address
from counterpoint.catalog.beside import LARGE, Beside, BesideError, Job
from counterpoint.catalog.circles import tell_circles
from counterpoint.catalog.fetching import Fetcher
from counterpoint.catalog.gathering import Gathering, Sheet
from counterpoint.catalog.locations import (
    Source,
    find_sources,
    location_of,
    looks_like_descriptors,
    unread_descriptors,
)
from counterpoint.catalog.orphans import settle_orphans, vanished
from counterpoint.catalog.problems import add_problems, drop_healed, refs_with, told_at
from counterpoint.catalog.remarks import Remark
from counterpoint.catalog.report import ImportReport
from counterpoint.catalog.sources import add_root, source_at, stored_at
from counterpoint.catalog.storing import Storing
from counterpoint.catalog.tables import LOCATIONS
from counterpoint.errors import Problem
from counterpoint.graph import Actor, Graph, Reader, Writer
from counterpoint.graph.collector import seldom_collecting
from counterpoint.graph.writer import LOCATION_LENGTH, NotNewError
from counterpoint.yaml12.reader import UnreadError

__all__ = ["ImportReport", "import_sources", "import_targets"]

NAMED = 5
"""Files that a remark names before it only counts."""

Progress = Callable[[float, float], None]
Seen = Callable[[Writer, ImportReport], None]


def import_targets(
    graph: Graph,
    actor: Actor,
    targets: Iterable[str],
    *,
    hosts: Collection[str] = (),
    dry_run: bool = False,
    progress: Progress | None = None,
    seen: Seen | None = None,
    sources: Iterable[Source] = (),
    seize: bool = False,
    beside: Beside | None = None,
) -> ImportReport:
    """Import files, folders, patterns, checkouts and addresses.

    Args:
        graph: where the entities go.
        actor: in whose name they are written.
        targets: what to import.
        hosts: `host` or `host:port` from which addresses may be read.
        dry_run: do everything but keep nothing.
        progress: told how many of the known files are done.
        seen: given the writer and the report once everything is written; in a dry run the only chance
            to look at it.
        sources: further files and addresses.
        seize: take entities that another file declares, for a dry run that asks what these would be alone.
        beside: a second process that was started already; else one is started where it is worth it.

    Returns:
        The report; input that is not valid is named there and raises nothing.
    """
    importing = _Importing(
        graph, actor, hosts, dry_run=dry_run, progress=progress, seize=seize, beside=beside
    )
    with seldom_collecting(), importing.whole():
        importing.targets(targets)
        importing.sources(sources)
        importing.finish(seen)
    return importing.report


def import_sources(
    graph: Graph,
    actor: Actor,
    sources: Iterable[Source],
    *,
    hosts: Collection[str] = (),
    seen: Seen | None = None,
) -> ImportReport:
    """Read some files and addresses again, and what they point to; see `import_targets`."""
    importing = _Importing(graph, actor, hosts, dry_run=False, progress=None)
    with seldom_collecting(), importing.whole():
        importing.sources(sources)
        importing.finish(seen)
    return importing.report


class _UndoError(Exception):
    """Ends the transaction of a dry run."""


class _Importing:
    """One import on its way."""

    def __init__(
        self,
        graph: Graph,
        actor: Actor,
        hosts: Collection[str],
        *,
        dry_run: bool,
        progress: Progress | None,
        seize: bool = False,
        beside: Beside | None = None,
    ) -> None:
        self.graph, self.actor, self.hosts = graph, actor, tuple(hosts)
        self.dry_run, self.progress, self.seize = dry_run, progress, seize
        self.report = ImportReport()
        self.gathering = Gathering(Fetcher(hosts), unknown_kinds=graph.unknown_kinds, strict=graph.strict)
        self.folders: list[Path] = []
        self.roots: dict[str, None] = {}
        self.origins: set[str] = set()
        self.uncertain: set[str] = set()
        """Origins of which a part could not be read, so that nobody knows all that they lead to."""
        self._writer: Writer | None = None
        self.beside = beside
        """The second process, if one runs."""
        self.alone = False
        """Whether it is known that none will."""
        self._left = 0
        """How many sources wait."""
        self._own = beside is None

    def end(self) -> None:
        """End the second process."""
        if self.beside is not None:
            self.beside.close()
            self.beside = None

    @contextmanager
    def whole(self) -> Iterator[None]:
        """Begin, and end in one transaction that is undone if this is a dry run."""
        with self._reading() as reader:
            rows = reader.connection.execute(sa.select(LOCATIONS)).all()
            orphans = refs_with(reader, "orphan")
        names: Mapping[str, str] = {
            f"{row.type}:{row.target}": row.entity_ref.rpartition("/")[2] for row in rows
        }
        self.storing = Storing(self.report, orphans, names, seize=self.seize)
        try:
            if self.dry_run:
                with self.graph.write(self.actor) as self._writer:
                    yield
                    raise _UndoError
            else:
                yield
        except _UndoError:
            pass
        finally:
            self._writer = None
            if self._own:
                self.end()
        self.report.sort()

    @contextmanager
    def _reading(self) -> Iterator[Reader]:
        if self._writer is not None:
            yield self._writer
        else:
            with self.graph.read() as reader:
                yield reader

    @contextmanager
    def _writing(self) -> Iterator[Writer]:
        if self._writer is not None:
            yield self._writer
        else:
            with self.graph.write(self.actor) as writer:
                yield writer

    def targets(self, targets: Iterable[str]) -> None:
        """Read what was named, and all that it leads to."""
        named: list[Source] = []
        for target in targets:
            named += self._find(target)
        self.sources(named)
        for folder in sorted(self.folders):
            self._note_unread(folder)

    def _find(self, target: str) -> Iterator[Source]:
        place = target if is_address(target) else os.path.abspath(os.path.expanduser(target))
        for found in find_sources(target, self.hosts):
            if isinstance(found, Source):
                self.roots[place] = None
                if not is_address(target) and Path(place).is_dir():
                    self.folders.append(Path(place))
                yield found
            elif (known := self._known_root(place)) is not None:
                yield known  # it is gone: reading it says so, and what it leaves behind
            else:
                self.report.remarks.append(found)
        self.folders = list(dict.fromkeys(self.folders))

    def _known_root(self, place: str) -> Source | None:
        if is_address(place) or Path(place).is_dir():
            return None
        with self._reading() as reader:
            known = source_at(reader, location_of(Path(place)))
        return None if known is None else known.source

    def sources(self, sources: Iterable[Source]) -> None:
        """Read sources, and all that they lead to, each once."""
        queue = deque(source for source in sources if self._has_a_name(source))
        self.origins |= {source.origin for source in queue}
        alone = {source.location for source in queue if source.location != source.origin}
        while queue:
            source = queue.popleft()
            self._left = len(queue)
            if source.location not in self.storing.named:
                before = source.location in alone and self._was_broken(source)
                queue.extend(filter(self._has_a_name, self._one(source)))
                if source.location in alone and (before or self.storing.faults.get(source.location)):
                    queue.append(self._above(source))  # what led here says what is wrong here
                if self.progress is not None:
                    done = len(self.storing.named)
                    self.progress(done, done + len(queue))

    def _was_broken(self, source: Source) -> bool:
        with self._reading() as reader:
            return any(each.code in {"unread", "syntax"} for each in told_at(reader, source.location, ""))

    def _above(self, source: Source) -> Source:
        """The location that a source was reached from."""
        with self._reading() as reader:
            known = source_at(reader, source.origin)
        return Source(source.origin, source.origin, source.root) if known is None else known.source

    def _has_a_name(self, source: Source) -> bool:
        """Whether the graph can keep where a source is."""
        try:
            source.location.encode()
        except UnicodeEncodeError:
            name = os.fsencode(source.target).decode("utf-8", "replace")
            problem = Problem("has a name that is not UTF-8; rename it", file=name)
            self.report.remarks.append(Remark("error", problem, "unread"))
            return False
        return True

    def _one(self, source: Source) -> list[Source]:
        """Read and store one source; where it leads."""
        self.report.files += 1
        began = time.time_ns() // 1_000
        try:
            data = self.gathering.bytes_of(source)
        except UnreadError as error:
            sheet = self.gathering.unread(source, error)
        else:
            if self._skip(source, self.gathering.content_of(data)):
                return []
            leads = self._beside(source, data, began)
            if leads is not None:
                return leads
            sheet = self.gathering.sheet(source, data)
            if self._is_mistake(source, data, sheet):
                self.report.remarks += sheet.remarks
                self.roots.pop(source.target, None)
                return []
        self._note(sheet, source, began)
        with self._writing() as writer:
            self.storing.store(writer, sheet)
        return [lead for leads in sheet.leads.values() for lead in leads]

    def _note(self, sheet: Sheet, source: Source, began: int) -> None:
        sheet.read_at = began
        if sheet.uncertain:
            self.uncertain.add(source.origin)

    def _beside(self, source: Source, data: bytes, began: int) -> list[Source] | None:
        """Let the second process read a large new file while this one writes; where it leads.

        None, and nothing written, where the file must be read here: it was read before, it declares something
        that the graph has or had, or there is no second process.
        """
        if not self._may_beside(source, data):
            return None
        self.beside = self.beside or Beside.started()
        if self.beside is None:
            self.alone = True
            return None
        try:
            with self.graph.write(self.actor) as writer:
                numbers = writer.numbers()
                is_all = self._left == 0 and numbers.revision == 0 and writer.mark()[2] == 0
                job = Job(source, data, numbers, self.hosts, self.graph.unknown_kinds, is_all)
                added = Added(source, data)
                sheet = add_all(writer, self.beside.read(job), added, expected=data.count(b"\n---"))
                if job.is_all and not sheet.leads:
                    self.beside.mark = writer.mark()
                self._note(sheet, source, began)
                self.storing.store(writer, sheet, added)
        except BesideError:
            self.alone = True
            return None
        except NotNewError:
            self.end()
            return None
        return [lead for leads in sheet.leads.values() for lead in leads]

    def _may_beside(self, source: Source, data: bytes) -> bool:
        if self.alone or self._writer is not None or self.graph.strict or self.actor.kind == "person":
            return False
        if len(data) < LARGE or len(source.location) > LOCATION_LENGTH or not looks_like_descriptors(data):
            return False
        with self._reading() as reader:
            return source_at(reader, source.location) is None

    def _is_mistake(self, source: Source, data: bytes, sheet: Sheet) -> bool:
        """Whether somebody named a file that has nothing to do with the catalog: it is refused, and nothing is kept.

        A file that was read before is followed whatever stands in it now.
        """
        alien = bool(sheet.remarks) and not sheet.named and not looks_like_descriptors(data)
        if not alien or source.location != source.origin or source.location in self.storing.names:
            return False
        with self._reading() as reader:
            return source_at(reader, source.location) is None

    def _skip(self, source: Source, content: str) -> bool:
        """Leave a file that is as it was, with entities that are as they were."""
        with self._reading() as reader:
            known = source_at(reader, source.location)
            if known is None or (known.content, known.source.origin) != (content, source.origin):
                return False
            if known.stored != stored_at(reader, source.location):
                return False
            self.storing.skip(reader, source.location)
            self.report.remarks += told_at(reader, source.location, source.shown)
        return True

    def finish(self, seen: Seen | None) -> None:
        """Do what only the whole can tell."""
        with self._writing() as writer:
            for declared in self.storing.waiting:
                remarks = self.storing.settle(writer, declared)
                add_problems(writer, declared.source.location, remarks)
                self.report.remarks += [remark for remark in remarks if remark.target is None]
            certain = self.origins - self.uncertain
            self.storing.left |= vanished(writer, certain, self.folders, self.storing.named.keys())
            self.report.remarks += settle_orphans(writer, self.storing, delete=self.graph.delete_orphans)
            self.storing.judge_locations(writer)
            self.report.remarks += self.storing.missing.settle(writer)
            self.report.remarks += tell_circles(writer, self.storing)
            drop_healed(writer)
            for place in self.roots:
                add_root(writer, place)
            if seen is not None:
                seen(writer, self.report)

    def _note_unread(self, folder: Path) -> None:
        unread = unread_descriptors(folder, self.storing.named.keys())
        if unread:
            names = ", ".join(str(path.relative_to(folder)) for path in unread[:NAMED])
            more = f" and {len(unread) - NAMED} more" if len(unread) > NAMED else ""
            message = f"also holds descriptors that no catalog-info.yaml refers to and that were not read: {names}{more}"
            self.report.remarks.append(Remark("note", Problem(message, file=str(folder))))
