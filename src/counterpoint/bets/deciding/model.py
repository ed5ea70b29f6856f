"""Decision records, their states, and what they lack. Pure.

    proposed -> advice -> accepted | rejected        accepted -> superseded, by another that was accepted

Advice is no permission: whoever decides may accept at any time, and says why where nobody was asked and the unit's
policy wants a reason. The fields are MADR's (Markdown Architectural Decision Records 4.0.0).
"""

from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum

import msgspec

from counterpoint.errors import ConflictError, InputError, Problem
from counterpoint.practices import Policy
from counterpoint.said import Said

__all__ = [
    "KINDS",
    "Advice",
    "AdviceKind",
    "Content",
    "DecisionRecord",
    "DecisionState",
    "Lack",
    "Option",
    "Stance",
    "Step",
    "StepTaken",
    "check_content",
    "check_step",
    "lacks",
    "wants_reason",
]

LONGEST_TITLE, LONGEST_TEXT, MOST_ITEMS = 200, 20_000, 100


class DecisionState(StrEnum):
    """Where a decision stands."""

    PROPOSED = "proposed"
    ADVICE = "advice"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    SUPERSEDED = "superseded"

    @property
    def open(self) -> bool:
        """Whether nobody has decided yet."""
        return self in (DecisionState.PROPOSED, DecisionState.ADVICE)


class Step(StrEnum):
    """What moves a decision."""

    ASK = "ask"
    ACCEPT = "accept"
    REJECT = "reject"
    SUPERSEDE = "supersede"


_OPEN = (DecisionState.PROPOSED, DecisionState.ADVICE)
ALLOWED = (
    {(state, Step.ASK): DecisionState.ADVICE for state in _OPEN}
    | {(state, Step.ACCEPT): DecisionState.ACCEPTED for state in _OPEN}
    | {(state, Step.REJECT): DecisionState.REJECTED for state in _OPEN}
    | {(DecisionState.ACCEPTED, Step.SUPERSEDE): DecisionState.SUPERSEDED}
)
"""Every step that there is. None waits for anybody's consent."""


class Kind(StrEnum):
    """What a decision is about."""

    PRODUCT = "product"
    PRIORITY = "priority"
    ARCHITECTURE = "architecture"
    WORK = "work"
    PEOPLE = "people"
    SPEND = "spend"
    OTHER = "other"


KINDS = (
    (Kind.PRODUCT, "Product"),
    (Kind.PRIORITY, "Priority: what comes first"),
    (Kind.ARCHITECTURE, "Architecture"),
    (Kind.WORK, "How we work"),
    (Kind.PEOPLE, "People and structure"),
    (Kind.SPEND, "Money"),
    (Kind.OTHER, "Something else"),
)


class Stance(StrEnum):
    """What advice says of the proposal."""

    FOR = "for"
    AGAINST = "against"
    OPEN = "open"


class AdviceKind(StrEnum):
    """Advice that was asked for, advice that was given, and dissent that is kept with the decision."""

    ASKED = "asked"
    GIVEN = "given"
    DISSENT = "dissent"


class Option(msgspec.Struct, frozen=True, kw_only=True):
    """One of the considered options."""

    title: str
    good: tuple[str, ...] = ()
    bad: tuple[str, ...] = ()


