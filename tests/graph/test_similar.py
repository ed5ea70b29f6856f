"""What is like what: words, vectors, the score, and the things of a graph."""

import doctest
import random
from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoint.errors import InputError
from counterpoint.graph import SYSTEM
from counterpoint.graph.similar import likeness as likeness_module
from counterpoint.graph.similar import words
from counterpoint.graph.similar.corpus import Corpus, Vocabulary
from counterpoint.graph.similar.likeness import (
    LIKELY,
    Thing,
    are_candidates,
    are_likely,
    likeness,
)
from counterpoint.graph.similar.things import EACH, Things, common_words, wanted_kinds
from counterpoint.graph.similar.words import phrases, terms_of
from tests.graph.documents import bet, component, group

MIX = "Makes each listener a playlist of thirty new tracks every Monday."
WEEKLY = "A weekly playlist of thirty tracks for each listener, made every Monday."


def corpus_of(*texts: tuple[str, str]) -> Corpus:
    vocabulary = Vocabulary()
    return Corpus(vocabulary, [vocabulary.tokens(*text) for text in texts])


def thing(name: str, owner: str | None = "group:default/a", **fields) -> Thing:
    return Thing(f"component:default/{name}", "Component", name, "", owner, **fields)


def test_the_examples_in_the_docstrings_hold():
    assert doctest.testmod(words).failed == 0


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("The playlists of the listener", ["playlist", "listener"]),
        ("playlistMaker-service", ["playlist", "maker", "service"]),
        ("Policies, glass, status, basis", ["policy", "glass", "status", "basis"]),
        ("ÉTÉ Straße", ["été", "strasse"]),
        ("a b c", []),
        ("", []),
    ],
)
def test_terms_are_words_that_say_something(text, terms):
    assert terms_of(text) == terms


def test_phrases_are_told_by_weight_and_no_word_twice():
    found = phrases(MIX, WEEKLY, lambda term: {"monday": 9.0}.get(term, 1.0))
    assert found[0] == "every monday" or found[0] == "monday"
    said = [word for phrase in found for word in phrase.split()]
    assert len(said) == len(set(said))
    assert "playlist of thirty" in " ".join(found)


def test_texts_without_a_word_in_common_share_no_phrase():
    assert phrases("one database", "another queue", lambda term: 1.0) == ()


def test_cosines_are_those_of_the_formula():
    corpus = corpus_of(("radio", "station"), ("radio", "radio"), ("queue", ""))
    rarity = {"radio": np.log(103 / 3) + 1, "station": np.log(103 / 2) + 1}
    first = {"radio": (1 + np.log(2)) * rarity["radio"], "station": rarity["station"]}
    norm = sqrt(sum(weight**2 for weight in first.values()))
    found = corpus.cosines("radio", "")
    assert found == pytest.approx([first["radio"] / norm, 1.0, 0.0], abs=1e-6)


def test_a_title_counts_twice():
    in_title, in_body = corpus_of(("radio", "queue x1"), ("queue", "radio x2")).cosines("radio", "")
    assert in_title > in_body


def test_words_that_nothing_has_make_a_text_less_near():
    corpus = corpus_of(("radio", ""), ("queue", ""))
    assert corpus.cosines("radio", "")[0] == pytest.approx(1.0, abs=1e-6)
    assert 0 < corpus.cosines("radio", "zebra xylophone")[0] < 0.9


def test_empty_corpora_and_texts_are_near_nothing():
    assert list(corpus_of().cosines("radio", "")) == []
    assert list(corpus_of(("", ""), ("radio", "")).cosines("the", "of")) == [0.0, 0.0]
    assert list(corpus_of(("", ""), ("radio", "")).cosines("radio", "")) == pytest.approx([0.0, 1.0])


@given(
    st.lists(st.lists(st.sampled_from(["radio", "queue", "tape", "disc", "song"]), max_size=6), max_size=12)
)
def test_pairs_are_those_whose_cosines_reach_the_least(texts):
    corpus = corpus_of(*[("", " ".join(text)) for text in texts])
    rows, groups = np.arange(len(texts)), np.arange(len(texts))
    found = {(one, other): cosine for one, other, cosine in corpus.pairs(rows, groups, least=0.5, each=99)}
    for one, text in enumerate(texts):
        cosines = corpus.cosines("", " ".join(text))
        for other in range(one + 1, len(texts)):
            if abs(cosines[other] - 0.5) > 1e-4:
                assert ((one, other) in found) == (cosines[other] > 0.5)
            if (one, other) in found:
                assert found[one, other] == pytest.approx(cosines[other], abs=1e-5)


