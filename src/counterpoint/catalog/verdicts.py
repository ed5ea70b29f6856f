"""What Backstage says of an entity that is not valid: its checks, in its order, with its very texts. Pure.

Clients show these texts to people and search for them, so the API answers with them. What people read on
our own pages names file and line instead.

References:
    @backstage/catalog-model 1.10: src/entity/policies, src/schema, src/validation;
    @backstage/plugin-catalog-backend 4.0: DefaultCatalogProcessingOrchestrator, BuiltinKindsEntityProcessor.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from counterpoint.errors import escape
from counterpoint.graph import formats
from counterpoint.graph.kinds import BACKSTAGE
from counterpoint.graph.ref import DEFAULT_NAMESPACE

__all__ = ["Fault", "envelope_fault", "ref_text", "unrecognised", "verdict"]

Schema = Mapping[str, Any]

LEARN = " To learn more about catalog file format, visit: https://github.com/backstage/backstage/blob/master/docs/architecture-decisions/adr002-default-catalog-file-format.md"
NAME = "a string that is sequences of [a-zA-Z0-9] separated by any of [-_.], at most 63 characters in total"
LABEL = "a string that is sequences of [a-z0-9] separated by [-], at most 63 characters in total"
TAG = "a string that is sequences of [a-z0-9+#] separated by [-], at most 63 characters in total"
KIND = "a string that is a sequence of [a-zA-Z][a-z0-9A-Z], at most 63 characters in total"
PREFIXED = "a valid prefix and/or suffix"
URL = "a string that is a valid url"
TEXT = "a non empty string"
ROOT = ("apiVersion", "kind", "metadata", "spec")

_FILLED: Schema = {"type": "string", "minLength": 1}
_LIST: Schema = {"type": "array", "items": _FILLED}
_PAIRS: Schema = {"type": "object", "every": {"type": "string"}}
_ENVELOPE: Schema = {
    "type": "object",
    "required": ("apiVersion", "kind", "metadata"),
    "properties": {
        "apiVersion": _FILLED,
        "kind": _FILLED,
        "metadata": {
            "type": "object",
            "required": ("name",),
            "properties": {"name": _FILLED, "namespace": _FILLED},
        },
    },
}
_METADATA: Schema = {
    "type": "object",
    "required": ("name",),
    "properties": {
        **dict.fromkeys(("uid", "etag", "name", "namespace", "title"), _FILLED),
        "description": {"type": "string"},
        "labels": _PAIRS,
        "annotations": _PAIRS,
        "tags": _LIST,
        "links": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ("url",),
                "properties": dict.fromkeys(("url", "title", "icon", "type"), _FILLED),
            },
        },
    },
}
_RELATION: Schema = {
    "type": "object",
    "required": ("type", "targetRef"),
    "closed": True,
    "properties": {"type": _FILLED, "target": {"type": "object"}, "targetRef": _FILLED},
}
_ENTITY: Schema = {
    "type": "object",
    "required": ("apiVersion", "kind", "metadata"),
    "closed": True,
    "properties": {
        "apiVersion": _FILLED,
        "kind": _FILLED,
        "metadata": _METADATA,
        "spec": {"type": "object"},
        "relations": {"type": "array", "items": _RELATION},
        "status": {"type": "object"},
    },
}


def _spec(required: str, properties: Schema) -> Schema:
    return {"type": "object", "required": tuple(required.split()), "properties": properties}


def _filled(names: str) -> Schema:
    return dict.fromkeys(names.split(), _FILLED)


_PROFILE: Schema = {"profile": {"type": "object", "properties": _filled("displayName email picture")}}
_PRESENCE: Schema = {"presence": {"type": "string", "enum": ("required", "optional")}}
_SPECS: Mapping[str, Schema] = {
    "Component": _spec(
        "type lifecycle owner",
        {
            **_filled("type lifecycle owner system subcomponentOf"),
            **dict.fromkeys(("providesApis", "consumesApis", "dependsOn"), _LIST),
        },
    ),
    "API": _spec("type lifecycle owner definition", _filled("type lifecycle owner system definition")),
    "Resource": _spec("type owner", {**_filled("type owner"), "dependsOn": _LIST, "system": _FILLED}),
    "Group": _spec(
        "type children",
        {"type": _FILLED, **_PROFILE, "parent": _FILLED, "children": _LIST, "members": _LIST},
    ),
    "User": _spec("memberOf", {**_PROFILE, "memberOf": _LIST}),
    "System": _spec("owner", _filled("owner domain type")),
    "Domain": _spec("owner", _filled("owner subdomainOf type")),
    "Location": _spec("", {**_filled("type target"), "targets": _LIST, **_PRESENCE}),
}
"""The `spec` of Backstage's own kinds, its properties in the order in which they are checked."""

