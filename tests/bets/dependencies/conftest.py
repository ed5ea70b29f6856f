"""The little organisation of concerns, for dependencies too."""

from tests.bets.concerns.conftest import org

__all__ = ["org"]
