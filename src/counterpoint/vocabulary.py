"""The nouns of Counterpoint, what an organisation calls them, and our own texts told in those words. Pure.

Our source writes every text in our nouns ("The squad decides"). At the door (a page, an answer of the
API, a line of the command line) the text is *told*: each noun becomes what the reader's unit calls it.
What people and programs have named is never touched: quoted text, references, keys and code stay.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property

from counterpoint.errors import Problem, escape
from counterpoint.spelling import near, quoted

__all__ = [
    "NOUNS",
    "OUR_WORDS",
    "PACKS",
    "Noun",
    "Told",
    "Words",
    "check_nouns",
    "mentions",
    "plural_of",
    "read_nouns",
]

LONGEST = 40
"""Characters of a noun."""


class Told(str):
    """A text that has been told: telling it again leaves it as it is, for one word may stand for two nouns."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Noun:
    """One of our nouns: its key in a Vocabulary, how our texts write it, and what it means."""

    key: str
    one: str
    many: str
    meaning: str


NOUNS: Mapping[str, Noun] = {
    noun.key: noun
    for noun in (
        Noun("unit", "unit", "units", "Any group of people."),
        Noun("squad", "squad", "squads", "A few people who own something from end to end."),
        Noun("tribe", "tribe", "tribes", "A group of squads that work on one area."),
        Noun("chapter", "chapter", "chapters", "People of one craft across squads, with one line manager."),
        Noun("guild", "guild", "guilds", "Whoever shares an interest, across everything."),
        Noun("purpose", "purpose", "purposes", "What the organisation, or a part of it, is there for."),
        Noun("belief", "belief", "beliefs", "What is held to be true, until evidence says otherwise."),
        Noun("goal", "goal", "goals", "A value that a metric should reach by a date."),
        Noun("metric", "metric", "metrics", "A figure computed from events."),
        Noun("dashboard", "dashboard", "dashboards", "Figures that a unit looks at."),
        Noun("insight", "insight", "insights", "What somebody understood from the data."),
        Noun("bet", "bet", "bets", "An initiative with a hypothesis, and with what would end it."),
        Noun("evidence", "evidence", "evidence", "What was seen, for a risk or against it."),
        Noun("decision", "decision", "decisions", "What was chosen, by whom and why, with what was known."),
        Noun("concern", "concern", "concerns", "What somebody fears will go wrong, said early."),
        Noun("flag", "flag", "flags", "A switch in the software: who is given which variant."),
        Noun("experiment", "experiment", "experiments", "A comparison of variants on metrics."),
        Noun("rollout", "rollout", "rollouts", "Steps by which a variant reaches more people."),
        Noun("scorecard", "scorecard", "scorecards", "Checks that what is owned should pass."),
        Noun("recommender", "recommender", "recommenders", "What chooses for each listener what comes next."),
        Noun(
            "listener",
            "listener",
            "listeners",
            "Whoever a recommender chooses for: who listens, watches or buys.",
        ),
        Noun("session", "health session", "health sessions", "A meeting in which a squad looks at itself."),
        Noun("action", "agreed action", "agreed actions", "What somebody promised to do, and by when."),
    )
}
"""Every noun that can be renamed, by its key."""

PACKS: Mapping[str, Mapping[str, "tuple[str, str]"]] = {
    "spotify": {},
    "plain": {
        "squad": ("team", "teams"),
        "tribe": ("department", "departments"),
        "chapter": ("practice", "practices"),
        "guild": ("community", "communities"),
        "bet": ("initiative", "initiatives"),
        "belief": ("assumption", "assumptions"),
    },
    "pods": {
        "squad": ("pod", "pods"),
        "tribe": ("area", "areas"),
        "chapter": ("craft", "crafts"),
        "guild": ("circle", "circles"),
    },
}
"""Vocabularies that are ready to use, by name; one and many for each noun."""

_FORMS = {noun.one: (noun.key, False) for noun in NOUNS.values()}
_FORMS |= {noun.many: (noun.key, noun.many != noun.one) for noun in NOUNS.values()}
_ANY = "|".join(sorted((re.escape(form).replace(r"\ ", r"\s+") for form in _FORMS), key=len, reverse=True))
_KEPT = r"`[^`\n]*`|\"[^\"\n]*\"|“[^”\n]*”|‘[^’\n]*’|(?<!\w)'[^'\n]*'(?!\w)"
"""Text in quotes or code: it comes from outside."""
_COMMAND = r"\bcounterpoint(?: [a-z][a-z-]*){1,2}"
"""A command of ours: its name is a contract."""
_NAMED = r"\b(?:called|named)\s+[\w.-]+|\bdid you mean [^?\n]*\?|\b(?:kind|field of) [A-Z]\w*"
_NOUN = (
    rf"(?<![\w\-./:@#$={{])(?:(?P<article>[Aa]n?)(?P<gap>\s+))?(?P<noun>(?i:{_ANY}))(?![\w\-/=@}}]|:\S|\.\w)"
)
"""A noun that stands alone; a part of a name, an address, a reference or a key does not."""
_OURS = re.compile(rf"(?P<kept>{_KEPT}|{_COMMAND})|{_NOUN}")
_KEY = r"^[a-z]\w*|(?<=: )[a-z]\w*(?= (?:is|has|must)\b)"
_MIXED = re.compile(rf"(?P<kept>{_KEPT}|{_COMMAND}|{_NAMED}|{_KEY})|{_NOUN}")
"""As `_OURS`, for messages with names in them: also what follows "called", "did you mean" and "kind", and the key that a message begins with."""
_WORD = re.compile(r"[^\W\d_](?:[\w'’ -]*[\w])?")


