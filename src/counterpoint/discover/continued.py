"""A continuation of playlists beside a model in its file: arrays by name, and a header. Pure."""

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from counterpoint.discover.als import Als, AlsOptions
from counterpoint.discover.item_graph import ItemGraph, ItemGraphOptions
from counterpoint.discover.playlists import Continuation
from counterpoint.discover.titles import Words
from counterpoint.discover.topics import Topics
from counterpoint.discover.voices import Voices

__all__ = ["packed", "unpacked"]

START = "continued."
SPARSE = ("together", "said", "follows")
"""Of the voices, matrices as they are."""
LEFT_OUT = ("options", "together")
"""Of the graph: the header has its options, and nobody adds rows to it."""


def packed(continuation: Continuation | None) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """Its arrays and matrices by name, and what else is known of it as JSON."""
    if continuation is None:
        return {}, None
    voices = continuation.voices
    graph = voices.graph
    arrays = {
        f"{START}{each.name}": getattr(graph, each.name)
        for each in fields(graph)
        if each.name not in LEFT_OUT
    }
    arrays |= {f"{START}{name}": getattr(voices, name) for name in SPARSE}
    arrays |= {f"{START}spread": voices.topics.spread, f"{START}shares": voices.topics.shares}
    arrays[f"{START}tastes"] = voices.tastes.factors
    header = {
        "options": asdict(graph.options),
        "tastes": asdict(voices.tastes.options),
        "words": list(voices.words.columns),
        "weights": [[given, list(mix)] for given, mix in continuation.weights.items()],
    }
    return arrays, header


def unpacked(arrays: Mapping[str, Any], header: Mapping[str, Any] | None) -> Continuation | None:
    """What `packed` took apart."""
    if header is None:
        return None
    names = [each.name for each in fields(ItemGraph) if each.name not in LEFT_OUT]
    graph = ItemGraph(
        options=ItemGraphOptions(**header["options"]),
        together=None,
        **{name: arrays[f"{START}{name}"] for name in names},
    )
    words = Words(())
    words.columns = {word: at for at, word in enumerate(header["words"])}
    tastes = Als(AlsOptions(**header["tastes"]), arrays[f"{START}tastes"])
    weights = {int(given): tuple(mix) for given, mix in header["weights"]}
    topics = Topics(arrays[f"{START}spread"], arrays[f"{START}shares"])
    together, said, follows = (arrays[f"{START}{name}"] for name in SPARSE)
    return Continuation(Voices(graph, tastes, together, topics, words, said, follows), weights)
