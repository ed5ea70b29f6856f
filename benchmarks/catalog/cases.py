"""Requests that read the small catalog in `world/`: every reading operation, every parameter, every error."""

from exchange import Case, get, post
from listing_cases import by_refs, entities, single
from query_cases import by_get, by_post, facets


def _other() -> list[Case]:
    made = [
        get("/locations"),
        get("/locations/"),
        get("/locations", ("foo", "x")),
        get("/locations/none"),
        get("/locations/00000000-0000-4000-8000-000000000000"),
        get("/locations/%20"),
        get("/locations/by-entity/component/default/player"),
        get("/locations/by-entity/x/y/z"),
        get("/locations/by-entity/component/default"),
        Case("DELETE", "/locations/none"),
        Case("DELETE", "/locations/00000000-0000-4000-8000-000000000000"),
        Case(
            "PUT",
            "/locations/00000000-0000-4000-8000-000000000000",
            {"type": "url", "target": "http://127.0.0.1:1/x.yaml"},
        ),
        Case("PUT", "/locations/none", {}),
    ]
    made += [
        post("/locations/by-query", body)
        for body in (
            {},
            {"limit": 0},
            {"limit": 1},
            {"limit": -1},
            {"limit": "1"},
            {"limit": 1.5},
            {"query": {"type": "url"}},
            {"query": {"type": "file"}},
            {"query": {"nope": "x"}},
            {"query": {"$any": []}},
            {"query": 1},
            {"query": {"target": {"$hasPrefix": "http"}}},
            {"cursor": "x"},
            {"cursor": "e30="},
            {"cursor": ""},
            {"extra": 1},
            [],
            {"totalItems": "exclude"},
        )
    ]
    made += [
        get("/"),
        get(""),
        get("/nope"),
        get("/entities/nope"),
        get("/entities/by-name"),
        get("/entities/by-uid"),
        get("/entities/by-refs"),
        Case("POST", "/entities", {}),
        Case("PUT", "/entities/by-refs", {"entityRefs": []}),
        Case("DELETE", "/entities"),
        Case("PATCH", "/entities"),
        Case("POST", "/entities/by-name/component/default/player", {}),
        Case("DELETE", "/entities/by-name/component/default/player"),
        Case("GET", "/refresh"),
        Case("GET", "/validate-entity"),
        Case("GET", "/analyze-location"),
        Case("DELETE", "/locations"),
        Case("PUT", "/locations", {}),
        Case("POST", "/locations/x", {}),
        Case("DELETE", "/entities/by-uid/00000000-0000-4000-8000-000000000000"),
        Case("DELETE", "/entities/by-uid/nonsense"),
        get("//entities", ("limit", 1)),
        get("/Entities", ("limit", 1)),
        get("/entities%2F", ("limit", 1)),
    ]
    made += [
        post("/refresh", body)
        for body in (
            {"entityRef": "component:default/player"},
            {"entityRef": "Component:Default/Player"},
            {"entityRef": "component:default/none"},
            {"entityRef": "player"},
            {"entityRef": ""},
            {"entityRef": 1},
            {"entityRef": None},
            {},
            {"entityRef": "component:default/player", "extra": 1},
            {"entityRef": "component:default/player", "authorizationToken": "x"},
            {"entityRef": "component:default/player", "authorizationToken": 1},
            [],
            "x",
            {"entityRef": "a:b:c/d/e"},
        )
    ]
    made += [
        post("/analyze-location", body)
        for body in (
            {
                "location": {
                    "type": "url",
                    "target": "https://github.com/example/repo-name/blob/main/catalog-info.yaml",
                }
            },
            {"location": {"type": "url", "target": "https://github.com/example/repo"}},
            {"location": {"type": "url", "target": "https://gitlab.com/group/sub/repo"}},
            {"location": {"type": "url", "target": "https://example.com/x/y"}},
            {"location": {"type": "url", "target": "not a url"}},
            {"location": {"type": "url", "target": ""}},
            {"location": {"type": "file", "target": "/etc/passwd"}},
            {"location": {"type": "url"}},
            {"location": {"target": "https://github.com/a/b"}},
            {"location": "x"},
            {},
            {
                "location": {"type": "url", "target": "https://github.com/example/repo"},
                "catalogFilename": "x.yaml",
            },
            {
                "location": {"type": "url", "target": "https://github.com/example/repo"},
                "catalogFileName": "x.yaml",
            },
            {"location": {"type": "url", "target": "https://github.com/example/repo"}, "extra": 1},
            {"location": {"type": "url", "target": "https://github.com/example"}},
            {"location": {"type": "url", "target": "javascript:alert(1)"}},
            {"location": {"type": "", "target": "https://github.com/a/b"}},
            {"location": {"type": "url", "target": "https://github.com/example/Repo_Name.x"}},
            [],
            {"location": {"type": "url", "target": "https://github.com/a/b", "presence": "optional"}},
        )
    ]
    return made


def _contents() -> list[Case]:
    """Bodies that are missing, broken, or of another type than they say."""
    paths = ("/entities/by-refs", "/entities/by-query", "/entity-facets", "/refresh", "/locations", "/validate-entity", "/analyze-location", "/locations/by-query")  # fmt: skip
    good = b'{"entityRefs": [], "facets": ["kind"]}'
    contents: tuple[tuple[bytes | None, str | None], ...] = (
        (None, None),
        (b"", "application/json"),
        (b"{", "application/json"),
        (good, "text/plain"),
        (b"{}", None),
        (b"null", "application/json"),
        (b"\xff\xfe", "application/json"),
        (b'{"a": 1} x', "application/json"),
        (good, "application/json; charset=utf-8"),
        (good, "application/json; charset=latin1"),
        (b"a=b", "application/x-www-form-urlencoded"),
    )
    return [
        Case("POST", path, raw=raw, content_type=content_type, mode="set")
        for path in paths
        for raw, content_type in contents
    ]


def reading() -> list[Case]:
    """Every case that changes nothing, each once."""
    made = [*entities(), *single(), *by_refs(), *by_get(), *by_post(), *facets(), *_other(), *_contents()]
    return list({case.id: case for case in made}.values())
