"""Cases that list entities, or ask for some by name, uid or reference."""

from exchange import Case, get, post
from material import FIELDS, FILTERS, RANK


def entities() -> list[Case]:
    made = [get("/entities", mode="set"), get("/entities/", mode="set"), get("/entities?", mode="set")]
    made += [
        get("/entities", ("filter", each), ("fields", "kind,metadata.namespace,metadata.name"), mode="set")
        for each in FILTERS
    ]
    made += [
        get(
            "/entities",
            ("filter", "metadata.name=odd-values,metadata.name=player,metadata.name=zoe"),
            ("fields", each),
            mode="set",
        )
        for each in FIELDS
    ]
    made += [
        get("/entities", ("order", f"{way}:{field}"), mode="runs", order=field)
        for way in ("asc", "desc")
        for field in (
            "metadata.name",
            "spec.type",
            RANK,
            "metadata.title",
            "metadata.Name",
            "unknown",
            "metadata.tags",
            "spec.nothing",
        )
    ]
    made += [
        get("/entities", ("order", f"{way}:{field}"), ("limit", 100), mode="runs", order=field)
        for way in ("asc", "desc")
        for field in (
            "metadata.name",
            "spec.type",
            RANK,
            "metadata.title",
            "metadata.Name",
            "METADATA.NAME",
            "unknown",
            "spec.nothing",
        )
    ]
    made += [
        get("/entities", ("order", each))
        for each in (
            "metadata.name",
            "up:metadata.name",
            "asc:",
            ":",
            "",
            "asc",
            "ASC:metadata.name",
            "asc: metadata.name",
            "asc:a:b",
        )
    ]
    made += [
        get("/entities", ("order", f"asc:{RANK}"), ("order", "desc:metadata.name"), mode="runs", order=RANK),
        get(
            "/entities",
            ("order", "asc:kind"),
            ("order", f"desc:{RANK}"),
            ("limit", 100),
            mode="runs",
            order="kind",
        ),
    ]
    made += [
        get("/entities", ("limit", each))
        for each in (
            1,
            3,
            1000,
            0,
            -1,
            "abc",
            "1.5",
            "",
            "1e1",
            " 1",
            "+1",
            "0x1",
            "99999999999",
            "99999999999999999999999",
            "NaN",
            "null",
            "true",
        )
    ]
    made += [
        get("/entities", ("offset", each)) for each in (0, 1, 30, 1000, -1, "abc", "1.5", "", "99999999999")
    ]
    made += [
        get("/entities", ("limit", 2), ("offset", 3)),
        get("/entities", ("limit", 2), ("limit", 3)),
        get("/entities", ("offset", 5), ("order", f"asc:{RANK}"), mode="runs", order=RANK),
        get("/entities", ("limit", 5), ("order", f"desc:{RANK}")),
    ]
    made += [get("/entities", ("limit", each), mode="walk", order="exact") for each in (7, 10, 100)]
    made += [
        get("/entities", ("limit", 4), ("order", f"asc:{RANK}"), ("filter", RANK), mode="walk", order=RANK),
        get(
            "/entities",
            ("limit", 4),
            ("offset", 2),
            ("filter", "kind=component"),
            ("filter", "kind=api"),
            ("fields", "metadata.name,kind"),
            ("order", "desc:metadata.name"),
            mode="walk",
            order="metadata.name",
        ),
    ]
    made += [
        get("/entities", ("after", each))
        for each in (
            "",
            "x",
            "e30=",
            "e30",
            "bnVsbA==",
            "eyJsaW1pdCI6Mn0=",
            "eyJsaW1pdCI6Miwib2Zmc2V0IjozfQ==",
            "eyJsaW1pdCI6Miwib2Zmc2V0IjozfQ",
            "eyJsaW1pdCI6MH0=",
            "eyJsaW1pdCI6LTF9",
            "eyJsaW1pdCI6IngifQ==",
            "W10=",
            "MQ==",
            "eyJvZmZzZXQiOi0xfQ==",
            "eyJvZmZzZXQiOjN9",
            "%%%",
            "eyJmb28iOjF9",
        )
    ]
    made += [get("/entities", ("after", "eyJsaW1pdCI6Miwib2Zmc2V0IjozfQ=="), ("limit", 1), ("offset", 9))]
    made += [
        get("/entities", ("filter", "kind=api"), ("filter", "kind=domain"), mode="set"),
        get("/entities", ("filter", "kind=api"), ("filter", "unknown=x"), mode="set"),
        get("/entities", ("filter", ""), mode="set"),
        get("/entities", ("filter", " "), mode="set"),
        Case("GET", "/entities?filter", mode="set"),
        Case("GET", "/entities?filter=kind=api,spec.type=grpc", mode="set"),
        Case("GET", "/entities?filter[]=kind%3Dapi", mode="set"),
        Case("GET", "/entities?filter=kind%3Dapi&filter=", mode="set"),
        Case("GET", "/entities?filter=metadata.title%3DPlayer+elsewhere", mode="set"),
        Case("GET", "/entities?filter=kind%3Dapi%ZZ"),
        Case("GET", "/entities?filter=%FF"),
        Case("GET", "/entities?filter[a]=kind"),
        Case("GET", "/entities?fields=kind&fields=metadata.name", mode="set"),
        Case("GET", "/entities?fields[]=kind", mode="set"),
        Case("GET", "/entities?fields=", mode="set"),
        Case("GET", "/entities?fields", mode="set"),
    ]
    made += [
        get("/entities", ("foo", "bar")),
        get("/entities", ("Filter", "kind=api")),
        get("/entities", ("foo", "")),
        get("/entities", ("limit", 1), ("foo", "bar"), ("baz", 1)),
        get("/entities", ("limit", -1), ("foo", "bar")),
        get("/entities", ("limit", 0), ("offset", -1)),
    ]
    return made