def test_pairs_of_one_group_are_left_out_and_the_nearest_of_each_are_kept():
    corpus = corpus_of(("radio", ""), ("radio", ""), ("radio", "queue"), ("radio", "queue tape"))
    rows = np.arange(4)
    apart = list(corpus.pairs(rows, np.array([0, 0, 1, 1]), least=0.1, each=1))
    assert [(one, other) for one, other, _ in apart] == [(0, 2), (1, 2)]


def test_every_ground_adds_to_the_likeness_and_it_stays_below_one():
    bare = likeness(thing("a"), thing("b"), 0.4)
    linked = likeness(thing("a", links=frozenset({"x"})), thing("b", links=frozenset({"x"})), 0.4)
    metric = likeness(thing("a", metrics=frozenset({"m"})), thing("b", metrics=frozenset({"m"})), 0.4)
    ended = likeness(thing("a", ended=True), thing("b"), 0.4)
    assert ended.score < bare.score < min(linked.score, metric.score)
    everything = thing("a", links=frozenset({"x"}), metrics=frozenset({"m"}))
    assert 0 < likeness(everything, everything, 1.0).score <= 1
    assert likeness(thing("a"), thing("b"), 7.0).text == 1


def test_a_relation_that_everything_has_says_less_than_a_rare_one():
    def rarity(ref: str) -> float:
        return 0.1 if ref == "common" else 1.0

    pair = [thing(name, links=frozenset({"common", "rare", name})) for name in "ab"]
    found = likeness(*pair, 0.3, rarity)
    assert found.shared == ("rare", "common")
    common = [thing(name, links=frozenset({"common", name})) for name in "ab"]
    assert likeness(*common, 0.3, rarity).score < found.score


@pytest.mark.parametrize(
    ("other", "may"),
    [
        (thing("b", "group:default/b"), True),
        (thing("b", "group:default/a"), False),
        (thing("b", None), False),
        (thing("b", "group:default/b", links=frozenset({"component:default/a"})), False),
        (Thing("api:default/b", "API", "b", "", "group:default/b"), False),
    ],
)
def test_twins_are_of_one_kind_and_of_different_owners_and_not_parts_of_each_other(other, may):
    assert are_candidates(thing("a"), other) is may
    assert are_candidates(other, thing("a")) is may


def test_one_word_in_common_makes_no_twins_unless_the_names_are_the_same():
    near = likeness(thing("a"), thing("b"), 0.9)
    assert near.score > LIKELY
    assert not are_likely(near, 1)
    assert are_likely(near, likeness_module.WORDS)
    twin = Thing("component:other/a", "Component", "a", "", "group:default/b")
    assert are_likely(likeness(thing("a"), twin, 0.9), 1)


def fill(graph) -> None:
    with graph.write(SYSTEM) as writer:
        for unit in ("discovery", "home"):
            writer.put(group(unit))
        writer.put(component("weekly", metadata={"title": "Weekly playlist", "description": WEEKLY}))
        writer.put(
            component(
                "mix", owner="home", metadata={"title": "Monday mix", "description": MIX}, system="home"
            )
        )
        writer.put(component("queue", metadata={"description": "Messages between services, kept in order."}))


def test_the_nearest_things_come_with_what_both_say(graph):
    fill(graph)
    shelf = Things(graph).shelf()
    wanted = Thing("", "Bet", "Monday playlist", "thirty tracks", None)
    near = shelf.nearest(wanted)
    assert {each.thing.name for each in near} == {"weekly", "mix"}
    weekly = next(each for each in near if each.thing.name == "weekly")
    assert "thirty tracks" in weekly.phrases
    assert shelf.nearest(wanted, kinds=("API",)) == []


def test_likely_twins_are_found_and_named_in_one_order(graph):
    fill(graph)
    [pair] = Things(graph).shelf().pairs()
    assert (pair.first.name, pair.second.name) == ("mix", "weekly")
    assert pair.likeness.score >= LIKELY


def test_a_thing_is_not_like_itself(graph):
    fill(graph)
    shelf = Things(graph).shelf()
    found = shelf.nearest(shelf.thing("component:default/mix"))
    assert [each.thing.name for each in found] == ["weekly"]


