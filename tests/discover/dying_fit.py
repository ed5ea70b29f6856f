"""A process that fits a version and ends by `kill -9` at the step it is told."""

import os
import signal
import sys
from pathlib import Path

from counterpoint import Workspace
from counterpoint.discover.versions import fit_version
from counterpoint.graph.actor import SYSTEM
from tests.discover.heard import NOW


def main(folder: str, dying_at: str) -> None:
    """Fit ALS until a line begins with `dying_at`."""

    def die_at(line: str) -> None:
        if line.startswith(dying_at):
            os.kill(os.getpid(), signal.SIGKILL)

    with Workspace.open(Path(folder)) as workspace:
        options = {"factors": 4}
        fit_version(workspace, SYSTEM, "weekly", method="als", options=options, until=NOW, progress=die_at)


if __name__ == "__main__":
    main(*sys.argv[1:])
