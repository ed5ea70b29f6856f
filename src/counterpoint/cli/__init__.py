"""The command line: one tree that mounts every room's commands, each loaded when it is called."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, CycloptsError, Parameter

from counterpoint import __version__
from counterpoint.errors import CounterpointError
from counterpoint.terminal import Terminal, _current

__all__ = ["create_cli", "run"]

COMMANDS: dict[str, dict[str, tuple[str, str]]] = {
    "": {
        "demo": ("counterpoint.demo.commands:demo", "Build the demo workspace Arpeggio and serve it."),
        "init": ("counterpoint.cli.workspace_commands:init", "Make an empty workspace."),
        "doctor": ("counterpoint.cli.workspace_commands:doctor", "Check a workspace and say what to mend."),
        "serve": ("counterpoint.server.commands:serve", "Serve the web UI and the APIs."),
    },
    "import": {
        "catalog": (
            "counterpoint.catalog.commands:import_catalog",
            "Read catalog-info.yaml files, folders, globs or checkouts.",
        ),
        "flags": (
            "counterpoint.flags.commands:import_flags",
            "Read a flagd flag definition file into a flag set.",
        ),
        "events": (
            "counterpoint.journal.commands:import_events",
            "Read CloudEvents as NDJSON, or Parquet or CSV with a mapping.",
        ),
    },
    "flags": {
        "eval": ("counterpoint.flags.commands:evaluate", "Evaluate one flag for one context."),
        "lint": ("counterpoint.flags.commands:lint", "Say what is wrong with a flag definition."),
    },
    "experiments": {
        "analyze": (
            "counterpoint.experiments.commands:analyze",
            "Print the results and the shipping recommendation.",
        ),
    },
    "events": {
        "compact": (
            "counterpoint.journal.commands:compact",
            "Move events from the intake into Parquet segments.",
        ),
    },
    "account": {
        "create": ("counterpoint.server.commands:create_account", "Make a local account that can sign in."),
    },
    "token": {
        "create": ("counterpoint.server.commands:create_token", "Make an API token; it is shown once."),
        "list": ("counterpoint.server.commands:list_tokens", "List the API tokens."),
        "revoke": ("counterpoint.server.commands:revoke_token", "Make an API token useless at once."),
    },
}
"""Group (or none) and name of each command, with the function's address and the line in `--help`."""

GROUPS = {
    "import": "Bring in a catalog, flags or events.",
    "flags": "Evaluate and check flags.",
    "experiments": "Read experiments.",
    "events": "Care for the journal.",
    "account": "People who sign in with a password.",
    "token": "API tokens for services and scripts.",
}


def create_cli() -> App:
    """Build the command tree; nothing of a room is imported until its command runs."""
    app = App(
        name="counterpoint",
        help="The product operating system for organisations of autonomous teams.",
        version=__version__,
        help_format="plaintext",
        result_action="return_value",
    )
    for group, commands in COMMANDS.items():
        target = app
        if group:
            target = App(name=group, help=GROUPS[group])
            app.command(target)
        for name, (address, line) in commands.items():
            target.command(address, name=name, help=line)
    app.meta.default(_with_global_options(app))
    return app


def _with_global_options(app: App) -> Any:
    def call(
        *tokens: Annotated[str, Parameter(show=False, allow_leading_hyphen=True)],
        workspace: Annotated[
            Path | None,
            Parameter(
                name=["--workspace", "-w"],
                help="The workspace folder (default: $COUNTERPOINT_WORKSPACE, else here).",
            ),
        ] = None,
        json: Annotated[
            bool, Parameter(name="--json", negative="", help="Machine-readable output on stdout.")
        ] = False,
        verbose: Annotated[
            bool, Parameter(name=["--verbose", "-v"], negative="", help="Say more on stderr.")
        ] = False,
    ) -> Any:
        folder = workspace or Path(os.environ.get("COUNTERPOINT_WORKSPACE") or ".")
        _current.set(Terminal(folder, json=json, verbose=verbose))
        return app(tokens, exit_on_error=False, print_error=False)

    return call


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code: 0 done, 1 failed, 2 wrong usage."""
    try:
        result = create_cli().meta(list(arguments), exit_on_error=False, print_error=False)
    except CycloptsError as error:
        return _fail(str(error), 2)
    except CounterpointError as error:
        return _fail(
            "\n".join([error.message, *(f"  {problem}" for problem in error.problems)]), error.exit_code
        )
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return _fail("Stopped.", 130)
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        return _fail(f"{place}{error.strerror or error}", 1)
    return result if isinstance(result, int) and not isinstance(result, bool) else 0


def _fail(message: str, code: int) -> int:
    sys.stderr.write(f"counterpoint: {message}\n")
    return code
