"""The attributes that remote evaluations carry, as the linter knows them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoint.cli import run
from counterpoint.flags.seen import DAYS, ENOUGH, FILE, LONGEST, MOST_NAMES, SeenAttributes, attributes_seen

DAY = 86_400


class Clock:
    def __init__(self) -> None:
        self.at = 20_000 * DAY + 10.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def seen(tmp_path, clock) -> SeenAttributes:
    return SeenAttributes(tmp_path, clock=clock)


def evaluate(seen: SeenAttributes, *names: str, times: int = ENOUGH) -> None:
    for _ in range(times):
        if seen.note("default", dict.fromkeys(names, "secret")):
            seen.save()


def test_names_are_told_once_there_are_enough_evaluations(seen, tmp_path):
    evaluate(seen, "country", times=ENOUGH - 1)
    assert attributes_seen(tmp_path, "default") == frozenset()
    evaluate(seen, "plan", times=1)
    assert attributes_seen(tmp_path, "default") == {"country", "plan"}
    assert attributes_seen(tmp_path, "other") == frozenset()
    assert "secret" not in (tmp_path / FILE).read_text()


def test_a_restart_forgets_nothing(seen, tmp_path, clock):
    evaluate(seen, "country")
    again = SeenAttributes(tmp_path, clock=clock)
    evaluate(again, "plan", times=1)
    assert attributes_seen(tmp_path, "default") == {"country", "plan"}


def test_a_name_that_is_carried_no_more_is_forgotten_and_one_that_is_stays(seen, tmp_path, clock):
    evaluate(seen, "old", "kept")
    for _ in range(DAYS + 1):
        clock.at += DAY
        evaluate(seen, "kept", times=1)
    assert attributes_seen(tmp_path, "default") == {"kept"}


def test_nothing_new_is_nothing_to_save(seen):
    evaluate(seen, "country")
    assert not seen.note("default", {"country": 1})
    assert seen.note("default", {"country": 1, "plan": 2})
    assert not seen.note("default", {"plan": 2})


def test_names_sent_at_random_fill_no_disk(seen, tmp_path):
    evaluate(seen, "country")
    for number in range(3 * MOST_NAMES):
        seen.note("default", {f"n{number}": 1, "x" * (LONGEST + 1): 1, "\ud800": 1, "a\nb": 1})
    seen.save()
    found = attributes_seen(tmp_path, "default")
    assert len(found) == MOST_NAMES
    assert "country" in found
    assert all(name.isprintable() and len(name) <= LONGEST for name in found)


@given(content=st.binary(max_size=60) | st.sampled_from([b"[]", b'{"a": 1}', b'{"a": {"names": [1]}}']))
def test_a_damaged_file_counts_as_none(tmp_path_factory, content):
    folder = tmp_path_factory.mktemp("damaged")
    (folder / FILE).write_bytes(content)
    assert attributes_seen(folder, "default") == frozenset()
    SeenAttributes(folder).note("default", {"a": 1})


def test_a_folder_that_cannot_be_written_stops_no_evaluation(tmp_path):
    seen = SeenAttributes(tmp_path / "gone")
    assert seen.note("default", {"a": 1})
    seen.save()


def test_the_server_tells_the_linter(served, http, capsys):
    rule = {"if": [{"==": [{"var": "contry"}, "SE"]}, "on", "off"]}
    flag = {
        "state": "ENABLED",
        "variants": {"on": True, "off": False},
        "defaultVariant": "off",
        "targeting": rule,
    }
    served.write("shop", {"flags": {"new-home": flag}})
    lint = ["flags", "lint", "--set", "shop", "--json", "--workspace", str(served.workspace.path)]
    for number in range(ENOUGH):
        answer = http.post(
            "/ofrep/v1/evaluate/flags/new-home" if number % 2 else "/ofrep/v1/evaluate/flags",
            json={"context": {"targetingKey": f"user-{number}", "country": "SE"}},
            headers={"Flagd-Selector": "flagSetId=shop"},
        )
        assert answer.status_code == 200
    assert run(lint) == 0
    (found,) = [each for each in json.loads(capsys.readouterr().out) if "contry" in each["message"]]
    assert found["level"] == "warning"
    assert (
        found["message"] == "No remote evaluation has carried the attribute 'contry'. Did you mean 'country'?"
    )
    assert "user-" not in (served.workspace.path / FILE).read_text()
