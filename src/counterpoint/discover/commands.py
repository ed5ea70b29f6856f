"""`counterpoint discover fit | recommend` on files; those of recommenders are in `version_commands` and `listener_commands`."""

import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from counterpoint.errors import InputError, UsageError
from counterpoint.terminal import counted, terminal

if TYPE_CHECKING:
    from rich.console import RenderableType

    from counterpoint.discover.files import Columns
    from counterpoint.discover.log import Log
    from counterpoint.engine import EngineAddress

__all__ = ["LogColumns", "fit", "read_files", "recommend"]

Many = Annotated[list[str] | None, Parameter(negative="")]


@Parameter(name="*")
@dataclass(frozen=True)
class LogColumns:
    """Which columns of a log are which, where their names do not say so: options of every command that reads files."""

    listener_column: Annotated[str | None, Parameter(help="The column of the listener.")] = None
    item_column: Annotated[str | None, Parameter(help="The column of the item.")] = None
    weight_column: Annotated[str | None, Parameter(help="The column of the weight.")] = None
    time_column: Annotated[str | None, Parameter(help="The column of the time.")] = None

    def named(self) -> "Columns":
        """As `read_log` takes them."""
        return {
            "listener": self.listener_column,
            "item": self.item_column,
            "weight": self.weight_column,
            "time": self.time_column,
        }


def fit(
    files: list[Path],
    /,
    *,
    out: Path | None = None,
    method: str = "auto",
    budget: float | None = None,
    seed: int = 0,
    engine: str | None = None,
    device: Literal["auto", "cpu", "gpu"] | None = None,
    until: datetime | None = None,
    columns: LogColumns | None = None,
) -> None:
    """Fit a model to a log of who took what, and keep it in a file; or the next version of a recommender.

    Parameters
    ----------
    files
        The name of a recommender of the workspace, whose events are read from the journal; or, with --out, files:
        CSV, TSV, Parquet or newline JSON with a column for the listener and one for the item, and perhaps a weight
        and a time; or one .npz as scipy.sparse.save_npz writes it.
    out
        Where a model of files is kept; it holds items and no listener.
    method
        auto chooses the method that does best on a held-out slice; or popularity, neighbours, item-graph, ease, als.
    budget
        CPU seconds that the choice may take: as the recommender says, or 120 for files.
    seed
        The same files or events, method and seed give the same model.
    engine
        Where als and item-graph are fitted: duckdb (in this process), spark://local[2] or spark://host:7077; the
        setting `engine` of the workspace if nothing is said. The choice by auto is made in this process.
    device
        What dense parts of a fit to files are computed on: auto takes a GPU where there is one, gpu says where there is
        none, cpu takes none.
    until
        Events of later are left out (of a recommender); now without it.
    """
    if out is None:
        for name, given in (("engine", engine), ("device", device)):
            if given is not None:
                raise UsageError(
                    f"--{name} is for files; a recommender is fitted as the workspace's settings say."
                )
        _fit_recommender(files, method=method, budget=budget, seed=seed, until=until)
        return
    from counterpoint.discover.kept import keep
    from counterpoint.discover.methods import METHODS
    from counterpoint.discover.model import Model
    from counterpoint.engine import DUCKDB

    here = terminal()
    chosen = _engine(here.workspace, engine)
    log = read_files(files, columns)
    started = time.process_time()
    model = Model(
        method,
        seed=seed,
        budget=120.0 if budget is None else budget,
        engine=chosen,
        device=device or "auto",
    ).fit(log.matrix, moments=log.moments, said=here.say)
    spent = time.process_time() - started
    tried = model.search.trials if model.search else ()
    about = {
        "method": model.fitted.name,
        "options": dict(model.search.best.options) if model.search else {},
        "seed": seed,
        "engine": chosen.kind if METHODS[model.fitted.name].on_spark else DUCKDB.kind,
        "listeners": log.matrix.shape[0],
        "items": log.matrix.shape[1],
        "interactions": int(log.matrix.nnz),
        "leftOut": dict(log.left_out),
        "seconds": round(spent, 2),
    }
    keep(out, model.fitted, [str(each) for each in log.items], about)
    trials = [
        {
            "method": each.method,
            "options": dict(each.options),
            "recall": each.recall.mean,
            "ndcg": each.ndcg.mean,
        }
        for each in tried
    ]
    here.emit({**about, "trials": trials, "file": str(out)}, lambda: _fitted_table(about, out))


def _fit_recommender(
    names: list[Path], *, method: str, budget: float | None, seed: int, until: datetime | None
) -> None:
    if len(names) != 1 or names[0].is_file():
        raise UsageError(
            "A model of files needs --out, the file that it is kept in; a recommender is one name."
        )
    from counterpoint.discover.version_commands import fit_recommender

    fit_recommender(names[0].as_posix(), method=method, budget=budget, seed=seed, until=until)


