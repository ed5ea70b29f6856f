"""Descriptors: what is wrong with one, its plain form, and the relations that it makes.

The order of checks is Backstage's: the envelope, then the metadata, then the kind's own fields.
"""

import hashlib
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

import msgspec

from counterpoint.errors import InputError, Problem, escape
from counterpoint.graph import formats
from counterpoint.graph.fields import Reference, check_fields, references
from counterpoint.graph.kinds import KINDS, OURS, Kind, LooseReference, canonical_kind, kind_of
from counterpoint.graph.ref import DEFAULT_NAMESPACE, Ref, parse_ref
from counterpoint.graph.twins import twins_of
from counterpoint.spelling import near, quoted

__all__ = ["etag_of", "normalise", "owner_of", "ref_of", "refusal_of", "relations_of", "title_of", "validate"]

ROOT = ("apiVersion", "kind", "metadata", "spec")
ASSIGNED = ("uid", "etag")
"""Fields of the metadata that the graph gives; those that a document brings are ignored, but for the etag of a source."""
DEPTH = 320
TITLE, LONG_TEXT = 200, 50_000
"""Characters of a title, and of any other text, of our own kinds."""
GENERATED = "generated-"
"""How the names of entities begin that stand for imported and registered locations."""
NAME_RULE = "must be 1 to 63 letters, digits, '-', '_' or '.', with a letter or digit at both ends"
LABEL_RULE = "must be 1 to 63 lower-case letters and digits, joined by dashes"


def validate(document: Any, *, unknown_kinds: bool = False, is_plain: bool = False) -> list[Problem]:
    """Everything that is wrong with a descriptor, with the pointer of each; empty when it is good.

    With `unknown_kinds` a kind that nobody has registered is good whatever its spec holds. `is_plain` says that
    whoever read the document lets nothing through that is no JSON, so that thousands are not looked at twice.
    """
    if not isinstance(document, dict):
        return [Problem("The document is no object; a descriptor has apiVersion, kind, metadata and spec.")]
    problems = [] if is_plain or _is_plain(document, 0) else list(_plain(document, "", 0))
    problems = problems or list(_envelope(document, unknown_kinds=unknown_kinds))
    if problems:
        return problems
    kind = kind_of(document["kind"])
    twins = twins_of(document, foreign=kind.foreign)
    problems = [*_root(document), *_metadata(document["metadata"]), *twins]
    if document["apiVersion"] in OURS:
        problems += _lengths(document)
    spec = document.get("spec")
    if isinstance(spec, dict):
        wrong = list(check_fields(kind.fields, spec, "/spec"))
        problems += wrong or (kind.check(spec) if kind.check else ())
    elif "spec" in document:
        problems.append(Problem("spec must be an object.", "/spec"))
    elif kind.name in KINDS:
        required = ", ".join(field.name for field in kind.fields if field.required)
        problems.append(Problem(f"spec is required; a {kind.name} needs {required or 'one'}.", "/spec"))
    return problems


def _lengths(document: Mapping[str, Any]) -> Iterator[Problem]:
    """Texts of our own kinds that nobody could read where they are shown. Backstage's kinds have no such limits."""
    metadata, spec = document["metadata"], document.get("spec")
    for name, most in (("title", TITLE), ("description", LONG_TEXT)):
        yield from _length(name, metadata.get(name), f"/metadata/{name}", most)
    if isinstance(spec, dict):
        for name, value in spec.items():
            yield from _length(name, value, f"/spec/{escape(name)}", LONG_TEXT)


def _length(name: str, value: Any, place: str, most: int) -> Iterator[Problem]:
    if isinstance(value, str) and len(value) > most:
        yield Problem(f"{name} has {len(value):,} characters; {most:,} are the most.", place)


