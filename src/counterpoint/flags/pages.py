"""The pages of flags: all of them, one set, and one flag with a form that tries it."""

import json
from typing import Any

from litestar import MediaType, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from counterpoint.errors import NotFoundError
from counterpoint.flags import list_page, set_page, stale_page, versions_page
from counterpoint.flags.belonging import bets_of
from counterpoint.flags.flag import Evaluation
from counterpoint.flags.listing import FlagItem, items_of
from counterpoint.flags.sentences import steps_of
from counterpoint.flags.store import StoredSet, read_set, set_ref
from counterpoint.graph.reader import Reader
from counterpoint.web import PageContext, render
from counterpoint.workspace import Workspace

__all__ = ["pages"]

EXAMPLE = '{"targetingKey": "user-1"}'


@get(
    "/flags/{set_name:str}/{flag_key:path}",
    media_type=MediaType.HTML,
    include_in_schema=False,
    sync_to_thread=True,
)
def show_flag(
    ws: NamedDependency[Workspace],
    page: NamedDependency[PageContext],
    set_name: FromPath[str],
    flag_key: FromPath[str],
    context: FromQuery[str | None] = None,
) -> str:
    """One flag: variants, targeting in words and as JSON, its bet, its exposures; and what a context gets."""
    key = flag_key.removeprefix("/")
    with ws.graph.read() as reader:
        stored = read_set(reader, set_name)
        flag = stored.flags.flags.get(key) or stored.flags.flags.get(f"{key}/")
        if flag is None:
            raise NotFoundError(f"There is no flag {key!r} in the flag set {set_name!r}.")
        item = next(item for item in items_of([stored]) if item.key == flag.key)
        bet = bets_of(stored.flags).get(flag.key)
        known = _named(reader, [item])
        experiments = _experiments(reader, stored, flag.key)
    result, problem = _tried(stored, flag.key, context)
    return render(
        page.about(item.owner),
        "flags/flag.html",
        stored=stored,
        flag=flag,
        item=item,
        bet=bet,
        known=known,
        experiments=experiments,
        steps=steps_of(flag),
        targeting=_pretty(flag.targeting) if flag.targeting is not None else None,
        variants=[(name, _pretty(value)) for name, value in flag.variants.items()],
        metadata=[
            (name, value) for name, value in flag.metadata.items() if name not in ("bet", "description")
        ],
        context=context if context is not None else EXAMPLE,
        result=result,
        value=None if result is None or result.value is None else _pretty(result.value),
        problem=problem,
    )


def _named(reader: Reader, items: list[FlagItem]) -> dict[str, Any]:
    return dict(reader.get_many({ref for item in items for ref in (item.bet, item.owner) if ref}))


def _experiments(reader: Reader, stored: StoredSet, key: str) -> list[Any]:
    """The experiments on this flag."""
    wanted = set_ref(stored.name)
    return [
        entity
        for entity in reader.all(kind="Experiment")
        if entity.spec.get("flag") == key
        and wanted in entity.targets("exposes") + entity.targets("exposedBy")
    ]


def _tried(stored: StoredSet, key: str, context: str | None) -> tuple[Evaluation | None, str | None]:
    """What the flag answers for a context as typed, or what is wrong with the context."""
    if context is None:
        return None, None
    try:
        attributes = json.loads(context or "{}")
    except (ValueError, RecursionError) as error:
        return None, f"This is not JSON: {error}."
    if not isinstance(attributes, dict):
        return None, "A context is a JSON object of attributes."
    return stored.flags.evaluate(key, attributes), None


def _pretty(value: Any) -> str:
    written = json.dumps(value, indent=2, ensure_ascii=False)
    return json.dumps(value, ensure_ascii=False) if len(written) < 60 else written


pages: list[Any] = [*list_page.pages, *set_page.pages, *versions_page.pages, *stale_page.pages, show_flag]
