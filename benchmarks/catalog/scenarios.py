"""What changes a catalog, in order: locations registered, changed, moved and deleted, entities refreshed and removed.

The descriptors come from a web server on loopback, whose files the scenario changes under way. Where an
answer takes a while (Backstage works through queues), a step asks again until it is as expected or its patience
is at an end, and notes the last answer.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from exchange import Case, Client, get, post
from servers import Server

PATIENCE = {"backstage": 75, "counterpoint": 5}
"""Seconds to wait for a change; Backstage clears orphans away every 30 s, ours shows it within one."""

HEAD = "apiVersion: backstage.io/v1alpha1\n"


def component(name: str, **extra: str) -> str:
    """A component in one document."""
    spec = {"type": "service", "lifecycle": "production", "owner": "squad-a"} | extra
    lines = "".join(f"  {key}: {value}\n" for key, value in spec.items())
    return f"{HEAD}kind: Component\nmetadata: {{name: {name}}}\nspec:\n{lines}"


def location(name: str, spec: str) -> str:
    """A Location in one document."""
    return f"{HEAD}kind: Location\nmetadata: {{name: {name}}}\nspec: {spec}\n"


FILES = {
    "/a.yaml": "---\n".join([component("url-one"), component("url-two", type="website"), location("url-nested", "{type: url, target: ./sub/b.yaml}")]),
    "/sub/b.yaml": "---\n".join([component("url-three"), f"{HEAD}kind: API\nmetadata: {{name: url-api}}\nspec:\n  type: openapi\n  lifecycle: production\n  owner: squad-a\n  definition:\n    $text: ../text.txt\n  json: {{$json: ./data.json}}\n  yaml: {{$yaml: data.yaml}}\n"]),
    "/text.txt": "plain text, ünïcode\n",
    "/sub/data.json": '{"a": [1, 2.5, null, true]}',
    "/sub/data.yaml": "b: [0089, yes]\n",
    "/c.yaml": component("url-moved"),
    "/good.yaml": component("url-good"),
    "/leaving.yaml": "---\n".join([component("url-stays"), component("url-leaves")]),
    "/conflict.yaml": "---\n".join([component("player", type="stolen"), component("url-beside-conflict")]),
    "/syntax.yaml": "a: [",
    "/text-document.yaml": "only text",
    "/bad-entity.yaml": "---\n".join([component("url-fine"), component("-bad-")]),
    "/forbidden.yaml": "---\n".join([component("url-allowed"), f"{HEAD}kind: Forbidden\nmetadata: {{name: no}}\nspec: {{}}\n"]),
    "/file-target.yaml": location("url-to-file", "{type: file, target: /etc/hostname}"),
    "/missing-text.yaml": f"{HEAD}kind: API\nmetadata: {{name: url-no-text}}\nspec: {{type: x, lifecycle: y, owner: z, definition: {{$text: ./none.txt}}}}\n",
    "/outside-text.yaml": f"{HEAD}kind: API\nmetadata: {{name: url-outside}}\nspec: {{type: x, lifecycle: y, owner: z, definition: {{$text: 'file:///etc/hostname'}}}}\n",
    "/empty.yaml": "",
    "/optional.yaml": location("url-optional", "{type: url, target: ./none.yaml, presence: optional}"),
    "/required.yaml": location("url-required", "{type: url, target: ./none.yaml}"),
    "/two-roots.yaml": component("url-shared"),
}  # fmt: skip


class Files:
    """A web server on loopback over a dictionary of files."""

    def __init__(self, port: int) -> None:
        files = self.content = dict(FILES)

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                text = files.get(self.path.split("?")[0])
                body = b"" if text is None else text.encode()
                self.send_response(404 if text is None else 200)
                self.send_header("content-type", "text/plain; charset=utf-8")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_arguments: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.base = f"http://127.0.0.1:{port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Stop serving."""
        self.server.shutdown()
        self.server.server_close()


