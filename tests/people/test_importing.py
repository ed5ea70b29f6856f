"""People and units from files, and out again."""

import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

import counterpoint
from counterpoint import Workspace
from counterpoint.cli import run
from counterpoint.graph import SYSTEM, Graph
from counterpoint.graph.descriptor import normalise, ref_of, validate
from counterpoint.people.dates import now
from counterpoint.people.exporting import documents, export
from counterpoint.people.importing import ImportReport, import_files
from counterpoint.people.managers import lines
from counterpoint.people.memberships import effective, recorded
from counterpoint.yaml12.reader import read_file, read_text
from counterpoint.yaml12.writing import yaml_texts
from tests.graph.documents import component, document, user

UNITS = """\
unit,title,type,parent
acme,Acme,organisation,
listening,Listening,tribe,Acme
discovery,Discovery,squad,listening
backend,Backend,chapter,
"""
PEOPLE = """\
name;email;title;unit;role;from;to;share;manager;manager since
Ana Moreira;ana@acme.example;Product owner;Discovery;Product Owner;2026-01-01;;80%;;
Ana Moreira;ana@acme.example;Product owner;backend;;;;;;
Jürgen Groß;j.gross@acme.example;Engineer;discovery;;2026-02-01;2026-06-01;0,5;ana@acme.example;2026-02-01
"""


def imported(graph: Graph, folder, **options: bool | str) -> ImportReport:
    files = []
    for name, text in {key: value for key, value in options.items() if isinstance(value, str)}.items():
        path = folder / name.replace("_csv", ".csv").replace("_yaml", ".yaml")
        path.write_text(text, encoding="utf-8-sig")
        files.append(path)
    flags = {key: value for key, value in options.items() if isinstance(value, bool)}
    return import_files(graph, SYSTEM, files, **flags)


def messages(report: ImportReport) -> list[str]:
    return [str(problem) for _, problem in report.problems]


def test_units_and_people_are_read_whatever_the_order_and_the_separator(graph, tmp_path):
    report = imported(graph, tmp_path, people_csv=PEOPLE, units_csv=UNITS)
    assert messages(report) == []
    assert report.outcomes["created"] == {"units": 4, "people": 2, "memberships": 3, "managers": 1}
    with graph.read() as reader:
        ana = reader.require("user:default/ana")
        assert (ana.title, ana.description) == ("Ana Moreira", "Product owner")
        assert reader.require("user:default/j.gross").title == "Jürgen Groß"
        assert reader.require("group:default/discovery").targets("childOf") == ("group:default/listening",)
        first = next(each for each in recorded(reader, person=ana.ref) if each.role == "product-owner")
        assert (str(first.start), first.end, first.share) == ("2026-01-01", None, 0.8)
        (boss,) = lines(reader)
    assert (boss.person, boss.manager, str(boss.start)) == ("user:default/j.gross", ana.ref, "2026-02-01")


def test_the_same_files_once_more_change_nothing(graph, tmp_path):
    imported(graph, tmp_path, units_csv=UNITS, people_csv=PEOPLE)
    with graph.read() as reader:
        before = reader.last_activity()
    report = imported(graph, tmp_path, units_csv=UNITS, people_csv=PEOPLE)
    assert not any(report.outcomes[each] for each in ("created", "updated", "ended"))
    with graph.read() as reader:
        assert reader.last_activity() == before


def test_a_dry_run_says_the_same_and_keeps_nothing(graph, tmp_path):
    report = imported(graph, tmp_path, units_csv=UNITS, people_csv=PEOPLE, dry_run=True)
    assert report.outcomes["created"]["memberships"] == 3
    with graph.read() as reader:
        assert reader.last_activity() == 0


