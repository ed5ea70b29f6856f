"""Requests that read the small catalog in `world/`: every reading operation, every parameter, every error."""

from exchange import Case, get, post, query

RANK = "metadata.annotations.example.com/rank"
"""A field whose values are unique among those that have it, so that every order by it is one order."""

FILTERS = (
    "kind=component", "kind=Component", "KIND=COMPONENT", "kind", "kind=", "kind=component,kind=api", "kind=component,spec.type=service",
    "kind=component,spec.type=service,spec.type=website", "kind=component,spec.type,spec.type=library", "spec.type=SERVICE",
    "metadata.name=player", "metadata.name=Service-Upper", "metadata.name=mixed.case_user", "metadata.namespace=default",
    "metadata.namespace=a--b", "metadata.tags=java", "metadata.tags.java", "metadata.tags.java=true", "metadata.tags.JAVA=TRUE",
    "metadata.tags=java,metadata.tags=web", "metadata.tags=c++", "metadata.tags.c++", "metadata.tags=c#", "metadata.labels.tier=gold",
    "metadata.labels.tier", "metadata.labels.empty", "metadata.labels.empty=", "metadata.labels.example.com/cost-centre=4711",
    "metadata.annotations.github.com/project-slug=arpeggio/player", "metadata.annotations.github.com/project-slug",
    "metadata.annotations.example.com/colon=a:b/c=d", "metadata.annotations.example.com/comma=a,b", "metadata.annotations.example.com/empty=",
    "metadata.annotations.example.com/unicode=åäö 日本", "metadata.annotations.backstage.io/techdocs-ref",
    "metadata.title=straße 日本語 🎵 ångström σίσυφος i̇stanbul", "metadata.title=STRASSE", "spec.größe=groß", "spec.größe=GROSS", "spec.GRÖSSE",
    "spec.lifecycle=über", "spec.lifecycle=ÜBER", "spec.type=type with spaces", "spec.key with spaces=value with spaces", "spec.nothing",
    "spec.nothing=", "spec.nothing=null", "spec.yes=true", "spec.yes=TRUE", "spec.no=false", "spec.zero=0", "spec.int=42", "spec.negative=-7",
    "spec.float=1.5", "spec.whole=2", "spec.whole=2.0", "spec.tiny=1e-7", "spec.tiny=0.0000001", "spec.huge=1e+21", "spec.huge=1e21",
    "spec.big=12345678901234567000", "spec.big=12345678901234567890", "spec.emptyString", "spec.emptyString=", "spec.emptyList",
    "spec.emptyObject", "spec.list=a", "spec.list=b", "spec.list.b", "spec.list=1", "spec.list=true", "spec.list=null", "spec.list.inner=x",
    "spec.list=nested", "spec.list.nested", "spec.list", "spec.objects.name=one", "spec.objects.name=one,spec.objects.value=2",
    "spec.deep.a.b.c.d=bottom", "spec.deep.a", "spec.deep", "spec.dotted.key.other.key=dotted", "spec.dup=same", "spec.spacey=padded",
    "spec.spacey=  padded  ", " spec.int = 42 ", "spec.multi=line one\nline two", "spec.tabs=a\tb",
    "spec.exactly200=" + "v" * 200, "spec.exactly200", "spec.over200", "spec.over200=" + "v" * 201, "spec." + "k" * 195, "spec." + "k" * 196,
    "relations.ownedBy=group:default/squad-a", "relations.ownedby=GROUP:default/squad-a", "relations.ownedBy", "relations.dependsOn",
    "relations.ownedBy=squad-a", "relations.dependsOn=component:default/missing", "relations.hasMember=user:default/nobody", "relations",
    "relations.ownedBy.group:default/squad-a", "metadata.uid", "metadata.etag", "metadata.extra.anything=goes", "apiVersion=backstage.io/v1beta1",
    "apiversion=backstage.io/v1alpha1", "metadata.links.url=mailto:music@example.com", "metadata.links.title=dashboard", "status", "spec.profile.email=zoe@example.com",
    "metadata.description=50% off_sale", "kind=group,spec.type=squad", "kind=group,spec.type=squad,spec.parent=tribe-music", "spec.memberOf=squad-a",
    "spec.children=squad-a", ",kind=component", "kind=component,", "kind=component,,spec.type=service", ",", "=", "=x", "kind==component", "kind=component=x",
    "unknown.key", "unknown.key=x", "metadata.name=%", "metadata.name=_", "metadata.name='; drop table--", "metadata.name=player\x00", "metadata.name=pla%", "*=x", "spec.type=*",
    "spec.words=true", "spec.words=yes", "spec.words=null", "spec.numbers=89", "spec.numbers=12", "spec.numbers=-0", "spec.numbers=0", "spec.numbers=1000",
    "spec.numbers=1_000", "spec.numbers=0.001", "spec.texts=2024-03-01", "spec.texts=12:30:45", "spec.infinite", "spec.infinite=infinity", "spec.1=text key", "spec.2=number key",
    "spec.true=boolean key", "spec.null=null key", "spec.=null key", "spec.complex=pair",
)  # fmt: skip

