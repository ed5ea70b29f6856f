"""Feature flags in flagd's own JSON: definitions, evaluation, remote evaluation and exposures.

The evaluation needs no workspace: `FlagSet.from_flagd(definition).evaluate(key, context)`.
"""

from counterpoint.flags import jsonlogic
from counterpoint.flags.errors import FlagSetError
from counterpoint.flags.model import Evaluation, Flag, FlagSet

__all__ = ["Evaluation", "Flag", "FlagSet", "FlagSetError", "jsonlogic"]
