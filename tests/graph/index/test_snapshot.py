"""Every question that a snapshot answers, against the plainest Python, over entities of all shapes."""

import uuid
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterpoint.graph.index import (
    AllOf,
    AnyOf,
    Equals,
    Exists,
    Filter,
    Not,
    Order,
    Prefix,
    Snapshot,
    Text,
    merging,
)
from counterpoint.graph.index import segment as segments
from counterpoint.graph.index.merging import merged
from counterpoint.graph.index.segment import Builder, Segment
from counterpoint.graph.index.snapshot import Part
from tests.graph.index.oracle import Oracle

WORDS = ("a", "A", "b", "Ab", "aB%", "c_d", "", "é", "É", "\U0001f600", "\ufb01", "true", "1", "ß", "İ")
KEYS = ("type", "Type", "owner", "tags", "x.y", "n")
word = st.sampled_from(WORDS)
value = st.recursive(
    word | st.integers(-2, 2) | st.booleans() | st.none() | st.just("x" * 201) | st.just("y" * 200),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=3),
    max_leaves=5,
)
spec = st.dictionaries(st.sampled_from(KEYS), value, max_size=4)
edge = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["ownedBy", "partOf"]),
        "targetRef": st.sampled_from(["group:default/a", "system:default/b"]),
    }
)
QUERIED = (
    "kind",
    "metadata.name",
    "metadata.uid",
    "spec.type",
    "spec.tags",
    "spec.tags.ab",
    "spec.tags.a",
    "spec.x.y",
    "spec.n",
    "spec.owner",
    "relations.ownedby",
    "spec.nothing",
)
key = st.sampled_from(QUERIED)
lower = word.map(str.lower)
leaf = st.one_of(
    st.builds(Exists, key),
    st.builds(lambda k, v: Equals(k, tuple(v)), key, st.lists(lower, max_size=3)),
    st.builds(Prefix, key, lower),
    st.builds(lambda k, t: Text(tuple(k), t), st.lists(key, max_size=2), lower),
)
wanted: st.SearchStrategy[Filter] = st.recursive(
    leaf,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda parts: AllOf(tuple(parts))),
        st.lists(inner, max_size=3).map(lambda parts: AnyOf(tuple(parts))),
        inner.map(Not),
    ),
    max_leaves=5,
)
order = st.builds(Order, st.none() | key, st.booleans())


