"""Archives: plain zip files, so that any tool unpacks them. What comes from outside may be damaged or hostile.

Parquet is compressed already and is stored as it is; the rest is deflated. Nothing is believed: names are of
a short list, sizes and hashes are those of the manifest, and no more is unpacked than it says.
"""

import fcntl
import os
import re
import stat
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import IO, Final

import msgspec

from counterpoint.backup.manifest import FORMAT, NAME, Manifest, Part
from counterpoint.errors import ConflictError, InputError, WorkspaceError
from counterpoint.syncing import sync

__all__ = ["Advance", "Archive", "open_archive", "pack", "verify"]

Advance = Callable[[float, float | None], None]

BLOCK: Final = 2**20
MOST_MANIFEST: Final = 256 * 2**20
_NAMES: Final = re.compile(
    r"counterpoint\.toml|graph\.db|graph/[a-z0-9_]+\.copy|flag-attributes\.json|flag-references\.json"
    r"|journal/intake\.db|journal/segments/[^/\\\x00]{1,255}/[^/\\\x00]{1,255}/[^/\\\x00]{1,200}\.parquet"
)


def is_allowed(name: str) -> bool:
    """Whether a backup may hold a file of this name; none leads out of the folder that it is unpacked into."""
    return bool(_NAMES.fullmatch(name)) and not {".", "..", ""} & set(name.split("/"))


def pack(
    target: Path, files: Iterable[tuple[str, Path]], manifest: Manifest, *,
    force: bool, advance: Advance = lambda done, total: None,
) -> Manifest:  # fmt: skip
    """Write an archive of these files (name in it, and where each is): all of it, synced, or nothing.

    Raises:
        ConflictError: there is such a file and `force` is false, or another backup is writing it.
        WorkspaceError: it cannot be written.
    """
    check_target(target, force=force)
    chosen = list(files)
    total = sum(path.stat().st_size for _, path in chosen)
    draft = target.with_name(f".{target.name}.part")
    with _told(target), _draft(draft) as sink:
        parts: list[Part] = []
        done = 0
        with zipfile.ZipFile(sink, "w", allowZip64=True) as archive:
            for name, path in chosen:
                parts.append(_add(archive, name, path))
                done += parts[-1].bytes
                advance(done, total)
            complete = msgspec.structs.replace(manifest, files=parts)
            text = msgspec.json.format(msgspec.json.encode(complete), indent=1)
            archive.writestr(_info(NAME, zipfile.ZIP_DEFLATED), text)
        sink.flush()
        os.fsync(sink.fileno())
        check_target(target, force=force)
        draft.replace(target)
        sync(target.parent)
    return complete


def check_target(target: Path, *, force: bool) -> None:
    """Refuse what must not be overwritten.

    Raises:
        ConflictError: there is such a file and `force` is false.
        InputError: it is no place for a file.
    """
    if target.is_dir():
        raise InputError(f"{target} is a folder; name a file, such as {target / 'workspace.zip'}.")
    if not target.parent.is_dir():
        raise InputError(f"The folder {target.parent} does not exist; make it first.")
    if target.exists() and not force:
        raise ConflictError(f"{target} exists; name another file, or overwrite it with --force.")


