"""What differs between two recordings, each difference once, with the shortest case that shows it."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from exchange import comparable, ref_of
from mends import Difference, meant

GROUPS = ("reading", "refused", "validation", "writing")
RANKS = ("status", "shape", "value", "text", "header")
"""What a difference is about, the most important first: `text` is the wording of an error."""


def show(
    theirs: Path, ours: Path, only: str = "", *, messages: bool = True, strict: bool = True, most: int = 100
) -> int:
    """Print the differences that are not meant, as Markdown; 0 where there is none, else 1."""
    found: dict[tuple[int, str, str], list[tuple[str, Any, Any]]] = defaultdict(list)
    cases, differing = 0, set()
    for group in GROUPS:
        if not ((theirs / f"{group}.json").exists() and (ours / f"{group}.json").exists()):
            continue
        left, right = (_by_id(folder / f"{group}.json") for folder in (theirs, ours))
        for each in left:
            if only not in each:
                continue
            cases += 1
            if each not in right:
                found[(0, group, "no answer was recorded")].append((each, "", ""))
                continue
            for rank, pointer, one, other in _compare(left[each], right[each]):
                if meant(Difference(group, each, rank, pointer, one, other), strict=strict):
                    continue
                if rank != "text" or messages:
                    found[(RANKS.index(rank), group, _signature(rank, pointer, one, other))].append(
                        (each, one, other)
                    )
                    differing.add((group, each))
    print(f"{len(differing)} of {cases} cases differ, in {len(found)} ways.\n")
    by_weight = sorted(found.items(), key=lambda item: (item[0][0], -len(item[1])))
    for (rank, group, signature), seen in by_weight[:most]:
        each, one, other = min(seen, key=lambda case: len(case[0]))
        print(f"## {RANKS[rank]}, {group}: {signature} ({len(seen)} cases)\n")
        print(f"- case: `{each[:400]}`\n- Backstage: {_short(one)}\n- ours: {_short(other)}")
        others = [case for case, _, _ in seen if case != each][:4]
        print("".join(f"- also: `{case[:160]}`\n" for case in others))
    return 1 if differing else 0


def _by_id(file: Path) -> dict[str, Any]:
    return {each["id"]: each for each in json.loads(file.read_text(encoding="utf-8"))}


def _compare(theirs: dict[str, Any], ours: dict[str, Any]) -> Iterator[tuple[str, str, Any, Any]]:
    how = {
        key: ours[key] for key in ("mode", "order")
    }  # an older recording may have been made to be read otherwise
    left, right = comparable(theirs | how), comparable(ours)
    if "status" not in left:
        left_status, right_status = ([page["status"] for page in each["pages"]] for each in (left, right))
    else:
        left_status, right_status = left["status"], right["status"]
    if left_status != right_status:
        yield "status", "/status", (left_status, _told(left)), (right_status, _told(right))
        return
    refused = (left_status[0] if isinstance(left_status, list) and left_status else left_status) not in (
        200,
        201,
        204,
    )
    for pointer, one, other in _differences(left, right, ""):
        if "/headers/" in pointer:
            yield "header", pointer, one, other
        elif refused:
            yield "text", pointer, one, other
        elif one is _NOTHING or other is _NOTHING or type(one) is not type(other):
            yield "shape", pointer, one, other
        else:
            yield "value", pointer, one, other


class _Nothing:
    def __repr__(self) -> str:
        return "(absent)"


_NOTHING = _Nothing()


def _differences(left: Any, right: Any, pointer: str) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(left, dict) and isinstance(right, dict):
        for key in sorted({*left, *right}):
            place = f"{pointer}/{key}"
            yield from _differences(left.get(key, _NOTHING), right.get(key, _NOTHING), place)
    elif (named := _by_ref(left)) is not None and (also := _by_ref(right)) is not None:
        if list(named) != list(also):
            yield f"{pointer}/<which>", *_which(list(named), list(also))
        for ref in named:
            if ref in also:
                yield from _differences(named[ref], also[ref], f"{pointer}/{ref}")
    elif isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        for index, (one, other) in enumerate(zip(left, right, strict=True)):
            yield from _differences(one, other, f"{pointer}/{index}")
    elif left != right or isinstance(left, bool) != isinstance(right, bool):
        yield pointer, left, right


def _by_ref(value: Any) -> dict[str, Any] | None:
    """Entities by their references, where a list holds entities and each once."""
    if not isinstance(value, list):
        return None
    found = {ref_of(item): item for item in value if isinstance(item, dict) and "metadata" in item}
    return found if found and len(found) == len(value) else None


def _which(left: list[str], right: list[str]) -> tuple[Any, Any]:
    """What only one list has; where both have the same, the two orders."""
    one, other = [ref for ref in left if ref not in right], [ref for ref in right if ref not in left]
    if one or other:
        return {"only Backstage": one, "of": len(left)}, {"only ours": other, "of": len(right)}
    first = next(index for index, pair in enumerate(zip(left, right, strict=True)) if pair[0] != pair[1])
    return {"order from": first, "refs": left[first:]}, {"order from": first, "refs": right[first:]}


def _told(answer: dict[str, Any]) -> Any:
    """What an answer says: the message of an error, else its body."""
    body = answer["pages"][0]["body"] if "pages" in answer else answer["body"]
    if isinstance(body, dict):
        if "error" in body:
            return (
                body["error"].get("message", body["error"])
                if isinstance(body["error"], dict)
                else body["error"]
            )
        if "errors" in body:
            return body["errors"]
    return body


def _signature(rank: str, pointer: str, one: Any, other: Any) -> str:
    if rank == "status":
        return f"{one[0]} became {other[0]}"
    return re.sub(r"/\d+(?=/|$)|/\w+:[^/]+/[^/]+(?=/)", "/*", pointer)


def _short(value: Any) -> str:
    text = repr(value) if isinstance(value, _Nothing) else json.dumps(value, ensure_ascii=False, default=repr)
    return text if len(text) <= 400 else f"{text[:400]}… ({len(text)} characters)"
