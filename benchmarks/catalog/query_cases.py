"""Cases of `by-query` in both its forms, and of facets."""

from exchange import Case, get, post
from material import FACETS, FIELDS, FILTERS, ORDERS, PREDICATES, RANK, TERMS


def by_get() -> list[Case]:
    made = [
        get("/entities/by-query", mode="set"),
        get("/entities/by-query", ("limit", 0)),
        get("/entities/by-query", ("limit", 3), mode="count"),
        get("/entities/by-query/", ("limit", 0)),
    ]
    made += [
        get(
            "/entities/by-query",
            ("filter", each),
            ("fields", "kind,metadata.namespace,metadata.name"),
            mode="set",
        )
        for each in FILTERS[::3]
    ]
    made += [
        get("/entities/by-query", ("filter", "metadata.name=odd-values"), ("fields", each), mode="set")
        for each in FIELDS[::2]
    ]
    made += [
        get(
            "/entities/by-query",
            ("orderField", each),
            mode="set" if "uid" in each else "runs",
            order=each.split(",")[0],
        )
        for each in ORDERS
    ]
    made += [
        get("/entities/by-query", ("orderField", RANK), ("orderField", "metadata.name,desc")),
        get("/entities/by-query", ("orderField", "kind"), ("orderField", RANK), mode="runs", order="kind"),
    ]
    made += [
        get("/entities/by-query", ("orderField", RANK), ("limit", each))
        for each in (1, 5, 100, 0, -1, "abc", "1.5", "", "99999999999")
    ]
    made += [
        get("/entities/by-query", ("orderField", RANK), ("limit", 3), ("offset", each))
        for each in (0, 1, 5, 16, 17, 100, -1, "abc", "1.5", "")
    ]
    made += [
        get("/entities/by-query", ("totalItems", each), ("orderField", RANK), ("limit", 2))
        for each in ("include", "exclude", "none", "", "INCLUDE")
    ]
    made += [
        get("/entities/by-query", ("totalItems", "exclude"), ("limit", 0)),
        get("/entities/by-query", ("limit", 0), ("orderField", RANK)),
        get("/entities/by-query", ("limit", 0), ("filter", "kind=component")),
        get(
            "/entities/by-query",
            ("limit", 0),
            ("fullTextFilterTerm", "player"),
            ("fullTextFilterFields", "metadata.name"),
        ),
    ]
    for term in TERMS:
        made.append(
            get(
                "/entities/by-query",
                ("fullTextFilterTerm", term),
                ("fullTextFilterFields", "metadata.name,metadata.title,metadata.description"),
                ("orderField", "metadata.name"),
                mode="runs",
                order="metadata.name",
            )
        )
    made += [
        get("/entities/by-query", ("fullTextFilterTerm", "player"), mode="set"),
        get(
            "/entities/by-query",
            ("fullTextFilterTerm", "player"),
            ("orderField", "metadata.name"),
            mode="runs",
            order="metadata.name",
        ),
        get("/entities/by-query", ("fullTextFilterTerm", "-"), mode="set"),
        get("/entities/by-query", ("fullTextFilterFields", "metadata.name"), mode="set"),
        get(
            "/entities/by-query",
            ("fullTextFilterTerm", "player"),
            ("fullTextFilterFields", "METADATA.NAME"),
            mode="set",
        ),
        get(
            "/entities/by-query",
            ("fullTextFilterTerm", "player"),
            ("fullTextFilterFields", "nope"),
            mode="set",
        ),
        get("/entities/by-query", ("fullTextFilterTerm", "player"), ("fullTextFilterFields", ""), mode="set"),
        get(
            "/entities/by-query",
            ("fullTextFilterTerm", "player"),
            ("fullTextFilterFields", "metadata.name,,"),
            mode="set",
        ),
        get(
            "/entities/by-query",
            ("fullTextFilterTerm", "player"),
            ("fullTextFilterFields", " metadata.name , metadata.title "),
            mode="set",
        ),
        get(
            "/entities/by-query",
            ("fullTextFilterTerm", "squad-a"),
            ("fullTextFilterFields", "relations.ownedBy"),
            mode="set",
        ),
        get(
            "/entities/by-query",
            ("fullTextFilterTerm", "java"),
            ("fullTextFilterFields", "metadata.tags"),
            mode="set",
        ),
        get(
            "/entities/by-query",
            ("fullTextFilterTerm", "serv"),
            ("fullTextFilterFields", "spec.type"),
            ("filter", "kind=component"),
            mode="set",
        ),
        get(
            "/entities/by-query",
            ("fullTextFilterTerm", "v" * 201),
            ("fullTextFilterFields", "spec.over200"),
            mode="set",
        ),
        Case(
            "GET",
            "/entities/by-query?fullTextFilterTerm=player&fullTextFilterFields=metadata.name&fullTextFilterFields=metadata.title",
            mode="set",
        ),
    ]
    for mode in ("walk", "back"):
        made += [
            get("/entities/by-query", ("orderField", RANK + ",asc"), ("limit", size), mode=mode, order=RANK)
            for size in (1, 2, 5, 16, 17, 18)
        ]
        made += [get("/entities/by-query", ("orderField", f"{RANK},desc"), ("limit", 4), mode=mode, order=RANK), get("/entities/by-query", ("limit", 9), mode=mode), get("/entities/by-query", ("limit", 9), ("filter", "kind=component"), ("filter", "kind=api"), mode=mode), get("/entities/by-query", ("orderField", "spec.type,asc"), ("limit", 6), mode=mode), get("/entities/by-query", ("orderField", "spec.type,desc"), ("limit", 6), mode=mode), get("/entities/by-query", ("orderField", RANK + ",asc"), ("limit", 3), ("offset", 2), mode=mode, order=RANK), get("/entities/by-query", ("orderField", RANK + ",asc"), ("limit", 3), ("fields", "metadata.name,kind"), mode=mode), get("/entities/by-query", ("orderField", "metadata.name,asc"), ("limit", 2), ("fullTextFilterTerm", "player"), ("fullTextFilterFields", "metadata.name,metadata.title"), mode=mode), get("/entities/by-query", ("orderField", RANK + ",asc"), ("limit", 3), ("totalItems", "exclude"), mode=mode, order=RANK), get("/entities/by-query", ("orderField", "metadata.tags,asc"), ("limit", 3), mode=mode), get("/entities/by-query", ("orderField", RANK), ("limit", 5), mode=mode)]  # fmt: skip
        made += [
            post(
                "/entities/by-query",
                {"orderBy": [{"field": RANK, "order": "asc"}], "limit": 4, "query": {"kind": "component"}},
                mode=mode,
                order=RANK,
            ),
            post("/entities/by-query", {"limit": 9}, mode=mode),
            post(
                "/entities/by-query",
                {"limit": 9, "query": {"$not": {"kind": "location"}}, "fields": ["kind", "metadata.name"]},
                mode=mode,
            ),
            post(
                "/entities/by-query",
                {"orderBy": [{"field": RANK, "order": "desc"}], "limit": 4},
                mode=mode,
                order=RANK,
            ),
        ]
    made += [
        get("/entities/by-query", ("cursor", each))
        for each in (
            "",
            "x",
            "e30=",
            "bnVsbA==",
            "W10=",
            "MQ==",
            "eyJvcmRlckZpZWxkcyI6W119",
            "eyJvcmRlckZpZWxkcyI6W10sIm9yZGVyRmllbGRWYWx1ZXMiOltdfQ==",
            "eyJvcmRlckZpZWxkcyI6W10sIm9yZGVyRmllbGRWYWx1ZXMiOltdLCJpc1ByZXZpb3VzIjpmYWxzZX0=",
            "%%%",
            "eyJmb28iOjF9",
            "eyJvcmRlckZpZWxkcyI6W3siZmllbGQiOiJtZXRhZGF0YS5uYW1lIiwib3JkZXIiOiJhc2MifV0sIm9yZGVyRmllbGRWYWx1ZXMiOlsicGxheWVyIiwieCJdLCJpc1ByZXZpb3VzIjpmYWxzZX0=",
        )
    ]
    made += [
        get("/entities/by-query", ("foo", "x")),
        get("/entities/by-query", ("order", "asc:x")),
        get("/entities/by-query", ("query", "x")),
        get("/entities/by-query", ("after", "x")),
    ]
    return made