class Content(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a decision record says, in MADR's fields and ours."""

    title: str
    unit: str
    """Reference of the unit that decides."""
    kind: Kind = Kind.OTHER
    bet: str = ""
    """Reference of the bet that it is about, if any."""
    context: str = ""
    drivers: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()
    chosen: str = ""
    because: str = ""
    good: tuple[str, ...] = ()
    bad: tuple[str, ...] = ()
    """Consequences."""
    deciders: tuple[str, ...] = ()
    consulted: tuple[str, ...] = ()
    """Those who know."""
    informed: tuple[str, ...] = ()
    """Those affected."""
    review_on: str = ""
    """A date such as 2026-09-30; empty where none was named."""
    supersedes: int | None = None
    """Number of the decision that this takes the place of."""
    review: str = ""
    """The bet review whose minutes it belongs to."""
    more: str = ""


class Advice(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A row of the advice process. It never changes."""

    kind: AdviceKind
    whom: str
    """Who was asked, as a reference; empty for advice that was given."""
    text: str
    stance: Stance
    actor: str
    at: datetime


class StepTaken(msgspec.Struct, frozen=True, kw_only=True):
    """A step as it was recorded."""

    step: Step
    reason: str
    actor: str
    at: datetime


class DecisionRecord(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A decision with everything that happened to it."""

    number: int
    version: int
    state: DecisionState
    content: Content
    proposed_at: datetime
    proposed_by: str
    advice: tuple[Advice, ...] = ()
    """Oldest first."""
    steps: tuple[StepTaken, ...] = ()
    superseded_by: int | None = None

    @property
    def decided(self) -> StepTaken | None:
        """When it was accepted or rejected, by whom and why."""
        return next((step for step in self.steps if step.step in (Step.ACCEPT, Step.REJECT)), None)

    @property
    def dissent(self) -> tuple[Advice, ...]:
        """Those who would have decided otherwise, in their own words."""
        return tuple(
            each
            for each in self.advice
            if each.kind is AdviceKind.DISSENT
            or (each.kind is AdviceKind.GIVEN and each.stance is Stance.AGAINST)
        )

    @property
    def waiting(self) -> tuple[Advice, ...]:
        """Requests for advice that whoever was asked has not answered."""
        return tuple(
            each for each in self.advice if each.kind is AdviceKind.ASKED and not self._answered(each)
        )

    def _answered(self, asked: Advice) -> bool:
        return any(
            each.kind is not AdviceKind.ASKED
            and each.at >= asked.at
            and asked.whom in (each.actor, each.whom)
            for each in self.advice
        )


class Lack(msgspec.Struct, frozen=True):
    """Something that a decision lacks, and why it helps. Advice; nothing waits for it."""

    code: str
    missing: Said
    why: Said


LACKS = (
    Lack(
        "affected", "Nobody is named who is affected", "Those who live with it see what nobody else can see."
    ),
    Lack("knowing", "Nobody is named who knows", "Somebody has met the question before."),
    Lack(
        "asked",
        "No advice was asked for or given",
        "Advice is no permission; it costs a day and saves a month.",
    ),
    Lack("options", "Only one option was considered", "A decision between one option is an announcement."),
    Lack(
        "review", "No review date", "What was right then may be wrong later; a date brings it up by itself."
    ),
)
I8 = frozenset({"affected", "knowing"})
"""What rule I8 speaks of."""


def lacks(record: DecisionRecord) -> tuple[Lack, ...]:
    """What a decision lacks that is still open; a decided one lacks nothing any more."""
    if not record.state.open:
        return ()
    content = record.content
    missing = {
        "affected": not content.informed,
        "knowing": not content.consulted,
        "asked": not record.advice,
        "options": len(content.options) < 2,
        "review": not content.review_on,
    }
    return tuple(each for each in LACKS if missing[each.code])


def wants_reason(found: Sequence[Lack], policy: Policy) -> tuple[Said, ...]:
    """The grounds on which accepting asks for a reason, by the policy of rule I8; none under `inform`."""
    if policy is Policy.INFORM:
        return ()
    return tuple(f"{each.missing}: {each.why}" for each in found if each.code in I8)


def check_step(state: DecisionState, step: Step) -> DecisionState:
    """The state after a step.

    Raises:
        ConflictError: there is no such step from here; it says what to do instead.
    """
    after = ALLOWED.get((state, step))
    if after is None:
        raise ConflictError(
            f"The decision is {state.value} and stays in the log as it is; propose another that takes its place."
        )
    return after


def check_content(content: Content) -> Content:
    """The content, without blanks around its texts.

    Raises:
        InputError: there is no title or unit, a text is too long, a date is none, or what was chosen is no option.
    """
    content = _trimmed(content)
    problems = []
    if not content.title:
        problems.append(Problem("Give the decision a title: what is decided, in one line.", "/title"))
    if len(content.title) > LONGEST_TITLE:
        problems.append(
            Problem(f"The title has {len(content.title)} characters; {LONGEST_TITLE} are the most.", "/title")
        )
    if not content.unit:
        problems.append(Problem("Name who decides: one unit.", "/unit"))
    titles = [option.title for option in content.options]
    if content.chosen and titles and content.chosen not in titles:
        listed = ", ".join(titles)
        problems.append(Problem(f"{content.chosen!r} is no option; choose one of: {listed}.", "/chosen"))
    problems += _problems_of_sizes(content)
    if content.review_on:
        try:
            date.fromisoformat(content.review_on)
        except ValueError:
            problems.append(
                Problem(f"{content.review_on!r} is no date; write it as 2026-09-30.", "/reviewOn")
            )
    if problems:
        raise InputError("The decision cannot be kept.", problems)
    return content


def _problems_of_sizes(content: Content) -> list[Problem]:
    problems = [
        Problem(f"The text is longer than {LONGEST_TEXT:,} characters.", f"/{name}")
        for name in ("context", "because", "more", "chosen")
        if len(getattr(content, name)) > LONGEST_TEXT
    ]
    for name in ("drivers", "options", "good", "bad", "deciders", "consulted", "informed"):
        items = getattr(content, name)
        if len(items) > MOST_ITEMS:
            problems.append(
                Problem(f"There are {len(items)} entries; {MOST_ITEMS} are the most.", f"/{name}")
            )
    return problems


def _trimmed(content: Content) -> Content:
    changes: dict[str, object] = {}
    for name in ("title", "unit", "bet", "context", "chosen", "because", "review_on", "review", "more"):
        changes[name] = getattr(content, name).strip()
    changes["title"] = " ".join(content.title.split())
    for name in ("drivers", "good", "bad", "deciders", "consulted", "informed"):
        changes[name] = _items(getattr(content, name))
    changes["options"] = tuple(
        Option(title=" ".join(each.title.split()), good=_items(each.good), bad=_items(each.bad))
        for each in content.options
        if each.title.strip()
    )
    return msgspec.structs.replace(content, **changes)


def _items(texts: Sequence[str]) -> tuple[str, ...]:
    """Each on one line, without the empty ones."""
    return tuple(" ".join(text.split()) for text in texts if text.strip())
