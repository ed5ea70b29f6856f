"""`CounterpointProvider`: what the OpenFeature SDK asks, answered from a flag set in this process."""

import logging
import os
import uuid
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any, Final, TypeAlias

from openfeature.evaluation_context import EvaluationContext
from openfeature.event import ProviderEventDetails
from openfeature.exception import ErrorCode, ProviderFatalError, ProviderNotReadyError
from openfeature.flag_evaluation import FlagResolutionDetails, FlagValueType, Reason
from openfeature.hook import Hook
from openfeature.provider import AbstractProvider, Metadata
from openfeature.track import TrackingEventDetails

from counterpoint.flags.model import FlagSet
from counterpoint.openfeature import answers
from counterpoint.openfeature.connection import Server, Unreachable
from counterpoint.openfeature.pauses import Pauses
from counterpoint.openfeature.persisted import PersistedCopy
from counterpoint.openfeature.processes import look_after
from counterpoint.openfeature.records import PROVIDER, tracked_event
from counterpoint.openfeature.reporting import WINDOW, Counts, Reporter, ToServer, receiver_of
from counterpoint.openfeature.subscription import Subscription, changed_flags

__all__ = ["CounterpointProvider"]

log = logging.getLogger("counterpoint.openfeature")
NOT_READY: Final = "There is no flag set yet; the code's defaults are used."
METADATA: Final = Metadata(PROVIDER)
"""Made once: the SDK asks at every evaluation."""
Resolve: TypeAlias = Callable[..., FlagResolutionDetails[Any]]


