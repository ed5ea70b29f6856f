"""The decision and the shares of the page that plans: as one types them, and as a plan has them. Pure."""

from counterpoint.errors import InputError
from counterpoint.experiments.decision import WORDS, Condition, Node, parse_rule
from counterpoint.experiments.model import Rule
from counterpoint.web.forms import number_of, text_of
from counterpoint.yaml12.reader import read_text

__all__ = ["decision_of", "decision_text", "shares_of", "shares_text"]

RULES: tuple[Rule, ...] = ("rule-1", "rule-2")
SHORT = {word: name for name, word in WORDS.items()}


def decision_text(decision: Node | Rule) -> str:
    """A decision as it is typed: the name of a rule, or the tree on one line as a descriptor has it.

    >>> decision_text(parse_rule({"all": [{"better": "a"}, {"within": "b"}]}))
    '{all: [{better: a}, {within: b}]}'
    """
    if isinstance(decision, str):
        return decision
    if isinstance(decision, Condition):
        plain = decision.metric.replace("-", "").replace("_", "").replace("/", "").isalnum()
        return f"{{{SHORT[decision.word]}: {decision.metric if plain else repr(decision.metric)}}}"
    return f"{{{decision.word}: [{', '.join(decision_text(part) for part in decision.parts)}]}}"


def decision_of(text: str) -> Node | Rule:
    """The decision that was typed.

    Raises:
        ValueError: it is neither a rule nor a tree; the message goes on from "The decision".
    """
    text = text.strip() or "rule-2"
    for rule in RULES:
        if text == rule:
            return rule
    found = read_text(text)
    if found.problems or len(found.documents) != 1:
        why = found.problems[0].message if found.problems else "it holds nothing"
        raise ValueError(f"is no YAML: {why}.")
    try:
        return parse_rule(found.documents[0].value, "")
    except InputError as error:
        where = error.problems[0]
        raise ValueError(
            f"is neither rule-1, rule-2 nor a tree{f' (at {where.pointer})' if where.pointer else ''}: {where.message}"
        ) from error


def shares_text(planned: tuple[float, ...]) -> str:
    """Unequal shares in percent, the control first; empty where they are equal."""
    if max(planned) - min(planned) < 1e-9:
        return ""
    return " ".join(text_of(float(f"{share * 100:.6g}")) for share in planned)


def shares_of(text: str, arms: tuple[str, ...]) -> dict[str, float]:
    """The shares that were typed, by arm, in any unit; empty means equal ones.

    Raises:
        ValueError: they are no positive numbers, or not one for each arm; the message goes on from "Shares".
    """
    if not text.strip():
        return {}
    parts = text.replace(";", " ").replace("/", " ").split()
    try:
        found = [float(number_of(part)) for part in parts]
    except ValueError:
        raise ValueError(
            f"are {text!r}; write a number for each arm, with spaces between, as 80 20."
        ) from None
    if len(found) != len(arms) or not all(0 < share < float("inf") for share in found):
        raise ValueError(
            f"are {text!r}; there are {len(arms)} arms, the control first, and each needs a number above 0, as"
            f" {' '.join(['50'] * len(arms))}."
        )
    return dict(zip(arms, found, strict=True))
