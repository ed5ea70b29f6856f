"""The page of one flag: what it does in a sentence, who gets what, why, what became of it, and what was shown."""

import asyncio
import html as html_module
import inspect
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import httpx2
import msgspec
import pytest
from litestar.testing import TestClient

from counterpoint import Workspace
from counterpoint.flags.composing import compose, kill, ramp
from counterpoint.flags.flag_page import show_flag
from counterpoint.flags.promotion import promote_set, way_of
from counterpoint.flags.store import write_set
from counterpoint.graph.actor import Actor
from counterpoint.web import PageContext
from counterpoint.web.urls import flag_url
from tests.flags.pages import Forms
from tests.flags.test_exposure_counts import exposure
from tests.flags.test_list_page import BOOLEAN, ME, card, flag, read, split, words

SE = {"==": [{"var": "country"}, "SE"]}
PLANS: dict[str, Any] = {
    "segments": {"adults": {">=": [{"var": "age"}, 18]}},
    "layers": {"first": {}},
    "holdouts": {"quarter": {"percent": 5}},
    "flags": {
        "parent": {"default": "off", "treatment": "on", "variants": BOOLEAN, "ramp": 100},
        "planned": {
            "default": "off",
            "treatment": "on",
            "variants": BOOLEAN,
            "ramp": 10,
            "audience": ["adults"],
            "layer": {"name": "first", "from": 0, "to": 40},
            "holdouts": ["quarter"],
            "prerequisites": [{"flag": "parent", "variant": "on"}],
        },
    },
}


@pytest.fixture
def ws(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.create(tmp_path / "workspace") as made:
        compose(made, ME, "shop.staging", PLANS, reason="As agreed")
        yield made


def now_of(ws: Workspace, client: TestClient, made: dict[str, Any]) -> str:
    write_set(ws, ME, "one", {"flags": {"it": made}})
    return card(read(client, "/flags/one/it"), "now")


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (flag(rule=split(12.5)), "12.5 % get ‘on’ and the rest get ‘off’."),
        (flag("on"), "Everybody gets ‘on’."),
        (flag("off"), "Everybody gets ‘off’."),
        (flag(state="DISABLED"), "It is switched off: everybody gets the default in the code."),
        (flag(rule={"if": [SE, "on", None]}), "It depends on who asks: one condition decides."),
        (flag(rule={"near": [1]}), "Its rule cannot run: every evaluation is an error, and everybody gets the default in the code."),
    ],
)  # fmt: skip
def test_the_first_card_says_in_a_sentence_who_gets_what(
    ws: Workspace, client: TestClient, made: dict[str, Any], expected: str
) -> None:
    assert expected in now_of(ws, client, made)


def test_a_flag_with_a_plan_is_told_by_its_plan(client: TestClient) -> None:
    page = read(client, "/flags/shop.staging/planned")
    assert "Of those it is for, 10 % get ‘on’ and the rest get ‘off’." in card(page, "now")
    assert "Ramping" in words(page.partition("page-title")[0])
    rules = card(page, "rules")
    for step in (
        "parent does not give 'on' off",
        "in the 5 % of the holdout quarter off",
        "not in the segment adults (age is at least 18) off",
        "outside of 0 to 40 % of the layer first off",
        "a split by targeting key: on 10 %, off 90 %",
    ):
        assert step in rules
    assert 'href="/flags/shop.staging/parent"' in page
    assert 'href="/flags/shop.staging#layers"' in page


def test_a_killed_flag_says_so_and_what_it_was(ws: Workspace, client: TestClient) -> None:
    kill(ws, ME, "shop.staging", "planned", reason="It hurts")
    page = read(client, "/flags/shop.staging/planned")
    assert (
        "It is killed (It hurts): everybody gets ‘off’ until it is revived. Before, of those it is for, 10 %"
        in card(page, "now")
    )
    assert "It hurts" in card(page, "history")


