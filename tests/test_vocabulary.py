"""Our nouns in other words: what is told, what stays, and what may be said."""

import dataclasses
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoint.errors import Problem, Said
from counterpoint.said import says, told
from counterpoint.vocabulary import NOUNS, PACKS, Told, Words, check_nouns, plural_of, read_nouns

PODS = Words({"squad": ("pod", "pods"), "bet": ("attempt", "attempts"), "experiment": ("trial", "trials")})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("The squad decides; squads bet.", "The pod decides; pods attempt."),
        ("Squads, first of all.", "Pods, first of all."),
        ("A bet and an experiment's end.", "An attempt and a trial's end."),
        ("No experiments yet", "No trials yet"),
        ("Every\n bet (or none).", "Every\n attempt (or none)."),
        ("It has no health session.", "It has no health session."),
        ("Nothing to say.", "Nothing to say."),
    ],
)
def test_our_nouns_are_told_in_their_number_case_and_article(text: str, said: str) -> None:
    assert PODS.tell(text) == said


@pytest.mark.parametrize(
    "text",
    [
        "'squad' and \"a bet\" and `bet`",
        "“The bet” is its title.",
        "bet:default/radio, group:default/squad",
        "squad-alpha, my_bet, x.bet, bet.yaml, /bets, #bet, @squad",
        "https://example.org/bets?bet=1",
        "There is no unit called squad",
        "It is named bet",
        "bet is required; give a text.",
        "error: a.yaml:3:1 /spec/bet: bet is required; give a text.",
        "alphabet soup, better squadron",
        "kind=Bet",
        "There is none; make it with: counterpoint import bet FILE --bet x",
        "There is no kind of it; did you mean squad or bet?",
        "hypotesis is no field of Bet; The kind Bet is not known",
    ],
)
def test_names_keys_references_and_quotes_stay(text: str) -> None:
    assert PODS.tell(text) == text


def test_a_text_is_told_once_even_where_one_word_stands_for_two_nouns() -> None:
    swapped = Words({"goal": ("metric", "metrics"), "metric": ("goal", "goals")})
    once = swapped.tell("A goal of a metric")
    assert once == "A metric of a goal"
    assert swapped.tell(once) == once
    assert isinstance(once, Told)


def test_a_vocabulary_that_renames_nothing_leaves_every_text_as_it_is() -> None:
    text = "The squad's bets"
    assert Words({"squad": ("squad", "squads")}).tell(text) is text
    assert Words().plain


@given(st.text(max_size=200))
def test_telling_never_fails_and_never_touches_a_text_without_nouns(text: str) -> None:
    said = PODS.tell(text)
    if not any(noun in text.lower() for noun in ("squad", "bet", "experiment")):
        assert said == text


@pytest.mark.parametrize(
    ("one", "many"),
    [
        ("pod", "pods"),
        ("company", "companies"),
        ("day", "days"),
        ("branch", "branches"),
        ("box", "boxes"),
        ("area of work", "area of works"),
        ("class", "classes"),
    ],
)
def test_a_plural_is_guessed_where_none_is_given(one: str, many: str) -> None:
    assert plural_of(one) == many
    assert read_nouns({"squad": one}) == {"squad": (one, many)}


def test_both_forms_may_be_given() -> None:
    assert read_nouns({"squad": {"one": "Gruppe", "many": "Gruppen"}}) == {"squad": ("Gruppe", "Gruppen")}


@pytest.mark.parametrize(
    ("nouns", "pointer", "says_so"),
    [
        ({"sqad": "pod"}, "/spec/nouns/sqad", "did you mean squad?"),
        ({"squad": 3}, "/spec/nouns/squad", "one and many"),
        ({"squad": None}, "/spec/nouns/squad", "one and many"),
        ({"squad": {"many": "pods"}}, "/spec/nouns/squad", "one and many"),
        ({"squad": {"one": "pod", "few": "pods"}}, "/spec/nouns/squad/few", "write one and many"),
        ({"squad": {"one": "pod", "many": 2}}, "/spec/nouns/squad/many", "must be a word"),
        ({"squad": "<script>"}, "/spec/nouns/squad", "letters"),
        ({"squad": ""}, "/spec/nouns/squad", "letters"),
        ({"squad": " pod"}, "/spec/nouns/squad", "letters"),
        ({"squad": "pod\n"}, "/spec/nouns/squad", "letters"),
        ({"squad": 'a "pod"'}, "/spec/nouns/squad", "letters"),
        ({"squad": "p" * 41}, "/spec/nouns/squad", "41 characters"),
        ({"a/b": "pod"}, "/spec/nouns/a~1b", "no noun of Counterpoint"),
    ],
)
def test_a_noun_that_cannot_be_said_is_refused_with_its_place(
    nouns: dict, pointer: str, says_so: str
) -> None:
    (problem,) = check_nouns(nouns)
    assert problem.pointer == pointer
    assert says_so in problem.message
    assert read_nouns(nouns) == {}


@pytest.mark.parametrize("word", ["équipe", "équipe d’été", "Команда", "チーム", "co-op", "team 2"])
def test_words_of_any_language_may_be_said(word: str) -> None:
    assert list(check_nouns({"squad": word})) == []
    assert Words(read_nouns({"squad": word})).tell("The squad decides.") == f"The {word} decides."


@pytest.mark.parametrize("pack", PACKS)
def test_the_ready_vocabularies_are_valid(pack: str) -> None:
    nouns = {key: {"one": one, "many": many} for key, (one, many) in PACKS[pack].items()}
    assert list(check_nouns(nouns)) == []


def test_every_noun_has_a_meaning_and_no_form_means_two_nouns() -> None:
    assert all(noun.meaning.endswith(".") for noun in NOUNS.values())
    forms = [form for noun in NOUNS.values() for form in {noun.one, noun.many}]
    assert len(forms) == len(set(forms))


class Advice(msgspec.Struct, frozen=True):
    title: str
    why: Said
    grounds: tuple[Said, ...] = ()
    also: Said | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Shown:
    name: str
    advice: list[Advice]
    at: datetime | None = None


def test_what_is_typed_as_said_is_told_however_deep_and_nothing_else() -> None:
    shown = Shown("The squad", [Advice("A bet", "Ask the squad.", ("No bet yet",)), Advice("b", "Go.")])
    assert told(shown, PODS) == Shown(
        "The squad", [Advice("A bet", "Ask the pod.", ("No attempt yet",)), Advice("b", "Go.")]
    )
    assert told([shown], PODS)[0].advice[0].why == "Ask the pod."
    assert type(told(shown, PODS).advice[0].why) is str


def test_values_that_hold_no_text_of_ours_are_returned_as_they_are() -> None:
    for value in (
        {"why": "The squad"},
        "The squad",
        3,
        None,
        [1, "The squad"],
        datetime(2026, 5, 3, tzinfo=UTC),
    ):
        assert told(value, PODS) is value or told(value, PODS) == value
        assert not says(value)


def test_problems_are_told_without_their_places() -> None:
    problem = Problem("No bet has this squad.", "/spec/bet", "bet.yaml", 3)
    assert told(problem, PODS) == Problem("No attempt has this pod.", "/spec/bet", "bet.yaml", 3)
