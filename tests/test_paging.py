"""Pages of a list: limits and cursors."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoint.errors import InputError
from counterpoint.paging import check_limit, cursor_of, read_cursor


@given(st.integers(-(2**63), 2**63 - 1), st.text(st.characters(exclude_categories=["Cs"])))
def test_a_cursor_is_read_as_it_was_written(number: int, text: str) -> None:
    assert read_cursor(cursor_of(number, text), tuple[int, str]) == (number, text)


@pytest.mark.parametrize(
    "text", ["", "nonsense", "é", "W10", cursor_of("a", "b"), cursor_of(1), cursor_of(2**63, "a")]
)
def test_what_is_no_cursor_of_the_list_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="take the one that the page before gave"):
        read_cursor(text, tuple[int, str])


@pytest.mark.parametrize("limit", [-1, 0, 51])
def test_a_page_has_one_entry_at_least_and_its_most(limit: int) -> None:
    check_limit(1, 50)
    check_limit(50, 50)
    with pytest.raises(InputError) as refused:
        check_limit(limit, 50)
    assert str(limit) in refused.value.problems[0].message
