"""A made-up catalog of any size, the same for the same seed: what the benchmarks of the catalog load.

    python benchmarks/catalog/generate.py FOLDER --entities 10000 [--seed 1] [--per-file 10000]

Of N entities 48 % are components, 20 % users, 15 % resources, 12 % APIs, 2.5 % systems, 2 % groups
(squads), 0.25 % groups that hold the squads, and 0.25 % domains. A component has an owner, a system, one
to three tags and up to two each of `dependsOn`, `consumesApis` and `providesApis`. Every reference has its
target. Kinds come in random order, so that each file has the same mix. 10,000 entities are 3.3 MB.

More entities than `--per-file` become several files, and `catalog.yaml` a Location that names them.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

SHARES = {
    "user": 0.20,
    "squad": 0.02,
    "tribe": 0.0025,
    "system": 0.025,
    "domain": 0.0025,
    "api": 0.12,
    "resource": 0.15,
}
"""What share each has; the rest are components."""

COMPONENT_TYPES = (
    "service",
    "service",
    "service",
    "service",
    "service",
    "library",
    "library",
    "library",
    "website",
    "website",
)
LIFECYCLES = ("production",) * 6 + ("experimental",) * 3 + ("deprecated",)
TAGS = ("python", "java", "go", "typescript", "kotlin", "rust", "grpc", "kafka", "batch", "public")
RESOURCE_TYPES = ("database", "queue", "bucket", "cache", "cluster")
API_TYPES = ("openapi", "grpc", "graphql", "asyncapi")
SUBJECTS = (
    "payment", "playlist", "search", "profile", "catalog", "invoice", "session", "artist", "album", "podcast",
    "royalty", "consent", "ledger", "quota", "device", "player", "social", "library", "radio", "concert",
)  # fmt: skip
ROLES = ("gateway", "store", "worker", "index", "sync", "export", "feed", "audit", "router", "cache")
VERBS = ("Stores", "Serves", "Collects", "Checks", "Sends", "Merges", "Ranks", "Archives")


@dataclass(frozen=True)
class Generated:
    """Where a generated catalog lies, and how many entities a catalog shows once it has read all of it."""

    root: Path
    entities: int
    visible: int
    """The entities, the Location that every catalog makes of `root`, and the one in `root` if there is one."""


@dataclass(frozen=True)
class Counts:
    """How many of each there are; the entities of each are numbered from 0."""

    user: int
    squad: int
    tribe: int
    system: int
    domain: int
    api: int
    resource: int
    component: int


def counts_of(entities: int) -> Counts:
    """How `entities` are shared among the kinds: at least one of each, the rest components."""
    each = {kind: max(1, round(entities * share)) for kind, share in SHARES.items()}
    components = entities - sum(each.values())
    if components < 1:
        raise ValueError(f"{entities} entities are too few for one of each kind; ask for at least 20.")
    return Counts(component=components, **each)


def documents(entities: int, seed: int = 1) -> Iterator[str]:
    """The YAML documents of a catalog of `entities`, without separators, in the order of its files."""
    counts = counts_of(entities)
    random = Random(seed)
    order = [(write, number) for kind, write in WRITERS.items() for number in range(getattr(counts, kind))]
    random.shuffle(order)
    for write, number in order:
        yield write(number, counts, random)


def generate(folder: Path, entities: int, *, seed: int = 1, per_file: int = 10_000) -> Generated:
    """Write a catalog of `entities` into `folder`; the file to import is the `root` of the answer."""
    folder.mkdir(parents=True, exist_ok=True)
    root = folder / "catalog.yaml"
    made = documents(entities, seed)
    if entities <= per_file:
        root.write_text("---\n".join(made), encoding="utf-8")
        return Generated(root, entities, entities + 1)
    parts = []
    for start in range(0, entities, per_file):
        part = folder / f"part-{start // per_file:03}.yaml"
        size = min(per_file, entities - start)
        part.write_text("---\n".join(next(made) for _ in range(size)), encoding="utf-8")
        parts.append(f"    - ./{part.name}\n")
    root.write_text(
        "apiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata:\n  name: generated\n"
        "spec:\n  type: file\n  targets:\n" + "".join(parts),
        encoding="utf-8",
    )
    return Generated(root, entities, entities + 2)


def component_name(number: int) -> str:
    """The name of a component: a subject, a role and its number."""
    return f"{SUBJECTS[number % 20]}-{ROLES[number // 20 % 10]}-{number:06}"


def _head(kind: str, name: str) -> str:
    return f"apiVersion: backstage.io/v1alpha1\nkind: {kind}\nmetadata:\n  name: {name}\n"


def _any(random: Random, count: int) -> int:
    return int(random.random() * count)


def _several(random: Random, prefix: str, count: int) -> str:
    """A flow list of none, one or two references, each once."""
    picked = {_any(random, count) for _ in range(_any(random, 3))}
    return "[" + ", ".join(f"{prefix}-{number:06}" for number in sorted(picked)) + "]"


def _component(number: int, counts: Counts, random: Random) -> str:
    subject = SUBJECTS[number % 20]
    tags = sorted({TAGS[_any(random, 10)] for _ in range(1 + _any(random, 3))})
    depends = sorted({_any(random, counts.resource) for _ in range(_any(random, 3))})
    return (
        _head("Component", component_name(number))
        + f"  title: {subject.capitalize()} {ROLES[number // 20 % 10]} {number}\n"
        + f"  description: {VERBS[_any(random, 8)]} what the {SUBJECTS[_any(random, 20)]} of a listener needs\n"
        + f"  tags: [{', '.join(tags)}]\n"
        + f"  annotations:\n    github.com/project-slug: arpeggio/{subject}-{number:06}\n"
        + f"spec:\n  type: {COMPONENT_TYPES[_any(random, 10)]}\n  lifecycle: {LIFECYCLES[_any(random, 10)]}\n"
        + f"  owner: squad-{_any(random, counts.squad):06}\n  system: system-{_any(random, counts.system):06}\n"
        + f"  dependsOn: [{', '.join(f'resource:default/resource-{each:06}' for each in depends)}]\n"
        + f"  providesApis: {_several(random, 'api', counts.api)}\n"
        + f"  consumesApis: {_several(random, 'api', counts.api)}\n"
    )


def _api(number: int, counts: Counts, random: Random) -> str:
    return (
        _head("API", f"api-{number:06}")
        + f"  description: What others may ask of the {SUBJECTS[number % 20]}\n"
        + f"spec:\n  type: {API_TYPES[_any(random, 4)]}\n  lifecycle: {LIFECYCLES[_any(random, 10)]}\n"
        + f"  owner: squad-{_any(random, counts.squad):06}\n  system: system-{_any(random, counts.system):06}\n"
        + f'  definition: "openapi: 3.1.0, of api {number}"\n'
    )


def _resource(number: int, counts: Counts, random: Random) -> str:
    return (
        _head("Resource", f"resource-{number:06}")
        + f"  description: Where the {SUBJECTS[number % 20]} is kept\n"
        + f"spec:\n  type: {RESOURCE_TYPES[_any(random, 5)]}\n"
        + f"  owner: squad-{_any(random, counts.squad):06}\n  system: system-{_any(random, counts.system):06}\n"
    )


def _system(number: int, counts: Counts, random: Random) -> str:
    return (
        _head("System", f"system-{number:06}")
        + f"spec:\n  owner: squad-{_any(random, counts.squad):06}\n  domain: domain-{_any(random, counts.domain):06}\n"
    )


def _domain(number: int, counts: Counts, random: Random) -> str:
    return _head("Domain", f"domain-{number:06}") + f"spec:\n  owner: tribe-{_any(random, counts.tribe):06}\n"


def _squad(number: int, counts: Counts, random: Random) -> str:
    return (
        _head("Group", f"squad-{number:06}")
        + f"spec:\n  type: squad\n  parent: tribe-{number % counts.tribe:06}\n  children: []\n"
        + f"  profile:\n    displayName: Squad {number}\n    email: squad-{number}@example.com\n"
    )


def _tribe(number: int, counts: Counts, random: Random) -> str:
    return _head("Group", f"tribe-{number:06}") + "spec:\n  type: tribe\n  children: []\n"


def _user(number: int, counts: Counts, random: Random) -> str:
    units = sorted({_any(random, counts.squad) for _ in range(1 + _any(random, 2))})
    return (
        _head("User", f"user-{number:06}")
        + f"spec:\n  profile:\n    displayName: User {number}\n    email: user-{number}@example.com\n"
        + f"  memberOf: [{', '.join(f'squad-{unit:06}' for unit in units)}]\n"
    )


WRITERS = {
    "user": _user,
    "squad": _squad,
    "tribe": _tribe,
    "system": _system,
    "domain": _domain,
    "api": _api,
    "resource": _resource,
    "component": _component,
}


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Write a made-up catalog.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--entities", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--per-file", type=int, default=10_000)
    asked = parser.parse_args()
    made = generate(asked.folder, asked.entities, seed=asked.seed, per_file=asked.per_file)
    print(f"{made.root}: {made.entities:,} entities, {made.visible:,} once imported")


if __name__ == "__main__":
    main()
