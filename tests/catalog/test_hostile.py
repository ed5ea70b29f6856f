"""Input that means harm: each is one clear problem in bounded time, and everything good beside it is kept."""

import os
import socket
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoint import Workspace
from counterpoint.catalog import fetching, patterns
from counterpoint.catalog.addresses import host_of, is_allowed, parse_location, resolve
from counterpoint.catalog.fetching import Fetcher
from counterpoint.catalog.importer import import_targets
from counterpoint.errors import InputError
from counterpoint.graph import local_actor
from counterpoint.yaml12.reader import UnreadError, read_text
from tests.catalog.loopback import Loopback

GROUP = "apiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata: {name: %s}\nspec: {type: squad, children: []}\n"
LOCATION = "apiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata: {name: l}\nspec: {targets: [%s]}\n"
API = (
    "apiVersion: backstage.io/v1alpha1\nkind: API\nmetadata: {name: api}\n"
    "spec: {type: openapi, lifecycle: production, owner: good, definition: {%s: '%s'}}\n"
)
SECONDS = 15.0
"""What one hostile file may take on a machine that is busy with other things."""


@pytest.fixture(autouse=True)
def _in_bounded_time() -> Iterator[None]:
    start = time.monotonic()
    yield
    assert time.monotonic() - start < SECONDS * 4


def load(workspace: Workspace, *targets: Path | str, hosts: tuple[str, ...] = ()) -> Any:
    return import_targets(workspace.graph, local_actor(), [str(each) for each in targets], hosts=hosts)


def groups(workspace: Workspace) -> list[str]:
    with workspace.graph.read() as reader:
        return [entity.name for entity in reader.all(kind="Group")]


def errors(report: Any) -> list[str]:
    return [remark.problem.message for remark in report.remarks if remark.level == "error"]


BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}, *a{n - 1}, *a{n - 1}, *a{n - 1}, *a{n - 1}, *a{n - 1}, *a{n - 1}]\n"
    for n in range(1, 12)
)
LONG_BOMB = f"a: &a {'x' * 100_000}\nb: [{', '.join(['*a'] * 5_000)}]\n"


@pytest.mark.parametrize(
    ("hostile", "said"),
    [
        (BOMB, "aliases repeat"),
        (LONG_BOMB, "aliases repeat"),
        ("a: &a [*a]\n", "part of"),
        ("x: " + "[" * 200_000 + "\n", "nested deeper"),
        ("x: " + "{a: " * 50_000 + "\n", "nested deeper"),
        ("- " * 100_000 + "x\n", "nested deeper"),
        ("k" * 2_000_000 + ": 1\n", "not valid YAML"),
        ("? " + "k" * 100_000 + "\n: 1\n", "apiVersion"),
        ("a: 1\na: 2\n", "given twice"),
        ('a: "\\0"\n', "NUL"),
        ("a: \x07\n", "control character"),
        ("a: !!python/object/apply:os.system [id]\n", "not allowed"),
        ("a: !custom x\n", "not allowed"),
        ("just text\n", "plain text"),
        ("[1, 2]\n", "a list"),
        ("9" * 5000 + "\n", "plain text"),
        ("a: [" + "1, " * 300_000 + "]\n", "more than 250,000 values"),
        ("\n".join(f"k{n}: 1" for n in range(260_000)) + "\n", "more than 250,000 values"),
    ],
)
def test_a_hostile_document_is_one_problem_and_its_neighbours_are_kept(
    workspace: Workspace, tmp_path: Path, hostile: str, said: str
) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(GROUP % "good" + "---\n" + hostile + "---\n" + GROUP % "also")
    report = load(workspace, path)
    assert groups(workspace) == ["also", "good"]
    told = errors(report)
    assert said in told[0]
    assert len(told) <= 3


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"x" * (50 * 1024 * 1024), "larger than 10 MB"),
        ("kind: ä\n".encode("utf-16"), "not UTF-8"),
        (b"kind: \xe4\n", "not UTF-8"),
        (b"\x00" * 1_000, "control character"),
        (b"", None),
        (b"\xef\xbb\xbf", None),
    ],
)
def test_a_hostile_file_is_one_problem_and_the_other_files_are_kept(
    workspace: Workspace, tmp_path: Path, data: bytes, said: str | None
) -> None:
    (tmp_path / "good.yaml").write_text(GROUP % "good")
    (tmp_path / "bad.yaml").write_bytes(data)
    report = load(workspace, tmp_path / "good.yaml", tmp_path / "bad.yaml")
    assert groups(workspace) == ["good"]
    told = errors(report)
    assert (told == []) if said is None else (len(told) == 1 and said in told[0])


