"""A process in which somebody is forgotten and the follower begins; it ends by `kill -9` at the step it is told."""

import os
import signal
import sys
import threading
from pathlib import Path

from counterpoint import Workspace
from counterpoint.discover.follower import Follower
from counterpoint.discover.forgetting import Followed, follow
from counterpoint.discover.profiles import forget
from counterpoint.discover.serving import service_of
from counterpoint.graph.actor import SYSTEM


def main(folder: str, listener: str, dying_at: str) -> None:
    """Forget, say so, and follow until a line begins with `dying_at`."""

    def die_at(line: str) -> None:
        if line.startswith(dying_at):
            os.kill(os.getpid(), signal.SIGKILL)

    with Workspace.open(Path(folder)) as workspace:

        def work(opened: Workspace, _: object) -> Followed:
            return follow(opened, SYSTEM, progress=die_at)

        follower = workspace.keep(Follower, lambda kept: Follower(kept, work=work))
        done = forget(service_of(workspace), SYSTEM, "weekly", listener)
        sys.stdout.write(f"answered {done.waiting[0]}\n")
        sys.stdout.flush()
        follower.start()
        threading.Event().wait(60)  # it is killed


if __name__ == "__main__":
    main(*sys.argv[1:])
