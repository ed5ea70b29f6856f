"""What a command needs of the terminal it runs in: the workspace asked for, output, progress.

Rooms' `commands.py` use this; the command tree itself is in `cli`.
"""

import codecs
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from counterpoint.vocabulary import OUR_WORDS, Words

if TYPE_CHECKING:
    from counterpoint.workspace import Workspace

__all__ = ["Advance", "Terminal", "counted", "has_emitted", "soften_encodings", "terminal", "use_terminal"]

T = TypeVar("T")

PLAIN = {"−": "-", "–": "-", "…": "...", "→": "->", "←": "<-", "≥": ">=", "≤": "<=", "×": "x", "─": "-"}
"""What is written for a character that the encoding does not have; a minus must stay one. Others are escaped."""
PLAIN_NAME = "counterpoint.plain"


def _plain(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lost = error.object[error.start : error.end]
    text = "".join(PLAIN.get(char, char) for char in lost)
    return text.encode("ascii", "backslashreplace").decode("ascii"), error.end


def soften_encodings() -> None:
    """Let stdout and stderr take every text, also where their encoding is ASCII or Latin-1."""
    codecs.register_error(PLAIN_NAME, _plain)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors=PLAIN_NAME)


class Advance(Protocol):
    """Tells a progress bar how far the work has come."""

    def __call__(self, done: float, total: float | None = None) -> None: ...


@dataclass(frozen=True, slots=True)
class Terminal:
    """The global options of one call of the command line."""

    workspace: Path
    json: bool = False
    verbose: bool = False

    def open(self) -> "Workspace":
        """Open the workspace that `-w` names; use it as a context manager. From now on its words are spoken."""
        from counterpoint.graph.customs import Customs
        from counterpoint.workspace import Workspace

        opened = Workspace.open(self.workspace)
        _words.set(opened.keep(Customs, lambda workspace: Customs(workspace.graph)).of().words)
        return opened

    def tell(self, text: str) -> str:
        """A text of ours in the organisation's words; quote what comes from outside, for that stays."""
        return str(_words.get().tell(text))

    def noun(self, word: str) -> str:
        """One of our nouns ("flag", "Flags") in the organisation's words."""
        return _words.get().word(word)

    def told(self, value: T) -> T:
        """A value with every text of ours in it told."""
        from counterpoint.said import told

        said: T = told(value, _words.get())
        return said

    def emit(self, data: Any, human: Callable[[], Any] | None = None) -> None:
        """Print `data` as JSON under `--json`, else what `human` returns (text or a rich renderable).

        What is typed `Said` in `data` is told; what `human` makes is printed as it is, see `tell`.
        """
        if self.json:
            import msgspec

            data = self.told(data)
            sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(data), indent=2) + b"\n")
            sys.stdout.buffer.flush()
            _emitted.set(True)
            return
        shown = human() if human else data
        if isinstance(shown, str):
            sys.stdout.write(shown + "\n")
        elif shown is not None:
            from rich.console import Console

            Console().print(shown)

    def say(self, text: str) -> None:
        """Write a line for people to stderr; never mixed into `--json` output."""
        sys.stderr.write(self.tell(text) + "\n")

    @contextmanager
    def progress(self, what: str) -> Iterator[Advance]:
        """Show a progress bar on stderr while the block runs; silent where stderr is no terminal."""
        if not sys.stderr.isatty():  # loading what draws it costs a twentieth of a second
            yield lambda done, total=None: None
            return
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(what, total=None)

            def advance(done: float, total: float | None = None) -> None:
                bar.update(task, completed=done, total=total)

            yield advance


def counted(number: int, noun: str, nouns: str | None = None) -> str:
    """The number with the noun in the right form, as a command says it: "1 file", "1,200 files"."""
    words = _words.get()
    return f"{number:,} {words.word(noun if number == 1 else nouns or noun + 's')}"


_words: ContextVar[Words] = ContextVar("words", default=OUR_WORDS)
"""The words of the organisation whose workspace the command has opened; ours before that."""
_emitted: ContextVar[bool] = ContextVar("emitted", default=False)
"""Whether the running command has printed its JSON: a script reads one document, not two."""
_current: ContextVar[Terminal | None] = ContextVar("terminal", default=None)


def use_terminal(chosen: Terminal) -> None:
    """Let the running command, and what it calls, use this terminal."""
    _current.set(chosen)
    _words.set(OUR_WORDS)
    _emitted.set(False)


def has_emitted() -> bool:
    """Whether the running command has printed its JSON already."""
    return _emitted.get()


def terminal() -> Terminal:
    """The terminal of the running command."""
    return _current.get() or Terminal(Path.cwd())