def test_pipes_devices_sockets_and_folders_are_never_waited_for(workspace: Workspace, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "device.yaml").symlink_to("/dev/zero")
    (tmp_path / "folder.yaml").mkdir()
    with socket.socket(socket.AF_UNIX) as listener:
        short = os.path.relpath(tmp_path / "socket.yaml")
        listener.bind(short if len(short) < 100 else str(tmp_path / "socket.yaml")[:107])
        targets = "./pipe.yaml, ./device.yaml, ./folder.yaml, ./socket.yaml"
        (tmp_path / "c.yaml").write_text(
            LOCATION % targets + "---\n" + GROUP % "good" + "---\n" + API % ("$text", "./pipe.yaml")
        )
        report = load(workspace, tmp_path / "c.yaml", tmp_path / "pipe.yaml", tmp_path / "device.yaml")
    assert groups(workspace) == ["good"]
    assert report.failed
    with workspace.graph.read() as reader:
        assert reader.get("api:default/api") is None


@pytest.mark.parametrize(
    "target",
    [
        "../secret.txt",
        "/etc/passwd",
        "./link.txt",
        "./up/secret.txt",
        "./a/../../secret.txt",
        "..",
        "./x\\0y",
        "file:///etc/passwd",
    ],
)
@pytest.mark.parametrize("key", ["$text", "$yaml", "$json"])
def test_no_placeholder_leads_out_of_the_folder(
    workspace: Workspace, tmp_path: Path, target: str, key: str
) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "secret.txt").write_text('"secret"')
    (inside / "link.txt").symlink_to(tmp_path / "secret.txt")
    (inside / "up").symlink_to(tmp_path)
    path = inside / "c.yaml"
    path.write_text(GROUP % "good" + "---\n" + API % (key, target))
    load(workspace, path)
    assert groups(workspace) == ["good"]
    with workspace.graph.read() as reader:
        found = reader.get("api:default/api")
    assert found is None or found.spec["definition"] == target


@pytest.mark.parametrize(
    "target",
    ["../*.yaml", "../**/*.yaml", "/**/*.yaml", "./up/*.yaml", "./{..,.}/secret.yaml", "./**/../../*.yaml"],
)
def test_no_pattern_leads_out_of_the_folder(workspace: Workspace, tmp_path: Path, target: str) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "secret.yaml").write_text(GROUP % "secret")
    (inside / "up").symlink_to(tmp_path)
    path = inside / "c.yaml"
    path.write_text(LOCATION % f"'{target}'" + "---\n" + GROUP % "good")
    load(workspace, path)
    assert groups(workspace) == ["good"]