def normalise(document: Mapping[str, Any], *, declared: bool = False) -> dict[str, Any]:
    """The plain form of a good descriptor: the namespace written out, without what the graph assigns.

    An etag stays where a source has `declared` the document: Backstage leaves it to the source then.
    Lists of references are in order, as Backstage has them: their order says nothing, and a source
    that shuffles them makes no new version.
    """
    dropped = ("uid",) if declared and document["metadata"].get("etag") else ASSIGNED
    metadata = {key: value for key, value in document["metadata"].items() if key not in dropped}
    metadata["namespace"] = metadata.get("namespace") or DEFAULT_NAMESPACE
    if not metadata.get("annotations", True):
        del metadata["annotations"]
    plain = {**document, "metadata": metadata}
    spec = plain.get("spec")
    if spec and document["apiVersion"] not in OURS:
        shuffled = [
            field.name
            for field in kind_of(document["kind"]).fields
            if field.reference and isinstance(spec.get(field.name), list)
        ]
        if shuffled:
            plain["spec"] = {**spec, **{name: sorted(spec[name], key=_utf16) for name in shuffled}}
    return plain


def _utf16(text: str) -> bytes:
    return text.encode("utf-16-be")  # JavaScript's order of text


def etag_of(document: Mapping[str, Any]) -> str:
    """The content hash of a plain document: 40 hexadecimal digits, whatever the order of its keys."""
    return hashlib.sha1(msgspec.json.encode(document, order="sorted"), usedforsecurity=False).hexdigest()


def ref_of(document: Mapping[str, Any]) -> Ref:
    """The reference of a descriptor whose envelope is good."""
    metadata = document["metadata"]
    return _ref(document["kind"], metadata.get("namespace") or DEFAULT_NAMESPACE, metadata["name"])


_ref = lru_cache(maxsize=4_096)(Ref)  # it is asked for again and again while an entity is written


def title_of(document: Mapping[str, Any]) -> str:
    """What people call it: the title, else a profile's display name, else the name.

    The entity of a location that was imported, whose name is a hash, is called by the end of its target.
    """
    metadata, spec = document["metadata"], document.get("spec") or {}
    profile = spec.get("profile")
    display_name = profile.get("displayName") if isinstance(profile, dict) else None
    if document["kind"] == "Location" and metadata["name"].startswith(GENERATED):
        display_name = "/".join(str(spec.get("target") or "").split("/")[-2:]).removeprefix("//")
    return str(metadata.get("title") or display_name or metadata["name"])


def owner_of(document: Mapping[str, Any]) -> Ref | None:
    """The owner that a good descriptor names."""
    owner = (document.get("spec") or {}).get("owner")
    kind = kind_of(document["kind"])
    if owner is None or (kind.fields and not any(field.name == "owner" for field in kind.fields)):
        return None
    namespace = ref_of(document).namespace
    if kind.fields:
        return parse_ref(owner, default_kind="Group", default_namespace=namespace)
    # A kind that nobody has registered may hold anything there.
    return _target(owner, kind.loose[0].reference, namespace, skip=True) if isinstance(owner, str) else None


def relations_of(document: Mapping[str, Any]) -> set[tuple[str, str, str]]:
    """The relations that a good descriptor makes: (source, type, target), each with its inverse."""
    kind = kind_of(document["kind"])
    namespace, source = ref_of(document).namespace, str(ref_of(document))
    spec = document.get("spec") or {}
    found = [(text, reference, False) for text, reference in references(kind.fields, spec)]
    for loose in kind.loose:
        found += [(text, loose.reference, True) for text in _walk(spec, loose)]
    made: set[tuple[str, str, str]] = set()
    for text, reference, skip in found:
        target = _target(text, reference, namespace, skip=skip)
        if target is not None:
            other = str(target)
            made.add((source, reference.relation, other))
            made.add((other, reference.inverse, source))
    return made


def _target(text: str, reference: Reference, namespace: str, *, skip: bool) -> Ref | None:
    try:
        target = parse_ref(text, default_kind=reference.default_kind, default_namespace=namespace)
    except InputError:
        if skip:
            return None
        raise
    if reference.kinds and target.kind not in reference.kinds:
        return None
    return None if skip and not formats.is_name(target.name) else target