_REFERENCES: Mapping[str, tuple[tuple[str, str | None], ...]] = {
    "Component": (
        *(("owner", "Group"), ("subcomponentOf", "Component"), ("providesApis", "API")),
        *(("consumesApis", "API"), ("dependsOn", None), ("dependencyOf", None), ("system", "System")),
    ),
    "API": (("owner", "Group"), ("system", "System")),
    "Resource": (("owner", "Group"), ("dependsOn", None), ("dependencyOf", None), ("system", "System")),
    "User": (("memberOf", "Group"),),
    "Group": (("parent", "Group"), ("children", "Group"), ("members", "User")),
    "System": (("owner", "Group"), ("domain", "Domain")),
    "Domain": (("owner", "Group"), ("subdomainOf", "Domain")),
}
"""The fields that hold references, in the order in which they are read, each with the kind of a short one."""
_SORTED = frozenset(
    ("providesApis", "consumesApis", "dependsOn", "dependencyOf", "memberOf", "children", "members")
)


class Fault(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that is wrong, as Backstage's API says it."""

    name: str
    """The class of the error there, such as `InputError`."""
    message: str
    cause: "Fault | None" = None

    @classmethod
    def caused(cls, message: str, cause: "Fault") -> "Fault":
        """An `InputError` that tells its cause, as every step of the processing wraps what it meets."""
        return cls("InputError", f"{message}; caused by {cause.text}", cause)

    def reworded(self, text: str) -> "Fault":
        """The same with words of ours for what caused it, which name file and line."""
        cause = self.cause.name if self.cause is not None else "Error"
        return Fault.caused(self.message.partition("; caused by ")[0], Fault(cause, text))

    @property
    def text(self) -> str:
        """Name and message, as JavaScript writes an error."""
        return f"{self.name}: {self.message}"


def envelope_fault(entity: Any) -> Fault | None:
    """What keeps a document from having a reference at all."""
    return next((Fault("TypeError", text) for text in _told(_ENVELOPE, entity)), None)


def ref_text(entity: Mapping[str, Any]) -> str:
    """The reference of an entity whose envelope is good."""
    metadata = entity["metadata"]
    return f"{entity['kind']}:{metadata.get('namespace') or DEFAULT_NAMESPACE}/{metadata['name']}".lower()


def verdict(entity: Mapping[str, Any]) -> Fault | None:
    """The first thing that Backstage finds wrong with an entity whose envelope is good; none where it takes it.

    Kinds that are not Backstage's own pass here when their general part is right: others decide on them.
    """
    ref = ref_text(entity)
    wrong = next(_policies(entity), None)
    if wrong is not None:
        return Fault.caused(f"Policy check failed for {ref}", Fault("Error", wrong))
    kind = entity["kind"]
    if kind not in _SPECS:
        return None
    if entity["apiVersion"] not in BACKSTAGE:
        return unrecognised(ref)
    whole = {"type": "object", "required": ("spec",), "properties": {"spec": _SPECS[kind]}}
    said = next(_told(whole, entity), None)
    if said is not None:
        what = f"Processor BuiltinKindsEntityProcessor threw an error while validating the entity {ref}"
        return Fault.caused(what, Fault("TypeError", said))
    cause = next(_unreadable(kind, entity["spec"]), None)
    if cause is None:
        return None
    return Fault.caused("Processor BuiltinKindsEntityProcessor threw an error while postprocessing", cause)


def unrecognised(ref: str) -> Fault:
    """What is said of a kind, or a version of one, that nobody knows."""
    what = (
        f"No processor recognized the entity {ref} as valid, possibly caused by a foreign kind or apiVersion"
    )
    return Fault("InputError", what)


def _policies(entity: Mapping[str, Any]) -> Iterator[str]:
    for pointer, message, _rule in _errors(_ENTITY, entity, ""):
        yield f"Malformed envelope, {pointer or '<root>'} {message}"
    for key in entity:
        if key not in ROOT:
            yield f"Unknown field {key}"
    for field, value, good, expected in _formats(entity):
        if value is None:
            yield f"{field} must have a value"
        elif not good(value):
            yield f'"{field}" is not valid; expected {expected} but found "{value}".{LEARN}'


def _formats(entity: Mapping[str, Any]) -> Iterator[tuple[str, Any, Callable[[str], bool], str]]:
    """Every text that has a format: the field, its value, the check, and what is expected."""
    metadata = entity["metadata"]
    yield "apiVersion", entity["apiVersion"], formats.is_api_version, PREFIXED
    yield "kind", entity["kind"], formats.is_kind, KIND
    yield "metadata.name", metadata["name"], formats.is_name, NAME
    if "namespace" in metadata:
        yield "metadata.namespace", metadata["namespace"], formats.is_namespace, LABEL
    for key, value in (metadata.get("labels") or {}).items():
        yield f"labels.{key}", key, formats.is_key, PREFIXED
        yield f"labels.{key}", value, formats.is_label_value, NAME
    for key, value in (metadata.get("annotations") or {}).items():
        yield f"annotations.{key}", key, formats.is_key, PREFIXED
        yield f"annotations.{key}", value, _is_text, "a string"
    for index, tag in enumerate(metadata.get("tags") or ()):
        yield f"tags.{index}", tag, formats.is_tag, TAG
    for index, link in enumerate(metadata.get("links") or ()):
        yield f"links.{index}.url", link.get("url"), formats.is_url, URL
        for key in ("title", "icon"):
            if key in link:
                yield f"links.{index}.{key}", link[key], _is_filled, TEXT


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_filled(value: str) -> bool:
    return bool(value.strip())


def _unreadable(kind: str, spec: Mapping[str, Any]) -> Iterator[Fault]:
    """References that cannot be read."""
    for field, default in _REFERENCES.get(kind, ()):
        value = spec.get(field)
        if not value and not isinstance(value, dict):
            continue
        given = value if isinstance(value, list) else [value]
        if field in _SORTED and all(isinstance(each, str) for each in given):
            given = sorted(given, key=lambda text: text.encode("utf-16-be", "surrogatepass"))
        for each in given:
            fault = _reference(each, default)
            if fault is not None:
                yield fault


def _reference(value: Any, default_kind: str | None) -> Fault | None:
    if not value and not isinstance(value, list | dict):
        return Fault("Error", "Entity reference must not be empty")
    kind, name = default_kind, value
    if isinstance(value, str):
        head, colon, rest = value.partition(":")
        if colon and "/" in head:
            head, colon, rest = "", "", value
        rest = rest if colon else value
        namespace, slash, last = rest.partition("/")
        if (colon and not head) or (slash and not namespace) or not (last if slash else rest):
            form = f'Entity reference "{value}" was not on the form [<kind>:][<namespace>/]<name>'
            return Fault("TypeError", form)
        kind = head if colon else default_kind
    elif isinstance(value, dict):
        kind, name = value.get("kind") or default_kind, value.get("name")
    else:
        name = None
    if kind and name:
        return None
    what = "name" if kind else 'kind (e.g. did not start with "component:" or similar)'
    text = msgspec.json.encode(value).decode()
    return Fault("Error", f"Entity reference {text} had missing or empty {what}")


def _told(schema: Schema, value: Any) -> Iterator[str]:
    for pointer, message, rule in _errors(schema, value, ""):
        yield f"{pointer or '<root>'} {message} - {rule}"


_TYPES: Mapping[str, type] = {"object": dict, "array": list, "string": str}
_LINE = re.compile("[\n\r\u2028\u2029]")


def _errors(schema: Schema, value: Any, pointer: str) -> Iterator[tuple[str, str, str]]:
    """What a value breaks of a schema: pointer, message, and the rule with its parameter. In Ajv's order."""
    kind = schema.get("type")
    if kind is not None and not isinstance(value, _TYPES[kind]):
        yield pointer, f"must be {kind}", f"type: {kind}"
    elif isinstance(value, str):
        if len(value) < schema.get("minLength", 0):
            yield pointer, "must NOT have fewer than 1 characters", "limit: 1"
        if value not in schema.get("enum", (value,)):
            allowed = ",".join(schema["enum"])
            yield pointer, "must be equal to one of the allowed values", f"allowedValues: {allowed}"
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _errors(schema.get("items", {}), item, f"{pointer}/{index}")
    elif isinstance(value, dict):
        yield from _object_errors(schema, value, pointer)


def _object_errors(schema: Schema, value: dict[str, Any], pointer: str) -> Iterator[tuple[str, str, str]]:
    for name in schema.get("required", ()):
        if name not in value:
            yield pointer, f"must have required property '{name}'", f"missingProperty: {name}"
    properties = schema.get("properties", {})
    if schema.get("closed"):
        for name in value:
            if name not in properties:
                yield pointer, "must NOT have additional properties", f"additionalProperty: {name}"
    for name, inner in properties.items():
        if name in value:
            yield from _errors(inner, value[name], f"{pointer}/{escape(name)}")
    if "every" in schema:
        for name, item in value.items():
            if name and not _LINE.search(name):
                yield from _errors(schema["every"], item, f"{pointer}/{escape(name)}")
