"""Rules that cannot do anything: conditions that never hold, branches that nobody reaches, windows that overlap."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from counterpoint.errors import Problem
from counterpoint.flags.levels import Level
from counterpoint.flags.reach import RANGES, Budget, Condition, Reach, atoms_of
from counterpoint.flags.ruletree import Node
from counterpoint.flags.sentences import condition, constant

__all__ = ["branches_of", "rule_findings"]

MOST_BRANCHES: Final = 200
"""Branches of one rule that are looked at."""
_CHOICES: Final = frozenset(("if", "?:"))


@dataclass(frozen=True, slots=True)
class Branch:
    """One answer of a chain of conditions, with what must hold and must not hold before it is reached."""

    before: tuple[Condition, ...]
    """What led to the chain, and the earlier conditions of the chain, which did not hold."""
    chain: tuple[Node, ...]
    """The earlier conditions of the same chain."""
    when: Node | None
    """None for what everybody else gets."""
    then: Node


def branches_of(node: Node, before: tuple[Condition, ...] = ()) -> Iterator[Branch]:
    """Each branch of each `if` that can decide a rule, in the order in which they are looked at."""
    if node.name not in _CHOICES:
        return
    chain: tuple[Node, ...] = ()
    for index in range(0, len(node.parts) - 1, 2):
        when, then = node.parts[index], node.parts[index + 1]
        passed = (*before, *(Condition(one, holds=False) for one in chain))
        yield Branch(passed, chain, when, then)
        yield from branches_of(then, (*passed, Condition(when)))
        chain = (*chain, when)
    if len(node.parts) % 2 and chain:
        passed = (*before, *(Condition(one, holds=False) for one in chain))
        yield Branch(passed, chain, None, node.parts[-1])
        yield from branches_of(node.parts[-1], passed)


def rule_findings(key: str, tree: Node, budget: Budget | None = None) -> Iterator[tuple[Level, Problem]]:
    """What is unreachable, constant, contradictory or overlapping in a rule, as (level, problem)."""
    branches = [branch for branch, _ in zip(branches_of(tree), range(MOST_BRANCHES), strict=False)]
    conditions = list({id(b.when): b.when for b in branches if b.when}.values())
    reach = Reach(conditions, budget or Budget())
    dead: set[str] = set()
    for branch in branches:
        place = branch.when.pointer if branch.when else branch.then.pointer
        if any(place.startswith(f"{known}/") for known in dead):
            continue
        if not reach.possible(branch.before):
            dead.add(branch.then.pointer.rpartition("/")[0])  # and the rest of the chain, said once
            yield _unreached(key, branch, reach)
        elif branch.when is not None:
            level, problem, never = _of_condition(key, branch, reach)
            if never:
                dead.add(branch.then.pointer)
            if problem:
                yield level, problem
            yield from _overlaps(key, branch, reach)


def _unreached(key: str, branch: Branch, reach: Reach) -> tuple[Level, Problem]:
    always = next(
        (
            one
            for index, one in enumerate(branch.chain)
            if not reach.possible(
                (
                    *branch.before[: len(branch.before) - len(branch.chain) + index],
                    Condition(one, holds=False),
                )
            )
        ),
        None,
    )
    by = (
        f"an earlier condition always holds ({condition(always.rule)})"
        if always
        else "the earlier conditions leave nobody over"
    )
    what = "The last branch" if branch.when is None else f"The branch for {condition(branch.when.rule)}"
    place = branch.when.pointer if branch.when else branch.then.pointer
    return "warning", Problem(
        f"{what} of {key!r} is never reached, since {by}. Remove it, or move it up.", place
    )


def _of_condition(key: str, branch: Branch, reach: Reach) -> tuple[Level, Problem | None, bool]:
    """What is wrong with the condition of a branch, and whether it never holds where it is asked."""
    when = branch.when
    assert when is not None  # noqa: S101 - the caller has looked
    said, place = condition(when.rule), when.pointer
    if not any(True for _ in _varying(when)):
        holds = reach.possible([Condition(when)])
        word, remedy = ("always", "Write only what it leads to") if holds else ("never", "Remove the branch")
        message = f"The condition {said} of {key!r} {word} holds: it reads nothing of the context. {remedy}."
        return "warning", Problem(message, place), not holds
    if not reach.possible([Condition(when)]):
        message = f"No context can satisfy {said} in {key!r}: its parts contradict each other. Mend the limits, or remove the branch."
        return "warning", Problem(message, place), True
    if not reach.possible((*branch.before, Condition(when))):
        covers = (
            one for one in branch.chain if not reach.possible([Condition(one, holds=False), Condition(when)])
        )
        cover = next(covers, None)
        by = (
            f"an earlier branch takes all of them ({condition(cover.rule)})"
            if cover
            else "earlier conditions leave none of them"
        )
        message = (
            f"The branch for {said} of {key!r} is never reached: {by}. Put it before them, or remove it."
        )
        return "warning", Problem(message, place), True
    if not reach.possible([Condition(when, holds=False)]):
        message = f"The condition {said} of {key!r} holds for every context. Write only what it leads to."
        return "note", Problem(message, place), False
    return "note", None, False


def _varying(node: Node) -> Iterator[Node]:
    """The parts of a condition that can differ from one context to the next."""
    for part in node.walk():
        if part.name in ("var", "missing", "missing_some", "fractional"):
            yield part


def _overlaps(key: str, branch: Branch, reach: Reach) -> Iterator[tuple[Level, Problem]]:
    """Ranges of one attribute of which neither holds the other, though some values are in both."""
    when = branch.when
    if when is None or not _is_range(when):
        return
    attributes = {atom.attribute for atom in atoms_of(when)}
    for earlier in branch.chain:
        if not _is_range(earlier) or {atom.attribute for atom in atoms_of(earlier)} != attributes:
            continue
        both = [Condition(earlier), Condition(when)]
        only_first = [Condition(earlier), Condition(when, holds=False)]
        only_second = [Condition(earlier, holds=False), Condition(when)]
        shared = reach.example(both)
        if shared and all(reach.example(wanted) for wanted in (only_first, only_second)):
            value = ", ".join(f"{name} {constant(one)}" for name, one in shared.items())
            yield (
                "warning",
                Problem(
                    f"Two ranges of {key!r} overlap: {condition(earlier.rule)}, and {condition(when.rule)}; "
                    f"both hold for {value}, and the first one counts. Let the second begin where the first ends.",
                    when.pointer,
                ),
            )


def _is_range(node: Node) -> bool:
    """Whether a condition is of two limits of one attribute."""
    atoms = atoms_of(node)
    return (
        len({atom.attribute for atom in atoms}) == 1
        and atoms[0].attribute is not None
        and all(next(iter(atom.rule)) in RANGES for atom in atoms)
        and (len(atoms) > 1 or len(next(iter(atoms[0].rule.values()))) == 3)
    )