def test_what_a_schedule_will_change_is_told(ws: Workspace, client: TestClient) -> None:
    plan = {**PLANS["flags"]["parent"], "ramp": 10, "schedule": [{"at": "2099-01-01T00:00:00Z", "ramp": 40}]}
    compose(ws, ME, "timed", {"flags": {"it": plan}})
    assert "From 2099-01-01 00:00:00 UTC on: ramp of 'it' 10 % → 40 %." in card(
        read(client, "/flags/timed/it"), "now"
    )


def test_a_plan_that_an_edit_by_hand_set_aside_is_told_with_the_way_back(
    ws: Workspace, client: TestClient
) -> None:
    write_set(ws, ME, "shop.staging", {"flags": {"planned": flag("on"), "parent": flag("on")}})
    page = words(html_module.unescape(read(client, "/flags/shop.staging/planned")))
    assert "Its plan is set aside" in page
    assert "counterpoint flags compose FILE --set shop.staging --reattach planned" in page


def test_the_form_holds_what_the_rule_reads_and_tells_each_step(ws: Workspace, client: TestClient) -> None:
    write_set(ws, ME, "one", {"flags": {"it": flag(rule={"if": [SE, "on", None]})}})
    before = card(read(client, "/flags/one/it"), "try")
    assert '{"targetingKey": "user-1", "country": "SE"}' in before
    assert "Step by step" not in before
    context = quote('{"targetingKey": "a", "country": "SE"}')
    after = card(read(client, f"/flags/one/it?context={context}"), "try")
    assert "Variant on Reason TARGETING_MATCH" in after
    assert 'country is "SE": yes (it compares "SE", "SE"). decides' in after
    assert 'country is "SE". country' not in after


@pytest.mark.parametrize("key", ["it", "..", "a/b ?#"])
def test_a_context_of_any_length_is_answered(client: TestClient, ws: Workspace, key: str) -> None:
    rule = {"if": [{"in": ["SE", {"var": "countries"}]}, "on", None]}
    write_set(ws, ME, "why", {"flags": {key: flag(rule=rule)}})
    page = Forms(read(client, flag_url("why", key)))
    ((action, fields),) = [(action, dict(sent)) for action, sent in page.found if "context" in dict(sent)]
    for many, status in ((1, 303), (40_000, 200)):
        context = json.dumps({"countries": ["DK"] * many + ["SE"]})
        sent = {**fields, "context": context}
        answer = client.post(action, data=sent, headers={"accept": "text/html"}, follow_redirects=False)
        assert answer.status_code == status
        shown = answer.text if status == 200 else read(client, answer.headers["location"])
        assert "Variant on Reason TARGETING_MATCH" in card(shown, "try")
        assert context in html_module.unescape(shown)
    assert context not in html_module.unescape(shown.partition("counterpoint flags trace")[2])


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        ("{", "This is not JSON"),
        ("[1]", "A context is a JSON object of attributes."),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_a_context_that_is_none_keeps_what_was_typed_and_says_why(
    client: TestClient, typed: str, problem: str
) -> None:
    answer = client.get("/flags/shop.staging/planned", params={"context": typed[:6_000]})
    assert answer.status_code == 200
    found = card(answer.text, "try")
    assert problem in found
    assert typed[:50] in found
    assert "Reason" not in found


def test_with_a_plan_the_gates_say_where_somebody_was_stopped(client: TestClient) -> None:
    context = quote('{"targetingKey": "user-1", "age": 12}')
    found = card(read(client, f"/flags/shop.staging/planned?context={context}"), "try")
    assert "It needs 'parent' to give 'on': it gives 'on'." in found
    assert "It is for adults (age is at least 18): no. Stops here: the default." in found
    assert "Its slot is 0 to 40 % of the layer 'first'. Not asked." in found
    assert "Each operation of the compiled rule" in found


def test_asking_why_records_no_exposure(ws: Workspace, client: TestClient) -> None:
    context = quote('{"targetingKey": "user-1", "age": 20}')
    read(client, f"/flags/shop.staging/planned?context={context}")
    assert ws.journal.counts() == []


