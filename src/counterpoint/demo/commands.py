"""`counterpoint demo`."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from counterpoint.errors import ConflictError, UsageError
from counterpoint.terminal import Terminal, terminal, use_terminal

if TYPE_CHECKING:
    from counterpoint.demo.folder import DemoFolder

__all__ = ["demo"]

NAME = "Arpeggio"


def demo(
    folder: Annotated[
        Path, Parameter(name="DIR", help="Where the demo workspace is made, or is already.")
    ] = Path("demo"),
    /,
    *,
    port: Annotated[int, Parameter(help="The port to serve it on.")] = 7700,
    no_serve: Annotated[bool, Parameter(negative="", help="Build it and stop.")] = False,
    seed: Annotated[int, Parameter(help="Of everything that is random.")] = 7,
) -> None:
    """Build the demo workspace Arpeggio, a company that streams music, and serve it on this machine.

    A demo that is there already is served as it is. Nobody signs in, so that it listens on the loopback
    address only.
    """
    from counterpoint.demo.folder import DemoFolder

    if seed < 0:
        raise UsageError(f"--seed is {seed}; it must be 0 or more.")
    here = terminal()
    place = DemoFolder(folder.expanduser().absolute())
    held = place.seed()
    if held is None:
        if not no_serve:
            _check_port(port)
        _build(here, place, seed, port)
    elif held == seed:
        here.say(f"The demo in {place.path} is whole; remove the folder to build it anew.")
    else:
        message = f"{place.path} holds the demo with seed {held}; remove it, or name another folder for seed {seed}."
        raise ConflictError(message)
    if no_serve:
        here.emit(
            {"workspace": str(place.path), "seed": seed},
            lambda: f"Serve it with: counterpoint -w {place.path} serve --no-auth",
        )
        return
    from counterpoint.server.commands import serve

    use_terminal(replace(here, workspace=place.path))
    serve(port=port, no_auth=True)


def _check_port(port: int) -> None:
    """Raise now what `serve` would only say when the demo is built."""
    from counterpoint.server.process import bind

    if not 0 <= port <= 65535:
        raise UsageError(f"--port is {port}, must be 0 to 65535.")
    bind("127.0.0.1", port).close()


def _build(here: Terminal, place: "DemoFolder", seed: int, port: int) -> None:
    from counterpoint.demo.story import copy_arpeggio, tell
    from counterpoint.workspace import Workspace

    place.begin()
    try:
        with (
            Workspace.create(place.path, name=NAME) as workspace,
            here.progress("Building Arpeggio") as advance,
        ):
            parts: list[str] = []

            def progress(label: str, share: float) -> None:
                if label not in parts:
                    parts.append(label)
                    here.say(label)
                advance(share, 1.0)

            address = f"http://127.0.0.1:{port}"
            tell(workspace, copy_arpeggio(place.path), seed=seed, progress=progress, address=address)
        place.finish(seed)
    except BaseException:  # an interrupt too: half a demo is worth nothing
        place.abandon()
        raise
