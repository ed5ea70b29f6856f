"""The comparison with Backstage: what counts as the same answer, and what is reported."""

import base64
import json
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks" / "catalog"


@pytest.fixture
def tools(monkeypatch):
    """The modules of the benchmark, which import each other by their bare names."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(FOLDER))
    import cases
    import exchange
    import mutations
    import report

    yield type("Tools", (), {"cases": cases, "exchange": exchange, "mutations": mutations, "report": report})
    for name in set(sys.modules) - before:
        if Path(getattr(sys.modules[name], "__file__", None) or "/").parent == FOLDER:
            del sys.modules[name]


def entity(name, **metadata):
    return {"kind": "K", "metadata": {"namespace": "default", "name": name, **metadata}}


def noted(body, *, mode="exact", order=None, status=200):
    return {
        "id": "x",
        "mode": mode,
        "order": order,
        "answer": {"status": status, "headers": {}, "body": body},
    }


def cursor(**content):
    return base64.b64encode(json.dumps(content).encode()).decode()


def test_every_case_is_asked_once_and_has_a_name_of_its_own(tools):
    for cases in (tools.cases.reading(), tools.mutations.validation()):
        names = [case.id for case in cases]
        assert len(names) == len(set(names)) > 1000


def test_what_no_two_servers_can_agree_on_does_not_count(tools):
    one, other = (
        noted({"items": [entity("a", uid=uid, etag="e" * 40)], "pageInfo": {"nextCursor": cursor(at=uid)}})
        for uid in ("0" * 36, "1" * 36)
    )
    assert tools.exchange.comparable(one) == tools.exchange.comparable(other)


def test_a_cursor_counts_by_whether_it_holds_a_query(tools):
    forms = [tools.exchange.cursor_form(each) for each in (cursor(query={}), cursor(a=1), "no base64!")]
    assert forms == ["<cursor with query>", "<cursor>", "<opaque cursor>"]


def test_lists_compare_in_order_and_ties_in_any(tools):
    left = [entity("a", title="1"), entity("b", title="1"), entity("c", title="2")]
    swapped = [left[1], left[0], left[2]]
    turned = [left[2], left[0], left[1]]
    same = tools.exchange.comparable
    ordered = {"mode": "runs", "order": "metadata.title"}
    assert same(noted(left, **ordered)) == same(noted(swapped, **ordered))
    assert same(noted(left, **ordered)) != same(noted(turned, **ordered))
    assert same(noted(left, mode="set")) == same(noted(turned, mode="set"))
    assert same(noted(left)) != same(noted(swapped))


def test_the_report_names_each_difference_once_with_the_shortest_case(tools, tmp_path, capsys):
    for folder, value in (("theirs", 1), ("ours", 2)):
        recorded = [
            {**noted([entity("a", n=value), entity("b")]), "id": f"GET /{path}"} for path in ("long", "s")
        ]
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "reading.json").write_text(json.dumps(recorded))
    assert tools.report.show(tmp_path / "theirs", tmp_path / "ours") == 1
    shown = capsys.readouterr().out
    assert "2 of 2 cases differ, in 1 ways." in shown
    assert "/body/*/metadata/n (2 cases)" in shown
    assert "- case: `GET /s`" in shown
    assert tools.report.show(tmp_path / "theirs", tmp_path / "theirs") == 0
