"""Practices that a unit may switch off, the rules whose policy it sets, and the limits it is advised of. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from counterpoint.errors import Problem, escape
from counterpoint.spelling import near, quoted

__all__ = [
    "LIMITS",
    "PRACTICES",
    "RULES",
    "Limit",
    "Policy",
    "Practice",
    "PracticeRule",
    "check_pack",
    "read_limits",
    "read_policies",
    "read_practices",
]


class Policy(StrEnum):
    """What passing over a rule asks for. There is no `block`: governance is soft."""

    INFORM = "inform"
    ASK_REASON = "ask_reason"
    ASK_JOINT = "ask_joint"

    @property
    def rank(self) -> int:
        """0 for what asks least."""
        return list(Policy).index(self)


@dataclass(frozen=True, slots=True)
class Practice:
    """Something that units do, or do not."""

    key: str
    title: str
    meaning: str
    path: str = ""
    """Where its pages begin; empty where it has none yet."""
    kinds: tuple[str, ...] = ()
    """Kinds of entities that belong to it."""


PRACTICES: Mapping[str, Practice] = {
    each.key: each
    for each in (
        Practice(
            "bets", "Bets", "Bets with stages, evidence and decisions.", "/bets", ("Bet", "Datum", "Insight")
        ),
        Practice("decisions", "Decisions", "Decision records with advice and dissent.", "/decisions"),
        Practice("flags", "Flags", "Flags that are defined and evaluated here.", "/flags", ("FlagSet",)),
        Practice(
            "experiments",
            "Experiments",
            "Comparisons of variants on metrics.",
            "/experiments",
            ("Experiment",),
        ),
        Practice(
            "rollouts",
            "Rollouts",
            "Flags that move through steps against guardrails.",
            "/rollouts",
            ("Rollout",),
        ),
        Practice(
            "discover",
            "Discover",
            "What is recommended to listeners, and how well.",
            "/discover",
            ("Recommender",),
        ),
        Practice("scorecards", "Scorecards", "Checks of what a unit owns.", "/scorecards", ("Scorecard",)),
        Practice(
            "reuse", "Reuse", "Advice on what exists already when something new is made.", "/catalog/twins"
        ),
        Practice("health", "Health sessions", "Sessions in which a unit looks at itself."),
        Practice("retros", "Retrospectives", "Looking back, and what follows from it."),
        Practice("reteaming", "Reteaming", "Proposals to change how units are cut."),
        Practice("growth", "Growth", "Goals, feedback and learning that belong to each person."),
    )
}
"""Every practice that can be switched off, by its key."""


@dataclass(frozen=True, slots=True)
class PracticeRule:
    """A rule whose policy a pack may set."""

    id: str
    text: str
    shown: str = ""
    """Where it is told instead, of a rule that no decision passes over."""

    @property
    def asked(self) -> bool:
        """Whether decisions look at it."""
        return not self.shown


RULES: Mapping[str, PracticeRule] = {
    each.id: each
    for each in (
        PracticeRule(
            "I1", "Leaving Think it needs evidence of value, and what both squad and sponsor think."
        ),
        PracticeRule(
            "I2",
            "Leaving Build it needs metrics that are measured, a guardrail, a flag that takes it back, and somebody on call.",
        ),
        PracticeRule(
            "I3", "Leaving Ship it needs the readout of an experiment or of a rollout's guardrails."
        ),
        PracticeRule("I4", "A bet has a hypothesis, success and kill criteria before Build it."),
        PracticeRule("I5", "A bet traces to a live belief and to a purpose."),
        PracticeRule("I6", "A unit has no more active bets than it has set itself."),
        PracticeRule("I7", "The size of a unit is in its range.", "on the unit and on the map"),
        PracticeRule("I8", "A decision lists whom it affects and who knows."),
        PracticeRule(
            "I9", "A blocking dependency older than two weeks is on the next review.", "on the agenda"
        ),
        PracticeRule("I10", "A belief past its expiry is read again."),
    )
}
"""The soft rules, by their id. Each informs unless a pack says otherwise."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A number that is advised, never enforced."""

    key: str
    default: int
    text: str
    reason: str


LIMITS: Mapping[str, Limit] = {
    each.key: each
    for each in (
        Limit("squadLeast", 3, "People in a squad, at least", "With fewer, one absence stops the work."),
        Limit("squadMost", 12, "People in a squad, at most", "Beyond it, talk takes the time of work."),
        Limit("tribeMost", 150, "People in a tribe, at most", "Beyond it, people do not know each other."),
        Limit("betsAtOnce", 3, "Active bets of a unit, at most", "What is begun together is finished late."),
    )
}
"""Limits with their defaults, by key."""

LONGEST = 60
"""Characters of a wrong value that a message repeats."""
BLOCK = (
    "There is no `block`: governance is soft, and whoever owns a thing may always go on, with a reason. "
    "Write inform, ask_reason or ask_joint."
)
_SWITCH = {"on": True, "off": False, True: True, False: False}


def check_pack(spec: Mapping[str, object]) -> Iterator[Problem]:
    """What is wrong with the practices, policies and limits of a PolicyPack."""
    for key, value in _items(spec, "practices"):
        place = f"/spec/practices/{escape(key)}"
        if key not in PRACTICES:
            yield Problem(_unknown(key, "practice", PRACTICES), place)
        elif not isinstance(value, str | bool) or value not in _SWITCH:
            yield Problem(f"{_shown(value)} is neither on nor off.", place)
    for key, value in _items(spec, "policies"):
        place = f"/spec/policies/{escape(key)}"
        if key not in RULES:
            yield Problem(_unknown(key, "rule", RULES), place)
        elif value == "block":
            yield Problem(BLOCK, place)
        elif value not in list(Policy):
            yield Problem(f"{_shown(value)} is no policy; write {', '.join(Policy)}.", place)
    for key, value in _items(spec, "limits"):
        place = f"/spec/limits/{escape(key)}"
        if key not in LIMITS:
            yield Problem(_unknown(key, "limit", LIMITS), place)
        elif not _is_count(value):
            yield Problem(f"{_shown(value)} is no limit; write a whole number from 1 to 100000.", place)


def read_practices(spec: Mapping[str, object]) -> dict[str, bool]:
    """Whether each practice is on, for those that the pack names; what is not valid counts as left out."""
    return {
        key: _SWITCH[value]
        for key, value in _items(spec, "practices")
        if key in PRACTICES and isinstance(value, str | bool) and value in _SWITCH
    }


def read_policies(spec: Mapping[str, object]) -> dict[str, Policy]:
    """The policy of each rule that the pack names."""
    return {
        key: Policy(str(value))
        for key, value in _items(spec, "policies")
        if key in RULES and value in list(Policy)
    }


def read_limits(spec: Mapping[str, object]) -> dict[str, int]:
    """The limits that the pack names."""
    return {
        key: value
        for key, value in _items(spec, "limits")
        if key in LIMITS and _is_count(value) and isinstance(value, int)
    }


def _items(spec: Mapping[str, object], field: str) -> list[tuple[str, object]]:
    value = spec.get(field)
    return [(str(key), item) for key, item in value.items()] if isinstance(value, Mapping) else []


def _shown(value: object) -> str:
    written = repr(value)
    return written if len(written) <= LONGEST else f"{written[:LONGEST]}…"


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 100_000


def _unknown(key: str, what: str, known: Mapping[str, object]) -> str:
    return f"{key!r} is no {what} here{near(key, list(known))}; there are {quoted(known)}."