def _walk(spec: Mapping[str, Any], loose: LooseReference) -> Iterator[str]:
    found: list[Any] = [spec]
    for key in loose.path:
        found = [item for value in found for item in _step(value, key)]
    return (value for value in found if isinstance(value, str) and value)


def _step(value: Any, key: str) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values() if key == "*" else [value.get(key)]
    return value if key == "*" and isinstance(value, list) else ()


def _is_plain(value: Any, depth: int) -> bool:
    """Whether `_plain` has nothing to say: nearly always so, and told without the place of each value."""
    kind = type(value)
    if kind is str:
        return _is_text(value)
    if kind is dict:
        if depth > DEPTH:
            return False
        for key, item in value.items():
            if type(key) is not str or not _is_text(key) or not _is_plain(item, depth + 1):
                return False
        return True
    if kind is list:
        return depth <= DEPTH and all(_is_plain(item, depth + 1) for item in value)
    return value is None or kind is bool or kind is int or (kind is float and math.isfinite(value))


def _plain(value: Any, pointer: str, depth: int) -> Iterator[Problem]:
    """What cannot be kept as JSON in both databases."""
    if depth > DEPTH:
        yield Problem(f"The document is nested more than {DEPTH} levels deep.", pointer)
    elif isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str) or not _is_text(key):
                yield Problem(f"The key {key!r} is no text; put it in quotes.", pointer)
            else:
                yield from _plain(item, f"{pointer}/{escape(key)}", depth + 1)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _plain(item, f"{pointer}/{index}", depth + 1)
    elif isinstance(value, str):
        if not _is_text(value):
            yield Problem("The text holds a NUL or half of a surrogate pair; remove it.", pointer)
    elif isinstance(value, float):
        if not math.isfinite(value):
            yield Problem(f"{value} is no JSON number.", pointer)
    elif value is not None and not isinstance(value, bool | int):
        yield Problem(f"A {type(value).__name__} is no JSON value; write it as text.", pointer)


def _is_text(text: str) -> bool:
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:  # half of a surrogate pair
            return False
    return "\x00" not in text


def _envelope(document: Mapping[str, Any], *, unknown_kinds: bool) -> Iterator[Problem]:
    metadata = document.get("metadata")
    for key in ("apiVersion", "kind"):
        if not isinstance(document.get(key), str) or not document[key]:
            yield Problem(f"{key} is required and must be text.", f"/{key}")
    if not isinstance(metadata, dict):
        yield Problem("metadata is required and must be an object with a name.", "/metadata")
    elif not isinstance(metadata.get("name"), str) or not metadata["name"]:
        yield Problem("name is required and must be text; put numbers in quotes.", "/metadata/name")
    version, name = document.get("apiVersion"), document.get("kind")
    if not (isinstance(version, str) and version and isinstance(name, str) and name):
        return
    if not formats.is_api_version(version):
        yield Problem(
            f"{version!r} is no apiVersion; write one such as backstage.io/v1alpha1.", "/apiVersion"
        )
    if not formats.is_kind(name):
        yield Problem(
            f"{name!r} is no kind; kinds are 1 to 63 letters and digits that start with a letter.", "/kind"
        )
    elif not unknown_kinds and (name not in KINDS or KINDS[name].opt_in):
        yield Problem(_unknown_kind(name), "/kind")
    elif name in KINDS and version not in KINDS[name].api_versions and formats.is_api_version(version):
        yield Problem(_unknown_version(version, KINDS[name]), "/apiVersion")


def _unknown_kind(name: str) -> str:
    taken = [kind.name for kind in KINDS.values() if not kind.opt_in]
    if name not in taken and name in KINDS:
        return f"The kind {name} is taken only where the setting [catalog] unknown_kinds is true."
    known = canonical_kind(name)
    meant = near(known, taken) or f"; known kinds are {quoted(taken)}."
    return f"The kind {name} is not known{meant}"


def _unknown_version(version: str, kind: Kind) -> str:
    return f"The apiVersion {version} is not known for {kind.name}; write {' or '.join(kind.api_versions)}."


