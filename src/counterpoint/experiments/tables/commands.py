"""`counterpoint experiments analyze --table`: from a file to a verdict without a workspace."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from counterpoint.errors import UsageError
from counterpoint.terminal import terminal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from counterpoint.experiments.result import Result
    from counterpoint.experiments.tables.options import Options
    from counterpoint.experiments.tables.source import Source

__all__ = ["analyze_options"]

NEEDED = ("subject", "variant", "control")
DECLARE = (
    "When the table is read, as it was planned: say --end with the day on which the experiment was to end, or"
    " --units-per-arm with the users that each arm was to have. --explore shows figures that are no evidence."
)


def analyze_options(name: str | None, options: "Options") -> "Result":
    """The result of a table by the options of the command; the descriptor is written where one is asked for.

    Raises:
        UsageError: an option is missing, or is not of its form.
        InputError: the table cannot be read or analysed.
    """
    from msgspec.structs import replace

    from counterpoint.experiments.record import About, record_of
    from counterpoint.experiments.record_commands import save_record
    from counterpoint.experiments.tables.analysis import concluded, read_table
    from counterpoint.experiments.tables.asking import asked_metric, plan_for, with_covariates
    from counterpoint.experiments.tables.descriptor import write_descriptor
    from counterpoint.experiments.tables.opening import files_of, opened

    if missing := [f"--{each}" for each in NEEDED if not getattr(options, each)]:
        raise UsageError(
            f"A table needs {' and '.join(missing)}: the column of users, that of variants, and the control's name."
        )
    if not options.metric and not options.guardrail:
        raise UsageError("There is nothing to decide by; name a column with --metric, or with --guardrail.")
    if options.write and options.write.exists():
        raise UsageError(f"--write {options.write} exists already; name another file, or delete it.")
    success = [asked_metric(text) for text in options.metric]
    guardrails = [asked_metric(text, guardrail=True) for text in options.guardrail]
    asked = with_covariates([*success, *guardrails], options.covariate)
    names = [each.metric.name for each in asked]
    if twice := [each for each in names if names.count(each) > 1]:
        raise UsageError(
            f"The metric {twice[0]} is named twice; give each a name of its own, as NAME=COLUMN."
        )
    end = _end(options)
    source = _source(options, {each.metric.name: each.columns for each in asked})
    files = files_of(source, [Path.cwd()], inside=False)
    with opened(source, files=files) as table:
        reading = read_table(
            [each.metric for each in asked], source, table, end=end, segments=source.segments
        )
    plan = plan_for(
        name or Path(options.table or "").stem.replace("*", "") or "table",
        control=options.control or "",
        treatments=options.treatment,
        success=asked[: len(success)],
        guardrails=asked[len(success) :],
        variants=reading.found.variants,
        binary=reading.found.binary,
        shares=_shares(options.share),
        alpha=options.alpha,
        srm_threshold=options.srm_threshold,
        units_per_arm=options.units_per_arm,
        end=end,
        segments=source.segments,
    )
    result = concluded(
        plan,
        source,
        reading,
        as_of=datetime.now(UTC),
        acknowledged=options.acknowledged,
        explore=options.explore,
    )
    if not plan.has_end and not options.explore and result.verdict.condition == "plan":
        result = replace(result, verdict=replace(result.verdict, would_change=DECLARE))
    if options.write:
        write_descriptor(options.write, plan, source, files=files, owner=options.owner)
        terminal().say(f"Wrote {options.write}. Import it with: counterpoint import catalog {options.write}")
    if options.record_to:
        save_record(options.record_to, record_of(About(title=result.experiment), plan, result))
    return result


def _end(options: "Options") -> datetime | None:
    from counterpoint.experiments.plan import moment_in

    if options.explore and (options.end or options.units_per_arm):
        raise UsageError(
            "--explore looks at a table without a declared end; leave it out, or leave --end and --units-per-arm out."
        )
    try:
        return moment_in(options.end, last=True)
    except ValueError:
        raise UsageError(f"--end is {options.end!r}; write the day, such as 2026-05-31.") from None


def _source(options: "Options", metrics: "dict[str, object]") -> "Source":
    from counterpoint.experiments.tables.source import ENCODINGS, Source, delimiter_of

    if options.encoding not in ENCODINGS:
        raise UsageError(f"--encoding is {options.encoding!r}; it is one of {', '.join(ENCODINGS)}.")
    if options.decimal not in (".", ","):
        raise UsageError(f"--decimal is {options.decimal!r}; it is . or ,")
    return Source(
        subject=options.subject or "",
        variant=options.variant or "",
        time=options.time,
        file=options.table,
        metrics=metrics,  # type: ignore[arg-type]
        segments=tuple(dict.fromkeys(options.segment)),
        delimiter=delimiter_of(options.delimiter),
        decimal=options.decimal,
        encoding=options.encoding,
        one_row_per_user=options.one_row_per_user,
    )


def _shares(given: "Sequence[str]") -> dict[str, float]:
    shares = {}
    for text in given:
        variant, _, share = text.rpartition("=")
        try:
            shares[variant] = float(share)
        except ValueError:
            raise UsageError(f"--share {text!r} is not VARIANT=SHARE, such as new=0.5.") from None
    return shares
