"""What assistants may read of everything that exists."""

from counterpoint.web.tools import Argument, Source, Tool

__all__ = ["sources", "tools"]

tools = (
    Tool(
        "search",
        "Search",
        "Entities, flags and documentation that hold all of some words, ranked together.",
        "/api/v1/search",
        (
            Argument("q", "The words."),
            Argument("kind", "Only of one kind, such as `Component` or `Bet`.", required=False),
            Argument("limit", "How many at most, up to 100.", required=False, default=20),
        ),
    ),
    Tool(
        "get_entity",
        "An entity",
        "One entity with its owner, its descriptor and its relations.",
        "/api/v1/entities/{kind}/{namespace}/{name}",
        (Argument("ref", "Its reference, such as `component:default/player`.", "*"),),
    ),
    Tool(
        "line_of_sight",
        "Line of sight",
        "What leads from an entity up to bets, beliefs and purposes, and what leads down from it.",
        "/api/v1/line",
        (Argument("ref", "The reference of the entity, such as `component:default/player`."),),
    ),
)

sources = (
    Source(
        "squad",
        "Unit",
        "A unit: charter, people, parts and what it owns.",
        "/api/v1/units/{namespace}/{name}",
    ),
)