@contextmanager
def _draft(draft: Path) -> Iterator[IO[bytes]]:
    """A file for its owner only, locked; what a killed backup left in it is overwritten."""
    descriptor = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w+b") as sink:
        try:
            fcntl.flock(sink, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConflictError(
                f"Another backup is writing {draft.name}; wait for it, or name another file."
            ) from None
        os.fchmod(sink.fileno(), 0o600)
        sink.truncate(0)
        try:
            yield sink
        except BaseException:
            draft.unlink(missing_ok=True)
            raise


def _info(name: str, method: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)  # of 1980: the manifest says when it was made
    info.compress_type = method
    info.external_attr = (stat.S_IFREG | 0o600) << 16
    return info


def _add(archive: zipfile.ZipFile, name: str, path: Path) -> Part:
    method = zipfile.ZIP_STORED if name.endswith(".parquet") else zipfile.ZIP_DEFLATED
    info = _info(name, method)
    info._compresslevel = 1  # type: ignore[attr-defined]
    digest, size = sha256(), 0
    with path.open("rb") as source, archive.open(info, "w", force_zip64=True) as sink:
        while block := source.read(BLOCK):
            digest.update(block)
            size += len(block)
            sink.write(block)
    return Part(name, size, digest.hexdigest())


class Archive:
    """An archive whose manifest has been read and whose names are in order; hashes are checked as it is read."""

    def __init__(self, path: Path, archive: zipfile.ZipFile, manifest: Manifest) -> None:
        self.path = path
        self.manifest = manifest
        self._archive = archive

    def unpack(self, folder: Path, advance: Advance = lambda done, total: None) -> None:
        """Write every file under `folder`, synced, each as the manifest says it is.

        Raises:
            InputError: a file is not what the manifest says.
        """
        self._check_space(folder)
        done = 0
        homes = {folder}
        for part in self.manifest.files:
            target = folder / part.name
            target.parent.mkdir(parents=True, exist_ok=True)
            homes.update(parent for parent in target.parents if parent.is_relative_to(folder))
            with target.open("xb") as sink:
                for block in self._blocks(part):
                    sink.write(block)
                    done += len(block)
                    advance(done, self.manifest.bytes)
                sink.flush()
                os.fsync(sink.fileno())
            target.chmod(0o600)
        for home in homes:
            sync(home)

    def check(self, advance: Advance = lambda done, total: None) -> None:
        """Read every file and compare it with the manifest.

        Raises:
            InputError: a file is not what the manifest says.
        """
        done = 0
        for part in self.manifest.files:
            for block in self._blocks(part):
                done += len(block)
                advance(done, self.manifest.bytes)

    def _blocks(self, part: Part) -> Iterator[bytes]:
        digest, size = sha256(), 0
        try:
            with self._archive.open(part.name) as source:
                while block := source.read(BLOCK):
                    size += len(block)
                    if size > part.bytes:
                        break
                    digest.update(block)
                    yield block
        except Exception as error:  # BadZipFile, zlib.error and more
            raise self._damage(f"{part.name} cannot be unpacked ({error})") from error
        if size != part.bytes or digest.hexdigest() != part.sha256:
            raise self._damage(f"{part.name} is not what the manifest says")

    def _damage(self, reason: str) -> InputError:
        return InputError(f"{self.path}: {reason}; the backup is damaged, use another one.")

    def _check_space(self, folder: Path) -> None:
        place = os.statvfs(folder)
        free = place.f_bavail * place.f_frsize
        if self.manifest.bytes > free:
            raise WorkspaceError(
                f"{self.path} unpacks to {self.manifest.bytes:,} bytes, and {folder.parent} has {free:,} left; make some room."
            )


@contextmanager
def open_archive(path: Path) -> Iterator[Archive]:
    """Open a backup and check what it says of itself.

    Raises:
        InputError: it is no backup, is damaged, was made by a newer version, or holds what no backup holds.
    """
    try:
        archive = zipfile.ZipFile(path)
    except FileNotFoundError:
        raise InputError(f"{path} does not exist.") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}).") from error
    except Exception as error:  # BadZipFile, and whatever else zipfile says of bytes that make no sense
        raise InputError(f"{path} is no backup of a workspace, or was cut off ({error}).") from error
    with archive:
        manifest = _manifest(path, archive)
        _check_members(path, archive, manifest)
        yield Archive(path, archive, manifest)


def _manifest(path: Path, archive: zipfile.ZipFile) -> Manifest:
    try:
        info = archive.getinfo(NAME)
        if info.file_size > MOST_MANIFEST:
            raise InputError(f"{path}: {NAME} is too large to be one.")
        with archive.open(info) as source:
            text = source.read(MOST_MANIFEST + 1)
        found = msgspec.json.decode(text)
        if isinstance(found, dict) and isinstance(found.get("format"), int) and found["format"] > FORMAT:
            raise InputError(
                f"{path} was made by a newer Counterpoint ({found.get('counterpoint')}); upgrade to restore it."
            )
        return msgspec.convert(found, Manifest)
    except InputError:
        raise
    except KeyError:
        raise InputError(f"{path} is no backup of a workspace: it has no {NAME}.") from None
    except Exception as error:  # whatever a hostile file makes zipfile, zlib or msgspec say
        raise InputError(f"{path}: {NAME} cannot be read ({error}).") from error


def _check_members(path: Path, archive: zipfile.ZipFile, manifest: Manifest) -> None:
    """The archive holds exactly the files of its manifest, each an ordinary file of an ordinary name."""
    names = [info.filename for info in archive.infolist()]
    listed = [part.name for part in manifest.files]
    for name in [*names, *listed]:
        if name != NAME and not is_allowed(name):
            raise InputError(f"{path} holds {name!r}, which belongs to no backup; nothing was unpacked.")
    if len(set(names)) != len(names) or sorted(names) != sorted([*listed, NAME]):
        raise InputError(
            f"{path} does not hold exactly the files that its manifest names; nothing was unpacked."
        )
    for info in archive.infolist():
        mode = info.external_attr >> 16
        if info.flag_bits & 1 or (stat.S_IFMT(mode) not in (0, stat.S_IFREG)):
            raise InputError(
                f"{path}: {info.filename!r} is encrypted or no ordinary file; nothing was unpacked."
            )
    sizes = {part.name: part.bytes for part in manifest.files}
    for info in archive.infolist():
        if info.filename != NAME and info.file_size != sizes[info.filename]:
            raise InputError(
                f"{path}: {info.filename} is not of the size that the manifest says; the backup is damaged."
            )
    graph = (
        ["graph.db"]
        if manifest.graph.database == "sqlite"
        else [f"graph/{table.name}.copy" for table in manifest.graph.tables]
    )
    for name in ("counterpoint.toml", "journal/intake.db", *graph):
        if name not in sizes:
            raise InputError(f"{path} has no {name}; it is no whole backup.")


def verify(path: Path, advance: Advance = lambda done, total: None) -> Manifest:
    """Read all of a backup and compare it with its hashes.

    Raises:
        InputError: it is damaged, or no backup; the message says what is wrong.
    """
    with open_archive(path) as archive:
        archive.check(advance)
        return archive.manifest


@contextmanager
def _told(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise WorkspaceError(
            f"{target} cannot be written ({error.strerror or error}); nothing was kept."
        ) from error
