"""Writes documents as YAML 1.2 that reads back as the same values."""

from collections.abc import Mapping
from typing import Any

import yaml

from counterpoint.catalog.scalars import ScalarError, plain

__all__ = ["yaml_text"]

WIDTH = 100


class _Dumper(yaml.SafeDumper):
    """PyYAML's dumper knows YAML 1.1 only; it would leave `0089`, a number in YAML 1.2, without quotes."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else "'" if not _is_plain(text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _is_plain(text: str) -> bool:
    try:
        return plain(text) == text
    except ScalarError:
        return False


_Dumper.add_representer(str, _text)


def yaml_text(document: Mapping[str, Any]) -> str:
    """The document as YAML, in the order of its keys."""
    return yaml.dump(
        dict(document),
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        width=WIDTH,
        default_flow_style=False,
    )