def test_each_bad_row_is_named_with_its_place_and_good_rows_are_kept(graph, tmp_path):
    imported(graph, tmp_path, units_csv=UNITS)
    people = """\
person,email,unit,from,to,share,manager
ana,ana@acme.example,discvery,,,,
ben,ben@acme.example,discovery,01/02/2026,,,
cleo,cleo@acme.example,discovery,2026-02-01,2026-01-01,,
dan,dan@acme.example,discovery,,,0,
eve,eve@acme.example,discovery,,,,nobody
fay,fay@acme.example,,2026-01-01,,,
,,discovery,,,,
gus,gus@acme.example,discovery,,,,
"""
    report = imported(graph, tmp_path, people_csv=people)
    found = [message.replace(str(tmp_path), "") for message in messages(report)]
    for place, words in (
        ("people.csv:2:22", "did you mean group:default/discovery"),
        ("people.csv:3:32", "write a day such as 2026-05-03"),
        ("people.csv:4:34", "comes after from"),
        ("people.csv:5:34", "above 0 and at most 1"),
        ("people.csv:6:35", "no line manager was recorded"),
        ("people.csv:7:23", "without a unit"),
        ("people.csv:8:1", "names nobody"),
    ):
        assert any(place in message and words in message for message in found), (place, words, found)
    with graph.read() as reader:
        assert [each.person for each in effective(reader, now())] == [
            "user:default/eve",
            "user:default/gus",
        ]
        people = {each.name for each in reader.all(kind="User")}
    assert people == {"eve", "gus"}, "a row that is refused creates nobody"
    assert report.refused == report.record()["refused"] == 7


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b"colour,size\nred,3\n", "names neither people nor units"),
        (b"name,email,e-mail\na,b,c\n", "are both the column email"),
        (b'name,unit\n"open,x\n', "never closed"),
        (b'name,unit\n"a"b,x\n', "double the quotes"),
        ("name,unit\nJürgen,x\n".encode("latin-1"), "is not UTF-8"),
        (b"name,unit\n\x00,x\n", "NUL"),
    ],
)
def test_a_file_that_is_no_table_is_refused_with_the_remedy(graph, tmp_path, data, words):
    path = tmp_path / "people.csv"
    path.write_bytes(data)
    report = import_files(graph, SYSTEM, [path])
    assert report.failed
    assert words in messages(report)[0]


def test_utf_16_from_a_spreadsheet_is_read(graph, tmp_path):
    path = tmp_path / "units.csv"
    path.write_bytes(UNITS.replace(",", "\t").encode("utf-16"))
    report = import_files(graph, SYSTEM, [path])
    assert report.outcomes["created"]["units"] == 4


def test_quotes_may_hold_separators_and_line_breaks_and_places_stay_right(graph, tmp_path):
    text = 'unit,title,type,description\na,"Alpha, ""first""",team,"two\nlines"\nb,Beta,,x\n'
    report = imported(graph, tmp_path, units_csv=text)
    assert [message.rpartition("units.csv:")[2].split(": ")[0] for message in messages(report)] == ["4:1"]
    with graph.read() as reader:
        assert reader.require("group:default/a").title == 'Alpha, "first"'


def test_parents_may_come_later_in_the_file_and_form_no_circle(graph, tmp_path):
    text = "unit,type,parent\nx,team,y\ny,team,z\nz,team,x\nw,team,later\nlater,team,\n"
    report = imported(graph, tmp_path, units_csv=text)
    assert len(messages(report)) == 1
    assert "lies in this unit itself" in messages(report)[0]
    with graph.read() as reader:
        assert reader.require("group:default/w").targets("childOf") == ("group:default/later",)


def test_what_a_catalog_file_declares_is_left_to_it(graph, tmp_path):
    with graph.write(SYSTEM) as writer:
        writer.put(user("ana"), location="file:/srv/org.yaml")
    imported(graph, tmp_path, units_csv=UNITS)
    report = imported(graph, tmp_path, people_csv="person,name,unit\nana,Ana Moreira,discovery\n")
    assert "/srv/org.yaml" in messages(report)[0]
    assert not report.failed
    with graph.read() as reader:
        assert reader.require("user:default/ana").title == "ana"
        assert len(effective(reader, now(), person="user:default/ana")) == 1


def test_a_complete_file_ends_what_it_lists_no_more(graph, tmp_path):
    imported(graph, tmp_path, units_csv=UNITS)
    both = "person,unit,role\nana,discovery,lead\nben,discovery,member\n"
    imported(graph, tmp_path, people_csv=both)
    report = imported(graph, tmp_path, people_csv=both.replace("ben,discovery,member\n", ""), complete=True)
    assert report.outcomes["ended"] == {"memberships": 1}
    with graph.read() as reader:
        assert [each.person for each in effective(reader, now())] == ["user:default/ana"]


