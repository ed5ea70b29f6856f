"""An experiment on a table as options of a command say it: metrics and plan out of short texts. Pure."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final
from zlib import crc32

import msgspec
from msgspec.structs import replace

from counterpoint.errors import InputError, UsageError
from counterpoint.experiments.model import Experiment, Guardrail, Metric
from counterpoint.experiments.tables.source import Columns
from counterpoint.experiments.tables.totals import listed_variants
from counterpoint.spelling import near

__all__ = ["NOBODY", "Asked", "asked_metric", "plain_name", "plan_for", "with_covariates"]

DIRECTIONS: Final = ("increase", "decrease")
AGGREGATIONS: Final = ("mean", "sum", "count", "any")
NOBODY: Final = "(none)"
"""What stands for the treatment where the table has not even the control."""
_MARGIN = re.compile(r"(\d+(?:\.\d+)?)\s*(%?)")
_CAP = re.compile(r"cap\s*(\d+(?:\.\d+)?)\s*%")
_BARE = re.compile(r"[^a-z0-9]+")


class Asked(msgspec.Struct, frozen=True):
    """A metric of a command, and the columns that it is computed from."""

    metric: Metric
    columns: Columns
    margin: float | None = None
    said: bool = False
    """Whether the aggregation was said."""


def asked_metric(text: str, *, guardrail: bool = False) -> Asked:
    """Read `NAME[=COLUMN or COLUMN/COLUMN][:WORD]...`, where words are a direction, an aggregation, a cap or a margin.

    Raises:
        UsageError: it is not of this form.

    >>> asked_metric("crashes:decrease:2%", guardrail=True).margin
    0.02
    """
    option = "--guardrail" if guardrail else "--metric"
    title, columns, words = _parted(text)
    if not title:
        raise UsageError(
            f"{option} {text!r} names no metric; write NAME, or NAME=COLUMN, such as revenue=revenue_usd."
        )
    above, below = (columns[0], columns[1]) if len(columns) > 1 else (columns[0], "")
    asked = Asked(_metric(title, above, below), Columns(above, below or None))
    for word in map(str.strip, words):
        asked = _with_word(asked, word, option, text, guardrail=guardrail)
    return asked


def _parted(text: str) -> tuple[str, list[str], list[str]]:
    """Title, one column or two, and the words behind; in double quotes a sign parts nothing."""
    head, *words = _split(text, ":")
    title, *rest = _split(head, "=")
    columns = [_bare(each) for each in _split("=".join(rest) or title, "/")[:2]]
    return _bare(title), columns, words


def _split(text: str, sign: str) -> list[str]:
    """The parts between a sign, except where double quotes hide it."""
    if text.count('"') % 2:  # a quote that belongs to a name
        return [part.strip() for part in text.split(sign)]
    return [part.strip() for part in re.split(rf"{sign}(?=(?:[^\"]*\"[^\"]*\")*[^\"]*$)", text)]


def _bare(text: str) -> str:
    """A name without the quotes around it."""
    return text[1:-1] if len(text) > 2 and text[0] == text[-1] == '"' else text


def _metric(title: str, above: str, below: str) -> Metric:
    name = plain_name(title)
    if not below:
        return Metric(name=name, event=above, aggregation="sum", title=title)
    one, other = (
        Metric(name=plain_name(f"{name} {column}"), event=column, aggregation="sum", title=column)
        for column in (above, below)
    )
    return Metric(name=name, aggregation="ratio", title=title, numerator=one, denominator=other)


def _with_word(asked: Asked, word: str, option: str, text: str, *, guardrail: bool) -> Asked:
    metric = asked.metric
    if word in DIRECTIONS:
        return replace(asked, metric=replace(metric, direction=word))
    if word in AGGREGATIONS and metric.aggregation == "ratio":
        raise UsageError(f"{option} {text!r} says {word!r}; a ratio divides sums, so leave it out.")
    if word in AGGREGATIONS:
        return replace(asked, metric=replace(metric, aggregation=word), said=True)
    if (found := _CAP.fullmatch(word)) and metric.aggregation != "ratio":
        return replace(asked, metric=replace(metric, cap_quantile=float(found[1]) / 100))
    if guardrail and (found := _MARGIN.fullmatch(word)):
        margin = float(found[1]) / (100 if found[2] else 1)
        if 0 < margin < 1:
            return replace(asked, margin=margin)
        raise UsageError(
            f"{option} {text!r} has the margin {word}; it is a share of the control mean, such as 2% or 0.02."
        )
    known = ", ".join(
        (*DIRECTIONS, *AGGREGATIONS, "a cap such as cap99%", *(["a margin such as 2%"] if guardrail else []))
    )
    raise UsageError(f"{option} {text!r} says {word!r}, which is none of {known}.")


def with_covariates(asked: Sequence[Asked], given: Sequence[str]) -> tuple[Asked, ...]:
    """The metrics with covariates of the form `METRIC=COLUMN`.

    Raises:
        UsageError: a text is not of this form, or names no metric.
    """
    found = list(asked)
    for text in given:
        name, _, column = text.partition("=")
        at = next((i for i, each in enumerate(found) if each.metric.name == plain_name(name)), None)
        if at is None or not column.strip():
            names = ", ".join(each.metric.title or each.metric.name for each in found)
            raise UsageError(f"--covariate {text!r} is not METRIC=COLUMN; the metrics are {names}.")
        columns = found[at].columns
        found[at] = replace(
            found[at], columns=replace(columns, covariates=(*columns.covariates, column.strip()))
        )
    return tuple(found)


def plan_for(
    name: str,
    *,
    control: str,
    treatments: Sequence[str],
    success: Sequence[Asked],
    guardrails: Sequence[Asked],
    variants: Mapping[str, int],
    binary: frozenset[str],
    **settings: Any,
) -> Experiment:
    """The plan that the options make, once the table's variants are known.

    Raises:
        UsageError: it is not said which of several variants is compared with the control, or it is none of them.
        InputError: the plan contradicts itself.
    """
    others = [variant for variant in variants if variant != control]
    if not treatments and control in variants:
        if len(others) > 1:
            held = listed_variants({each: variants[each] for each in others})
            raise UsageError(
                f"Beside {control} there are {len(others)} variants: {held}. Say --treatment NAME for each that is to be compared;"
                " several share the level among them."
            )
        treatments = others
    for treatment in treatments:
        if treatment not in variants and control in variants:
            raise UsageError(
                f"--treatment is {treatment!r}, which nobody has{near(treatment, others) or '.'} The table holds"
                f" {listed_variants(variants)}."
            )
    if not treatments and control in variants:
        raise InputError(
            f"The table holds only {listed_variants(variants)}, so there is nothing to compare {control} with; name the column"
            " that tells the arms apart, or export the others too."
        )
    return Experiment(
        name=name,
        flag="",
        control=control,
        treatments=tuple(treatments) or (NOBODY,),
        success=tuple(_shown(each, binary) for each in success),
        guardrails=tuple(Guardrail(_shown(each, binary), each.margin) for each in guardrails),
        **settings,
    )


def _shown(asked: Asked, binary: frozenset[str]) -> Metric:
    """The metric, as a share of users where every user has 0 or 1 and nothing else was said."""
    if asked.said or asked.columns.denominator or asked.metric.name not in binary:
        return asked.metric
    return replace(asked.metric, aggregation="any")


def plain_name(title: str) -> str:
    """A name that a descriptor may have."""
    return _BARE.sub("-", title.lower()).strip("-")[:63] or f"metric-{crc32(title.encode()):08x}"