class Script:
    """Sends steps in order and notes each with its answer."""

    def __init__(self, server: Server, files: Files) -> None:
        self.client = Client(server.port)
        self.server = server.name
        self.files = files
        self.noted: list[dict[str, Any]] = []
        self.labels: Counter[str] = Counter()

    def do(self, label: str, case: Case) -> Any:
        """Send a case once; its body."""
        noted = self.client.record(case)
        self.labels[label] += 1
        noted["id"] = f"{label} ({self.labels[label]})"
        self.noted.append(noted)
        return noted["answer"]["body"]

    def until(self, label: str, case: Case, expected: Callable[[dict[str, Any]], bool]) -> Any:
        """Ask again until the answer is as expected; note the last one."""
        deadline = time.monotonic() + PATIENCE[self.server]
        while not expected(self.client.send(case)) and time.monotonic() < deadline:
            time.sleep(0.3)
        return self.do(label, case)

    def register(self, label: str, file: str, *options: tuple[str, str]) -> Any:
        """Register a file of the web server as a location."""
        return self.do(label, post("/locations", {"type": "url", "target": self.files.base + file}, *options))


def named(name: str, kind: str = "component") -> Case:
    """The request for one entity."""
    return get(f"/entities/by-name/{kind}/default/{name}")


def found(answer: dict[str, Any]) -> bool:
    """Whether an answer is a good one."""
    return bool(answer["status"] == 200)


def gone(answer: dict[str, Any]) -> bool:
    """Whether an answer says that there is nothing."""
    return bool(answer["status"] == 404)


def ailing(answer: dict[str, Any]) -> bool:
    """Whether an entity shows that something is wrong with it."""
    return found(answer) and bool(answer["body"].get("status"))


def id_of(location_answer: Any) -> str:
    """The id of a location that was just registered; a text that is none where it was refused."""
    return (
        location_answer.get("location", {}).get("id", "refused")
        if isinstance(location_answer, dict)
        else "refused"
    )


def writing(server: Server, files_port: int) -> list[dict[str, Any]]:
    """Everything, against one server."""
    files = Files(files_port)
    script = Script(server, files)
    try:
        for scenario in (
            _dry_runs,
            _life,
            _ailments,
            _leaving,
            _conflict,
            _deletion,
            _by_uid,
            _refusals,
            _validation,
            _kinds_of_lists,
        ):
            scenario(script)
    finally:
        files.close()
    return script.noted


def _dry_runs(script: Script) -> None:
    for file in (
        "/a.yaml",
        "/sub/b.yaml",
        "/empty.yaml",
        "/optional.yaml",
        "/required.yaml",
        "/none.yaml",
        "/syntax.yaml",
        "/text-document.yaml",
        "/bad-entity.yaml",
        "/forbidden.yaml",
        "/file-target.yaml",
        "/missing-text.yaml",
        "/outside-text.yaml",
        "/conflict.yaml",
    ):
        script.register(f"dry run of {file}", file, ("dryRun", "true"))
    script.register("dryRun=false registers nothing odd", "/empty.yaml", ("dryRun", "maybe"))
    script.do("no locations after dry runs", get("/locations", mode="set"))
    script.do("no entities after dry runs", named("url-one"))