def test_the_history_has_the_versions_of_this_flag_only_in_words(ws: Workspace, client: TestClient) -> None:
    ramp(ws, ME, "shop.staging", "planned", 25, reason="It goes well")
    kill(ws, ME, "shop.staging", "parent")  # compiles the child anew, too
    page = read(client, "/flags/shop.staging/planned")
    found = card(page, "history")
    assert "Ramp of 'planned' 10 % → 25 %: 15 % of those it is for enter" in found
    assert "It goes well" in found
    assert "Version 2 Compare with now Restore" in found
    assert 'href="/flags/-/restore/shop.staging?version=2"' in page
    write_set(ws, ME, "two", {"flags": {"a": flag(), "b": flag()}})
    write_set(ws, ME, "two", {"flags": {"a": flag(), "b": flag("on")}})
    assert "Version 2" not in card(read(client, "/flags/two/a"), "history")
    assert "Changed default variant." in card(read(client, "/flags/two/b"), "history")


def test_a_long_history_is_cut_and_leads_to_the_rest(ws: Workspace, client: TestClient) -> None:
    for percent in range(11, 22):
        ramp(ws, ME, "shop.staging", "planned", percent)
    found = card(read(client, "/flags/shop.staging/planned"), "history")
    assert found.count("Restore") == 7  # of eight versions, the newest is as it is
    assert "Earlier versions of the whole set" in found


def test_every_figure_leads_to_its_events(ws: Workspace, client: TestClient) -> None:
    now = datetime.now(UTC)
    ws.journal.append([exposure(1, now), exposure(2, now), exposure(3, now, "gone")])
    write_set(ws, ME, "shop", {"flags": {"one": flag(rule=split(50))}})
    page = read(client, "/flags/shop/one")
    found = card(page, "exposures")
    assert "on 2 2 2 66.7 %" in found
    assert "gone no variant any more 1 1 1 33.3 %" in found
    address = "/events?type=feature_flag.evaluation&set=shop&flag=one&variant=on"
    assert page.count(address.replace("&", "&amp;")) == 3
    events = read(client, address)
    assert "user-1" in events
    assert "user-2" in events
    assert "user-3" not in events


def test_the_counts_can_be_had_anew_by_themselves(ws: Workspace, client: TestClient) -> None:
    write_set(ws, ME, "shop", {"flags": {"one": flag(rule=split(50))}})
    page = read(client, "/flags/shop/one")
    assert 'data-live="/flags/-/exposures/shop?flag=one"' in page
    assert "Nobody has been given a variant" in words(read(client, "/flags/-/exposures/shop?flag=one"))
    ws.journal.append([exposure(1, datetime.now(UTC))])
    part = read(client, "/flags/-/exposures/shop?flag=one")
    assert "on 1 1 1 100.0 %" in words(part)
    assert "<main" not in part
    for gone in ("/flags/-/exposures/shop?flag=no", "/flags/-/exposures/no?flag=one"):
        assert client.get(gone).status_code == 404


def test_environments_stand_side_by_side(ws: Workspace, client: TestClient) -> None:
    assert "Staging" not in card(read(client, "/flags/shop.staging/planned"), "now")
    promote_set(ws, ME, way_of("shop.staging", ws.settings.flags.environments))
    ramp(ws, ME, "shop.staging", "planned", 50)
    page = read(client, "/flags/shop/planned")
    assert "Staging Ramping 50 % Production Ramping" in card(page, "now")
    assert 'href="/flags/shop.staging/planned"' in page


def test_findings_and_staleness_of_this_flag_say_what_to_do(ws: Workspace, client: TestClient) -> None:
    write_set(ws, ME, "one", {"flags": {"it": flag("on"), "other": flag(rule={"near": [1]})}})
    found = card(read(client, "/flags/one/it"), "findings")
    assert "It has no rule: everybody gets 'on'." in found
    assert "Keep the branch of 'on'" in found
    assert "near" not in found
    assert "near" in card(read(client, "/flags/one/other"), "findings")


