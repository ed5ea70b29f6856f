"""A process that serves a workspace until it is killed. Run by test_served_durability.

It reads one line from stdin at a time, forks, and lets the child serve on the one socket that the
first process holds, so that each life costs no new interpreter and no new address.
"""

import os
import sys
from importlib import import_module

import pyarrow as pa
import pyarrow.parquet

from counterpoint import Workspace
from counterpoint.server import mounting
from counterpoint.server.app import create_app
from counterpoint.server.middleware.logs import configure_logs
from counterpoint.server.process import bind, run


def tell(text: str) -> None:
    """Write one line; short ones are never torn."""
    os.write(1, f"{text}\n".encode())


def main() -> None:
    """Serve one life for each line of stdin."""
    mounting.ROOMS = ("journal", "server")  # the other rooms' doors would only make each life start later
    for room in mounting.ROOMS:
        for door in ("routes", "pages"):
            import_module(f"counterpoint.{room}.{door}")
    pa.array([1])  # what Arrow imports at its first use
    configure_logs()
    listener = bind("127.0.0.1", 0)
    tell(f"port {listener.getsockname()[1]}")
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            workspace = Workspace.open(sys.argv[1])
            run(create_app(workspace, auth=False), listener, on_ready=lambda: tell(f"ready {os.getpid()}"))
            os._exit(0)
        os.waitpid(child, 0)
        tell("dead")


if __name__ == "__main__":
    main()