def _life(script: Script) -> None:
    made = script.register("register", "/a.yaml")
    script.until("its first entity", named("url-one"), found)
    script.until("its second entity", named("url-two"), found)
    script.until("its nested entity", named("url-three"), found)
    script.until("placeholders", named("url-api", "api"), found)
    script.until("its nested location", named("url-nested", "location"), found)
    script.do("ancestry of a nested entity", get("/entities/by-name/component/default/url-three/ancestry"))
    script.do("list", get("/locations", mode="set"))
    script.do("query", post("/locations/by-query", {"query": {"type": "url"}}, mode="set"))
    script.do(
        "query by prefix",
        post("/locations/by-query", {"query": {"target": {"$hasPrefix": script.files.base}}}, mode="set"),
    )
    script.do("query for another", post("/locations/by-query", {"query": {"target": "nope"}}, mode="set"))
    script.do("by id", get(f"/locations/{id_of(made)}"))
    script.do("by entity", get("/locations/by-entity/component/default/url-one"))
    script.do("by nested entity", get("/locations/by-entity/Component/default/url-three"))
    script.register("twice", "/a.yaml")
    script.register("twice, reject", "/a.yaml", ("onConflict", "reject"))
    script.register("twice, refresh", "/a.yaml", ("onConflict", "refresh"))
    script.register("twice, nonsense", "/a.yaml", ("onConflict", "nonsense"))
    script.register("twice, dry run", "/a.yaml", ("dryRun", "true"))
    ref = made.get("location", {}).get("entityRef") if isinstance(made, dict) else None
    if ref:
        script.do("the generated entity", get(f"/entities/by-name/location/default/{ref.split('/')[-1]}"))
    script.files.content["/a.yaml"] = FILES["/a.yaml"].replace("website", "library")
    script.do("refresh", post("/refresh", {"entityRef": "component:default/url-two"}))
    script.until(
        "after a refresh",
        named("url-two"),
        lambda answer: found(answer) and answer["body"]["spec"]["type"] == "library",
    )
    script.do("move without a body", Case("PUT", f"/locations/{id_of(made)}"))
    script.do(
        "move to nonsense",
        Case("PUT", f"/locations/{id_of(made)}", {"type": "file", "target": "/etc/passwd"}),
    )
    script.do(
        "move",
        Case("PUT", f"/locations/{id_of(made)}", {"type": "url", "target": script.files.base + "/c.yaml"}),
    )
    script.until("the moved entity", named("url-moved"), found)
    script.until("the old entity goes", named("url-one"), gone)
    script.until("the old nested entity goes", named("url-three"), gone)
    script.do("list after the move", get("/locations", mode="set"))
    script.do("by entity after the move", get("/locations/by-entity/component/default/url-moved"))
    script.do("delete", Case("DELETE", f"/locations/{id_of(made)}"))
    script.until("the entity goes", named("url-moved"), gone)
    script.do("delete again", Case("DELETE", f"/locations/{id_of(made)}"))
    script.do("list after the deletion", get("/locations", mode="set"))


def _ailments(script: Script) -> None:
    made = script.register("register what will be bad", "/good.yaml")
    script.until("good at first", named("url-good"), found)
    for label, text in (
        ("no owner", component("url-good").replace("  owner: squad-a\n", "")),
        ("bad reference", component("url-good", dependsOn="[svc]")),
        ("forbidden field", component("url-good") + "relations: []\n"),
    ):
        script.files.content["/good.yaml"] = text
        script.do(f"refresh: {label}", post("/refresh", {"entityRef": "component:default/url-good"}))
        script.until(f"ailing: {label}", named("url-good"), ailing)
        script.files.content["/good.yaml"] = FILES["/good.yaml"]
        script.do("refresh: healed", post("/refresh", {"entityRef": "component:default/url-good"}))
        script.until(
            "healed", named("url-good"), lambda answer: found(answer) and not answer["body"].get("status")
        )
    ref = (
        made["location"]["entityRef"].split("/")[-1]
        if isinstance(made, dict) and "location" in made
        else "none"
    )
    parent = get(f"/entities/by-name/location/default/{ref}")
    for label, text in (("broken YAML", "a: ["), ("text document", "just text"), ("gone", None)):
        if text is None:
            script.files.content.pop("/good.yaml")
        else:
            script.files.content["/good.yaml"] = text
        script.do(f"refresh: {label}", post("/refresh", {"entityRef": "component:default/url-good"}))
        script.until(f"parent ailing: {label}", parent, ailing)
        script.do(f"the entity stays: {label}", named("url-good"))
        script.files.content["/good.yaml"] = FILES["/good.yaml"]
        script.do("refresh: healed", post("/refresh", {"entityRef": "component:default/url-good"}))
        script.until(
            "parent healed", parent, lambda answer: found(answer) and not answer["body"].get("status")
        )
    script.do("delete", Case("DELETE", f"/locations/{id_of(made)}"))
    script.until("gone", named("url-good"), gone)


