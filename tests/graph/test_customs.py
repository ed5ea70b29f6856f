"""Words, practices, policies and limits of units: the nearest wins, and every change counts at once."""

from typing import Any

import pytest

from counterpoint.errors import InputError, NotAllowedError
from counterpoint.graph import Graph
from counterpoint.graph.actor import Actor, local_actor
from counterpoint.graph.customs import Customs
from counterpoint.graph.descriptor import validate
from counterpoint.practices import LIMITS, PRACTICES, RULES, Policy

ME = local_actor()


def group(name: str, parent: str | None = None, kind: str = "squad") -> dict[str, Any]:
    spec: dict[str, Any] = {"type": kind, "children": []} | ({"parent": parent} if parent else {})
    return {
        "apiVersion": "backstage.io/v1alpha1",
        "kind": "Group",
        "metadata": {"name": name, "title": name.capitalize()},
        "spec": spec,
    }


def ours(kind: str, name: str, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "counterpoint.dev/v1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": {"owner": "company"} | spec,
    }


def put(graph: Graph, *documents: dict[str, Any]) -> None:
    with graph.write(ME) as writer:
        for document in documents:
            writer.put(document)


@pytest.fixture
def company(graph: Graph) -> Graph:
    """A company with the tribe Listening and in it the squad Discovery, where Ana is."""
    ana = {
        "apiVersion": "backstage.io/v1alpha1",
        "kind": "User",
        "metadata": {"name": "ana"},
        "spec": {"memberOf": ["discovery"]},
    }
    put(graph, group("company"), group("listening", "company", "tribe"), group("discovery", "listening"), ana)
    return graph


def test_without_any_document_our_own_words_and_every_practice_hold(company: Graph) -> None:
    here = Customs(company).of("group:default/discovery")
    assert here.words.plain
    assert here.off == ()
    assert here.policy("I1") is Policy.INFORM
    assert here.limit("betsAtOnce") == LIMITS["betsAtOnce"].default


def test_the_nearest_unit_wins_noun_by_noun(company: Graph) -> None:
    put(
        company,
        ours("Vocabulary", "house", nouns={"squad": "pod", "bet": "wager", "flag": "switch"}),
        ours("Vocabulary", "tribe-words", units=["listening"], nouns={"squad": "band", "bet": "song"}),
        ours("Vocabulary", "squad-words", units=["discovery"], nouns={"bet": "riff"}),
    )
    customs = Customs(company)
    assert customs.of().words.tell("squad, bet, flag, tribe") == "squad, wager, switch, tribe"
    assert customs.of().words.tell("The squad") == "The pod"
    here = customs.of("group:default/discovery")
    assert here.words.tell("A squad, a bet, a flag") == "A band, a riff, a switch"
    assert customs.of("group:default/listening").words.tell("A bet") == "A song"
    origin = here.nouns["squad"].origin
    assert origin is not None
    assert (origin.ref, origin.unit, origin.unit_title) == (
        "vocabulary:default/tribe-words",
        "group:default/listening",
        "Listening",
    )


def test_a_person_has_the_words_of_the_units_that_they_belong_to(company: Graph) -> None:
    put(company, ours("Vocabulary", "tribe-words", units=["listening"], nouns={"bet": "song"}))
    assert Customs(company).of("user:default/ana").words.tell("A bet") == "A song"


def test_a_change_counts_for_the_next_reader(company: Graph) -> None:
    customs = Customs(company)
    assert customs.of().words.tell("A bet") == "A bet"
    put(company, ours("Vocabulary", "house", nouns={"bet": "wager"}))
    assert customs.of().words.tell("A bet") == "A wager"
    with company.write(ME) as writer:
        writer.delete("vocabulary:default/house")
    assert customs.of().words.tell("A bet") == "A bet"


def test_a_unit_that_moves_takes_the_words_of_its_new_home(company: Graph) -> None:
    put(
        company,
        group("creators", "company", "tribe"),
        ours("Vocabulary", "c", units=["creators"], nouns={"bet": "track"}),
    )
    customs = Customs(company)
    assert customs.of("group:default/discovery").words.plain
    put(company, group("discovery", "creators"))
    assert customs.of("group:default/discovery").words.tell("A bet") == "A track"


def test_parents_in_a_circle_end(company: Graph) -> None:
    put(
        company,
        group("a", "b"),
        group("b", "a"),
        ours("Vocabulary", "v", units=["company"], nouns={"bet": "x"}),
    )
    assert Customs(company).of("group:default/a").words.plain


def test_of_two_vocabularies_for_one_unit_the_first_by_reference_wins(company: Graph) -> None:
    put(
        company,
        ours("Vocabulary", "b", nouns={"bet": "second"}),
        ours("Vocabulary", "a", nouns={"bet": "first"}),
    )
    assert Customs(company).of().words.tell("A bet") == "A first"


def test_practices_policies_and_limits_come_from_the_nearest_pack(company: Graph) -> None:
    put(
        company,
        ours("PolicyPack", "house", practices={"bets": "off"}, policies={"I1": "ask_reason"}),
        ours(
            "PolicyPack",
            "listening",
            units=["listening"],
            practices={"bets": "on", "flags": False},
            limits={"betsAtOnce": 7},
        ),
    )
    customs = Customs(company)
    here = customs.of("group:default/discovery")
    assert customs.of().off == ("bets",)
    assert here.off == ("flags",)
    assert here.practices["bets"].origin.unit_title == "Listening"
    assert here.policy("I1") is Policy.ASK_REASON
    assert here.limit("betsAtOnce") == 7


