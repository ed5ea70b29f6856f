"""The collector of cycles runs seldom while very much is made, and as ever afterwards."""

import gc

import pytest

from counterpoint.graph.collector import YOUNG, seldom_collecting


def test_the_collector_runs_seldom_in_the_block_and_as_before_after_it() -> None:
    before = gc.get_threshold()
    with seldom_collecting():
        assert gc.get_threshold() == (YOUNG, *before[1:])
    assert gc.get_threshold() == before


def test_the_last_of_several_blocks_puts_it_back() -> None:
    before = gc.get_threshold()
    with seldom_collecting():
        with seldom_collecting():
            pass
        assert gc.get_threshold()[0] == YOUNG
    assert gc.get_threshold() == before


def test_an_error_in_the_block_puts_it_back() -> None:
    before = gc.get_threshold()
    with pytest.raises(ValueError, match="broken"), seldom_collecting():
        raise ValueError("broken")
    assert gc.get_threshold() == before
