"""The OpenFeature provider: a service evaluates flags in its own process, and is told of changes.

provider        CounterpointProvider: what the OpenFeature SDK asks
answers         an evaluation as the SDK wants it, of the type that was asked for
subscription    follows one flag set of a server, in a thread of its own
connection      the few HTTP requests that this needs
stream          reading server-sent events
persisted       the copy of a flag set on this machine's disk
reporting       exposures and tracked events, in batches and never in the caller's way
records         how both are written: OpenTelemetry's log records, CloudEvents
pauses          how long to wait before the next attempt
processes       what a fork and the end of the process ask for

It holds nothing of the server and imports none of its dependencies.
"""

try:
    import openfeature.api as _sdk  # noqa: F401 - to say here what is missing
except ModuleNotFoundError as error:  # pragma: no cover - the tests have it
    raise ModuleNotFoundError(
        "counterpoint.openfeature needs the OpenFeature SDK: pip install 'counterpoint[openfeature]'"
    ) from error

from counterpoint.openfeature.provider import CounterpointProvider

__all__ = ["CounterpointProvider"]
