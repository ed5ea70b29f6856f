"""The demo's folder: is it ours, is it whole, may it be built?"""

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from counterpoint.errors import ConflictError, WorkspaceError

__all__ = ["DemoFolder"]

MARK = ".counterpoint-demo.json"
"""Says that a folder is a demo that was built to its end; written last."""


@dataclass(frozen=True, slots=True)
class DemoFolder:
    """A folder that is, or is to be, a demo workspace."""

    path: Path
    """Absolute."""

    @property
    def claim(self) -> Path:
        """A file beside the folder, there while it is built; it holds the process that builds."""
        return self.path.parent / f".{self.path.name}.building"

    def seed(self) -> int | None:
        """The seed of the demo in the folder; none where there is no whole demo."""
        try:
            found = json.loads((self.path / MARK).read_text())["seed"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return found if isinstance(found, int) else None

    def begin(self) -> None:
        """Claim the folder, which is empty or not there then; what an interrupted build left is removed.

        Raises:
            ConflictError: the folder holds something else, or another process builds here now.
            WorkspaceError: the folder cannot be made.
        """
        try:
            if self.claim.exists():
                self._take_over()
            if self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir())):
                raise ConflictError(
                    f"{self.path} holds other files; name a folder that is empty or not there."
                )
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.claim.open("x") as stream:
                stream.write(str(os.getpid()))
        except FileExistsError as error:
            raise ConflictError(f"Another process has begun to build in {self.path}; wait for it.") from error
        except OSError as error:
            message = (
                f"{self.path} cannot be made ({error.strerror or error}); name a folder that you may write."
            )
            raise WorkspaceError(message) from error

    def _take_over(self) -> None:
        text = self.claim.read_text().strip()
        if text.isdigit() and int(text) != os.getpid() and _runs(int(text)):
            message = (
                f"Process {text} is building the demo in {self.path}; wait for it, or name another folder."
            )
            raise ConflictError(message)
        self.abandon()

    def abandon(self) -> None:
        """Remove what was built, and the claim; nothing else was there when the claim was made."""
        if self.path.exists():
            shutil.rmtree(self.path)
        self.claim.unlink(missing_ok=True)

    def finish(self, seed: int) -> None:
        """Say that the demo is whole."""
        draft = self.path / f"{MARK}.draft"
        draft.write_text(json.dumps({"seed": seed}) + "\n")
        draft.rename(self.path / MARK)
        self.claim.unlink()


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it runs, as somebody else
        return True
    return True