@pytest.mark.parametrize(
    "broken", ["ana,discovery,lead,2026-13-01\n", "ana,discovry,lead,\n", "ana,,lead,\n"]
)
def test_a_complete_file_with_a_refused_row_ends_nothing(graph, tmp_path, broken):
    imported(graph, tmp_path, units_csv=UNITS)
    head = "person,unit,role,from\n"
    imported(graph, tmp_path, people_csv=f"{head}ana,discovery,lead,\nben,discovery,member,\n")
    report = imported(graph, tmp_path, people_csv=f"{head}{broken}ben,discovery,member,\n", complete=True)
    assert not report.outcomes["ended"]
    assert "nothing was ended" in messages(report)[-1]
    with graph.read() as reader:
        assert [each.person for each in effective(reader, now())] == ["user:default/ana", "user:default/ben"]


def test_another_line_manager_in_a_later_file_begins_now_and_the_past_stays(graph, tmp_path):
    imported(graph, tmp_path, people_csv="person,manager\nana,\nben,\ncleo,ana\n")
    imported(graph, tmp_path, people_csv="person,manager\ncleo,ben\n")
    with graph.read() as reader:
        found = lines(reader, person="user:default/cleo")
    assert [each.manager for each in found] == ["user:default/ben", "user:default/ana"] or [
        each.manager for each in found
    ] == ["user:default/ana", "user:default/ben"]
    assert {each.end is None for each in found} == {True, False}


def test_two_people_of_one_name_are_two_when_their_addresses_differ(graph, tmp_path):
    text = "name,email\nKim Lee,kim@a.example\nKim Lee,lee@a.example\nKim Lee,kim@a.example\n"
    report = imported(graph, tmp_path, people_csv=text)
    assert report.outcomes["created"]["people"] == 2


def test_yaml_lists_units_and_people_with_their_memberships(graph, tmp_path):
    text = """\
units:
  - {unit: acme, type: organisation}
  - unit: "007"
    title: Double o
    type: team
    parent: acme
people:
  - name: Ana Moreira
    email: ana@acme.example
    manager: kim
    memberships:
      - {unit: "007", role: lead, from: 2026-01-01}
      - {unit: acme, share: 0.2, nonsense: 1}
  - person: kim
    memberships:
      - {unit: acme, from: 2026-01-01, to: 2026-02-01}
      - {unit: "007", from: 2026-02-01}
"""
    report = imported(graph, tmp_path, all_yaml=text)
    assert len(messages(report)) == 1
    assert "all.yaml:13:" in messages(report)[0]
    assert "'nonsense' is not known" in messages(report)[0]
    report = imported(graph, tmp_path, all_yaml=text.replace(", nonsense: 1", ""))
    assert messages(report) == []
    with graph.read() as reader:
        assert len(recorded(reader)) == 4
        assert [each.manager for each in lines(reader)] == ["user:default/kim"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("people: &a [*a]", "alias"),
        ("- a", "mapping with"),
        ("people: {a: b}", "is no list"),
        ("apiVersion: backstage.io/v1alpha1\nkind: User\n", "counterpoint import catalog"),
        ("people: [\n", "is not valid YAML"),
        ("people:\n  - {name: a, name: b}\n", "twice"),
        ("[" * 5000, "nested deeper"),
    ],
)
def test_hostile_yaml_is_refused_in_words(graph, tmp_path, text, words):
    report = imported(graph, tmp_path, all_yaml=text)
    assert report.failed
    assert words in " ".join(messages(report))


def test_csv_out_and_in_again_changes_nothing_and_runs_no_formula(graph, tmp_path):
    imported(graph, tmp_path, units_csv=UNITS, people_csv=PEOPLE)
    evil = 'person,name,title\nevil,"=HYPERLINK(""x"")",+1\n'
    imported(graph, tmp_path, people_csv=evil)
    with graph.read() as reader:
        text, before = export(reader, "csv", now()), reader.last_activity()
    assert "'=HYPERLINK" in text
    assert "'+1" in text
    report = imported(graph, tmp_path, people_csv=text)
    assert messages(report) == []
    with graph.read() as reader:
        assert reader.last_activity() == before


