"""The search keys of an entity, rule by rule."""

from typing import Any

import pytest

from counterpoint.graph.index.rows import rows_of


def keys_of(spec: dict[str, Any], **entity: Any) -> tuple[set[tuple[str, str | None]], set[str]]:
    """What a spec adds to the keys of an entity."""
    metadata = {"name": "N", "namespace": "default", "uid": "u", "etag": "e"}
    pairs, listed = rows_of({"kind": "X", "metadata": metadata, "spec": spec, **entity})
    own = {("kind", "X"), ("metadata.name", "N"), ("metadata.namespace", "default"), ("metadata.uid", "u")}
    assert own <= set(pairs)
    return set(pairs) - own, set(listed)


@pytest.mark.parametrize(
    ("spec", "pairs", "listed"),
    [
        ({}, set(), set()),
        ({"Type": "Service"}, {("spec.type", "Service")}, set()),
        ({"a": {"b.c/D": 1}}, {("spec.a.b.c/d", "1")}, set()),
        ({"a": None}, {("spec.a", None)}, set()),
        ({"a": True, "b": 1.0}, {("spec.a", "true"), ("spec.b", "1")}, set()),
        ({"a": ["X", 1]}, {("spec.a", "X"), ("spec.a", "1")}, {"spec.a.x"}),
        ({"a": [{"b": "c"}, ["d"]]}, {("spec.a.b", "c"), ("spec.a", "d")}, {"spec.a.d"}),
        ({"a": []}, set(), set()),
        ({"a": ""}, {("spec.a", "")}, set()),
        ({"a": "x" * 200, "b": "x" * 201}, {("spec.a", "x" * 200), ("spec.b", None)}, set()),
        ({"a": "\U0001f600" * 100}, {("spec.a", "\U0001f600" * 100)}, set()),
        ({"a": "\U0001f600" * 101}, {("spec.a", None)}, set()),
        ({"k" * 195: 1, "k" * 196: 1}, {(f"spec.{'k' * 195}", "1")}, set()),
        (
            {"a": ["y" * 193, "y" * 194]},
            {("spec.a", "y" * 193), ("spec.a", "y" * 194)},
            {f"spec.a.{'y' * 193}"},
        ),
        ({"": {"a": 1}}, {("spec..a", "1")}, set()),
    ],
)
def test_a_spec_is_flattened_as_backstage_does_it(
    spec: dict[str, Any], pairs: set[tuple[str, str | None]], listed: set[str]
) -> None:
    assert keys_of(spec) == (pairs, listed)


def test_some_paths_are_not_walked_and_relations_are_keys_by_their_type() -> None:
    pairs, listed = keys_of(
        {"status": "kept"},
        status={"items": [1]},
        attachments={"a": 1},
        relations=[{"type": "ownedBy", "targetRef": "group:default/a"}],
    )
    assert pairs == {("spec.status", "kept"), ("relations.ownedby", "group:default/a")}
    assert listed == set()


def test_keys_that_differ_in_case_only_do_not_trouble_the_walk() -> None:
    assert keys_of({"a": "x", "A": "y"})[0] == {("spec.a", "x"), ("spec.a", "y")}
