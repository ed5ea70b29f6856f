"""The pages of flags: all of them, one set with its versions, one flag, and what could go."""

from typing import Any

from counterpoint.flags import flag_page, list_page, set_page, stale_page, versions_page

__all__ = ["pages"]

pages: list[Any] = [
    *list_page.pages,
    *set_page.pages,
    *versions_page.pages,
    *stale_page.pages,
    *flag_page.pages,
]
