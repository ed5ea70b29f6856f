"""Good descriptors, each changed in one place: what `validate-entity` accepts and what it refuses.

Each change is a path and the value put there (`GONE` takes the member away), tried on a descriptor of every
kind that has the path's parent.
"""

import copy
from collections.abc import Iterator
from typing import Any

from exchange import Case, post

GONE = object()
LOCATION = "url:http://127.0.0.1:1/catalog-info.yaml"
V1, V1BETA = "backstage.io/v1alpha1", "backstage.io/v1beta1"

BASES: dict[str, dict[str, Any]] = {
    "Component": {"type": "service", "lifecycle": "production", "owner": "me", "system": "s", "subcomponentOf": "c", "providesApis": ["a"], "consumesApis": ["a"], "dependsOn": ["component:c"], "dependencyOf": ["component:c"]},
    "API": {"type": "openapi", "lifecycle": "production", "owner": "me", "definition": "openapi: 3", "system": "s"},
    "Resource": {"type": "database", "owner": "me", "system": "s", "dependsOn": ["resource:r"], "dependencyOf": ["component:c"]},
    "System": {"owner": "me", "domain": "d", "type": "product"},
    "Domain": {"owner": "me", "subdomainOf": "d", "type": "area"},
    "Group": {"type": "team", "parent": "p", "children": ["c"], "members": ["m"], "profile": {"displayName": "G", "email": "g@example.com", "picture": "https://example.com/p.png"}},
    "User": {"memberOf": ["g"], "profile": {"displayName": "U", "email": "u@example.com", "picture": "https://example.com/p.png"}},
    "Location": {},
    "Template": {"type": "service", "owner": "me", "steps": [], "parameters": []},
    "AiResource": {"type": "skill", "lifecycle": "production", "owner": "me"},
}  # fmt: skip

ENVELOPE: dict[str, tuple[Any, ...]] = {
    "apiVersion": (GONE, None, "", 1, V1BETA, "backstage.io/v1", "backstage.io/v1alpha2", "example.com/v1", "v1alpha1", "backstage.io/", "/v1alpha1", "backstage.io/v1/alpha", "Backstage.io/v1alpha1", "my-company.io/v1alpha1", "backstage.io/v1alpha1 ", "scaffolder.backstage.io/v1beta3", "a" * 254 + "/v1", "a" * 253 + "/v1", "x/" + "v" * 63, "x/" + "v" * 64, "x/v-1", []),
    "kind": (GONE, None, "", 1, "component", "COMPONENT", "Unknown", "1Component", "Com-ponent", "Com ponent", "K" * 63, "K" * 64, "Küchen", [], "Component "),
    "metadata": (GONE, None, [], "x", {}),
    "spec": (GONE, None, [], "x", {}, 1),
    "relations": ([], {}, None, [{"type": "ownedBy", "targetRef": "group:default/x"}]),
    "status": ({}, None, {"items": []}),
    "extra": (1, None, {}),
}  # fmt: skip

