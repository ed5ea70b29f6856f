"""What the cases are made of: filters, fields, predicates, orders, terms and facets over the small catalog in `world/`."""

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
