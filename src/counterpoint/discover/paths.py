"""Where the API of discover lies."""

from typing import Final

__all__ = ["BASE", "TAGS", "ref_of"]

BASE: Final = "/api/v1/discover/{recommender:str}"
TAGS = ["discover"]


def ref_of(recommender: str) -> str:
    """The reference of a recommender that stands in a path as `name` or `namespace:name`."""
    namespace, colon, name = recommender.partition(":")
    return f"recommender:{namespace}/{name}" if colon else f"recommender:default/{recommender}"