def by_post() -> list[Case]:
    fields = ["kind", "metadata.namespace", "metadata.name"]
    made = [post("/entities/by-query", {"query": each, "fields": fields}, mode="set") for each in PREDICATES]
    bodies = (
        {}, {"limit": 0}, {"limit": 3, "orderBy": [{"field": RANK, "order": "asc"}]}, {"limit": -1}, {"limit": "3"}, {"limit": 1.5}, {"limit": None}, {"offset": -1}, {"offset": "1"}, {"offset": 3, "orderBy": [{"field": RANK, "order": "asc"}], "limit": 2}, {"orderBy": []}, {"orderBy": [{"field": RANK}]}, {"orderBy": [{"field": RANK, "order": "up"}]}, {"orderBy": [{"order": "asc"}]}, {"orderBy": {"field": RANK, "order": "asc"}}, {"orderBy": "metadata.name"}, {"orderBy": [{"field": RANK, "order": "desc"}, {"field": "kind", "order": "asc"}]}, {"orderBy": [{"field": "", "order": "asc"}]}, {"orderBy": [{"field": RANK.upper(), "order": "asc"}]}, {"orderBy": [{"field": RANK, "order": "asc", "extra": 1}]},
        {"fullTextFilter": {"term": "player", "fields": ["metadata.name"]}}, {"fullTextFilter": {"term": "player"}}, {"fullTextFilter": {"term": "player"}, "orderBy": [{"field": "metadata.name", "order": "asc"}]}, {"fullTextFilter": {}}, {"fullTextFilter": {"fields": ["metadata.name"]}}, {"fullTextFilter": "player"}, {"fullTextFilter": {"term": 1}}, {"fullTextFilter": {"term": "player", "fields": "metadata.name"}}, {"fullTextFilter": {"term": "", "fields": ["metadata.name"]}}, {"fullTextFilter": {"term": " PLAYER ", "fields": ["metadata.name"]}}, {"fullTextFilter": {"term": "player", "fields": []}}, {"fullTextFilter": {"term": "_", "fields": ["metadata.name"]}}, {"fullTextFilter": None},
        {"fields": ["kind"]}, {"fields": []}, {"fields": "kind"}, {"fields": [1]}, {"fields": ["a[0]"]}, {"fields": None}, {"totalItems": "exclude", "limit": 1}, {"totalItems": "include", "limit": 0}, {"totalItems": "none"}, {"totalItems": True}, {"cursor": "x"}, {"cursor": ""}, {"cursor": 1}, {"cursor": None}, {"cursor": "e30="}, {"extra": 1}, {"filter": ["kind=component"]}, {"query": {"kind": "component"}, "limit": 0}, [], "x", 1,
    )  # fmt: skip
    for body in bodies:
        some = isinstance(body, dict) and body.get("limit") in (1, 1.5)  # which ones goes by their uids
        made.append(post("/entities/by-query", body, mode="count" if some else "set"))
    made += [
        post("/entities/by-query", {}, ("limit", 1), mode="count"),
        post("/entities/by-query", {}, ("filter", "kind=api"), mode="count"),
        post("/entities/by-query", {}, ("foo", "x"), mode="count"),
    ]
    return made