def test_changes_are_seen_without_reading_everything_again(graph):
    fill(graph)
    things = Things(graph)
    first = things.shelf()
    assert things.shelf() is first
    with graph.write(SYSTEM) as writer:
        writer.put(group("other"))
    assert things.shelf() is first, "a unit is nothing that exists twice"
    with graph.write(SYSTEM) as writer:
        writer.delete("component:default/weekly")
        writer.put(bet("tape", hypothesis="Cassettes for cars."))
        writer.put(component("queue", metadata={"description": "Cassettes in a row."}))
    shelf = things.shelf()
    assert shelf.thing("component:default/weekly") is None
    assert {each.thing.name for each in shelf.nearest(Thing("", "", "cassettes", "", None))} == {
        "tape",
        "queue",
    }
    assert shelf.pairs() == Things(graph).shelf().pairs()


def test_a_relation_that_another_document_makes_is_seen(graph):
    fill(graph)
    things = Things(graph)
    assert "component:default/tape" not in things.shelf().thing("component:default/mix").links
    with graph.write(SYSTEM) as writer:
        writer.put(component("tape", dependencyOf=["component:mix"]))
    assert "component:default/tape" in things.shelf().thing("component:default/mix").links


def test_what_was_read_bit_by_bit_equals_what_is_read_at_once(graph):
    fill(graph)
    things, chance = Things(graph), random.Random(3)  # noqa: S311 - a test repeats itself
    names = ["weekly", "mix", "queue", "tape"]
    for step in range(12):
        with graph.write(SYSTEM) as writer:
            name = chance.choice(names)
            if chance.random() < 0.3 and writer.exists(f"component:{name}"):
                writer.delete(f"component:{name}")
            else:
                title = " ".join(chance.sample(["radio", "song", "tape", "disc", "Monday"], 3))
                owner = chance.choice(["home", "discovery"])
                writer.put(component(name, owner=owner, metadata={"title": title, "description": f"{step}"}))
        here, anew = things.shelf(), Things(graph).shelf()
        assert set(here.things) == set(anew.things)
        wanted = Thing("", "", "radio song", "Monday", None)
        scores = [[(near.thing.ref, near.likeness) for near in each.nearest(wanted)] for each in (here, anew)]
        assert scores[0] == scores[1]


def test_one_thing_is_in_few_pairs(graph):
    with graph.write(SYSTEM) as writer:
        for number in range(12):
            writer.put(component(f"copy-{number}", owner=f"unit-{number}", metadata={"description": MIX}))
    pairs = Things(graph).shelf().pairs()
    places = [ref for pair in pairs for ref in (pair.first.ref, pair.second.ref)]
    assert pairs
    assert max(places.count(ref) for ref in places) <= EACH


def test_a_kind_that_is_not_compared_is_refused_by_name():
    assert wanted_kinds(["component", "BET"]) == ("Component", "Bet")
    with pytest.raises(InputError, match="'User' is not compared"):
        wanted_kinds(["user"])


def test_what_is_too_much_is_left_out_counted_and_the_oldest(graph, monkeypatch):
    monkeypatch.setattr("counterpoint.graph.similar.things.MOST", 3)
    monkeypatch.setattr("counterpoint.graph.similar.things.SLACK", 1)
    for number in range(5):
        with graph.write(SYSTEM) as writer:
            writer.put(component(f"thing-{number}"))
    things = Things(graph)
    assert {thing.ref[-1] for thing in things.shelf().things} == {"2", "3", "4"}
    assert things.left_out == 2
    for number in (5, 6):
        with graph.write(SYSTEM) as writer:
            writer.put(component(f"thing-{number}"))
        held = {thing.ref[-1] for thing in things.shelf().things}
        assert str(number) in held
    assert (held, things.left_out) == ({"4", "5", "6"}, 4)


def test_who_writes_does_not_wait_for_a_shelf_that_takes_long(graph, monkeypatch):
    things = Things(graph)
    before = things.shelf()
    with graph.write(SYSTEM) as writer:
        writer.put(component("newer"))
    monkeypatch.setattr("counterpoint.graph.similar.things.QUICK", -1.0)
    monkeypatch.setattr(things, "_took", 1000.0)
    assert things.at_hand() is before
    monkeypatch.setattr(things, "_took", 0.0)
    assert things.at_hand().thing("component:default/newer") is not None


def test_a_word_that_is_two_others_in_one_counts_once():
    one = Thing("api:default/a", "API", "openapi-types", "Types for OpenAPI", None)
    other = Thing("api:default/b", "API", "openapi-utils", "Support of OpenAPI", None)
    assert common_words(one, other) == 2