def mentions(text: str) -> Iterator[re.Match[str]]:
    """Our nouns in a text that we wrote, with an article before them."""
    return (found for found in _OURS.finditer(text) if found["kept"] is None)


@dataclass(frozen=True)
class Words:
    """What a unit calls things: one and many for each noun that it has renamed."""

    renamed: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    @cached_property
    def plain(self) -> bool:
        """Whether every noun is our own, so that there is nothing to tell."""
        return all(
            (noun.one, noun.many) == self.renamed.get(key, (noun.one, noun.many))
            for key, noun in NOUNS.items()
        )

    def one(self, key: str) -> str:
        """The noun for one of a kind; a word that is none of our nouns is returned as it is."""
        return self.form(key)

    def many(self, key: str) -> str:
        """The noun for several."""
        return self.form(key, many=True)

    def form(self, key: str, *, many: bool = False) -> str:
        """The noun for one or for several, in lower case unless the organisation writes it otherwise."""
        noun = NOUNS.get(key.lower())
        if noun is None:
            return key
        return self.renamed.get(noun.key, (noun.one, noun.many))[many]

    def word(self, text: str) -> str:
        """What is said for one of our words, in its number and with its capital; others are returned as they are."""
        key, many = _FORMS.get(" ".join(text.lower().split()), ("", False))
        if not key or self.plain:
            return text
        said = self.form(key, many=many)
        return said[:1].upper() + said[1:] if text[:1].isupper() else said

    def tell(self, text: str) -> str:
        """A text of ours in these words; it may hold names, which stay.

        Text in quotes or backticks stays, and so do references, keys, addresses, commands, what follows
        "called", "named", "kind" or "did you mean", and a key that begins the text ("flag is required").
        """
        return self._tell(_MIXED, text)

    def tell_own(self, text: str) -> str:
        """A text that holds nothing but our own words, as templates do."""
        return self._tell(_OURS, text)

    def _tell(self, pattern: re.Pattern[str], text: str) -> str:
        if self.plain or isinstance(text, Told):
            return text
        return Told(pattern.sub(self._replace, text))

    def _replace(self, found: re.Match[str]) -> str:
        if found["kept"] is not None:
            return found[0]
        said = self.word(found["noun"])
        if found["article"] is None:
            return said
        article = (
            ("an" if said[:1].lower() in "aeiou" else "a") if said != found["noun"] else found["article"]
        )
        return (article.capitalize() if found["article"][0] == "A" else article) + found["gap"] + said


OUR_WORDS = Words()
"""The words that our texts are written in."""


def plural_of(noun: str) -> str:
    """The plural of an English noun by the usual rules; where they fail, a Vocabulary gives both forms."""
    last = noun.lower()
    if re.search(r"[^aeiou]y$", last):
        return f"{noun[:-1]}ies"
    return f"{noun}es" if re.search(r"(s|x|z|ch|sh)$", last) else f"{noun}s"


def read_nouns(nouns: object) -> dict[str, tuple[str, str]]:
    """What the field `nouns` of a Vocabulary renames; what is not valid counts as left out."""
    found = {}
    for key, value in nouns.items() if isinstance(nouns, Mapping) else ():
        if key in NOUNS and not list(_problems(key, value)):
            one = value if isinstance(value, str) else value["one"]
            many = value.get("many") if isinstance(value, Mapping) else None
            found[key] = (one, many or plural_of(one))
    return found


def check_nouns(nouns: Mapping[str, object], pointer: str = "/spec/nouns") -> Iterator[Problem]:
    """What is wrong with the field `nouns` of a Vocabulary."""
    for key, value in nouns.items():
        place = f"{pointer}/{escape(str(key))}"
        if key not in NOUNS:
            yield Problem(
                f"{str(key)[:LONGEST]!r} is no noun of Counterpoint{near(str(key), list(NOUNS))}; the nouns are {quoted(NOUNS)}.",
                place,
            )
        else:
            yield from (Problem(problem, place + under) for problem, under in _problems(key, value))


def _problems(key: str, value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield from ((problem, "") for problem in _wrong(value))
        return
    if not isinstance(value, Mapping) or not isinstance(value.get("one"), str):
        yield f"The noun for {key!r} must be a word, or one and many: {{one: pod, many: pods}}.", ""
        return
    for form, word in value.items():
        if form not in ("one", "many"):
            yield f"{form!r} is not known here; write one and many.", f"/{escape(str(form))}"
        elif not isinstance(word, str):
            yield f"{form} must be a word.", f"/{form}"
        else:
            yield from ((problem, f"/{form}") for problem in _wrong(word))


@cache
def _wrong(word: str) -> tuple[str, ...]:
    """Why a word cannot stand in our texts: it goes into pages and messages as it is."""
    if len(word) > LONGEST:
        return (f"The word has {len(word)} characters; {LONGEST} are the most.",)
    if not _WORD.fullmatch(word) or "_" in word:
        return (
            f"{word[:LONGEST]!r} cannot be a noun; write letters, digits, spaces, hyphens and apostrophes, a letter first.",
        )
    return ()