@pytest.mark.parametrize("key", ["team/odd key?#%é", "'; $(rm -rf) <script>", "x" * 200, "-", "-/stale"])
def test_any_key_has_its_page_and_commands_that_a_shell_takes_as_they_are(
    ws: Workspace, client: TestClient, key: str
) -> None:
    write_set(ws, ME, "one", {"flags": {key: flag(rule=split(50))}})
    page = read(client, flag_url("one", key))
    assert f"<h1>{html_module.escape(key, quote=False)}</h1>" in page.replace("&#39;", "'").replace(
        "&#34;", '"'
    )
    assert "<script>" not in page.partition("<main")[2]
    assert f'data-live="/flags/-/exposures/one?flag={quote(key, safe="")}"'.replace("%20", "+") in page
    assert "'\"'\"'; $(rm" in html_module.unescape(page) if key.startswith("'") else True


def test_a_key_with_an_escaped_slash_is_not_the_key_with_a_slash(http: httpx2.Client) -> None:
    answer = http.get("/flags/default/a%252Fb")
    assert answer.status_code == 200
    assert "<h1>a%2Fb</h1>" in answer.text


def test_the_json_the_command_and_the_snippets_are_there(client: TestClient) -> None:
    page = html_module.unescape(read(client, "/flags/shop.staging/planned"))
    assert '"planned": {' in page
    assert "counterpoint flags eval planned --set shop.staging --context" in page
    assert "counterpoint flags simulate flags.json --set shop.staging" in page
    assert 'CounterpointProvider(url="http://counterpoint.localhost", flag_set="shop.staging")' in page


def test_who_may_not_change_it_is_offered_nothing_in_vain(ws: Workspace) -> None:
    group = {
        "apiVersion": "backstage.io/v1alpha1",
        "kind": "Group",
        "metadata": {"name": "player"},
        "spec": {"type": "squad", "children": []},
    }
    with ws.graph.write(ME) as writer:
        writer.put(group)
    for default in ("off", "on"):
        write_set(ws, ME, "theirs", {"metadata": {"owner": "player"}, "flags": {"it": flag(default)}})
    page = PageContext("Test", "/flags/theirs/it", "Eve", signed_in=True, csrf="")
    request = SimpleNamespace(base_url="http://counterpoint.localhost/")

    def shown(actor: Actor) -> str:
        found: Any = show_flag.fn(
            ws=ws, page=page, actor=actor, request=request, set_name="theirs", flag_key="/it"
        )
        # An application that was made before has put the handler into a thread.
        html: str = asyncio.run(found) if inspect.isawaitable(found) else found
        return html

    eve, owner = shown(Actor("user:default/eve", "Eve", "person")), shown(ME)
    for address in (
        "/flags/-/edit/theirs?flag=it",
        "/flags/-/control/theirs?flag=it",
        "/flags/-/restore/theirs?version=1",
    ):
        assert [f'href="{address}"' in html for html in (eve, owner)] == [False, True]
    assert "It belongs to group:default/player" in words(eve)
    assert "Ask" in words(eve)


def test_a_flag_that_is_not_there_is_not_found(client: TestClient) -> None:
    answer = client.get("/flags/shop.staging/nothing", headers={"accept": "text/html"})
    assert answer.status_code == 404
    assert "There is no flag 'nothing' in the flag set 'shop.staging'." in html_module.unescape(answer.text)


def test_a_flag_of_a_thousand_is_shown_in_less_than_a_tenth_of_a_second(
    ws: Workspace, client: TestClient
) -> None:
    many = {f"flag-{number}": flag(rule={"if": [SE, "on", split(number % 100)]}) for number in range(1_000)}
    write_set(ws, ME, "many", {"flags": many})
    many["flag-500"] = flag("on", rule=split(3))
    write_set(ws, ME, "many", {"flags": many})
    ws.journal.append(
        [
            exposure(
                number, datetime.now(UTC), **{"feature_flag.key": "flag-500", "feature_flag.set.id": "many"}
            )
            for number in range(200)
        ]
    )
    spent = []
    for _ in range(6):
        begun = time.process_time()
        read(client, "/flags/many/flag-500")
        spent.append(time.process_time() - begun)
    assert min(spent) < 0.1


