"""The pages of flags: those that read them and those that change them."""

from typing import Any

from counterpoint.flags import (
    control_page,
    flag_page,
    list_page,
    promote_page,
    restore_page,
    set_page,
    stale_page,
    versions_page,
)

__all__ = ["pages"]

pages: list[Any] = [
    *list_page.pages,
    *set_page.pages,
    *versions_page.pages,
    *stale_page.pages,
    *flag_page.pages,
    *control_page.pages,
    *promote_page.pages,
    *restore_page.pages,
]