def single() -> list[Case]:
    named = ("component/default/player", "Component/Default/Player", "COMPONENT/DEFAULT/PLAYER", "component/other/player", "api/finding/search-api", "user/default/mixed.case_user", "component/a--b/self", "resource/default/scalars", "component/default/odd-values", "component/default/odd-unicode", "component/default/odd-nulls", "component/default/1.2_3-x", "group/default/squad-a", "group/default/tribe-music", "user/default/zoe", "user/default/nobody", "location/default/world", "location/nested/more", "component/default/none", "x/y/z", "component/default/%70layer", "component/default/pl%C3%A4yer", "component/default/%25", "component/default/a%2Fb", "component%2Fdefault/x/y", "component/%20/x", "component/default/player?foo=bar", "component/default/player?fields=kind", "component/default/player/", "component/default", "component", "component/default/player/x")  # fmt: skip
    made = [get(f"/entities/by-name/{each}") for each in named]
    made += [
        get(f"/entities/by-name/{each}/ancestry")
        for each in (
            "component/default/player",
            "Component/DEFAULT/Deep-One",
            "component/default/deep-three",
            "location/default/world",
            "location/nested/more",
            "component/default/none",
            "x/y/z",
            "user/default/zoe",
            "component/default/player?x=1",
            "api/finding/search-api",
        )
    ]
    made += [
        get(f"/entities/by-uid/{each}")
        for each in (
            "00000000-0000-4000-8000-000000000000",
            "nonsense",
            "%20",
            "a%2Fb",
            "00000000-0000-4000-8000-000000000000?foo=bar",
            "",
        )
    ]
    return made


def by_refs() -> list[Case]:
    refs = [
        "component:default/player",
        "component:default/none",
        "user:default/zoe",
        "api:finding/search-api",
        "component:default/player",
    ]
    bodies = (
        {"entityRefs": refs}, {"entityRefs": []}, {"entityRefs": ["Component:default/player"]}, {"entityRefs": ["component:default/Player", "player", "component:player", "default/player", "", " ", "component:default/player ", "a:b/c/d", "user:default/mixed.case_user", "user:default/Mixed.Case_User"]},
        {"entityRefs": refs, "fields": ["kind", "metadata.name"]}, {"entityRefs": refs, "fields": []}, {"entityRefs": refs, "fields": ["spec.nope"]}, {"entityRefs": refs, "fields": ["a[b"]}, {"entityRefs": refs, "fields": "kind"}, {"entityRefs": refs, "fields": [1]}, {"entityRefs": refs, "fields": None}, {"entityRefs": refs, "fields": [""]},
        {"entityRefs": refs, "query": {"kind": "component"}}, {"entityRefs": refs, "query": {}}, {"entityRefs": refs, "query": {"$any": []}}, {"entityRefs": refs, "query": "x"}, {"entityRefs": refs, "query": None}, {"entityRefs": refs, "query": {"$bad": 1}},
        {}, {"entityRefs": None}, {"entityRefs": "x"}, {"entityRefs": [1]}, {"entityRefs": [None]}, {"entityRefs": {}}, {"entityRefs": refs, "extra": 1}, {"refs": []}, [], 1, "x", {"entityRefs": [f"component:default/n{number}" for number in range(3000)]},
    )  # fmt: skip
    made = [post("/entities/by-refs", body) for body in bodies]
    made += [
        post("/entities/by-refs", {"entityRefs": refs}, ("filter", each))
        for each in ("kind=component", "kind=user,kind=api", "unknown", "")
    ]
    made += [
        post(
            "/entities/by-refs", {"entityRefs": refs}, ("filter", "kind=component"), ("filter", "kind=user")
        ),
        post(
            "/entities/by-refs", {"entityRefs": refs, "query": {"kind": "user"}}, ("filter", "kind=component")
        ),
        post("/entities/by-refs", {"entityRefs": refs}, ("foo", "x")),
    ]
    return made
