"""Writes documents as YAML 1.2 that reads back as the same values."""

from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from counterpoint.yaml12.scalars import ScalarError, plain

__all__ = ["yaml_text", "yaml_texts"]

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
    return _written([document], explicit_start=False)


def yaml_texts(documents: Iterable[Mapping[str, Any]]) -> str:
    """Several documents as one stream, each after `---`."""
    return _written(documents, explicit_start=True)


def _written(documents: Iterable[Mapping[str, Any]], *, explicit_start: bool) -> str:
    return yaml.dump_all(
        [dict(each) for each in documents],
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        width=WIDTH,
        default_flow_style=False,
        explicit_start=explicit_start,
    )
