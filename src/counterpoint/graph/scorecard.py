"""The fields of a Scorecard, and what they say against each other: levels, checks, exemptions, predicates."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from counterpoint.errors import InputError, Problem
from counterpoint.graph.fields import Field
from counterpoint.graph.formats import is_name
from counterpoint.graph.predicate import check_predicate, size_of
from counterpoint.graph.ref import parse_ref
from counterpoint.graph.slips import check_keys

__all__ = ["DEFAULT_EXEMPT_KIND", "SCORECARD", "check_scorecard"]

CHECKS = 100
LEVELS = 20
CONDITIONS = 1_000
EXEMPTIONS = 5_000
DEFAULT_EXEMPT_KIND = "Component"
SCORECARD = (
    Field("filter", "object"),
    Field("levels", "texts"),
    Field(
        "checks",
        "objects",
        required=True,
        at_least=1,
        fields=(
            Field("id", required=True),
            Field("title", required=True),
            Field("level"),
            Field("predicate", "object", required=True),
            Field("why"),
            Field("remedy"),
            Field("link"),
        ),
    ),
    Field(
        "exemptions",
        "objects",
        fields=(
            Field("entity", required=True),
            Field("check"),
            Field("reason", required=True),
            Field("until", "date", required=True),
        ),
    ),
)
"""The fields of its spec, besides its owner."""


def check_scorecard(spec: Mapping[str, Any]) -> Iterator[Problem]:
    """What is wrong with a scorecard whose fields are right in themselves."""
    for name, most in (("checks", CHECKS), ("levels", LEVELS), ("exemptions", EXEMPTIONS)):
        if len(spec.get(name) or ()) > most:
            yield Problem(f"{name} has more than {most:,} items; split the scorecard.", f"/spec/{name}")
            return
    levels = spec.get("levels") or []
    for index, level in enumerate(levels):
        if level in levels[:index]:
            yield Problem(f"{level} is named twice.", f"/spec/levels/{index}")
    if isinstance(spec.get("filter"), dict):
        yield from _predicate(spec["filter"], "/spec/filter")
        yield from _about_people(spec["filter"])
    known: set[str] = set()
    for index, check in enumerate(spec["checks"]):
        yield from _check(check, f"/spec/checks/{index}", levels, known)
    yield from _too_much(spec)
    for index, exemption in enumerate(spec.get("exemptions") or ()):
        yield from _exemption(exemption, f"/spec/exemptions/{index}", known)


def _predicate(predicate: Mapping[str, Any], place: str) -> Iterator[Problem]:
    wrong = list(check_predicate(predicate, place))
    yield from wrong or check_keys(predicate, place)


def _about_people(predicate: Mapping[str, Any]) -> Iterator[Problem]:
    kind = next((value for key, value in predicate.items() if key.lower() == "kind"), None)
    if isinstance(kind, str) and kind.lower() == "user":
        yield Problem("A scorecard is never about people; name another kind.", "/spec/filter/kind")


def _too_much(spec: Mapping[str, Any]) -> Iterator[Problem]:
    """Every condition is asked of every entity, after every change of one."""
    predicates = [spec.get("filter"), *(check["predicate"] for check in spec["checks"])]
    usable = [each for each in predicates if each is not None and not any(check_predicate(each, ""))]
    total = sum(map(size_of, usable))
    if total > CONDITIONS:
        yield Problem(
            f"The scorecard has {total:,} conditions; {CONDITIONS:,} are the most, so split it.",
            "/spec/checks",
        )


def _check(check: Mapping[str, Any], place: str, levels: list[str], known: set[str]) -> Iterator[Problem]:
    name = check["id"]
    if not is_name(name):
        yield Problem(
            f"{name!r} is no id; it has 1 to 63 letters, digits, '-', '_' or '.', such as has-docs.",
            f"{place}/id",
        )
    elif name in known:
        yield Problem(f"{name} is the id of an earlier check.", f"{place}/id")
    known.add(name)
    level = check.get("level")
    if level is not None and level not in levels:
        named = f"it must be one of {', '.join(levels)}" if levels else "the scorecard names no levels"
        yield Problem(f"{level} is no level of this scorecard; {named}.", f"{place}/level")
    yield from _predicate(check["predicate"], f"{place}/predicate")
    link = check.get("link")
    if link is not None and not (urlsplit(link).scheme in {"http", "https"} or _is_path(link)):
        yield Problem("link must begin with https://, http:// or a single /.", f"{place}/link")


def _is_path(link: str) -> bool:
    return link.startswith("/") and not link.startswith(("//", "/\\"))


def _exemption(exemption: Mapping[str, Any], place: str, known: set[str]) -> Iterator[Problem]:
    try:
        parse_ref(exemption["entity"], default_kind=DEFAULT_EXEMPT_KIND)
    except InputError as error:
        yield Problem(error.message, f"{place}/entity")
    check = exemption.get("check")
    if check is not None and check not in known:
        yield Problem(f"There is no check {check}; leave it out for all checks.", f"{place}/check")
