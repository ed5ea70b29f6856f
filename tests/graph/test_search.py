"""Search: what matches, what comes first, and what is shown of it."""

import pytest

from counterpoint.graph import SYSTEM, Graph
from counterpoint.graph.search import OTHER, WORDS, postings_of, snippet_of, words_of
from tests.graph.documents import component, document


def found(graph: Graph, term: str) -> list[str]:
    with graph.read() as reader:
        return [hit.entity.name for hit in reader.search(term)]


@pytest.fixture
def music(graph: Graph) -> Graph:
    """A graph in which playlists turn up in different places."""
    with graph.write(SYSTEM) as writer:
        writer.put(component("by-title", metadata={"title": "Playlist store"}))
        writer.put(component("playlist-api"))
        writer.put(component("by-tag", metadata={"tags": ["playlist"]}))
        writer.put(component("by-text", metadata={"description": "Keeps every playlist of a listener safe."}))
        writer.put(component("by-owner", owner="playlist"))
        writer.put(component("playlisting"))
        writer.put(component("other"))
    return graph


def test_names_come_before_tags_and_tags_before_the_rest(music: Graph) -> None:
    assert found(music, "playlist") == [
        "by-title",
        "playlist-api",
        "playlisting",
        "by-tag",
        "by-text",
        "by-owner",
    ]


def test_the_file_that_an_entity_was_read_from_is_no_word_of_it() -> None:
    place = "file:/checkouts/arpeggio/catalog-info.yaml"
    annotations = {
        "backstage.io/managed-by-location": place,
        "backstage.io/managed-by-origin-location": place,
        "backstage.io/source-location": "url:https://forge.example/player",
    }
    words = postings_of(component("a", metadata={"annotations": annotations}))
    assert "arpeggio" not in words
    assert words["player"] == OTHER


def test_every_word_must_match_as_a_whole_or_a_beginning(music: Graph) -> None:
    assert found(music, "PLAY api") == ["playlist-api"]
    assert found(music, "playlist-api") == ["playlist-api"]
    assert found(music, "play list") == ["by-text"]
    assert found(music, "ylist") == []


def test_a_hit_says_where_and_shows_the_words_around(music: Graph) -> None:
    with music.read() as reader:
        [hit] = reader.search("listener")
    assert (hit.field, hit.snippet) == ("description", "Keeps every playlist of a listener safe.")


def test_words_are_folded_and_split() -> None:
    assert words_of("Straße, playlist_API v2.1!") == ["strasse", "playlist", "api", "v2", "1"]


def test_the_definition_of_an_api_is_not_read_but_flags_are() -> None:
    api = document(
        "API", "a", {"type": "openapi", "lifecycle": "production", "owner": "o", "definition": "secretword"}
    )
    assert "secretword" not in postings_of(api)
    flags = document("FlagSet", "default", {"owner": "o", "definition": {"flags": {"weekly-mix": {}}}})
    assert postings_of(flags)["weekly"] == OTHER


def test_a_huge_document_has_a_limited_number_of_words() -> None:
    huge = component("huge", metadata={"description": " ".join(f"w{index}" for index in range(10_000))})
    assert len(postings_of(huge)) == WORDS


def test_a_long_text_is_cut_around_the_match() -> None:
    long = component("long", metadata={"description": "before " * 50 + "needle " + "after " * 50})
    field, snippet = snippet_of(long, ["needle"])
    assert field == "description"
    assert snippet.startswith("…")
    assert snippet.endswith("…")
    assert "needle" in snippet
    assert len(snippet) < 200


@pytest.mark.parametrize(
    "term",
    ["play list", "playlist api", "list playlist", "playlist store", "safe playlist", "p o", "no playlist"],
)
def test_several_words_find_the_same_whichever_is_looked_up_first(
    music: Graph, monkeypatch: pytest.MonkeyPatch, term: str
) -> None:
    with music.write(SYSTEM) as writer:
        writer.put(component("lists", metadata={"title": "Play lists", "description": "play of a list"}))
    sought = found(music, term)
    monkeypatch.setattr("counterpoint.graph.reader.SEVERAL", 0)  # thousands have each
    assert found(music, term) == sought
    assert bool(sought) is not term.startswith("no ")
