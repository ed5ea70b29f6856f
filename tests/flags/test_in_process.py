"""The provider beside the real server: one set, one journal, the same events as remote evaluation."""

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from openfeature import api
from openfeature.evaluation_context import EvaluationContext
from openfeature.event import ProviderEvent
from openfeature.exception import ProviderNotReadyError
from openfeature.track import TrackingEventDetails

from counterpoint.flags.exposure import exposures_of
from counterpoint.openfeature import CounterpointProvider
from tests.openfeature.conftest import DEADLINE, PAUSES, Events

from .conftest import DEFINITION, Served


@pytest.fixture
def provider(served: Served) -> Iterator[CounterpointProvider]:
    yield CounterpointProvider(url=served.url, **PAUSES)
    api.shutdown()


def test_exposures_are_the_events_that_remote_evaluation_writes(
    served: Served, provider: CounterpointProvider
) -> None:
    api.set_provider_and_wait(provider)
    context = EvaluationContext("in-process", {"country": "SE"})
    assert api.get_client().get_boolean_value("yes", False, context) is True
    assert provider.flush(DEADLINE)
    body = {"context": {"targetingKey": "remote", "country": "SE"}}
    httpx2.post(f"{served.url}/ofrep/v1/evaluate/flags/yes", json=body).raise_for_status()
    assert exposures_of(served.workspace).flush()
    journal = served.workspace.journal
    (ours,), (theirs,) = journal.recent(subject="in-process"), journal.recent(subject="remote")
    assert (ours.source, ours.type, ours.flag, ours.variant) == (
        theirs.source,
        theirs.type,
        theirs.flag,
        theirs.variant,
    )
    more = {"feature_flag.provider.name": "Counterpoint", "feature_flag.version": "7"}
    assert ours.data == {**theirs.data, "feature_flag.context.id": "in-process", **more}


def test_tracked_events_are_metric_events(served: Served, provider: CounterpointProvider) -> None:
    api.set_provider_and_wait(provider)
    api.get_client().track("order.placed", EvaluationContext("buyer"), TrackingEventDetails(12.5))
    assert provider.flush(DEADLINE)
    (event,) = served.workspace.journal.recent(type="order.placed")
    assert (event.subject, event.data) == ("buyer", {"value": 12.5})


def test_a_change_arrives(served: Served, provider: CounterpointProvider) -> None:
    api.set_provider_and_wait(provider)
    events = Events()
    flag: dict[str, Any] = {"state": "ENABLED", "variants": {"on": True}, "defaultVariant": "on"}
    served.write("default", {**DEFINITION, "flags": {**DEFINITION["flags"], "brand-new": flag}})
    changed = events.next(ProviderEvent.PROVIDER_CONFIGURATION_CHANGED)
    assert changed.flags_changed == ["brand-new"]
    assert api.get_client().get_boolean_value("brand-new", False) is True


def test_a_change_reaches_a_service_that_has_a_token(guarded: Served) -> None:
    token = guarded.key("service", "read", "flags:evaluate", "events:write")
    api.set_provider_and_wait(CounterpointProvider(url=guarded.url, token=token, **PAUSES))
    try:
        events = Events()
        text = {"state": "ENABLED", "variants": {"b": "y"}, "defaultVariant": "b"}
        guarded.write("default", {**DEFINITION, "flags": {**DEFINITION["flags"], "text": text}})
        assert events.next(ProviderEvent.PROVIDER_CONFIGURATION_CHANGED).flags_changed == ["text"]
        assert api.get_client().get_string_value("text", "") == "y"
    finally:
        api.shutdown()


def test_a_set_that_does_not_exist_is_told(served: Served) -> None:
    provider = CounterpointProvider(url=served.url, flag_set="no such", **PAUSES)
    with pytest.raises(ProviderNotReadyError) as caught:
        provider.initialize(api.get_evaluation_context())
    provider.shutdown()
    assert "'no such'" in str(caught.value.error_message)