def test_a_pattern_from_the_root_on_lists_no_folder(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed: list[Path] = []
    monkeypatch.setattr(patterns, "_entries", lambda folder: listed.append(folder) or [])
    path = tmp_path / "c.yaml"
    path.write_text(LOCATION % "'/**/*.yaml'" + "---\n" + GROUP % "good")
    load(workspace, path)
    assert groups(workspace) == ["good"]
    assert listed == []


def test_links_that_lead_in_circles_end(workspace: Workspace, tmp_path: Path) -> None:
    for name in ("one", "two", "three"):
        (tmp_path / name).symlink_to(tmp_path)
    (tmp_path / "self.yaml").symlink_to("self.yaml")
    (tmp_path / "c.yaml").write_text(
        LOCATION % "'./**/*.yaml', './**/**/x/**/*.yaml'" + "---\n" + GROUP % "good"
    )
    load(workspace, tmp_path / "c.yaml")
    assert groups(workspace) == ["good"]


def test_locations_that_lead_in_circles_end(workspace: Workspace, tmp_path: Path) -> None:
    for here, there in (("a", "b"), ("b", "a")):
        text = (LOCATION % f"./{there}.yaml, ./{here}.yaml").replace("name: l", f"name: {here}")
        (tmp_path / f"{here}.yaml").write_text(text + "---\n" + GROUP % f"good-{here}")
    assert not load(workspace, tmp_path / "a.yaml").failed
    assert groups(workspace) == ["good-a", "good-b"]


def test_parents_in_a_circle_are_kept_and_end(workspace: Workspace, tmp_path: Path) -> None:
    text = "---\n".join(
        (GROUP % here).replace("children: []", f"children: [], parent: {there}")
        for here, there in (("a", "b"), ("b", "a"))
    )
    (tmp_path / "c.yaml").write_text(text)
    report = load(workspace, tmp_path / "c.yaml")
    assert [each.code for each in report.remarks] == ["circle", "circle"]
    assert groups(workspace) == ["a", "b"]
    with workspace.graph.read() as reader:
        assert reader.units_of("group:default/a") == frozenset()


def test_ten_thousand_targets_that_do_not_exist_are_a_few_problems(
    workspace: Workspace, tmp_path: Path
) -> None:
    targets = ", ".join(f"./none-{n}.yaml" for n in range(10_000))
    (tmp_path / "c.yaml").write_text(LOCATION % targets + "---\n" + GROUP % "good")
    report = load(workspace, tmp_path / "c.yaml")
    assert groups(workspace) == ["good"]
    assert len(report.remarks) <= 21
    assert "9,980 more targets" in report.remarks[-1].problem.message + report.remarks[0].problem.message


def test_ten_thousand_children_and_relations_are_stored(workspace: Workspace, tmp_path: Path) -> None:
    children = ", ".join(f"child-{n}" for n in range(10_000))
    (tmp_path / "c.yaml").write_text((GROUP % "wide").replace("children: []", f"children: [{children}]"))
    report = load(workspace, tmp_path / "c.yaml")
    with workspace.graph.read() as reader:
        assert len(reader.require("group:default/wide").relations) == 10_000
    assert len(report.remarks) == 10_000  # each child is missed


def test_ten_thousand_references_that_lead_nowhere_are_told_in_bounded_time(
    workspace: Workspace, tmp_path: Path
) -> None:
    names = ", ".join(f"component:c{number}" for number in range(10_000))
    path = tmp_path / "c.yaml"
    path.write_text(
        GROUP % "good"
        + "---\napiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: hub}\n"
        + f"spec: {{type: x, lifecycle: y, owner: good, dependsOn: [{names}]}}\n"
    )
    start = time.process_time()
    report = load(workspace, path)
    assert time.process_time() - start < SECONDS
    assert not errors(report)
    (last,) = [each for each in report.remarks if each.target == "component:default/c9999"]
    assert last.problem.pointer == "/spec/dependsOn/9999"


@pytest.mark.parametrize("strict", [False, True])
def test_targets_that_lead_out_or_never_end_are_not_read(
    workspace: Workspace, tmp_path: Path, strict: bool
) -> None:
    workspace.graph.strict = strict
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "link.yaml").symlink_to("/etc/passwd")
    (folder / "zero.yaml").symlink_to("/dev/zero")
    os.mkfifo(folder / "pipe.yaml")
    targets = "../../../../../etc/passwd, /etc/passwd, ./link.yaml, ./zero.yaml, ./pipe.yaml"
    (folder / "c.yaml").write_text(GROUP % "good" + "---\n" + LOCATION % targets)
    report = load(workspace, folder / "c.yaml")
    assert groups(workspace) == ["good"]
    assert report.failed
    with workspace.graph.read() as reader:
        assert (reader.get("location:default/l") is None) is strict


@pytest.mark.parametrize("strict", [False, True])
def test_a_location_that_leads_to_itself_by_another_ends(
    workspace: Workspace, tmp_path: Path, strict: bool
) -> None:
    workspace.graph.strict = strict
    (tmp_path / "c.yaml").write_text(GROUP % "good" + "---\n" + LOCATION % "./d.yaml")
    (tmp_path / "d.yaml").write_text((LOCATION % "./c.yaml, ./d.yaml").replace("name: l", "name: m"))
    assert not load(workspace, tmp_path / "c.yaml").failed
    assert groups(workspace) == ["good"]


