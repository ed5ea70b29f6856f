"""What can be wrong with a flag definition or with a rule."""

from counterpoint.errors import InputError

__all__ = ["FlagSetError", "RuleError", "RuleLimitError", "UnknownOperatorError"]


class FlagSetError(InputError):
    """A flag definition cannot be used; `problems` names each place by pointer (and line, from a file)."""

    title = "The flag definition is not valid"


class RuleError(InputError):
    """A targeting rule cannot be run."""

    title = "The rule cannot be run"


class UnknownOperatorError(RuleError):
    """A rule names an operator that does not exist."""


class RuleLimitError(RuleError):
    """A rule nests deeper, runs longer or builds more than the limits allow."""