def test_backstage_documents_go_in_and_out_without_loss(graph):
    given = [
        document(
            "Group",
            "infra",
            {
                "type": "business-unit",
                "children": ["a"],
                "members": ["x"],
                "profile": {"displayName": "Infra", "picture": "https://e.example/p.png"},
                "madeUp": {"deep": [1, 2.5, None, True, "yes", "0089", "1e3"]},
            },
            namespace="other",
            labels={"a.b/c": "d"},
            annotations={"x.y/z": "multi\nline: text "},
        ),
        document("User", "x", {"memberOf": ["other/infra"], "profile": {"email": "x@e.example"}}),
    ]
    with graph.write(SYSTEM) as writer:
        for each in given:
            writer.put(each)
        writer.put(component("left-out"))
    with graph.read() as reader:
        text = yaml_texts(documents(reader, now()))
    again = [each.value for each in read_text(text).documents]
    assert again == [normalise(each) for each in given]


texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | texts
    | st.sampled_from(["no", "0x1F", "1_0", "~", "12:30", "-", "2026-01-01", "a: b", "a #b", " x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@given(extra=values, title=texts.filter(bool))
def test_every_document_reads_back_from_its_yaml(extra, title):
    given_ = normalise(document("Group", "g", {"type": "team", "children": [], "extra": extra}, title=title))
    if validate(given_):
        return
    text = yaml_texts([given_])
    assert [each.value for each in read_text(text).documents] == [given_]
    assert list(yaml.safe_load_all(text)) == [given_]


def test_a_whole_organisation_goes_in_and_out_without_loss(graph):
    shared = Path(counterpoint.__file__).parent / "demo" / "arpeggio" / "org"
    read = [each.value for file in sorted(shared.rglob("*.y*ml")) for each in read_file(file).documents]
    given_ = {
        str(ref_of(each)): normalise(each)
        for each in read
        if not validate(each) and each["kind"] in ("Group", "User")
    }
    with graph.write(SYSTEM) as writer:
        for each in given_.values():
            writer.put(each)
    with graph.read() as reader:
        again = [each.value for each in read_text(yaml_texts(documents(reader, now()))).documents]
    assert len(given_) > 150
    assert {str(ref_of(each)): each for each in again} == given_


def test_the_commands_import_list_show_and_retire(tmp_path, capsys):
    with Workspace.create(tmp_path / "w", name="Test"):
        pass
    (tmp_path / "units.csv").write_text(UNITS)
    (tmp_path / "people.csv").write_text(PEOPLE, encoding="utf-8")
    here = ["-w", str(tmp_path / "w")]
    assert run(["import", "people", str(tmp_path / "people.csv"), str(tmp_path / "units.csv"), *here]) == 0
    with Workspace.open(tmp_path / "w") as workspace, workspace.graph.write(SYSTEM) as writer:
        writer.put(component("radio", owner="discovery"))
    capsys.readouterr()

    def asked(*arguments: str, code: int = 0):
        assert run([*arguments, *here, "--json"]) == code
        return json.loads(capsys.readouterr().out)

    assert {each["ref"] for each in asked("people", "list", "--unit", "listening", "--at", "2026-03-01")} == {
        "user:default/ana",
        "user:default/j.gross",
    }
    assert (
        asked("people", "show", "j.gross", "--at", "2026-03-01")["manager"]["manager"] == "user:default/ana"
    )
    assert asked("units", "list")[0]["title"] == "Acme"
    assert asked("units", "show", "discovery")["things"][0]["ref"] == "component:default/radio"
    assert asked("units", "retire", "discovery", "--dry-run", code=1)["things"][0]["to"] is None
    assert run(["units", "retire", "discovery", *here]) == 1
    assert "component:default/radio has no new home" in capsys.readouterr().err
    assert asked("units", "retire", "discovery", "--to", "listening")["done"] is True
    assert run(["people", "export", "--format", "csv", *here]) == 0
    assert "product-owner" in capsys.readouterr().out
    assert len(asked("people", "export")) == 6
    assert run(["units", "list", *here]) == 0
    assert run(["people", "list", *here]) == 0
    assert run(["people", "show", "ana", *here]) == 0
    assert run(["units", "show", "listening", *here]) == 0
