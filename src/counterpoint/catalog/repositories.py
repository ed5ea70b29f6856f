"""What there is at an address of a repository: descriptors, or a stub that could be written there."""

import re
from collections.abc import Collection
from typing import Any
from urllib.parse import unquote, urlsplit

from counterpoint.catalog.addresses import is_allowed
from counterpoint.catalog.fetching import Fetcher
from counterpoint.catalog.gathering import Gathering
from counterpoint.catalog.locations import Source
from counterpoint.errors import InputError
from counterpoint.graph import Graph
from counterpoint.yaml12.reader import UnreadError

__all__ = ["analyse", "repository_of"]

SLUGS = {
    "github.com": "github.com/project-slug",
    "gitlab.com": "gitlab.com/project-slug",
    "bitbucket.org": "bitbucket.org/project-slug",
    "dev.azure.com": "dev.azure.com/project-slug",
}
"""Hosts whose repositories have an annotation of their own."""
INSIDE = re.compile(r"/(?:-/)?(?:blob|tree|raw|edit|src|browse)/")
"""What divides the address of a repository from that of a file in it."""
SSH = re.compile(r"(?:[\w.-]+@)?([\w.-]+\.[\w.-]+):(?!//)(.+)")
SHORT = re.compile(r"[\w.-]+/[\w.-]+")


def repository_of(address: str) -> tuple[str, str, str]:
    """Host, owner and name of the repository that an address points into.

    >>> repository_of("https://github.com/backstage/backstage/blob/master/catalog-info.yaml")
    ('github.com', 'backstage', 'backstage')

    Raises:
        InputError: it is no address.
    """
    ssh = SSH.fullmatch(address)
    if ssh:
        host, path = ssh[1], ssh[2]
    elif SHORT.fullmatch(address) and "." not in address.partition("/")[0]:
        host, path = "github.com", address
    else:
        try:
            parts = urlsplit(address.strip())
            host, path = (parts.hostname or "").lower(), parts.path
        except ValueError:
            parts = None
        if parts is None or not parts.scheme or not (parts.netloc or parts.scheme == "file"):
            raise InputError("The given location.target is not a URL")
    path = INSIDE.split(unquote(path).strip("/") + "/", maxsplit=1)[0].strip("/")
    pieces = [piece for piece in path.split("/") if piece]
    if "_git" in pieces[:-1]:
        at = pieces.index("_git")
        return host, pieces[at - 1] if at else "", pieces[at + 1]
    if "repos" in pieces and pieces[:1] == ["projects"] and len(pieces) >= 4:
        return host, pieces[1], pieces[3]
    name = (pieces[-1] if pieces else "").removesuffix(".git")
    return host, "/".join(pieces[:-1]), name


def analyse(graph: Graph, target: str, *, hosts: Collection[str], strict: bool) -> dict[str, Any]:
    """What there is at an address: the descriptors that it holds, else a stub of a component.

    In Backstage's strict form, which has no analyzer, it is always the stub.

    Raises:
        InputError: it is no address.
    """
    host, owner, name = repository_of(target)
    existing = [] if strict or not is_allowed(target, hosts) else _existing(graph, target, hosts)
    if existing:
        return {"existingEntityFiles": existing, "generateEntities": []}
    metadata: dict[str, Any] = {"name": name}
    if host in SLUGS:
        metadata["annotations"] = {SLUGS[host]: f"{owner}/{name}"}
    entity = {
        "apiVersion": "backstage.io/v1alpha1",
        "kind": "Component",
        "metadata": metadata,
        "spec": {"type": "other", "lifecycle": "unknown"},
    }
    return {"existingEntityFiles": [], "generateEntities": [{"entity": entity, "fields": []}]}


def _existing(graph: Graph, target: str, hosts: Collection[str]) -> list[dict[str, Any]]:
    gathering = Gathering(Fetcher(hosts), unknown_kinds=graph.unknown_kinds, strict=graph.strict)
    source = Source(f"url:{target}", f"url:{target}")
    try:
        sheet = gathering.sheet(source, gathering.bytes_of(source))
    except UnreadError:
        return []
    with graph.read() as reader:
        known = reader.get_many(sheet.declared)
    return [
        {
            "entity": declared.document,
            "isRegistered": ref in known,
            "location": {"type": "url", "target": target},
        }
        for ref, declared in sheet.declared.items()
    ]
