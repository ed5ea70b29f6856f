"""A listener's word as an event about them: put into the journal, and read out of it."""

import uuid
from datetime import UTC, datetime
from typing import Any

from counterpoint.errors import InputError
from counterpoint.journal.model.event import Event
from counterpoint.moments import rfc3339
from counterpoint.workspace import Workspace

__all__ = ["put_word", "value_in"]


def put_word(
    workspace: Workspace,
    kind: str,
    listener: str,
    data: dict[str, Any],
    *,
    source: str,
    at: datetime | None = None,
) -> None:
    """Append an event of a type about a listener, as of a moment or now; when this returns it is on the disk.

    Raises:
        InputError: the listener's name is no subject of an event.
    """
    event = {
        "specversion": "1.0",
        "id": uuid.uuid4().hex,
        "source": source,
        "type": kind,
        "subject": listener,
        "time": rfc3339(at or datetime.now(UTC)),
        "data": data,
    }
    receipt = workspace.journal.append([event])
    if receipt.rejected:
        raise InputError(f"{listener!r} cannot be the name of a listener: {receipt.rejected[0].reason}")


def value_in(event: Event, name: str, kind: type) -> Any:
    """The value of that type at the top of the data, else the extension attribute of that type; else none."""
    for home in (event.data, event.attributes):
        if isinstance(home, dict) and type(home.get(name)) is kind:
            return home[name]
    return None