def _root(document: Mapping[str, Any]) -> Iterator[Problem]:
    for key in document:
        if key not in ROOT:
            yield Problem(
                f"{key} is no field of a descriptor; only {', '.join(ROOT)} are.", f"/{escape(key)}"
            )


def _metadata(metadata: Mapping[str, Any]) -> Iterator[Problem]:
    yield from _texts_of(metadata)
    if not formats.is_name(metadata["name"]):
        yield Problem(f"{metadata['name']!r} is no name; it {NAME_RULE}.", "/metadata/name")
    namespace = metadata.get("namespace")
    if isinstance(namespace, str) and namespace and not formats.is_namespace(namespace):
        yield Problem(f"{namespace!r} is no namespace; it {LABEL_RULE}.", "/metadata/namespace")
    if "labels" in metadata:
        yield from _pairs(metadata["labels"], "label", formats.is_label_value)
    annotations = metadata.get("annotations")
    if annotations or isinstance(annotations, list):  # Backstage takes null, "", 0 and false for none
        yield from _pairs(metadata["annotations"], "annotation", lambda _text: True)
    yield from _tags(metadata)
    yield from _links(metadata)


def _texts_of(metadata: Mapping[str, Any]) -> Iterator[Problem]:
    for key in ("namespace", "title", "uid", "etag"):
        if key in metadata and (not isinstance(metadata[key], str) or not metadata[key]):
            yield Problem(f"{key} must be text that is not empty.", f"/metadata/{key}")
    if not isinstance(metadata.get("description", ""), str):
        yield Problem("description must be text.", "/metadata/description")


def _pairs(pairs: Any, noun: str, good: Callable[[str], bool]) -> Iterator[Problem]:
    pointer = f"/metadata/{noun}s"
    if not isinstance(pairs, dict):
        yield Problem(f"{noun}s must be an object of texts.", pointer)
        return
    for key, value in pairs.items():
        place = f"{pointer}/{escape(key)}"
        if not formats.is_key(key):
            yield Problem(f"{key!r} is no {noun} key; write [DNS subdomain/]name.", place)
        if not isinstance(value, str):
            yield Problem(f"The {noun} {key} must be text; put it in quotes.", place)
        elif not good(value):
            yield Problem(f"{value!r} is no {noun} value; it is empty or {NAME_RULE}.", place)


def _tags(metadata: Mapping[str, Any]) -> Iterator[Problem]:
    tags = metadata.get("tags", [])
    if not isinstance(tags, list):
        yield Problem("tags must be a list of texts.", "/metadata/tags")
        return
    for index, tag in enumerate(tags):
        if not isinstance(tag, str) or not formats.is_tag(tag):
            rule = "must be 1 to 63 lower-case letters, digits, ':', '+' or '#', joined by single dashes"
            yield Problem(f"{tag!r} is no tag; it {rule}.", f"/metadata/tags/{index}")


def _links(metadata: Mapping[str, Any]) -> Iterator[Problem]:
    links = metadata.get("links", [])
    if not isinstance(links, list):
        yield Problem("links must be a list of objects.", "/metadata/links")
        return
    for index, link in enumerate(links):
        place = f"/metadata/links/{index}"
        if not isinstance(link, dict):
            yield Problem("A link must be an object with a url.", place)
            continue
        if not isinstance(link.get("url"), str) or not formats.is_url(link["url"]):
            yield Problem(
                f"{link.get('url')!r} is no address; write one such as https://example.com.", f"{place}/url"
            )
        for key in ("title", "icon", "type"):
            text = link.get(key)
            if key in link and not (isinstance(text, str) and (text if key == "type" else text.strip())):
                yield Problem(f"{key} must be text that is not empty.", f"{place}/{key}")


def refusal_of(document: Any) -> str:
    """What is said of a document that is not valid, by its name where it has one."""
    try:
        name = f"{document['kind']} {document['metadata']['name']}"
    except (KeyError, TypeError):
        name = "The document"
    return f"{name} is not a valid descriptor."
