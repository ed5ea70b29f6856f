"""The API of the people room."""

from typing import Any

from counterpoint.people import vocabulary_routes

__all__ = ["routes"]

routes: list[Any] = [*vocabulary_routes.routes]