def _leaving(script: Script) -> None:
    made = script.register("register two", "/leaving.yaml")
    script.until("both there", named("url-leaves"), found)
    script.files.content["/leaving.yaml"] = component("url-stays")
    script.do("refresh", post("/refresh", {"entityRef": "component:default/url-stays"}))
    script.until("one left", named("url-leaves"), gone)
    script.do("the other stays", named("url-stays"))
    script.do("delete", Case("DELETE", f"/locations/{id_of(made)}"))
    script.until("gone", named("url-stays"), gone)


def _conflict(script: Script) -> None:
    made = script.register("register a conflict", "/conflict.yaml")
    script.until("what lies beside it", named("url-beside-conflict"), found)
    script.do("the first keeps its name", named("player"))
    script.do("delete", Case("DELETE", f"/locations/{id_of(made)}"))
    script.until("gone", named("url-beside-conflict"), gone)
    script.do("the first is still there", named("player"))


def _deletion(script: Script) -> None:
    one = script.register("register one of two roots", "/two-roots.yaml")
    script.until("there", named("url-shared"), found)
    two = script.register("register the other", "/two-roots.yaml?again")
    script.do("by entity", get("/locations/by-entity/component/default/url-shared"))
    script.do("delete the first", Case("DELETE", f"/locations/{id_of(one)}"))
    script.do("delete the second", Case("DELETE", f"/locations/{id_of(two)}"))
    script.until("gone", named("url-shared"), gone)


def _by_uid(script: Script) -> None:
    made = script.register("register to remove", "/c.yaml")
    entity = script.until("there", named("url-moved"), found)
    uid = entity["metadata"]["uid"] if "metadata" in entity else "none"
    script.do("by uid", get(f"/entities/by-uid/{uid}"))
    script.do("by upper uid", get(f"/entities/by-uid/{uid.upper()}"))
    script.do("remove", Case("DELETE", f"/entities/by-uid/{uid}"))
    script.do("it is gone at first", get(f"/entities/by-uid/{uid}"))
    script.until("it comes back, for it is still declared", named("url-moved"), found)
    script.do("delete its location", Case("DELETE", f"/locations/{id_of(made)}"))
    script.until("gone for good", named("url-moved"), gone)
    script.do("remove a configured one", get("/entities/by-name/component/default/website"))


