"""The little organisation of concerns, and ways in, for feedback too."""

from tests.bets.concerns.conftest import org
from tests.server.conftest import _quick_hashes, csrf, make_client, sign_in, token

__all__ = ["_quick_hashes", "csrf", "make_client", "org", "sign_in", "token"]