FIELDS = (
    "kind", "metadata.name", "kind,metadata.name", "metadata", "spec", "spec.type", "relations", "kind,metadata.annotations",
    "metadata.annotations.github.com/project-slug", "metadata.annotations.github.com", "spec.dotted.key.other.key", "spec.dotted", "spec.deep.a.b",
    "spec.list", "spec.list.inner", "spec.objects.name", "spec.nothing", "KIND", "metadata.NAME", "nothing", "nothing,kind", "kind,kind", " kind , metadata.name ",
    "kind,", ",kind", ",", "metadata.", ".metadata", "metadata..name", "spec.objects[0]", "kind[", "]", "metadata.tags", "metadata.tags.java", "spec.profile.email",
    "metadata.name,metadata.namespace,kind", "kind.x", "spec.größe", "spec.key with spaces", "__proto__", "constructor", "relations.type", "status",
)  # fmt: skip

PREDICATES = (
    {}, {"kind": "component"}, {"kind": "COMPONENT"}, {"KIND": "component"}, {"kind": "component", "spec.type": "service"}, {"$all": []}, {"$any": []}, {"$all": [{"kind": "component"}, {"spec.type": "service"}]},
    {"$any": [{"kind": "component"}, {"kind": "api"}]}, {"$not": {"kind": "component"}}, {"$not": {}}, {"$not": {"$any": []}}, {"$not": {"spec.type": {"$exists": True}}},
    {"spec.type": {"$exists": True}}, {"spec.type": {"$exists": False}}, {"spec.nothing": {"$exists": True}}, {"spec.nothing": {"$exists": False}}, {"spec.nothing": None},
    {"spec.type": {"$in": ["service", "library"]}}, {"spec.type": {"$in": ["SERVICE"]}}, {"spec.type": {"$in": []}}, {"spec.int": 42}, {"spec.int": "42"}, {"spec.int": {"$in": [42, 43]}},
    {"spec.yes": True}, {"spec.yes": "true"}, {"spec.no": False}, {"spec.float": 1.5}, {"spec.whole": 2}, {"spec.huge": 1e21}, {"spec.emptyString": ""},
    {"spec.type": {"$hasPrefix": "serv"}}, {"spec.type": {"$hasPrefix": "SERV"}}, {"spec.type": {"$hasPrefix": ""}}, {"metadata.name": {"$hasPrefix": "%"}}, {"metadata.name": {"$hasPrefix": "_"}}, {"metadata.name": {"$hasPrefix": "play_r"}},
    {"spec.int": {"$hasPrefix": "4"}}, {"metadata.tags": {"$contains": "java"}}, {"metadata.tags": {"$contains": "JAVA"}}, {"metadata.tags": "java"}, {"metadata.tags.java": True}, {"spec.type": {"$contains": "service"}}, {"spec.list": {"$contains": 1}},
    {"spec.list": {"$contains": {"inner": "x"}}}, {"spec.objects": {"$contains": {"name": "one"}}}, {"relations": {"$contains": {"type": "ownedBy"}}}, {"relations": {"$contains": {"type": "ownedBy", "targetRef": "group:default/squad-a"}}},
    {"relations": {"$contains": {"type": "OWNEDBY", "targetRef": "GROUP:default/squad-a"}}}, {"relations": {"$contains": {"type": "ownedBy", "targetRef": {"$in": ["group:default/squad-a", "user:default/zoe"]}}}},
    {"relations": {"$contains": {"type": "ownedBy", "targetRef": {"$in": []}}}}, {"relations": {"$contains": {"targetRef": "group:default/squad-a"}}}, {"relations": {"$contains": {"type": {"$in": ["ownedBy"]}}}}, {"relations": {"$contains": {}}}, {"relations": {"$contains": "ownedBy"}},
    {"relations": {"$contains": {"type": "ownedBy", "other": 1}}}, {"relations": {"$contains": {"type": "ownedBy", "targetRef": {"$hasPrefix": "group:"}}}}, {"relations.ownedBy": "group:default/squad-a"}, {"relations.ownedBy": {"$exists": True}}, {"relations.ownedBy": {"$hasPrefix": "user:"}}, {"relations": {"$exists": True}},
    {"$all": [{"$any": [{"kind": "component"}, {"kind": "api"}]}, {"$not": {"spec.lifecycle": "production"}}]}, {"$all": [{"kind": "component"}], "$any": []}, {"kind": "component", "$not": {"spec.type": "service"}}, {"$not": []}, {"$any": {}}, {"$all": {}}, {"$all": [1]}, {"$any": ["kind"]}, {"$unknown": 1},
    {"kind": {"$unknown": 1}}, {"kind": {}}, {"kind": []}, {"kind": ["component"]}, {"kind": {"$in": "component"}}, {"kind": {"$in": [None]}}, {"kind": {"$in": [{}]}}, {"kind": {"$exists": "yes"}}, {"kind": {"$exists": None}}, {"kind": {"$hasPrefix": 1}}, {"kind": {"$contains": None}}, {"kind": {"$contains": []}},
    {"kind": {"$in": ["component"], "$exists": True}}, {"": "x"}, {"": {"$exists": True}}, {"metadata.annotations.github.com/project-slug": {"$exists": True}}, {"metadata.title": "STRASSE"}, {"metadata.title": {"$hasPrefix": "STRASSE"}}, {"metadata.title": {"$hasPrefix": "straße"}},
    {"$not": {"$not": {"kind": "component"}}}, {"$all": [{}, {}]}, {"$any": [{}]}, {"$any": [{"$all": []}]}, {"$all": [{"$any": []}]}, {"unknown": "x"}, {"unknown": {"$exists": False}}, {"metadata.uid": {"$exists": True}}, {"metadata.etag": {"$exists": True}},
    "component", 1, None, True, [], [{"kind": "component"}],
)  # fmt: skip