def test_thousands_of_invalid_documents_are_told_up_to_a_limit(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("---\n".join([GROUP % "good"] + [GROUP % "-bad"] * 3_000))
    report = load(workspace, tmp_path / "c.yaml")
    assert groups(workspace) == ["good"]
    assert len(report.remarks) == 1_001
    assert report.total("refused") == 3_000


def test_a_file_that_vanishes_or_changes_while_it_is_read(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.yaml").write_text(GROUP % "a")
    (tmp_path / "b.yaml").write_text(GROUP % "b")
    from counterpoint.catalog import gathering
    from counterpoint.yaml12.reader import read_bytes

    def read(path: Path) -> bytes:
        if path.name == "a.yaml":
            path.unlink()
        return read_bytes(path)

    monkeypatch.setattr(gathering, "read_bytes", read)
    report = load(workspace, tmp_path)
    assert groups(workspace) == ["b"]
    assert errors(report) == ["does not exist"]


@pytest.mark.parametrize("name", [b"\xff.yaml", b"a\n.yaml", b"a b.yaml", b"%41.yaml"])
def test_odd_file_names(workspace: Workspace, tmp_path: Path, name: bytes) -> None:
    path = os.fsencode(tmp_path) + b"/" + name
    with open(path, "wb") as file:
        file.write((GROUP % "odd").encode())
    (tmp_path / "good.yaml").write_text(GROUP % "good")
    report = load(workspace, tmp_path)
    assert groups(workspace) == (["good"] if name == b"\xff.yaml" else ["good", "odd"])
    assert errors(report) == (["has a name that is not UTF-8; rename it"] if name == b"\xff.yaml" else [])


def test_a_script_is_no_target(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(
        LOCATION % "'java\tscript:alert(1)', 'javascript://x'" + "---\n" + GROUP % "good"
    )
    report = load(workspace, tmp_path / "c.yaml")
    assert groups(workspace) == ["good"]
    assert all("script" in message for message in errors(report))


def raw(*parts: bytes, pause: float = 0) -> Any:
    """An answer of exactly these bytes, with a pause between them."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        try:
            for part in parts:
                handler.wfile.write(part)
                handler.wfile.flush()
                if pause:
                    time.sleep(pause)
        except OSError:
            pass  # the reader has hung up
        handler.close_connection = True

    return answer


def redirect(to: str) -> Any:
    return raw(f"HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n".encode())


def said(web: Loopback, path: str = "/x") -> str:
    with pytest.raises(UnreadError) as caught:
        Fetcher([web.host]).read(web.url(path))
    return str(caught.value)


def test_a_server_that_drips_is_left_after_a_while(web: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "SECONDS", 0.3)
    web.files["/x"] = raw(b"HTTP/1.1 200 OK\r\n\r\n", *[b"x"] * 100, pause=0.02)
    assert "took longer" in said(web)


def test_a_server_that_says_nothing_is_left(web: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "SILENCE", 0.2)
    web.files["/x"] = raw(b"HTTP/1.1 200 OK\r\n", b"", pause=0.8)
    assert "did not answer" in said(web)


def test_a_server_that_lies_about_the_length_is_a_problem(web: Loopback) -> None:
    web.files["/x"] = raw(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nshort")
    assert "cannot be read" in said(web)
    web.files["/x"] = raw(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nkind: Longer")
    assert Fetcher([web.host]).read(web.url("/x")) == b"ki"


def test_a_server_that_never_ends_is_left_at_the_limit(
    web: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "MAX_BYTES", 100_000)
    web.files["/x"] = raw(b"HTTP/1.1 200 OK\r\n\r\n", *[b"x" * 10_000] * 1_000)
    assert "larger than" in said(web)


def test_compressed_answers_and_nonsense_are_refused(web: Loopback) -> None:
    web.files["/x"] = raw(b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 1\r\n\r\nx")
    assert "compressed" in said(web)
    web.files["/x"] = raw(b"nonsense\r\n\r\n")
    assert "cannot be read" in said(web)
    web.files["/x"] = raw(b"HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n")
    assert "answered 500" in said(web)


def test_redirects_are_followed_within_the_allowed_hosts_only(web: Loopback) -> None:
    web.files |= {"/x": redirect("/y"), "/y": "kind: x\n"}
    assert Fetcher([web.host]).read(web.url("/x")) == b"kind: x\n"
    for place in (
        "http://169.254.169.254/latest",
        "http://localhost:1/",
        "file:///etc/passwd",
        "//evil.example/x",
    ):
        web.files["/x"] = redirect(place)
        said(web)
    web.files["/x"] = redirect("/x")
    assert "redirects more than" in said(web)


def test_an_address_leads_to_addresses_of_allowed_hosts_only(reading: Workspace, web: Loopback) -> None:
    targets = "'./d.yaml', 'file:///etc/passwd', '/etc/passwd', 'http://169.254.169.254/x', './*.yaml', '../../../x.yaml'"
    web.files |= {"/c.yaml": LOCATION % targets + "---\n" + GROUP % "good", "/d.yaml": GROUP % "d"}
    report = load(reading, web.url("/c.yaml"), hosts=(web.host,))
    assert groups(reading) == ["d", "good"]
    assert set(web.asked) == {"/c.yaml", "/d.yaml", "/etc/passwd", "/x.yaml"}
    assert report.failed


def test_a_location_that_was_read_from_an_address_names_no_files(
    reading: Workspace, web: Loopback, tmp_path: Path
) -> None:
    (tmp_path / "secret.yaml").write_text(GROUP % "secret")
    location = (LOCATION % f"'{tmp_path / 'secret.yaml'}'").replace("targets:", "type: file, targets:")
    web.files["/c.yaml"] = location
    report = load(reading, web.url("/c.yaml"), hosts=(web.host,))
    assert groups(reading) == []
    assert "may name addresses only" in errors(report)[0]


def test_placeholders_of_an_address_stay_on_its_host(reading: Workspace, web: Loopback) -> None:
    web.files |= {
        "/a/c.yaml": GROUP % "good" + "---\n" + API % ("$text", "./spec.txt"),
        "/a/spec.txt": "openapi: 3.1.0",
        "/a/d.yaml": (API % ("$text", "http://localhost:1/x")).replace("name: api", "name: other"),
    }
    load(reading, web.url("/a/c.yaml"), web.url("/a/d.yaml"), hosts=(web.host, "localhost:1"))
    with reading.graph.read() as reader:
        assert reader.require("api:default/api").spec["definition"] == "openapi: 3.1.0"
        assert reader.get("api:default/other") is None


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("http://a.example/x", "a.example"),
        ("https://A.Example:443/x", "a.example"),
        ("http://a.example:8080", "a.example:8080"),
        ("http://[::1]:80/", "[::1]"),
        ("http://user@a.example/", None),
        ("http://user:word@a.example/", None),
        ("ftp://a.example/", None),
        ("file:///etc/passwd", None),
        ("http://a.example\\@evil.example/", None),
        ("http://a.example /", None),
        ("http://a.example\n.evil.example/", None),
        ("http://a.example:99999/", None),
        ("http:///x", None),
        ("//a.example/x", None),
    ],
)
def test_the_host_of_an_address_is_read_in_one_way_only(address: str, host: str | None) -> None:
    assert host_of(address) == host
    assert is_allowed(address, ["A.example", "a.example:8080", "[::1]"]) is (host is not None)
    assert not is_allowed(address, ["example", "evil.example", "a.example:81"])


def test_relative_addresses_start_at_the_document() -> None:
    base = "http://h/a/b.yaml?token=1"
    assert resolve(base, "./c.yaml") == "http://h/a/c.yaml?token=1"
    assert resolve(base, "../c.yaml") == "http://h/c.yaml?token=1"
    assert resolve(base, "https://other/x") == "https://other/x"


@pytest.mark.parametrize(
    "text", ["", ":", "url:", ":x", "  : x", "http://a", "https:x", "url:javascript:x", "x: j\na\tvascript:1"]
)
def test_what_is_no_location_reference_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        parse_location(text)


def test_a_location_reference_splits_at_the_first_colon() -> None:
    assert parse_location(" url : http://a:1/x ") == ("url", "http://a:1/x")


@given(st.text(alphabet="[]{}:,-#&*!|>'\"%@`\n\t ax1\x00\u2028", max_size=60))
def test_no_text_makes_the_reader_fail(text: str) -> None:
    reading = read_text(f"a: 1\n---\n{text}\n---\nz: 1\n", name="f")
    assert all(problem.line is not None for problem in reading.problems)


def test_braces_unfold_up_to_a_limit(tmp_path: Path) -> None:
    (tmp_path / "ac.yaml").touch()
    assert patterns.matches(f"{tmp_path}/{{a,b}}{{c,d}}.yaml") == [tmp_path / "ac.yaml"]
    patterns.matches(str(tmp_path) + "/{a,b}" * 40)
