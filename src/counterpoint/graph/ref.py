"""References to entities: `kind:namespace/name`."""

from dataclasses import dataclass
from functools import lru_cache

from counterpoint.errors import InputError

__all__ = ["DEFAULT_NAMESPACE", "Ref", "parse_ref"]

DEFAULT_NAMESPACE = "default"


@dataclass(frozen=True, slots=True, order=True)
class Ref:
    """The address of one entity. Its parts are lower case, so that equal addresses are equal values."""

    kind: str
    namespace: str
    name: str

    def __post_init__(self) -> None:
        keep = object.__setattr__
        keep(self, "kind", self.kind.lower())
        keep(self, "namespace", self.namespace.lower())
        keep(self, "name", self.name.lower())

    @property
    def short(self) -> str:
        """The name as people write it where the kind is clear: without the default namespace."""
        return self.name if self.namespace == DEFAULT_NAMESPACE else f"{self.namespace}/{self.name}"

    def __str__(self) -> str:
        return f"{self.kind}:{self.namespace}/{self.name}"


@lru_cache(maxsize=65_536)
def parse_ref(
    text: str, *, default_kind: str | None = None, default_namespace: str = DEFAULT_NAMESPACE
) -> Ref:
    """Read `[kind:][namespace/]name` as Backstage does.

    The kind ends at the first colon unless a slash comes before it, the namespace at the first slash;
    what follows is the name, whatever it holds.

    Raises:
        InputError: a part is empty, or no kind is given and there is no default.
    """
    kind, namespace, name = _split(text)
    if "\x00" in text:
        raise InputError("An entity reference holds a NUL character; remove it.")
    if kind == "" or namespace == "" or name == "":
        raise InputError(f"{text!r} is not an entity reference; write [kind:][namespace/]name.")
    kind = kind if kind is not None else default_kind
    if kind is None:
        raise InputError(f"{text!r} names no kind; write it as kind:{text}.")
    return Ref(kind, namespace or default_namespace, name)


def _split(text: str) -> tuple[str | None, str | None, str]:
    colon, slash = text.find(":"), text.find("/")
    kind = None
    if colon >= 0 and (slash < 0 or colon < slash):
        kind, text = text[:colon], text[colon + 1 :]
    namespace = None
    if "/" in text:
        namespace, _, text = text.partition("/")
    return kind, namespace, text