def recommend(
    model: Path,
    /,
    *,
    item: Many = None,
    log: Annotated[list[Path] | None, Parameter(negative="")] = None,
    listener: Many = None,
    count: int = 20,
    without: Many = None,
    where: Many = None,
    context: str | None = None,
    known: bool = False,
    why: bool = False,
) -> None:
    """Print the best items for a history: items that are named, or those of listeners of a log or a recommender.

    Parameters
    ----------
    model
        The name of a recommender of the workspace, with --listener; or a file that `discover fit` wrote.
    item
        An item of the history (of a file); give it once for each.
    log
        Files with the histories of the listeners that are named (of a file).
    listener
        A listener of the log or the recommender; give it once for each.
    count
        Items for each.
    without
        An item that must not come (of a file).
    where
        A condition such as genre:jazz (of a recommender); give it once for each.
    context
        weekday mornings, weekdays, weekday evenings, nights or weekends: what is heard then counts more (of a recommender).
    known
        Let items come back that the listener knows (of a recommender).
    why
        Say which items of the history gave most of each score.
    """
    if not model.is_file() and model.suffix != ".npz":
        if not listener or item or log or without:
            raise UsageError(
                "a recommender is asked with --listener alone; items and logs are for files, and --without for who asks once"
            )
        from counterpoint.discover.listener_commands import recommend_to

        recommend_to(
            model.as_posix(), listener, count=count, where=where or (), context=context, known=known, why=why
        )
        return
    from counterpoint.discover.kept import load

    if bool(item) == bool(listener):
        raise UsageError("give either --item (a history) or --log with --listener (whose history)")
    if listener and not log:
        raise UsageError("--listener needs --log, the files that have the listener's history")
    kept = load(model)
    histories = {"": list(item)} if item else _histories(log or [], listener or [])
    answers = [
        _answered(kept, name, history, count, without or [], why=why) for name, history in histories.items()
    ]
    terminal().emit(answers if listener else answers[0], lambda: _answers_table(answers, why=why))


def read_files(files: list[Path], columns: "LogColumns | None" = None) -> "Log":
    """The log in files; what was left out of it is said on stderr."""
    from counterpoint.discover.files import read_log

    log = read_log(files, (columns or LogColumns()).named(), now=time.time())
    for reason, number in log.left_out.items():
        terminal().say(f"{counted(number, 'entry', 'entries')} left out: {reason}")
    return log


def _engine(workspace: Path, asked: str | None) -> "EngineAddress":
    """What was asked for, or what the workspace has set; files need no workspace."""
    from counterpoint.engine import chosen_engine, read_engine
    from counterpoint.settings import Settings, load_settings
    from counterpoint.workspace import SETTINGS

    file = workspace / SETTINGS
    settings = load_settings(file) if file.is_file() else Settings()
    try:
        return chosen_engine(read_engine(settings.engine), asked)
    except ValueError as error:
        raise UsageError(f"--engine: {error}.") from error


def _histories(files: list[Path], listeners: list[str]) -> dict[str, list[str]]:
    log = read_files(files)
    rows = log.rows(listeners)
    return {
        name: [str(log.items[at]) for at in log.matrix[row].indices]
        for name, row in zip(listeners, rows, strict=True)
    }


def _answered(
    kept: Any, name: str, history: list[str], count: int, without: list[str], *, why: bool
) -> dict[str, Any]:
    import numpy as np
    import scipy.sparse as sp

    from counterpoint.spelling import near

    columns = {item: at for at, item in enumerate(kept.items)}
    known = [columns[each] for each in history if each in columns]
    if not known and not name:
        raise InputError(f'the model has no item "{history[0]}"{near(history[0], kept.items)}')
    row = sp.csr_matrix((np.ones(len(known)), ([0] * len(known), known)), shape=(1, len(kept.items)))
    away = [columns[each] for each in without if each in columns]
    hidden = sp.csr_matrix((np.ones(len(away)), ([0] * len(away), away)), shape=row.shape)
    ranking = kept.model.rank(row, count, hidden=hidden)
    answers: list[dict[str, Any]] = []
    for at, score in zip(ranking.of(0), ranking.scores[0], strict=False):
        answer: dict[str, Any] = {"item": kept.items[at], "score": float(score)}
        if why and hasattr(kept.model, "reasons"):
            parts = [(mine, part) for mine, part in kept.model.reasons(row, at) if part > 0][:3]
            answer["because"] = [{"item": kept.items[mine], "part": part} for mine, part in parts]
        answers.append(answer)
    return {
        "listener": name or None,
        "unknown": [each for each in history if each not in columns],
        "items": answers,
    }


def _fitted_table(about: dict[str, Any], out: Path) -> "RenderableType":
    options = ", ".join(f"{name} {value}" for name, value in about["options"].items())
    return (
        f"{about['method']}{f' ({options})' if options else ''} fitted to {about['interactions']:,} interactions of "
        f"{about['listeners']:,} listeners with {about['items']:,} items in {about['seconds']:.1f} CPU s; kept in {out}"
    )


def _answers_table(answers: list[dict[str, Any]], *, why: bool) -> "RenderableType":
    from rich.console import Group
    from rich.table import Table

    tables = []
    for answer in answers:
        table = Table(title=answer["listener"], box=None, title_justify="left")
        for column in ("", "item", "score", *(("because of",) if why else ())):
            table.add_column(column, justify="right" if column in ("", "score") else "left")
        for place, each in enumerate(answer["items"], 1):
            because = [", ".join(part["item"] for part in each.get("because", []))] if why else []
            table.add_row(str(place), each["item"], f"{each['score']:.3f}", *because)
        tables.append(table)
    return Group(*tables)