def test_a_planned_flag_of_a_thousand_is_shown_and_explained_in_less_than_a_tenth_of_a_second(
    ws: Workspace, client: TestClient
) -> None:
    plan = {"default": "off", "treatment": "on", "variants": BOOLEAN, "holdouts": ["quarter"]}
    many = {f"flag-{number}": {**plan, "ramp": number % 100, "audience": ["se"]} for number in range(1_000)}
    shared = {"segments": {"se": SE}, "holdouts": {"quarter": {"percent": 5}}}
    compose(ws, ME, "many", {**shared, "flags": many})
    context = quote('{"targetingKey": "user-1", "country": "SE"}')
    spent = []
    for _ in range(8):
        begun = time.process_time()
        page = read(client, f"/flags/many/flag-500?context={context}")
        spent.append(time.process_time() - begun)
    assert "Gate by gate" in page
    assert min(spent) < 0.1


def test_all_of_it_survives_json(client: TestClient) -> None:
    """Values that JSON has no short words for are shown as they are."""
    answer = client.get(
        "/flags/shop.staging/planned",
        params={"context": msgspec.json.encode({"targetingKey": "é\u2028</script>", "age": 1e300}).decode()},
    )
    assert answer.status_code == 200
    assert "</script>" not in answer.text.partition('id="try"')[2].partition("</section>")[0]


@pytest.mark.parametrize(
    "context",
    [
        '{"targetingKey": "\\ud800"}',
        '{"\\udfff": 1, "country": "\\ud800"}',
        '{"targetingKey": NaN, "country": Infinity}',
        '{"targetingKey": "u", "country": 1e999}',
        '{"targetingKey": "u", "country": ' + "9" * 4_000 + "}",
        '{"targetingKey": "u", "$flagd": 1, "company": {"id": [1]}}',
        '{"targetingKey": "u", "x": ' + '{"a": ' * 900 + "1" + "}" * 901,
        '{"targetingKey": "' + "x" * 30_000 + '"}',
    ],
)
def test_a_context_of_any_json_is_answered(ws: Workspace, client: TestClient, context: str) -> None:
    rule = {"if": [SE, {"fractional": [["on", 1], ["off", 1]]}, {"fractional": [["on", 1], ["off", 2]]}]}
    write_set(ws, ME, "one", {"flags": {"it": flag(rule=rule)}})
    for path in ("/flags/one/it", "/flags/shop.staging/planned"):
        answer = client.get(path, params={"context": context})
        assert answer.status_code == 200, context[:40]
        assert "Reason" in card(answer.text, "try")


@pytest.mark.parametrize("key", ["/before", "after/", "/both/", "a//b"])
def test_a_key_that_begins_or_ends_with_a_slash_has_its_page(
    ws: Workspace, client: TestClient, key: str
) -> None:
    write_set(ws, ME, "one", {"flags": {key: flag(rule=split(50))}})
    assert f"<h1>{key}</h1>" in read(client, flag_url("one", key))


def test_flags_in_a_list_have_their_pages(ws: Workspace, client: TestClient) -> None:
    listed = [{"key": "one", "flagSetId": "other", **flag("on")}, {"key": "two", **flag(rule=split(50))}]
    write_set(ws, ME, "listed", {"flags": listed})
    page = html_module.unescape(read(client, "/flags/listed/one"))
    assert "Everybody gets ‘on’." in card(page, "now")
    assert '"flagSetId": "other"' in page
    assert "50 % get ‘on’" in card(read(client, "/flags/listed/two"), "now")


def test_a_flag_without_a_default_leaves_it_to_the_code(ws: Workspace, client: TestClient) -> None:
    write_set(ws, ME, "one", {"flags": {"it": {"state": "ENABLED", "variants": BOOLEAN}}})
    page = read(client, "/flags/one/it?context=%7B%7D")
    assert "Everybody gets the default in the code." in card(page, "now")
    assert "none: callers use the default in their code" in card(page, "try")