@pytest.mark.parametrize(
    ("spec", "pointer", "says_so"),
    [
        ({"practices": {"bet": "off"}}, "/spec/practices/bet", "did you mean bets?"),
        ({"practices": {"bets": "maybe"}}, "/spec/practices/bets", "neither on nor off"),
        ({"practices": {"bets": []}}, "/spec/practices/bets", "neither on nor off"),
        ({"policies": {"I1": "block"}}, "/spec/policies/I1", "governance is soft"),
        ({"policies": {"I1": "deny"}}, "/spec/policies/I1", "inform, ask_reason, ask_joint"),
        ({"policies": {"I1": ["inform"]}}, "/spec/policies/I1", "is no policy"),
        ({"policies": {"I99": "inform"}}, "/spec/policies/I99", "I10"),
        ({"limits": {"squadMost": 0}}, "/spec/limits/squadMost", "whole number"),
        ({"limits": {"squadMost": True}}, "/spec/limits/squadMost", "whole number"),
        ({"limits": {"squads": 3}}, "/spec/limits/squads", "no limit"),
        ({"practices": ["bets"]}, "/spec/practices", "must be an object"),
    ],
)
def test_a_pack_that_says_what_cannot_be_is_refused_with_the_place(
    spec: dict, pointer: str, says_so: str
) -> None:
    (problem,) = validate(ours("PolicyPack", "p", **spec))
    assert problem.pointer == pointer
    assert says_so in problem.message


def test_a_vocabulary_that_is_wrong_is_refused_and_the_good_one_stays(company: Graph) -> None:
    put(company, ours("Vocabulary", "house", nouns={"bet": "wager"}))
    with pytest.raises(InputError):
        put(company, ours("Vocabulary", "house", nouns={"bet": "<b>"}))
    assert Customs(company).of().words.tell("A bet") == "A wager"


def test_every_practice_rule_and_limit_says_what_it_is() -> None:
    assert all(practice.meaning.endswith(".") for practice in PRACTICES.values())
    assert all(rule.text.endswith(".") for rule in RULES.values())
    assert all(limit.reason.endswith(".") for limit in LIMITS.values())


ANA = Actor("user:default/ana", "Ana", "person")


@pytest.mark.parametrize("kind", ["Vocabulary", "PolicyPack"])
def test_a_person_speaks_for_the_units_they_belong_to_and_for_no_other(company: Graph, kind: str) -> None:
    put(company, group("player", "listening"))
    nouns = {"nouns": {"bet": "song"}} if kind == "Vocabulary" else {}

    def write(name: str, **spec: Any) -> None:
        with company.write(ANA) as writer:
            writer.put(ours(kind, name, **nouns, **spec))

    write("hers", owner="discovery", units=["discovery"])
    write("tribe", owner="listening", units=["listening"])
    with pytest.raises(NotAllowedError, match="group:default/player"):
        write("theirs", owner="discovery", units=["player"])
    with pytest.raises(NotAllowedError, match="group:default/player"):
        write("theirs", owner="player", units=["discovery"])
    with pytest.raises(NotAllowedError, match="whole organisation"):
        write("everybody", owner="discovery")
    with pytest.raises(NotAllowedError, match="group:default/player"):
        write("hers", owner="discovery", units=["discovery", "player"])


@pytest.mark.parametrize("kind", ["Vocabulary", "PolicyPack"])
def test_only_who_is_in_the_top_unit_itself_speaks_for_everybody(company: Graph, kind: str) -> None:
    more = {"nouns": {"bet": "song"}} if kind == "Vocabulary" else {"practices": {"bets": "off"}}
    director = user("dora", "company")

    def write(actor: Actor, name: str = "house", **spec: Any) -> None:
        with company.write(actor) as writer:
            writer.put(ours(kind, name, **more, **spec))

    with pytest.raises(NotAllowedError, match="in group:default/company itself"):
        write(ANA)
    with pytest.raises(NotAllowedError, match="unit above all others"):
        write(ANA, owner="user:default/ana")
    put(company, director)
    write(Actor("user:default/dora", "Dora", "person"))
    with pytest.raises(NotAllowedError, match="itself"):
        write(ANA, description="changed")
    with pytest.raises(NotAllowedError, match="itself"):  # taking it from everybody is a change for everybody
        write(ANA, units=["discovery"])
    with pytest.raises(NotAllowedError, match="itself"), company.write(ANA) as writer:
        writer.delete(f"{kind.lower()}:default/house")
    write(Actor("user:default/root", "Root", "person", admin=True), "more")


def test_nobody_gets_to_speak_for_everybody_by_a_unit_of_their_own(company: Graph) -> None:
    with company.write(ANA) as writer:
        writer.put(group("a-top", kind="organization") | {"spec": {"type": "x", "children": []}})
        writer.put(group("a-part", "discovery"))
    put(company, user("ana", "discovery", "a-top"), group("below", "a-top"))
    with pytest.raises(NotAllowedError, match="unit above all others"), company.write(ANA) as writer:
        writer.put(ours("PolicyPack", "mine", owner="a-top", practices={"bets": "off"}))


def user(name: str, *units: str) -> dict[str, Any]:
    metadata, spec = {"name": name}, {"memberOf": list(units)}
    return {"apiVersion": "backstage.io/v1alpha1", "kind": "User", "metadata": metadata, "spec": spec}
