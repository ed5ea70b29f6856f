"""The page of a set's versions: differences in words and line by line, deleted sets, and what is not there."""

import html as html_module
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

from counterpoint import Workspace
from counterpoint.flags.change_words import Line, flag_words, lines_between
from counterpoint.flags.composing import compose, kill, ramp
from counterpoint.flags.store import delete_set, write_set
from counterpoint.graph.actor import local_actor
from counterpoint.graph.flag_changes import changes_between
from tests.flags.test_list_page import BOOLEAN, flag, read, split, words

ME = local_actor()


def document(*flags: dict[str, Any], composition: Any = None) -> dict[str, Any]:
    spec: dict[str, Any] = {"definition": {"flags": {f"f{index}": each for index, each in enumerate(flags)}}}
    if composition is not None:
        spec["composition"] = composition
    return {"kind": "FlagSet", "spec": spec}


def words_between(old: dict[str, Any] | None, new: dict[str, Any] | None) -> list[Any]:
    return flag_words(changes_between(old, new), old, new)


def test_each_part_is_told_before_and_after() -> None:
    old = flag(rule=split(5), metadata={"owner": "a", "kept": 1})
    new = flag(
        "on",
        {"if": [{"==": [{"var": "country"}, "SE"]}, "on"]},
        variants={"on": True, "off": False, "odd": True},
        metadata={"owner": "b", "kept": 1},
        state="DISABLED",
    )
    (found,) = words_between(document(old), document(new))
    parts = {part.label: part for part in found.parts}
    assert found.said == ("It is turned off: everybody gets the default in the code.",)
    assert (parts["Default variant"].before, parts["Default variant"].after) == (("off",), ("on",))
    assert (parts["Variants"].before, parts["Variants"].after) == ((), ("odd: true",))
    assert (parts["Metadata"].before, parts["Metadata"].after) == (('owner: "a"',), ('owner: "b"',))
    (before,) = parts["Rule"].steps_before
    assert [(share.variant, share.percent) for share in before.shares] == [("on", 5), ("off", 95)]
    assert [step.when for step in parts["Rule"].steps_after] == ['country is "SE"', ""]


def test_flags_that_came_and_went_are_told_as_such() -> None:
    found = words_between(document(flag()), None)
    assert [(each.key, each.action) for each in found] == [("f0", "removed")]
    found = words_between(None, document(flag()))
    assert [(each.key, each.action) for each in found] == [("f0", "added")]
    assert {line.kind for line in found[0].lines} == {"+"}


def test_json_is_compared_line_by_line_with_what_is_far_left_out() -> None:
    old = {str(number): number for number in range(20)}
    found = list(lines_between(old, old | {"10": "ten"}))
    assert Line("-", '  "10": 10,') in found
    assert Line("+", '  "10": "ten",') in found
    assert found[0].kind == "gap"
    assert len(found) == 9
    assert list(lines_between(old, old)) == []


def test_a_long_difference_ends_with_a_word_instead_of_filling_the_page() -> None:
    found = list(lines_between(None, list(range(5_000))))
    assert len(found) == 401
    assert found[-1].kind == "gap"


@pytest.fixture
def ws(tmp_path: Path) -> Iterator[Workspace]:
    plan = {"default": "off", "treatment": "on", "variants": BOOLEAN, "ramp": 5}
    child = {**plan, "prerequisites": [{"flag": "new", "variant": "on"}]}
    with Workspace.create(tmp_path / "workspace") as made:
        compose(made, ME, "shop", {"flags": {"new": plan, "child": child}}, reason="To begin")
        ramp(made, ME, "shop", "new", 25, reason="It goes well")
        kill(made, ME, "shop", "new", reason="It is slow")
        yield made


def difference(client: TestClient, path: str) -> str:
    html = read(client, path)
    return words(html_module.unescape(html.partition('id="difference"')[2].partition("</section>")[0]))


def test_the_newest_version_is_compared_with_the_one_before(client: TestClient) -> None:
    found = difference(client, "/flags/-/versions/shop")
    assert "From version 2 to 3" in found
    assert "'new' is killed (It is slow): everybody gets 'off'; the plan is kept." in found
    assert "Killed None everybody gets off" in found
    assert "compiled anew, since something that it builds on has changed" in found


def test_a_ramp_says_who_enters_and_shows_the_plan_and_not_the_compiled_rule(client: TestClient) -> None:
    found = difference(client, "/flags/-/versions/shop?from=1&to=2")
    assert "Ramp of 'new' 5 % → 25 %: 20 % of users enter, nobody leaves or changes arm." in found
    assert "Enrolled 5 %: on 25 %: on" in found
    back = difference(client, "/flags/-/versions/shop?from=2&to=1")
    assert "20 % leave, those who came last" in back


def test_the_first_version_is_compared_with_nothing(client: TestClient) -> None:
    found = difference(client, "/flags/-/versions/shop?from=0&to=1")
    assert "What version 1 began with" in found
    assert "new Added" in found


def test_a_version_is_the_same_as_itself(client: TestClient) -> None:
    assert "Nothing differs." in difference(client, "/flags/-/versions/shop?from=2&to=2")


def test_restoring_is_one_step_away(client: TestClient) -> None:
    html = read(client, "/flags/-/versions/shop?from=1&to=3")
    assert html.count('href="/flags/-/restore/shop?version=1"') == 2
    assert 'href="/flags/-/restore/shop?version=3"' not in html


def test_versions_of_a_deleted_set_stay_readable(ws: Workspace, client: TestClient) -> None:
    delete_set(ws, ME, "shop", reason="Nobody uses it")
    html = read(client, "/flags/-/versions/shop")
    assert "The set shop is deleted" in words(html)
    assert "Nobody uses it" in html
    assert 'href="/flags/-/restore/shop?version=3"' in html


@pytest.mark.parametrize(
    "path", ["/flags/-/versions/nobody", "/flags/-/versions/shop?to=99", "/flags/-/versions/shop?from=-1"]
)
def test_what_is_not_there_is_told(client: TestClient, path: str) -> None:
    answer = client.get(path, headers={"accept": "text/html"})
    assert answer.status_code == 404
    assert "There " in words(answer.text)


def test_many_versions_are_paged(ws: Workspace, client: TestClient) -> None:
    for percent in range(1, 25):
        write_set(ws, ME, "busy", {"flags": {"f": flag(rule=split(percent))}})
    html = read(client, "/flags/-/versions/busy")
    assert "20 of 24 versions" in words(html)
    (_, _, after) = html.partition('rel="next" href="')
    second = read(client, html_module.unescape(after.partition('"')[0]))
    assert "4 of 24 versions" in words(second)


def test_a_difference_of_a_thousand_flags_shows_some_and_names_others_quickly(
    ws: Workspace, client: TestClient
) -> None:
    for percent in (1, 2):
        flags = {f"flag-{index:04}": flag(rule=split(percent)) for index in range(1_000)}
        write_set(ws, ME, "many", json.dumps({"flags": flags}))

    def seconds() -> float:
        start = time.process_time()
        assert "950 flags more" in difference(client, "/flags/-/versions/many")
        return time.process_time() - start

    assert min(seconds() for _ in range(3)) < 0.5
