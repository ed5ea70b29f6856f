"""A listener's word, put into the journal as an event about them."""

import uuid
from datetime import UTC, datetime
from typing import Any

from counterpoint.errors import InputError
from counterpoint.moments import rfc3339
from counterpoint.workspace import Workspace

__all__ = ["put_word"]


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
