"""The command line: one tree that mounts every room's commands, each loaded when it is called."""

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from counterpoint import __version__
from counterpoint.cli.examples import EXAMPLES
from counterpoint.cli.tree import COMMANDS, GROUPS, OPTIONS, overview
from counterpoint.errors import CounterpointError
from counterpoint.terminal import Terminal, has_emitted, soften_encodings, terminal, use_terminal

if TYPE_CHECKING:
    from cyclopts import App

    from counterpoint.errors import Problem

__all__ = ["create_cli", "run"]


def create_cli() -> "App":
    """Build the command tree; nothing of a room is imported until its command runs."""
    from cyclopts import App, Parameter

    app = App(
        name="counterpoint",
        help="The product operating system for organisations of autonomous teams.",
        version=__version__,
        help_format="plaintext",
        result_action="return_value",
        suppress_keyboard_interrupt=False,
        default_parameter=Parameter(negative="", show_default=_default),
    )
    groups = {"": app}
    for group, commands in COMMANDS.items():
        target = groups.get(group)
        if target is None:
            outer, _, name = group.rpartition(" ")  # "bets evidence" is a group within "bets"
            target = groups[group] = App(name=name, help=GROUPS[group])
            groups[outer].command(target)
        for name, (address, line) in commands.items():
            examples = EXAMPLES.get(f"{group} {name}".strip(), ())
            shown = "\n".join(["Examples:", *(f"  counterpoint {example}" for example in examples)])
            target.command(address, name=name, help=line, help_epilogue=shown if examples else None)
    app.meta.suppress_keyboard_interrupt = False  # `run` says what it means
    app.meta.default(_with_global_options(app))
    return app


def _default(value: Any) -> str | None:
    """What help says of a default: nothing of a switch, whose name says what it does."""
    return None if isinstance(value, bool) or value is None else str(value)


def _with_global_options(app: "App") -> Any:
    from cyclopts import Group, Parameter

    everywhere = Group("Options of every command", sort_key=99)
    flags = {"json": ["--json"], "verbose": ["--verbose", "-v"], "workspace": ["--workspace", "-w"]}

    def parameter(name: str) -> Parameter:
        return Parameter(
            name=flags[name], negative="", help=OPTIONS[", ".join(flags[name])], group=everywhere
        )

    def call(
        *tokens: Annotated[str, Parameter(show=False, allow_leading_hyphen=True)],
        workspace: Annotated[Path | None, parameter("workspace")] = None,
        json: Annotated[bool, parameter("json")] = False,
        verbose: Annotated[bool, parameter("verbose")] = False,
    ) -> Any:
        folder = workspace or Path(os.environ.get("COUNTERPOINT_WORKSPACE") or ".")
        use_terminal(Terminal(folder, json=json, verbose=verbose))
        return app(tokens, exit_on_error=False, print_error=False)

    return call


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code: 0 done, 1 failed, 2 wrong usage, 130 stopped."""
    soften_encodings()
    if list(arguments) in ([], ["--help"], ["-h"]):
        sys.stdout.write(
            overview()
        )  # the table is all it takes: the command library costs a tenth of a second
        return 0
    from cyclopts import CycloptsError

    use_terminal(Terminal(Path()))  # of nothing that an earlier call in this process has said
    try:
        result = create_cli().meta(list(arguments), exit_on_error=False, print_error=False)
    except CycloptsError as error:
        _emit_error(arguments, "Wrong usage", str(error), [])
        return _fail(str(error), 2)
    except CounterpointError as error:
        tell = terminal().tell
        problems = [replace(problem, message=tell(problem.message)) for problem in error.problems]
        _emit_error(arguments, tell(error.title), tell(error.message), problems)
        return _fail("\n".join([tell(error.message), *(f"  {each}" for each in problems)]), error.exit_code)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return _fail("Stopped; it is safe to run the same command again.", 130)
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        return _fail(f"{place}{error.strerror or error}", 1)
    except Exception as error:  # the last line of defence: a person never sees a traceback unasked
        if {"-v", "--verbose"} & set(arguments):
            raise
        return _fail(
            f"This should not have happened: {type(error).__name__}: {error}. Repeat with -v for the details.",
            1,
        )
    return result if isinstance(result, int) and not isinstance(result, bool) else 0


def _emit_error(arguments: Sequence[str], title: str, message: str, problems: "Sequence[Problem]") -> None:
    """With --json, say on standard output as well what was wrong, unless the command has printed its own document."""
    if "--json" in arguments and not has_emitted():
        error = {"title": title, "message": message, "problems": [asdict(each) for each in problems]}
        sys.stdout.write(f"{json.dumps({'error': error}, ensure_ascii=False)}\n")


def _fail(message: str, code: int) -> int:
    sys.stderr.write(f"counterpoint: {message}\n")
    return code
