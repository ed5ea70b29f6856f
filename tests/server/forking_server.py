"""A program for the kill test: imports the server once, then forks one for each line of its input.

Each child serves the workspace without sign-in on a free port and writes `PID PORT` once it listens.
"""

import os
import sys
from pathlib import Path

from counterpoint import Workspace
from counterpoint.journal import Journal  # noqa: F401 - imported before the fork, to spare the children
from counterpoint.server.app import create_app
from counterpoint.server.mounting import ROOMS, _door
from counterpoint.server.process import bind, run


def serve(folder: Path) -> None:
    with Workspace.open(folder) as workspace:
        listener = bind("127.0.0.1", 0)
        port = listener.getsockname()[1]
        app = create_app(workspace, auth=False, loopback=True)
        run(app, listener, on_ready=lambda: print(os.getpid(), port, flush=True))  # noqa: T201


def main() -> None:
    for room in ROOMS:
        for door in ("routes", "pages"):
            _door(room, door)
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            serve(Path(sys.argv[1]))
            os._exit(0)
        os.waitpid(child, 0)


if __name__ == "__main__":
    main()
