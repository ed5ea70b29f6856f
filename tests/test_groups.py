"""Tests that share what is dear run on one worker; where they did not, nothing failed, it only took long."""

import pytest

from tests.groups import group_of, keep_together


@pytest.fixture(scope="module")
def dear() -> str:
    return "made once"


@pytest.mark.xdist_group("company")
def test_a_marked_test_is_sent_where_its_group_is(request: pytest.FixtureRequest, worker_id: str) -> None:
    assert group_of(request.node) == "company"
    assert request.node.nodeid.endswith("@company") == (worker_id != "master")


def test_tests_that_share_a_fixture_of_their_module_are_a_group(
    request: pytest.FixtureRequest, worker_id: str, dear: str
) -> None:
    assert group_of(request.node) == "tests/test_groups.py"
    assert request.node.nodeid.endswith("@tests/test_groups.py") == (worker_id != "master")


def test_any_other_test_goes_to_whoever_is_free(request: pytest.FixtureRequest) -> None:
    assert group_of(request.node) is None
    before = request.node.nodeid
    keep_together([request.node])
    assert request.node.nodeid == before