METADATA: dict[str, tuple[Any, ...]] = {
    "name": (GONE, None, "", 1, True, [], {}, "a", "A", "1", "a" * 63, "a" * 64, "-a", "a-", "_a", "a_", ".a", "a.", "a.b", "a_b", "a-b", "a--b", "a..b", "a__b", "a.-_b", "a b", " a", "a ", "a/b", "a:b", "a@b", "ä", "日本", "a\n", "a\n\n", "A.B_c-9", "null", "0089"),
    "namespace": (GONE, None, "", 1, [], "a", "A", "1", "a" * 63, "a" * 64, "-a", "a-", "a-b", "a--b", "a---b", "a_b", "a.b", "Default", "default", "a b", "ä", "a/b", "a:b", "a\n"),
    "title": (None, "", " ", 1, [], "x", "x" * 1000, "\n"),
    "description": (None, "", 1, [], "x" * 100_000),
    "uid": (None, "", "x", 1), "etag": (None, "", "x", 1),
    "generation": (0, 1, "x"), "extra": (1, None, {"a": 1}),
    "labels": (None, [], "x", {}, {"a": "b"}, {"a": ""}, {"a": 1}, {"a": None}, {"a": True}, {"a": []}, {"a": "b" * 63}, {"a": "b" * 64}, {"a": "-b"}, {"a": "b c"}, {"a": "b_c.d-e"}, {"a": "b/c"}, {"": "b"}, {"a b": "c"}, {"-a": "b"}, {"a" * 63: "b"}, {"a" * 64: "b"}, {"example.com/a": "b"}, {"example.com/": "b"}, {"/a": "b"}, {"x/y/z": "b"}, {"Example.com/a": "b"}, {"a_b.com/a": "b"}, {"a" * 253 + "/a": "b"}, {".".join(["a" * 63] * 3 + ["a" * 61]) + "/a": "b"}, {".".join(["a" * 63] * 4) + "/a": "b"}, {"-a.com/a": "b"}, {"a--b.com/a": "b"}, {"a..b/c": "d"}, {"ä": "b"}, {"a": "ä"}, {"a": "b\n"}, {"a.b_c-d": "e"}),
    "annotations": (None, [], "x", {}, {"a": ""}, {"a": "any thing: at all 日本\n"}, {"a": 1}, {"a": None}, {"a": True}, {"a": {}}, {"a": "b" * 100_000}, {"": "b"}, {"a b": "c"}, {"x/y/z": "b"}, {"a" * 63: "b"}, {"a" * 64: "b"}, {"example.com/a": "b"}, {"Example.com/a": "b"}, {"backstage.io/view-url": "javascript:alert(1)"}, {"backstage.io/managed-by-location": "x"}, {"backstage.io/managed-by-location": "url:http://x/y"}, {"backstage.io/managed-by-location": ":x"}, {"backstage.io/managed-by-origin-location": ""}, {"backstage.io/orphan": "true"}, {"backstage.io/source-location": "x"}),
    "tags": (None, [], "x", {}, ["a"], [""], [1], [None], ["A"], ["a" * 63], ["a" * 64], ["a-b"], ["a--b"], ["-a"], ["a-"], ["a_b"], ["a.b"], ["c++"], ["c#"], ["k8s:prod"], ["+"], [":"], ["#"], ["a b"], ["ä"], ["a", "a"], ["a\n"], ["a", 1], [["a"]]),
    "links": (None, [], "x", {}, [{}], [{"url": "https://example.com"}], [{"url": ""}], [{"url": "x"}], [{"url": "/x"}], [{"url": "//x"}], [{"url": 1}], [{"url": None}], [{"url": "mailto:a@b.c"}], [{"url": "javascript:alert(1)"}], [{"url": "JaVaScRiPt:alert(1)"}], [{"url": "http://"}], [{"url": "http://a b"}], [{"url": "http:x"}], [{"url": "x:y"}], [{"url": " https://example.com "}], [{"url": "https://exa mple.com"}], [{"url": "https://example.com:99999"}], [{"url": "https://[::1]"}], [{"url": "https://[::1"}], [{"url": "https://日本.jp"}], [{"url": "https://example.com", "title": ""}], [{"url": "https://example.com", "title": "x", "icon": "y", "type": "z"}], [{"url": "https://example.com", "icon": ""}], [{"url": "https://example.com", "type": ""}], [{"url": "https://example.com", "title": None}], [{"url": "https://example.com", "title": 1}], [{"url": "https://example.com", "icon": "a b"}], [{"url": "https://example.com", "extra": 1}], [1], [None], ["https://example.com"]),
}  # fmt: skip

TEXT = (GONE, None, "", " ", 1, True, [], {}, "x", "Ä ö", "x" * 500)
OWNER = (*TEXT, "group:default/x", "user:x", "a/b", "a:b/c", ":x", "x:", "/x", "x/", "a:/b", "a:b/", "a/b:c", "k:ns/a/b", "a:b:c", "component:x", "Group:Default/X", "x y", " x", "a b:c", "group:default/-x-", "group:A_B/x", "ü:x/y", "a" * 64, "group:default/" + "a" * 64)  # fmt: skip
LIST = (GONE, None, [], "x", {}, [""], [" "], [1], [None], [{}], ["x"], ["x", "x"], ["a:b/c"], [":x"], ["x:"], ["/x"], ["x/"], ["component:default/x"], ["a b"], ["k:ns/a/b"], [["x"]])  # fmt: skip