class CounterpointProvider(AbstractProvider):
    """Evaluates flags in this process.

    With a `FlagSet` it needs nothing else. With a `url` it reads the set from a Counterpoint server,
    follows its changes, and reports exposures to it; evaluation itself never waits for the network.
    """

    def __init__(
        self,
        flags: FlagSet | None = None,
        *,
        url: str | None = None,
        token: str | None = None,
        flag_set: str = "default",
        cache: str | os.PathLike[str] | None = None,
        exposures: Any = None,
        exposure_window: float = WINDOW,
        service: str | None = None,
        hooks: Sequence[Hook] = (),
        timeout: float = 5.0,
        poll: float = 30.0,
        idle: float = 60.0,
        shortest_pause: float = 1.0,
        longest_pause: float = 60.0,
        shutdown_timeout: float = 2.0,
    ) -> None:
        """A provider over a flag set in memory, or over one of a server.

        Args:
            flags: a flag set, for use without a server.
            url: address of a Counterpoint server; default the variable COUNTERPOINT_URL.
            token: an API token with the scopes `read`, `flags:evaluate` and `events:write`; default
                the variable COUNTERPOINT_TOKEN.
            flag_set: name of the flag set, at the server and in exposures.
            cache: a file in which the last good definition is kept, for a start without the server.
            exposures: whom exposures and tracked events are reported to: True, the server (default with a
                `url`); False, nobody; or a Workspace, a Journal or a function that takes a list of CloudEvents.
            exposure_window: seconds within which a subject's exposure to a variant is reported once.
            service: the name of this service in what it reports; default the variable OTEL_SERVICE_NAME.
            hooks: hooks of the provider.
            timeout: seconds to wait for the server, at the start too.
            poll: seconds between two readings of the set where the server has no stream.
            idle: seconds of silence after which a stream counts as dead.
            shortest_pause: seconds before the second attempt after a failure; they double each time.
            longest_pause: seconds between two attempts at most.
            shutdown_timeout: seconds in which the last exposures are reported.

        Raises:
            ValueError: neither flags nor url, or both; a url or token that is none.
            TypeError: exposures is nothing that takes them.
        """
        super().__init__()
        if flags is None:
            url = url or os.environ.get("COUNTERPOINT_URL")
            token = token or os.environ.get("COUNTERPOINT_TOKEN")
        if (flags is None) == (url is None):
            raise ValueError("give either a FlagSet or the url of a server (or set COUNTERPOINT_URL).")
        self._flags = flags
        self._boolean, self._text = answers.Answers(answers.boolean), answers.Answers(answers.text)
        self._whole, self._number = answers.Answers(answers.whole), answers.Answers(answers.number)
        self._thing = answers.Answers(answers.thing)
        self._all = (self._boolean, self._text, self._whole, self._number, self._thing)
        self._flag_set = flag_set
        self._service = service or os.environ.get("OTEL_SERVICE_NAME") or "unknown_service"
        self._hooks = list(hooks)
        self._timeout = timeout
        self._shutdown_timeout = shutdown_timeout
        self._state = "starting"
        self._problem: Unreachable | None = None
        self._run, self._tracked = uuid.uuid4().hex, count(1)
        self._subscription: Subscription | None = None
        server = None
        if url is not None:
            server = Server(url, token, timeout=timeout, idle=idle)
            copy = PersistedCopy(Path(cache), server.url, flag_set) if cache is not None else None
            self._subscription = Subscription(
                server, flag_set, self, copy=copy, poll=poll, pauses=Pauses(shortest_pause, longest_pause)
            )
        self._reporter = self._reporter_for(
            exposures, server, Pauses(shortest_pause, longest_pause), exposure_window
        )
        for kind, fit in zip(("boolean", "string", "integer", "float", "object"), self._all, strict=True):
            # The SDK reads all five at every call, which is quicker from the instance.
            if getattr(type(self), name := f"resolve_{kind}_details") is getattr(CounterpointProvider, name):
                setattr(self, name, self._quickly(fit, getattr(self, name)))
        look_after(self)

    def _reporter_for(
        self, exposures: Any, server: Server | None, pauses: Pauses, window: float
    ) -> Reporter | None:
        if exposures is None:
            exposures = server is not None
        if exposures is False:
            return None
        if exposures is True:
            if server is None:
                raise ValueError(
                    "exposures=True needs the url of a server; give a Workspace or a function instead."
                )
            return Reporter(ToServer(server, self._service), pauses=pauses, window=window)
        return Reporter(receiver_of(exposures), pauses=pauses, window=window)

    # What the SDK calls.

    def get_metadata(self) -> Metadata:
        """The name of the provider."""
        return METADATA

    def get_provider_hooks(self) -> list[Hook]:
        """The hooks that were given."""
        return self._hooks

    def initialize(self, evaluation_context: EvaluationContext) -> None:
        """Get the flag set: from the server, else the persisted copy.

        Raises:
            ProviderNotReadyError: neither is there; it is tried again in the background.
            ProviderFatalError: the server refuses the token, and there is no copy.
        """
        if self._reporter is not None:
            self._reporter.start()
        if self._subscription is None:
            return
        self._state = "starting"
        self._subscription.start(self._timeout)
        if self._flags is not None:
            self._state = "ready"
            return
        self._state = "error"
        problem = self._problem
        if problem is not None and problem.status in (401, 403):
            raise ProviderFatalError(str(problem))
        raise ProviderNotReadyError(
            str(problem) if problem else f"The server did not answer within {self._timeout:g} seconds."
        )

    def shutdown(self) -> None:
        """Report what waits, within `shutdown_timeout`, and end the threads."""
        if self._reporter is not None:
            self._reporter.stop(self._shutdown_timeout)
        if self._subscription is not None:
            self._subscription.stop()

    def resolve_boolean_details(
        self,
        flag_key: str,
        default_value: bool,  # noqa: FBT001 - the SDK's signature
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[bool]:
        """A boolean; numbers are none."""
        return self._resolve(self._boolean, flag_key, default_value, evaluation_context)

    def resolve_string_details(
        self, flag_key: str, default_value: str, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[str]:
        """A text."""
        return self._resolve(self._text, flag_key, default_value, evaluation_context)

    def resolve_integer_details(
        self, flag_key: str, default_value: int, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[int]:
        """A whole number, also where the definition writes 20.0."""
        return self._resolve(self._whole, flag_key, default_value, evaluation_context)

    def resolve_float_details(
        self, flag_key: str, default_value: float, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[float]:
        """A float, also where the definition writes 1."""
        default = float(default_value) if type(default_value) is int else default_value
        return self._resolve(self._number, flag_key, default, evaluation_context)

    def resolve_object_details(
        self,
        flag_key: str,
        default_value: Sequence[FlagValueType] | Mapping[str, FlagValueType],
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[Sequence[FlagValueType] | Mapping[str, FlagValueType]]:
        """An object or a list, which is the caller's own."""
        return self._resolve(self._thing, flag_key, default_value, evaluation_context)

    def track(
        self,
        tracking_event_name: str,
        evaluation_context: EvaluationContext | None = None,
        tracking_event_details: TrackingEventDetails | None = None,
    ) -> None:
        """Report an event; its type is the name, its subject the targeting key. Never raises."""
        if self._reporter is None:
            return
        try:
            event = tracked_event(
                tracking_event_name,
                evaluation_context,
                tracking_event_details,
                identity=f"{self._run}-{next(self._tracked)}",
                service=self._service,
            )
            self._reporter.track(event)
        except (TypeError, ValueError, RecursionError) as error:
            log.warning("The tracked event %r is left out: %s", tracking_event_name, error)

    # What else a service may want.

    @property
    def flags(self) -> FlagSet | None:
        """The flag set as it is now; None before there is one."""
        return self._flags

    @property
    def exposures(self) -> Counts:
        """What became of exposures and tracked events."""
        return self._reporter.counts if self._reporter else Counts(0, 0, 0, 0)

    def flush(self, seconds: float = 5.0) -> bool:
        """Report what waits now; False when it is not all gone within that time, or was refused."""
        return self._reporter.flush(seconds) if self._reporter else True

    def _quickly(self, fit: answers.Answers, slowly: Resolve) -> Resolve:
        """As `slowly`, the method of a type, and quick where a flag's answers were made before."""
        reporter = self._reporter

        def resolve(
            flag_key: str, default_value: Any, evaluation_context: Any = None
        ) -> FlagResolutionDetails[Any]:
            try:
                attributes, subject = evaluation_context.attributes, evaluation_context.targeting_key
                if subject is None:
                    subject = attributes.get("targetingKey")
                details: FlagResolutionDetails[Any] = fit.quick[flag_key](attributes, None, subject)
            except Exception:
                return slowly(flag_key, default_value, evaluation_context)
            # Mostly it has been seen, and this look is all that an exposure costs.
            if (
                reporter is not None
                and type(subject) is str
                and (flag_key, details.variant, subject) not in reporter.seen
            ):
                self._expose(flag_key, subject, details)
            return details

        return resolve

    def _resolve(
        self, fit: answers.Answers, key: str, default: Any, context: EvaluationContext | None
    ) -> FlagResolutionDetails[Any]:
        quick = fit.quick  # read before the set, so that nothing of an old one gets among a new one's
        flags = self._flags
        if flags is None:
            return FlagResolutionDetails(default, ErrorCode.PROVIDER_NOT_READY, NOT_READY, Reason.ERROR)
        attributes = answers.attributes_of(context)
        details = fit.of(key, default, flags.evaluate(key, attributes))
        fit.prepare(key, flags, quick)
        if details.error_code is None:
            self._expose(key, attributes.get("targetingKey"), details)
        return details

    def _expose(self, key: str, subject: Any, details: FlagResolutionDetails[Any]) -> None:
        """Report that the subject was given a variant, unless that was said lately."""
        reporter, variant = self._reporter, details.variant
        if reporter is None or variant is None or type(subject) is not str or not subject:
            return
        if (key, variant, subject) not in reporter.seen:
            version = details.flag_metadata.get("version")
            reporter.note(self._flag_set, key, variant, subject, str(details.reason), version)

    # What the subscription tells, from its thread.

    def got(self, flags: FlagSet) -> None:
        """Answer from this flag set from now on."""
        old, self._flags = self._flags, flags
        for fit in self._all:
            fit.quick = {}
        if old is None or self._state == "starting":
            return
        if changed := changed_flags(old, flags):
            self.emit_provider_configuration_changed(
                ProviderEventDetails(
                    flags_changed=changed, message=f"{len(changed)} flags of {self._flag_set!r} changed."
                )
            )

    def fresh(self) -> None:
        """Ready again, after the server could not be asked."""
        self._problem = None
        if self._state in ("stale", "error"):
            self._state = "ready"
            self.emit_provider_ready(ProviderEventDetails(message="The server has been asked again."))

    def stale(self, error: Unreachable) -> None:
        """Say that what we have may be old."""
        self._problem = error
        if self._flags is not None and self._state == "ready":
            self._state = "stale"
            log.warning("Flags are as they were last known: %s", error)
            self.emit_provider_stale(ProviderEventDetails(message=str(error)))

    def unusable(self, message: str) -> None:
        """Say that the server holds no flag set that can be used; what we have stays."""
        self._problem = Unreachable(message)
        log.error("%s", message)
        if self._state in ("ready", "stale"):
            self._state = "error"
            self.emit_provider_error(ProviderEventDetails(message=message, error_code=ErrorCode.PARSE_ERROR))

    # What the process tells.

    def after_fork(self) -> None:
        """Go on in the child of a fork."""
        if self._subscription is not None:
            self._subscription.after_fork()
        if self._reporter is not None:
            self._run, self._tracked = uuid.uuid4().hex, count(1)
            self._reporter.after_fork()

    def say_farewell(self, seconds: float) -> None:
        """Report what waits before the process ends."""
        self.flush(seconds)
