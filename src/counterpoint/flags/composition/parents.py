"""The rule of a flag without a plan, written out in another flag's rule: whether it gives a variant."""

from collections.abc import Mapping
from typing import Any

from counterpoint.flags.bucketing import Bucketing
from counterpoint.flags.composition.clauses import negated, usable
from counterpoint.flags.composition.plan import SUBJECT, Prerequisite
from counterpoint.flags.targeting import expand, fault_in, is_rule

__all__ = ["plain_condition"]


def plain_condition(
    need: Prerequisite, flag: Mapping[str, Any], definition: Mapping[str, Any], bucketing: Bucketing
) -> Any:
    """Whether the flag gives the variant; True or False where that is known.

    Raises:
        ValueError: its rule would not mean the same in another flag; the message says what to do.
    """
    rule, default = flag.get("targeting"), flag.get("defaultVariant") or None
    if not rule:
        return need.variant == default
    given = definition.get("$evaluators")
    evaluators = given if isinstance(given, Mapping) else {}
    if fault := fault_in(rule, evaluators):
        raise ValueError(f"The rule of {need.flag!r} cannot run. {fault.message}")
    moved = _moved(expand(rule, evaluators), need.flag, bucketing)
    if need.variant != default:
        return {"in": [moved, _answers(need.variant)]}
    others = [answer for name in flag["variants"] if name != default for answer in _answers(name)]
    return negated({"in": [moved, others]})


def _answers(variant: str) -> list[Any]:
    """The results of a rule that name a variant."""
    return [variant, variant == "true"] if variant in ("true", "false") else [variant]


def _moved(rule: Any, key: str, bucketing: Bucketing) -> Any:
    """The rule with the flag's own key wherever it reads that of the flag it stands in."""
    if isinstance(rule, list):
        return [_moved(item, key, bucketing) for item in rule]
    if not isinstance(rule, Mapping):
        return rule
    if is_rule(rule):
        ((name, given),) = rule.items()
        if name == "var" and given in ("$flagd.flagKey", ["$flagd.flagKey"]):
            return key
        if (
            name == "fractional"
            and isinstance(given, list)
            and (not given or not (isinstance(given[0], str) or is_rule(given[0])))
        ):
            return _seeded(given, key, bucketing)
    return {name: _moved(value, key, bucketing) for name, value in rule.items()}


def _seeded(entries: list[Any], key: str, bucketing: Bucketing) -> Any:
    """A split without a bucketing expression, with the one that it stands for."""
    if bucketing == "v3":
        raise ValueError(
            f'The rule of {key!r} splits without a bucketing expression, which v3 draws by a list that cannot be written down. Give it one, such as {{"cat": ["{key}", {{"var": "targetingKey"}}]}}, or give the flag a plan.'
        )
    seed = {"cat": [key, {"var": SUBJECT}]}
    return {"if": [usable(SUBJECT), {"fractional": [seed, *_moved(entries, key, bucketing)]}]}