def _refusals(script: Script) -> None:
    base = script.files.base
    bodies: tuple[Any, ...] = (
        {}, {"type": "url"}, {"target": base + "/a.yaml"}, {"type": "url", "target": ""}, {"type": "", "target": base + "/a.yaml"}, {"type": "file", "target": "/srv/x.yaml"}, {"type": "URL", "target": base + "/a.yaml"}, {"type": "http", "target": base + "/a.yaml"},
        {"type": "url", "target": 1}, {"type": 1, "target": "x"}, {"type": "url", "target": None}, {"type": "url", "target": base + "/a.yaml", "extra": 1}, {"type": "url", "target": base + "/a.yaml", "presence": "maybe"}, [], "x",
    )  # fmt: skip
    for body in bodies:
        for options in ((), (("dryRun", "true"),)):
            script.do(f"refused: {body} {options}", post("/locations", body, *options))
    for target in (
        "not a url",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "ftp://127.0.0.1/x",
        "http://127.0.0.1:1/x.yaml",
        "http://169.254.169.254/latest",
        "http://[::1",
        "/etc/passwd",
        "../x.yaml",
        base,
        base + "/../a.yaml",
        base + "/none.yaml",
        " " + base + "/empty.yaml ",
        base + "/empty.yaml#fragment",
        base.replace("http:", "HTTP:") + "/empty.yaml",
    ):
        body = {"type": "url", "target": target}
        script.do(f"dry run of target {target}", post("/locations", body, ("dryRun", "true")))
        made = script.do(f"target {target}", post("/locations", body))
        if id_of(made) != "refused":
            script.do("and away", Case("DELETE", f"/locations/{id_of(made)}"))
    script.do(
        "presence",
        post(
            "/locations",
            {"type": "url", "target": base + "/empty.yaml", "presence": "optional"},
            ("dryRun", "true"),
        ),
    )
    script.do(
        "unknown parameter", post("/locations", {"type": "url", "target": base + "/empty.yaml"}, ("foo", "x"))
    )
    script.do(
        "empty parameter", post("/locations", {"type": "url", "target": base + "/empty.yaml"}, ("dryRun", ""))
    )
    script.do("nothing left", get("/locations", mode="set"))


def _validation(script: Script) -> None:
    base = script.files.base
    for spec in (
        {"type": "url", "target": base + "/a.yaml"},
        {"type": "url", "target": base + "/none.yaml"},
        {"type": "url", "target": base + "/none.yaml", "presence": "optional"},
        {"target": "./a.yaml"},
        {"target": "./none.yaml"},
        {"targets": [base + "/a.yaml", base + "/c.yaml"]},
        {"type": "file", "target": "/etc/hostname"},
        {"type": "url", "target": base + "/syntax.yaml"},
        {"type": "url", "target": base + "/bad-entity.yaml"},
    ):
        entity = {
            "apiVersion": "backstage.io/v1alpha1",
            "kind": "Location",
            "metadata": {"name": "l"},
            "spec": spec,
        }
        script.do(
            f"validate Location {spec}",
            post("/validate-entity", {"entity": entity, "location": f"url:{base}/x.yaml"}),
        )
    for definition in (
        {"$text": "./text.txt"},
        {"$text": base + "/text.txt"},
        {"$text": "./none.txt"},
        {"$json": "./sub/data.json"},
        {"$yaml": "./sub/data.yaml"},
        {"$text": "file:///etc/hostname"},
        {"$text": 1},
        {"$unknown": "./text.txt"},
        {"$text": "./text.txt", "x": 1},
        {"$text": ""},
        {"$openapi": "./sub/data.yaml"},
        {"$json": "./text.txt"},
    ):
        entity = {
            "apiVersion": "backstage.io/v1alpha1",
            "kind": "API",
            "metadata": {"name": "a"},
            "spec": {"type": "t", "lifecycle": "l", "owner": "o", "definition": definition},
        }
        script.do(
            f"validate placeholder {definition}",
            post("/validate-entity", {"entity": entity, "location": f"url:{base}/x.yaml"}),
        )


def _kinds_of_lists(script: Script) -> None:
    ids = []
    for number in range(5):
        made = script.do(
            f"register {number}",
            post("/locations", {"type": "url", "target": f"{script.files.base}/empty.yaml?{number}"}),
        )
        ids.append(id_of(made))
    page = script.do("first page", post("/locations/by-query", {"limit": 2}, mode="count"))
    for _ in range(3):
        cursor = page.get("pageInfo", {}).get("nextCursor") if isinstance(page, dict) else None
        if not cursor:
            break
        page = script.do("next page", post("/locations/by-query", {"cursor": cursor}, mode="count"))
    script.do(
        "total",
        post(
            "/locations/by-query",
            {"query": {"$not": {"target": {"$hasPrefix": script.files.base}}}},
            mode="set",
        ),
    )
    for each in ids:
        script.do("delete", Case("DELETE", f"/locations/{each}"))
