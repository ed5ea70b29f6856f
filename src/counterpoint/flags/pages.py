"""The pages of flags: those that read, and those that change something."""

from typing import Any

from counterpoint.flags import (
    control_page,
    edit_page,
    flag_page,
    list_page,
    new_page,
    promote_page,
    restore_page,
    rule_page,
    set_page,
    shared_page,
    stale_page,
    versions_page,
)

__all__ = ["pages"]

pages: list[Any] = [
    *list_page.pages,
    *set_page.pages,
    *versions_page.pages,
    *stale_page.pages,
    *control_page.pages,
    *promote_page.pages,
    *restore_page.pages,
    *edit_page.pages,
    *rule_page.pages,
    *shared_page.pages,
    *new_page.pages,
    *flag_page.pages,
]