ORDERS = (
    "metadata.name", "metadata.name,asc", "metadata.name,desc", "METADATA.NAME", "metadata.Name,DESC", "metadata.name,", "metadata.name,up", ",asc", "", "kind", "spec.type",
    "spec.type,desc", RANK, RANK + ",desc", "metadata.title", "metadata.title,desc", "unknown.field", "spec.int", "metadata.tags", "metadata.tags,desc", "relations.ownedBy", "spec.nothing", "spec.list", "metadata.uid", "metadata.uid,desc", "spec.lifecycle,desc,asc",
)  # fmt: skip

TERMS = (
    "player", "PLAYER", " player ", "play", "%", "_", "100%", "player_api", "e", "", " ", "straße", "STRASSE", "日本", "🎵", "ångström", "σίσυφος", "i̇stanbul", "istanbul", "b>bold", "\\", "\"", "'", "é", "no such thing", "50% off_sale", "off.sale", ",", "a b", "arpeggio/player",
)  # fmt: skip

FACETS = (
    "kind", "KIND", "spec.type", "spec.lifecycle", "metadata.tags", "metadata.tags.java", "spec.owner", "relations.ownedBy", "relations.OWNEDBY", "metadata.namespace", "metadata.labels.tier", "metadata.title", "spec.nothing", "spec.int", "spec.yes", "spec.list",
    "spec.dup", "unknown", "metadata.uid", "metadata.name", "apiVersion", "relations", "spec", "metadata.annotations.github.com/project-slug", "spec.größe", "spec.emptyString", "metadata.labels.empty", "spec.over200", "spec.numbers", "spec.words", "spec.texts", "__proto__", "constructor",
)  # fmt: skip


def _entities() -> list[Case]:
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
        get("/entities", ("offset", 5), ("order", f"asc:{RANK}")),
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


def _single() -> list[Case]:
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


def _by_refs() -> list[Case]:
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


def _by_query() -> list[Case]:
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
        get("/entities/by-query", ("orderField", each), mode="runs", order=each.split(",")[0])
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


