"""What touches a piece of software, and what a change of it reaches."""

import pytest
from litestar.testing import TestClient

from counterpoint.catalog.flow import flow_of
from counterpoint.catalog.touching import touching
from counterpoint.graph import SYSTEM, Graph
from counterpoint.server.app import create_app
from counterpoint.web.charts import Layer, Node, Step, layer_diagram
from tests.graph.documents import bet, component, document, group

HTML = {"Accept": "text/html"}


def flag(component_name: str | None, **metadata: str) -> dict:
    named = {"component": component_name} if component_name else {}
    return {
        "state": "DISABLED",
        "variants": {"on": True, "off": False},
        "defaultVariant": "off",
        "metadata": named | metadata,
    }


def fill(graph: Graph) -> None:
    ours = {"apiVersion": "counterpoint.dev/v1"}
    with graph.write(SYSTEM) as writer:
        writer.put(group("player"))
        writer.put(document("System", "playback", {"owner": "player"}, title="Playback"))
        writer.put(
            document(
                "API",
                "sound",
                {"type": "grpc", "lifecycle": "production", "owner": "player", "definition": "x"},
            )
        )
        writer.put(
            component(
                "decoder",
                owner="player",
                system="playback",
                providesApis=["sound"],
                dependsOn=["resource:tape"],
            )
        )
        writer.put(component("radio", owner="player", system="playback", consumesApis=["sound"]))
        writer.put(component("car", owner="other", consumesApis=["sound"], dependsOn=["component:radio"]))
        writer.put(component("far", owner="other", dependsOn=["component:car"]))
        writer.put(bet("gapless", owner="player", stage="build"))
        writer.put(bet("louder", owner="player", state="killed"))
        writer.put(bet("quieter", owner="player"))
        flags = {"gapless": flag("decoder", bet="gapless"), "shuffle": flag("radio"), "other": flag(None)}
        writer.put(document("FlagSet", "default", {"owner": "player", "definition": {"flags": flags}}) | ours)
        spec = {"owner": "player", "flag": "gapless", "control": "off", "treatments": ["on"]}
        writer.put(document("Experiment", "gapless-test", spec) | ours)
        writer.put(document("Experiment", "stranger", spec | {"flag": "other"}) | ours)


@pytest.fixture
def filled(graph: Graph) -> Graph:
    fill(graph)
    return graph


def told(graph: Graph, ref: str) -> list[tuple[str, str, str, str]]:
    with graph.read() as reader:
        return [
            (touch.kind, touch.title, touch.state, touch.through)
            for touch in touching(reader, reader.require(ref))
        ]


def test_a_component_is_touched_by_its_flag_and_what_hangs_on_it_then_by_its_system_and_owner(filled: Graph):
    assert told(filled, "component:decoder") == [
        ("Flag", "gapless", "disabled", "its own flag"),
        ("Bet", "gapless", "build", "the flag gapless"),
        ("Experiment", "gapless-test", "", "the flag gapless"),
        ("Flag", "shuffle", "disabled", "the system Playback"),
        ("Bet", "quieter", "think", "its owner player"),
    ]


def test_a_system_is_touched_by_the_flags_of_its_parts(filled: Graph):
    assert ("Flag", "gapless", "disabled", "the component decoder") in told(filled, "system:playback")


def test_what_has_no_flags_is_touched_by_what_its_owner_tries(filled: Graph):
    assert {touch[1] for touch in told(filled, "api:sound")} == {"gapless", "quieter"}
    assert told(filled, "component:far") == []
    assert told(filled, "group:player") == []


def test_references_of_a_flag_that_are_none_are_passed_over(filled: Graph):
    broken = {
        "a": flag("::"),
        "b": flag("decoder", bet="a/b/c:"),
        "c": {"metadata": 3},
        "d": flag("decoder", bet="none"),
    }
    with filled.write(SYSTEM) as writer:
        writer.put(
            document("FlagSet", "broken", {"owner": "player", "definition": {"flags": broken}})
            | {"apiVersion": "counterpoint.dev/v1"},
            validated=True,  # as an older version would have taken it
        )
    kinds = [touch[:2] for touch in told(filled, "component:decoder")]
    assert ("Flag", "b") in kinds
    assert ("Flag", "d") in kinds


def test_what_a_change_reaches_is_followed_two_steps_through_apis(filled: Graph):
    with filled.read() as reader:
        left, right = flow_of(reader, reader.require("component:decoder"))
        assert flow_of(reader, reader.require("group:player")) is None
    assert [step.key for step in left[0].steps] == ["api:default/sound"]
    assert {step.key: step.parents for step in left[1].steps} == {
        "component:default/radio": ("api:default/sound",),
        "component:default/car": ("api:default/sound",),
    }
    [tape] = right[0].steps
    assert (tape.label, tape.href) == ("tape", None), "what is missing has a name and no page"


def test_a_circle_ends(filled: Graph):
    with filled.write(SYSTEM) as writer:
        writer.put(component("decoder", owner="player", dependsOn=["component:far", "component:decoder"]))
    with filled.read() as reader:
        left, right = flow_of(reader, reader.require("component:decoder"))
    assert "component:default/decoder" not in [step.key for step in (*left[1].steps, *right[1].steps)]


def test_the_layers_are_drawn_in_all_widths_and_what_is_too_much_is_counted():
    steps = tuple(
        Step(f"k{number}", f"Thing <{number}>", f"/x/{number}", parents=("k0",)) for number in range(30)
    )
    drawn = layer_diagram(Node("Middle"), [Layer("Before", steps)], [Layer("Behind", steps)], title="Both")
    assert drawn.count("<svg") == 4
    assert "and 20 more" in drawn
    assert "Thing &lt;0&gt;" in drawn
    assert "Thing <0>" not in drawn
    assert 'href="/x/0"' in drawn
    assert layer_diagram(Node("Middle"), [Layer("Before", ())], [], title="None") == ""


@pytest.fixture
def client(workspace):
    fill(workspace.graph)
    with TestClient(create_app(workspace, auth=False), base_url="http://counterpoint.localhost") as made:
        yield made


def test_the_page_tells_what_touches_it_and_shows_two_steps_when_asked(client):
    page = client.get("/catalog/component/default/decoder", headers=HTML).text
    assert "Bets, flags and experiments that touch it" in page
    assert 'href="/flags/default/gapless"' in page
    assert "steps=2#relations" in page
    assert "Two steps before" not in page
    further = client.get("/catalog/component/default/decoder?steps=2", headers=HTML).text
    assert "Two steps before" in further
    assert 'href="/catalog/component/default/radio"' in further
    assert client.get("/catalog/component/default/decoder?steps=x", headers=HTML).status_code == 400
    assert client.get("/catalog/group/default/player?steps=2", headers=HTML).status_code == 200


def test_a_page_without_anything_says_what_would_fill_it(client, workspace):
    with workspace.graph.write(SYSTEM) as writer:
        writer.put(component("alone", owner="nobody"))
    page = client.get("/catalog/component/default/alone", headers=HTML).text
    assert "A flag touches it that names it" in page
