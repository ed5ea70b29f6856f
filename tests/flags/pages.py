"""Reading pages of flags as a person does, and sending their forms without a script."""

from html.parser import HTMLParser
from typing import Any

from counterpoint import Workspace
from counterpoint.flags.composing import read_plans
from counterpoint.flags.composition import document_of
from counterpoint.flags.store import read_set

HTML = {"accept": "text/html"}


class Forms(HTMLParser):
    """The forms of a page with what they would send, by the value of their field `do` (else their place)."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, list[tuple[str, str]]]] = []
        self._select: str | None = None
        self._area: str | None = None
        self.text: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.found.append((given.get("action", ""), []))
        elif tag == "input" and self.found and "name" in given:
            kind = given.get("type", "text")
            if kind not in ("checkbox", "radio") or "checked" in given:
                self.found[-1][1].append((given["name"], given.get("value", "on")))
        elif tag == "textarea":
            self._area = given["name"]
            self.found[-1][1].append((given["name"], ""))
        elif tag == "select":
            self._select = given["name"]
        elif tag == "option" and self._select and "selected" in given:
            self.found[-1][1].append((self._select, given["value"]))

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._area = None
        elif tag == "select":
            self._select = None

    def handle_data(self, data: str) -> None:
        self.text.append(data)
        if self._area:
            name, value = self.found[-1][1][-1]
            self.found[-1][1][-1] = (name, value + data.removeprefix("\n"))

    def of(self, do: str) -> tuple[str, dict[str, list[str]]]:
        """Address and fields of the form that does something."""
        for action, fields in self.found:
            if ("do", do) in fields or action == do:
                sent: dict[str, list[str]] = {}
                for name, value in fields:
                    sent.setdefault(name, []).append(value)
                return action, sent
        raise AssertionError(f"there is no form {do!r} among {self.found}")

    @property
    def words(self) -> str:
        """Everything that can be read."""
        return " ".join(" ".join(self.text).split())


def read(client: Any, path: str, *, status: int = 200) -> Forms:
    """Open a page."""
    answer = client.get(path, headers=HTML)
    assert answer.status_code == status, answer.text
    return Forms(answer.text)


def send(client: Any, page: Forms, do: str, *, step: str = "save", **fields: Any) -> Any:
    """Send the form of a page that does something, with some fields filled in."""
    action, sent = page.of(do)
    data = {**sent, "step": step, **fields}
    return client.post(action, data=data, headers=HTML, follow_redirects=False)


def plans(workspace: Workspace, name: str = "default") -> dict[str, Any]:
    """The plans of a set as JSON."""
    with workspace.graph.read() as reader:
        return document_of(read_plans(reader, name)[0])


def definition(workspace: Workspace, name: str = "default") -> Any:
    """The definition of a set."""
    with workspace.graph.read() as reader:
        return read_set(reader, name).flags.definition


def last_reason(workspace: Workspace) -> str | None:
    """Why the last thing was done."""
    with workspace.graph.read() as reader:
        return reader.activity(limit=1)[0].reason