def _by_query_bodies() -> list[Case]:
    fields = ["kind", "metadata.namespace", "metadata.name"]
    made = [post("/entities/by-query", {"query": each, "fields": fields}, mode="set") for each in PREDICATES]
    bodies = (
        {}, {"limit": 0}, {"limit": 3, "orderBy": [{"field": RANK, "order": "asc"}]}, {"limit": -1}, {"limit": "3"}, {"limit": 1.5}, {"limit": None}, {"offset": -1}, {"offset": "1"}, {"offset": 3, "orderBy": [{"field": RANK, "order": "asc"}], "limit": 2}, {"orderBy": []}, {"orderBy": [{"field": RANK}]}, {"orderBy": [{"field": RANK, "order": "up"}]}, {"orderBy": [{"order": "asc"}]}, {"orderBy": {"field": RANK, "order": "asc"}}, {"orderBy": "metadata.name"}, {"orderBy": [{"field": RANK, "order": "desc"}, {"field": "kind", "order": "asc"}]}, {"orderBy": [{"field": "", "order": "asc"}]}, {"orderBy": [{"field": RANK.upper(), "order": "asc"}]}, {"orderBy": [{"field": RANK, "order": "asc", "extra": 1}]},
        {"fullTextFilter": {"term": "player", "fields": ["metadata.name"]}}, {"fullTextFilter": {"term": "player"}}, {"fullTextFilter": {"term": "player"}, "orderBy": [{"field": "metadata.name", "order": "asc"}]}, {"fullTextFilter": {}}, {"fullTextFilter": {"fields": ["metadata.name"]}}, {"fullTextFilter": "player"}, {"fullTextFilter": {"term": 1}}, {"fullTextFilter": {"term": "player", "fields": "metadata.name"}}, {"fullTextFilter": {"term": "", "fields": ["metadata.name"]}}, {"fullTextFilter": {"term": " PLAYER ", "fields": ["metadata.name"]}}, {"fullTextFilter": {"term": "player", "fields": []}}, {"fullTextFilter": {"term": "_", "fields": ["metadata.name"]}}, {"fullTextFilter": None},
        {"fields": ["kind"]}, {"fields": []}, {"fields": "kind"}, {"fields": [1]}, {"fields": ["a[0]"]}, {"fields": None}, {"totalItems": "exclude", "limit": 1}, {"totalItems": "include", "limit": 0}, {"totalItems": "none"}, {"totalItems": True}, {"cursor": "x"}, {"cursor": ""}, {"cursor": 1}, {"cursor": None}, {"cursor": "e30="}, {"extra": 1}, {"filter": ["kind=component"]}, {"query": {"kind": "component"}, "limit": 0}, [], "x", 1, None,
    )  # fmt: skip
    made += [post("/entities/by-query", body, mode="set") for body in bodies if body is not None]
    made += [
        post("/entities/by-query", {}, ("limit", 1), mode="count"),
        post("/entities/by-query", {}, ("filter", "kind=api"), mode="count"),
        post("/entities/by-query", {}, ("foo", "x"), mode="count"),
    ]
    return made


def _facets() -> list[Case]:
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
    for path in (
        "/entities/by-refs",
        "/entities/by-query",
        "/entity-facets",
        "/refresh",
        "/locations",
        "/validate-entity",
        "/analyze-location",
        "/locations/by-query",
    ):
        made += [
            Case("POST", path),
            Case("POST", path, raw=b"", content_type="application/json"),
            Case("POST", path, raw=b"{", content_type="application/json"),
            Case("POST", path, raw=b'{"entityRefs": [], "facets": ["kind"]}', content_type="text/plain"),
            Case("POST", path, raw=b"{}", content_type=None),
            Case("POST", path, raw=b"null"),
            Case("POST", path, raw=b"\xff\xfe"),
            Case("POST", path, raw=b'{"a": 1} x'),
            Case(
                "POST",
                path,
                raw=b'{"entityRefs": [], "facets": ["kind"]}',
                content_type="application/json; charset=utf-8",
            ),
            Case(
                "POST",
                path,
                raw=b'{"entityRefs": [], "facets": ["kind"]}',
                content_type="application/json; charset=latin1",
            ),
            Case("POST", path, raw=b"a=b", content_type="application/x-www-form-urlencoded"),
        ]
    return made


def reading() -> list[Case]:
    """Every case that changes nothing, each once."""
    made = [*_entities(), *_single(), *_by_refs(), *_by_query(), *_by_query_bodies(), *_facets(), *_other()]
    return list({case.id: case for case in made}.values())


__all__ = ["RANK", "query", "reading"]
