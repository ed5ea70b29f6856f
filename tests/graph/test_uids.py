"""Uids: UUIDs of version 7, in the order in which entities were made."""

import uuid

from counterpoint.graph import local_actor
from tests.graph.documents import component


def test_uids_are_uuids_that_sort_by_when_they_were_given(graph):
    given = []
    for round_ in range(3):
        with graph.write(local_actor()) as writer:
            given += [writer.put(component(f"c-{round_}-{number}")).entity.uid for number in range(50)]
    parsed = [uuid.UUID(each) for each in given]
    assert given == sorted(given)
    assert len(set(given)) == 150
    assert {(each.version, each.variant) for each in parsed} == {(7, uuid.RFC_4122)}
    assert [str(each) for each in parsed] == given