@st.composite
def entities(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Final entities with names, uids and references that differ."""
    size = draw(st.integers(0, 12))
    seeds = draw(st.lists(st.integers(0, 2**32), min_size=size, max_size=size, unique=True))
    return [
        {
            "apiVersion": "v1",
            "kind": draw(st.sampled_from(["Component", "API"])),
            "metadata": {
                "name": f"n{index % 5}-{index}",
                "namespace": "default",
                "uid": str(uuid.UUID(int=seed)),
                "etag": "e",
            },
            "spec": draw(spec),
            "relations": draw(st.lists(edge, max_size=2, unique_by=str)),
        }
        for index, seed in enumerate(seeds)
    ]


def ref_of(entity: dict[str, Any]) -> str:
    return f"{entity['kind']}:default/{entity['metadata']['name']}".lower()


def segment_of(found: list[dict[str, Any]]) -> Segment:
    builder = Builder()
    for entity in found:
        builder.add(ref_of(entity), entity)
    return Segment.in_memory(builder.build())


def snapshot_of(
    found: list[dict[str, Any]], cuts: list[int], ghosts: list[dict[str, Any]], *, as_one: bool = False
) -> Snapshot:
    """A snapshot of several parts, in which ghosts stood that are gone; or of these merged."""
    parts = []
    for index in range(len(cuts) + 1):
        bounds = [0, *sorted(min(cut, len(found)) for cut in cuts), len(found)]
        own = found[bounds[index] : bounds[index + 1]]
        known = {ref_of(entity) for entity in own} | {entity["metadata"]["uid"] for entity in own}
        extra = [
            ghost for ghost in ghosts if ref_of(ghost) not in known and ghost["metadata"]["uid"] not in known
        ]
        made = segment_of(own + extra)
        alive = np.ones(made.size, dtype=bool)
        alive[[made.number_of(ref_of(ghost)) for ghost in extra]] = False
        parts.append(Part(made, alive if extra else None))
    if as_one:
        parts = [Part(Segment.in_memory(merged([(part.segment, part.alive) for part in parts])))]
    return Snapshot(1, tuple(parts))


@pytest.fixture(
    params=[(2, 100), (16, 100), (1, 5)], ids=["own columns", "shared column", "too many columns"]
)
def _common(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    common, most = request.param
    monkeypatch.setattr(segments, "COMMON", common)
    monkeypatch.setattr(segments, "MOST_COLUMNS", most)
    monkeypatch.setattr(merging, "MOST_COLUMNS", most)


several = pytest.mark.usefixtures("_common")
cuts = st.lists(st.integers(0, 12), max_size=2)
check = settings(max_examples=120, suppress_health_check=[])


@several
@pytest.mark.filterwarnings("ignore")
@settings(max_examples=150)
@given(found=entities(), cut=cuts, ghosts=entities(), asked=st.none() | wanted, by=order, data=st.data())
def test_pages_walk_the_whole_order_both_ways_from_any_place(
    found: list[Any], cut: list[int], ghosts: list[Any], asked: Filter | None, by: Order, data: st.DataObject
) -> None:
    now, oracle = snapshot_of(found, cut, ghosts, as_one=data.draw(st.booleans())), Oracle(found)
    expected = oracle.ordered(asked, by)
    rows = now.page(asked, by, limit=1000)
    assert [(row.value, row.uid) for row in rows] == expected
    assert [row.entity["metadata"]["uid"] for row in rows] == [uid for _, uid in expected]
    offset, limit = data.draw(st.integers(0, 6)), data.draw(st.integers(1, 4))
    window = now.page(asked, by, offset=offset, limit=limit)
    assert [(row.value, row.uid) for row in window] == expected[offset : offset + limit]
    for index, place in enumerate(expected):
        behind = now.page(asked, by, after=place, limit=limit)
        assert [(row.value, row.uid) for row in behind] == expected[index + 1 : index + 1 + limit]
        before = now.page(asked, by, after=place, backwards=True, limit=limit)
        assert [(row.value, row.uid) for row in before] == expected[:index][::-1][:limit]


@several
@settings(max_examples=150)
@given(found=entities(), by=order, cut=cuts, value=lower, seed=st.integers(0, 2**32))
def test_a_place_that_nothing_stands_at_still_divides_the_order(
    found: list[Any], by: Order, cut: list[int], value: str, seed: int
) -> None:
    now, oracle = snapshot_of(found, cut, []), Oracle(found)
    place: tuple[Any, str] = (None if by.key is None else value, str(uuid.UUID(int=seed)))
    expected = oracle.ordered(None, by)
    beyond = [pair for pair in expected if (pair > place) is not by.descending and pair != place]
    if by.descending:
        beyond = (
            [pair for pair in expected if pair < place]
            if by.key
            else [p for p in expected if p[1] < place[1]]
        )
    elif by.key is None:
        beyond = [pair for pair in expected if pair[1] > place[1]]
    rows = now.page(None, by, after=place, limit=1000)
    assert [(row.value, row.uid) for row in rows] == beyond


@several
@settings(max_examples=200)
@given(
    found=entities(),
    cut=cuts,
    ghosts=entities(),
    asked=st.none() | wanted,
    having=st.none() | key,
    as_one=st.booleans(),
)
def test_counts_facets_and_contents_are_those_of_the_entities(
    found: list[Any],
    cut: list[int],
    ghosts: list[Any],
    asked: Filter | None,
    having: str | None,
    as_one: bool,
) -> None:
    now, oracle = snapshot_of(found, cut, ghosts, as_one=as_one), Oracle(found)
    assert len(now) == len(found)
    assert now.count(asked, having=having) == oracle.counted(asked, having)
    assert now.facets(QUERIED, asked) == {each: oracle.facets(each, asked) for each in QUERIED}
    content = b"".join(now.content(asked))
    assert msgspec.json.decode(b"[" + content + b"]") == oracle.found(asked)
    by_ref = sorted(oracle.found(asked), key=ref_of)
    assert [row.entity for row in now.by_reference(asked, offset=1, limit=4)] == by_ref[1:5]
    for entity in found:
        ref, uid = ref_of(entity), entity["metadata"]["uid"]
        assert now.by_ref(ref).entity == entity  # type: ignore[union-attr]
        assert now.by_uid(uid).entity == entity  # type: ignore[union-attr]
        [row] = now.by_refs([ref], asked)
        assert (row is not None) is oracle.meets(entity, asked)
    for ghost in ghosts:
        if ref_of(ghost) not in map(ref_of, found):
            assert now.by_ref(ref_of(ghost)) is None


@several
@settings(max_examples=150)
@given(
    found=entities(),
    cut=cuts,
    asked=st.none() | wanted,
    by=st.lists(st.builds(Order, key, st.booleans()), min_size=1, max_size=3),
)
def test_rows_are_sorted_by_several_keys_with_what_lacks_one_last(
    found: list[Any], cut: list[int], asked: Filter | None, by: list[Order]
) -> None:
    now, oracle = snapshot_of(found, cut, []), Oracle(found)
    expected = oracle.sorted_uids(asked, by)
    assert [row.uid for row in now.sorted_rows(asked, by)] == expected
    assert [row.uid for row in now.sorted_rows(asked, by, offset=2, limit=3)] == expected[2:5]
    lacking = [e["metadata"]["uid"] for e in oracle.found(asked) if not oracle.values(e, by[0].key or "")]
    assert [row.uid for row in now.lacking(asked, by[0].key or "")] == lacking
