"""The search keys of an entity, rule by rule."""

from typing import Any

import pytest

from counterpoint.graph.index import rows
from counterpoint.graph.index.column import Gathered
from counterpoint.graph.index.rows import Walk


def rows_of(*entities: dict[str, Any]) -> tuple[list[tuple[str, str | None]], list[str]]:
    """The pairs of keys and values of entities, and the keys that are true since a list holds a text."""
    found: dict[str, Gathered] = {}
    listed: list[str] = []
    walk = Walk(lambda key: found.setdefault(key, Gathered()), lambda key, _: listed.append(key))
    for number, entity in enumerate(entities):
        walk.take(entity, number)
    return [(key, value) for key, pairs in found.items() for value, _ in pairs], listed


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


def test_what_is_remembered_of_a_path_holds_for_the_next_entity(monkeypatch: pytest.MonkeyPatch) -> None:
    def entity(spec: Any) -> dict[str, Any]:
        return {"kind": "X", "metadata": {"name": "n", "namespace": "d", "uid": "u"}, "spec": spec}

    specs = [{"a": "x"}, {"a": {"b": "c"}}, {"a": ["y"]}, {"a": None}, {"A": 1}]
    apart = [rows_of(entity(spec)) for spec in specs]
    pairs, listed = rows_of(*map(entity, specs))
    assert sorted(pairs, key=str) == sorted((pair for each in apart for pair in each[0]), key=str)
    assert listed == ["spec.a.y"]
    monkeypatch.setattr(rows, "KNOWN", 0)  # everything is forgotten at once
    assert sorted(rows_of(*map(entity, specs))[0], key=str) == sorted(pairs, key=str)