SPEC: dict[str, tuple[Any, ...]] = {
    "type": TEXT, "lifecycle": TEXT, "definition": TEXT, "owner": OWNER, "system": OWNER, "domain": OWNER, "subdomainOf": OWNER,
    "subcomponentOf": OWNER, "parent": OWNER, "providesApis": LIST, "consumesApis": LIST, "dependsOn": LIST, "dependencyOf": LIST,
    "children": LIST, "members": LIST, "memberOf": LIST,
    "profile": (GONE, None, [], "x", {}, {"displayName": ""}, {"displayName": 1}, {"displayName": None}, {"email": ""}, {"email": "not an address"}, {"email": 1}, {"picture": ""}, {"picture": "x"}, {"picture": 1}, {"extra": 1}),
    "extra": (None, 1, "", [], {}, {"a": [None]}),
    "steps": (GONE, None, [], "x", [1], [{}], [{"id": "a", "name": "A", "action": "x"}], [{"action": "x"}], [{"action": ""}], [{"id": "", "action": "x"}]),
    "parameters": (GONE, None, [], {}, "x", [{}]),
}  # fmt: skip

LOCATIONS: tuple[dict[str, Any], ...] = (
    {"presence": "optional"}, {"presence": "required"}, {"presence": "maybe"}, {"presence": None}, {"presence": ""}, {"presence": 1}, {"type": "url"}, {"type": ""}, {"type": None}, {"type": 1},
    {"target": ""}, {"target": None}, {"target": 1}, {"target": []}, {"targets": []}, {"targets": None}, {"targets": "x"}, {"targets": [""]}, {"targets": [1]}, {"targets": [None]}, {"extra": 1},
)  # fmt: skip

PLACES = ("", "x", "url:", "url:x", ":x", "file:/srv/x.yaml", "file:x", "url:https://example.com/a.yaml", "url: https://example.com/a.yaml", "URL:https://example.com", "http:https://example.com", "url:javascript:alert(1)", "bootstrap:bootstrap", "url:https://example.com/a b")  # fmt: skip


def base(kind: str) -> dict[str, Any]:
    """A good descriptor of a kind, with every field it may have."""
    version = "scaffolder.backstage.io/v1beta3" if kind == "Template" else V1
    return {
        "apiVersion": version,
        "kind": kind,
        "metadata": {"name": "n"},
        "spec": copy.deepcopy(BASES[kind]),
    }


def mutated() -> Iterator[dict[str, Any]]:
    """Every changed descriptor. What all kinds share is tried on a Component, the rest on each kind."""
    for kind, spec in BASES.items():
        yield base(kind)
        yield base(kind) | {"apiVersion": V1BETA}
        yield base(kind) | {"spec": {}}
        yield {key: value for key, value in base(kind).items() if key != "spec"}
        yield base(kind) | {"spec": None}
        yield base(kind) | {"kind": kind.lower()}
        for member, values in SPEC.items():
            if member in spec or member in ("extra", "owner"):
                for value in values:
                    yield _changed(base(kind), ("spec", member), value)
    for member, values in ENVELOPE.items():
        for value in values:
            yield _changed(base("Component"), (member,), value)
    for member, values in METADATA.items():
        for value in values:
            yield _changed(base("Component"), ("metadata", member), value)
    for spec in LOCATIONS:
        yield base("Location") | {"spec": spec}
    yield base("Component") | {"spec": {**BASES["Component"], "extra": 1, "Extra": 2}}


def _changed(document: dict[str, Any], path: tuple[str, ...], value: Any) -> dict[str, Any]:
    holder = document
    for key in path[:-1]:
        holder = holder[key]
    if value is GONE:
        holder.pop(path[-1], None)
    else:
        holder[path[-1]] = value
    return document


def validation() -> list[Case]:
    """Every case of `validate-entity`, each once."""
    made = [post("/validate-entity", {"entity": entity, "location": LOCATION}) for entity in mutated()]
    good = base("Component")
    made += [post("/validate-entity", {"entity": good, "location": place}) for place in PLACES]
    made += [post("/validate-entity", body) for body in ({"entity": good}, {"location": LOCATION}, {}, {"entity": None, "location": LOCATION}, {"entity": [], "location": LOCATION}, {"entity": "x", "location": LOCATION}, {"entity": 1, "location": LOCATION}, {"entity": {}, "location": LOCATION}, {"entity": good, "location": None}, {"entity": good, "location": 1}, {"entity": good, "location": LOCATION, "extra": 1})]  # fmt: skip
    return list({case.id: case for case in made}.values())
