"""The decision as a tree: AND and OR over conditions, what each may cost, and which one decides. Pure.

An AND is an intersection–union test: every part must be shown, so each keeps the whole α and the parts share
β. An OR is a union–intersection test: any part is enough, so the parts share α and each keeps the whole β.
The two rules of Schultzberg, Ankargren, Frånberg (2024), arXiv 2402.11609, are trees like any other:

    rule 1     all of: any success metric better, every guardrail within its margin
    rule 2     the same, and nothing significantly worse

A condition is met, failed, or open (none) while more data may still settle it; the tree answers in the same
three values by Kleene's strong logic.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, Literal

import msgspec

from counterpoint.errors import InputError, Problem

__all__ = [
    "Branch",
    "Condition",
    "Group",
    "Node",
    "Share",
    "Word",
    "answer",
    "branch_of",
    "conditions",
    "deciding",
    "parse_rule",
    "rule_one",
    "rule_two",
    "shares",
]

Word = Literal["superiority", "non-inferiority", "deterioration"]
Answer = bool | None
WORDS: Final[dict[str, Word]] = {
    "better": "superiority",
    "within": "non-inferiority",
    "notWorse": "deterioration",
}
"""How a descriptor writes a condition, and the test that it rests on."""
DEEPEST = 20
"""Levels of a tree that a descriptor may have; nobody reads a deeper one."""


class Condition(msgspec.Struct, frozen=True, rename="camel"):
    """A leaf: the metric is better, stays within its margin, or ("deterioration") is not significantly worse."""

    word: Word
    metric: str

    @property
    def text(self) -> str:
        """As verdicts name it: "superiority: retention"."""
        return f"{self.word}: {self.metric}"


class Group(msgspec.Struct, frozen=True, rename="camel"):
    """All of its parts, or any one of them."""

    word: Literal["all", "any"]
    parts: tuple["Condition | Group", ...]


Node = Condition | Group


class Share(msgspec.Struct, frozen=True):
    """What one condition may spend: its one-sided level, and the risk of missing it when it is true."""

    alpha: float
    beta: float


class Branch(msgspec.Struct, frozen=True, rename="camel"):
    """A node with its answer, as results hold the tree."""

    word: str
    """ "all", "any", or the kind of test."""
    met: bool | None
    """None while it is open."""
    metric: str | None = None
    parts: tuple["Branch", ...] = ()


def rule_one(successes: Sequence[str], guardrails: Sequence[str], unbounded: Sequence[str] = ()) -> Group:
    """Any success metric better, and every guardrail within its margin; one without a margin not worse."""
    better = tuple(Condition("superiority", name) for name in successes)
    return Group(
        "all",
        (
            *(Condition("deterioration", name) for name in unbounded),
            *((Group("any", better),) if better else ()),
            *(Condition("non-inferiority", name) for name in guardrails),
        ),
    )


def rule_two(
    successes: Sequence[str],
    guardrails: Sequence[str],
    unbounded: Sequence[str] = (),
    deterioration: Sequence[str] = (),
) -> Group:
    """Rule 1, and no metric significantly worse."""
    watched = dict.fromkeys((*successes, *guardrails, *unbounded, *deterioration))
    harm = tuple(Condition("deterioration", name) for name in watched)
    return Group("all", (*harm, *rule_one(successes, guardrails).parts))


def conditions(node: Node) -> Iterator[Condition]:
    """The leaves in their order; one that stands twice comes twice."""
    if isinstance(node, Condition):
        yield node
        return
    for part in node.parts:
        yield from conditions(part)


def answer(node: Node, answers: Mapping[Condition, Answer]) -> Answer:
    """What the tree says: met, failed, or open, from the answers of its conditions; a missing one is open."""
    if isinstance(node, Condition):
        return answers.get(node)
    found = [answer(part, answers) for part in node.parts]
    settles = node.word == "any"
    if any(each is settles for each in found):
        return settles
    return None if any(each is None for each in found) else not settles


def branch_of(node: Node, answers: Mapping[Condition, Answer]) -> Branch:
    """The tree with the answer of every node."""
    met = answer(node, answers)
    if isinstance(node, Condition):
        return Branch(node.word, met, node.metric)
    return Branch(node.word, met, parts=tuple(branch_of(part, answers) for part in node.parts))


def deciding(
    node: Node, answers: Mapping[Condition, Answer], rank: Callable[[Condition], float]
) -> tuple[Condition, Group | None]:
    """The single condition that decides the answer of the tree, and the OR that it was the nearest of, if any.

    Under an AND that failed it is the first failing part's condition; where several conditions of its kind
    fail, the one that is farthest from being met: with the highest `rank` (its test's p), or of harm with the
    lowest. Under an OR that failed it is the one with the lowest rank, since it came nearest. A tree that is met is decided by its first evidence: a superiority before a non-inferiority
    before the mere absence of harm.
    """
    met = answer(node, answers)
    if isinstance(node, Condition):
        return node, None
    parts = [part for part in node.parts if answer(part, answers) is met]
    if met is True:
        return min((deciding(part, answers, rank) for part in parts), key=lambda found: _weight(found[0]))
    if node.word == "any":
        found = min((deciding(part, answers, rank) for part in parts), key=lambda each: rank(each[0]))
        return found[0], node if len(node.parts) > 1 else None
    first, group = deciding(parts[0], answers, rank)
    if isinstance(parts[0], Condition):
        alike = [part for part in parts if isinstance(part, Condition) and part.word == first.word]
        return (min if first.word == "deterioration" else max)(alike, key=rank), None
    return first, group


def _weight(condition: Condition) -> int:
    return ("superiority", "non-inferiority", "deterioration").index(condition.word)


def shares(
    node: Node, *, alpha: float, beta: float, alpha_minus: float, watched: int
) -> dict[Condition, Share]:
    """How α and β are shared among the conditions of a tree, so that the decision as a whole keeps both.

    Tests of harm and of quality may stop a good change too: their total level α₋ is taken from β first, by the
    union bound, and each of the `watched` tests has α₋/watched. A condition that stands twice gets the smaller
    share of each.

    Raises:
        InputError: α₋ is not below β, so nothing is left of the power.

    References:
        Berger (1982), Technometrics 24, 295-300, for intersection–union tests. Roy (1953), Annals of
        Mathematical Statistics 24, 220-238, for union–intersection. The union bound for the rest.

    >>> tree = rule_two(["a", "b"], ["c"])
    >>> found = shares(tree, alpha=0.05, beta=0.25, alpha_minus=0.05, watched=4)
    >>> found[Condition("superiority", "a")]
    Share(alpha=0.025, beta=0.1)
    >>> found[Condition("non-inferiority", "c")]
    Share(alpha=0.05, beta=0.1)
    >>> found[Condition("deterioration", "c")].alpha
    0.0125
    """
    if not 0 <= alpha_minus < beta < 1:
        raise InputError(f"beta == {beta:g}, must be above alpha_minus == {alpha_minus:g} and below 1")
    found: dict[Condition, Share] = {}
    harm = Share(alpha_minus / max(watched, 1), 0.0)
    for condition, spread in _spread(node, alpha, beta - alpha_minus):
        share = harm if condition.word == "deterioration" else spread
        old = found.get(condition, share)
        found[condition] = Share(min(old.alpha, share.alpha), min(old.beta, share.beta))
    return found


def _spread(node: Node, alpha: float, beta: float) -> Iterator[tuple[Condition, Share]]:
    if isinstance(node, Condition):
        yield node, Share(alpha, beta)
        return
    needs = [part for part in node.parts if _is_evidence(part)]
    many = max(len(needs), 1)
    for part in node.parts:
        if node.word == "all":
            yield from _spread(part, alpha, beta / many)
        else:
            yield from _spread(part, alpha / many, beta)


def _is_evidence(node: Node) -> bool:
    """Whether something must be shown for it, which may be missed; the absence of harm needs no showing."""
    return any(condition.word != "deterioration" for condition in conditions(node))


def parse_rule(rule: Any, place: str = "/spec/decision") -> Node:
    """Read a tree as a descriptor has it: `all` and `any` with lists, `better`, `within`, `notWorse` with a metric.

    Raises:
        InputError: it is no such tree; one problem for each place.

    >>> parse_rule({"any": [{"better": "a"}, {"within": "b"}]}).parts[1].text
    'non-inferiority: b'
    """
    problems: list[Problem] = []
    found = _parse(rule, place, problems, 1)
    if problems or found is None:
        raise InputError("The decision of the experiment is no tree of conditions.", problems)
    return found


def _parse(rule: Any, place: str, problems: list[Problem], depth: int) -> Node | None:
    known = ("all", "any", *WORDS)
    if not isinstance(rule, Mapping) or len(rule) != 1 or next(iter(rule)) not in known:
        problems.append(
            Problem(
                "Each node has exactly one of all, any (with a list of nodes), better, within, notWorse"
                " (with the name of a metric).",
                place,
            )
        )
        return None
    ((word, value),) = rule.items()
    place = f"{place}/{word}"
    if word in WORDS:
        if isinstance(value, str) and value.strip():
            return Condition(WORDS[word], value)
        problems.append(Problem(f"{word} is {value!r}; it must be the name of a metric.", place))
        return None
    if not isinstance(value, list | tuple) or not value or depth >= DEEPEST:
        problems.append(
            Problem(f"{word} must be a list of one node or more, at most {DEEPEST} levels deep.", place)
        )
        return None
    parts = [_parse(part, f"{place}/{index}", problems, depth + 1) for index, part in enumerate(value)]
    return Group(word, tuple(part for part in parts if part is not None))
