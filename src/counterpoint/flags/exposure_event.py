"""An exposure, and the event that it is in the journal. Pure, and all that a service in its own process needs."""

from datetime import UTC, datetime
from typing import Any, Final, NamedTuple
from urllib.parse import quote

from counterpoint.moments import rfc3339

__all__ = ["SUBJECT", "Exposure", "event_of"]

SUBJECT: Final = "feature_flag.context.id"
"""OpenTelemetry's name for the subject; the last key of the data."""


class Exposure(NamedTuple):
    """That a subject was given a variant of a flag."""

    flag_set: str
    flag: str
    variant: str
    subject: str
    reason: str
    at: float
    """Unix seconds."""


def event_of(exposure: Exposure, identity: str) -> dict[str, Any]:
    """The exposure as a CloudEvent with OpenTelemetry's names for what a flag evaluation is."""
    return {
        "specversion": "1.0",
        "id": identity,
        "source": f"/api/flags/sets/{quote(exposure.flag_set, safe='', errors='replace')}",
        "type": "feature_flag.evaluation",
        "subject": exposure.subject,
        "time": rfc3339(datetime.fromtimestamp(exposure.at, UTC)),
        "data": {
            "feature_flag.key": exposure.flag,
            "feature_flag.set.id": exposure.flag_set,
            "feature_flag.result.variant": exposure.variant,
            "feature_flag.result.reason": exposure.reason.lower(),
            SUBJECT: exposure.subject,
        },
    }
