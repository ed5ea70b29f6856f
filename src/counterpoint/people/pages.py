"""The pages of the people room."""

from typing import Any

from counterpoint.people import vocabulary_pages

__all__ = ["pages"]

pages: list[Any] = [*vocabulary_pages.pages]
