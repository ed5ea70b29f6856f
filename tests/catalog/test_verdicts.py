"""Verdicts: Backstage's words about what is wrong with an entity, one check after the other."""

from typing import Any

import pytest

from counterpoint.catalog.verdicts import envelope_fault, verdict

VALIDATING = "Processor BuiltinKindsEntityProcessor threw an error while validating the entity component:default/c; caused by TypeError: "
READING = "Processor BuiltinKindsEntityProcessor threw an error while postprocessing; caused by "
POLICY = "Policy check failed for component:default/c; caused by Error: "


def component(**spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "backstage.io/v1alpha1",
        "kind": "Component",
        "metadata": {"name": "c"},
        "spec": {"type": "service", "lifecycle": "production", "owner": "a", **spec},
    }


@pytest.mark.parametrize(
    ("entity", "said"),
    [
        ([], "<root> must be object - type: object"),
        ({"kind": 1}, "<root> must have required property 'apiVersion' - missingProperty: apiVersion"),
        (
            {"apiVersion": "a", "kind": "", "metadata": {"name": 1}},
            "/kind must NOT have fewer than 1 characters - limit: 1",
        ),
        (
            {"apiVersion": "a", "kind": "b", "metadata": {"name": 1}},
            "/metadata/name must be string - type: string",
        ),
    ],
)
def test_what_has_no_reference_is_told_in_ajvs_words(entity: Any, said: str) -> None:
    fault = envelope_fault(entity)
    assert fault is not None
    assert (fault.name, fault.message) == ("TypeError", said)


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"owner": 1}, VALIDATING + "/spec/owner must be string - type: string"),
        ({"providesApis": ["", 1]}, VALIDATING + "/spec/providesApis/0 must NOT have fewer than 1 characters - limit: 1"),
        ({"dependsOn": ["svc"]}, READING + 'Error: Entity reference "svc" had missing or empty kind (e.g. did not start with "component:" or similar)'),
        ({"dependencyOf": {}}, READING + 'Error: Entity reference {} had missing or empty kind (e.g. did not start with "component:" or similar)'),
        ({"owner": "a/:b", "system": ":x"}, READING + 'TypeError: Entity reference ":x" was not on the form [<kind>:][<namespace>/]<name>'),
    ],
)  # fmt: skip
def test_the_first_field_that_is_wrong_is_told(spec: dict[str, Any], said: str) -> None:
    fault = verdict(component(**spec))
    assert fault is not None
    assert fault.message == said
    assert fault.cause is not None
    assert said.endswith(fault.cause.text)


def test_a_missing_field_comes_before_one_that_is_wrong() -> None:
    entity = component(type=1)
    del entity["spec"]["owner"]
    fault = verdict(entity)
    assert fault is not None
    assert fault.message == VALIDATING + "/spec must have required property 'owner' - missingProperty: owner"


def test_the_general_part_comes_before_the_kind() -> None:
    entity = component(owner=1) | {"relations": []}
    fault = verdict(entity)
    assert fault is not None
    assert fault.message == POLICY + "Unknown field relations"


def test_what_backstage_takes_has_no_verdict() -> None:
    assert verdict(component(owner="user:a/b", dependsOn=["component:c"], extra=1)) is None