def facets() -> list[Case]:
    made = [get("/entity-facets", ("facet", each)) for each in FACETS]
    made += [
        get("/entity-facets", ("facet", "kind"), ("facet", "spec.type")),
        get("/entity-facets", ("facet", "kind"), ("facet", "kind")),
        get("/entity-facets", ("facet", "kind"), ("facet", "KIND")),
        get("/entity-facets"),
        get("/entity-facets", ("facet", "")),
        Case("GET", "/entity-facets?facet"),
        get("/entity-facets", ("facet", "kind,spec.type")),
        Case("GET", "/entity-facets?facet[]=kind"),
        get("/entity-facets", ("facets", "kind")),
        get("/entity-facets", ("facet", "kind"), ("foo", "x")),
        get("/entity-facets", ("filter", "kind=component")),
        get("/entity-facets", ("facet", " kind ")),
    ]
    made += [get("/entity-facets", ("facet", "spec.type"), ("filter", each)) for each in FILTERS[::4]]
    made += [
        get(
            "/entity-facets", ("facet", "metadata.tags"), ("filter", "kind=component"), ("filter", "kind=api")
        )
    ]
    made += [
        post("/entity-facets", {"facets": ["kind", "spec.type"], "query": each}) for each in PREDICATES[::2]
    ]
    made += [
        post("/entity-facets", body)
        for body in (
            {"facets": ["kind"]},
            {"facets": []},
            {},
            {"facets": "kind"},
            {"facets": [1]},
            {"facets": [""]},
            {"facets": ["kind", "kind"]},
            {"facets": None},
            {"facets": ["kind"], "extra": 1},
            {"facet": ["kind"]},
            {"facets": ["kind"], "filter": "x"},
            [],
            "x",
        )
    ]
    made += [
        post("/entity-facets", {"facets": ["kind"]}, ("filter", "kind=api")),
        post("/entity-facets", {"facets": ["kind"]}, ("facet", "spec.type")),
    ]
    return made
