"""The figures of a run as Markdown: ours beside Backstage, each with its bar."""

from typing import Any

from queries import LARGE, ORDINARY


def of(figures: dict[str, Any]) -> str:
    """All tables that the figures suffice for."""
    parts = [f"Measured on {figures['machine']['date']}: {figures['machine']}\n"]
    theirs = figures.get("backstage")
    parts += [_ordinary(name, figures[name], theirs) for name in ("sqlite", "postgresql") if name in figures]
    if "large" in figures:
        parts.append(_large(figures["large"]))
    return "\n".join(parts)


def _ordinary(name: str, ours: dict[str, Any], theirs: dict[str, Any] | None) -> str:
    rows = [
        f"## {ours['entities']:,} entities, graph in {name}\n",
        "| what | ours | Backstage | ratio | bar |",
        "| --- | --- | --- | --- | --- |",
    ]
    other = (theirs or {}).get("ingest", {})
    rows.append(_row("ingest until visible, s", ours["ingest"]["wall_s"], other.get("wall_s"), "30 times"))
    cpu = [
        sum(each[key] for key in ("server_cpu_s", "database_cpu_s")) if each else None
        for each in (ours["ingest"], other)
    ]
    rows.append(_row("ingest, CPU s", cpu[0], cpu[1], "at most 10"))
    rows.append(
        _row("at rest, % of a core", ours["rest_percent"], (theirs or {}).get("rest_percent"), "under 0.5")
    )
    if ours.get("database_rest_percent"):
        rows.append(
            _row(
                "at rest, the database, % of a core",
                ours["database_rest_percent"],
                (theirs or {}).get("database_rest_percent"),
                "",
            )
        )
    rows.append(_row("memory after ingest, MB", ours["memory_mb"], (theirs or {}).get("memory_mb"), ""))
    for query in ORDINARY:
        mine = ours["queries"][query.name]
        yours = (theirs or {}).get("queries", {}).get(query.name, {})
        factor = 2 if name == "postgresql" else 1
        bar = ", ".join([f"{query.bar_ms * factor:g} ms"] if query.bar_ms else []) + (
            f" {query.times:g} times" if query.times else ""
        )
        rows.append(_row(f"{query.name}, p50 ms", mine["p50"], yours.get("p50"), bar))
        rows.append(_row(f"{query.name}, least ms", mine["min"], yours.get("min"), ""))
    if ours.get("walk_s"):
        rows.append(
            _row(
                "walk of all, pages of 200, s",
                ours["walk_s"]["seconds"],
                ((theirs or {}).get("walk_s") or {}).get("seconds"),
                "",
            )
        )
    for each, rate in ours["requests_per_second"].items():
        yours = (theirs or {}).get("requests_per_second", {}).get(each)
        ratio = f"{rate / yours:.1f} times" if yours else ""
        rows.append(f"| 8 connections: {each}, requests/s | {rate} | {yours or ''} | {ratio} | |")
    rows.append(f"| cold start, s | {ours['cold_start']['wall_s']} | | | |")
    return "\n".join(rows) + "\n"


def _row(what: str, ours: float, theirs: float | None, bar: str) -> str:
    ratio = f"{theirs / ours:.1f} times" if theirs and ours else ""
    return f"| {what} | {ours:g} | {'' if theirs is None else f'{theirs:g}'} | {ratio} | {bar} |"


def _large(ours: dict[str, Any]) -> str:
    rows = [
        f"## {ours['entities']:,} entities, graph in SQLite, ours alone\n",
        "| what | figure | bar |",
        "| --- | --- | --- |",
    ]
    earlier = 0.0
    for number, reached in enumerate(ours["reached"], 1):
        written, more = ours["entities"] * number // 5, reached["cpu_s"] - earlier
        rows.append(
            f"| {written:,} written after | {reached['wall_s']} s, {reached['cpu_s']} CPU s ({more:.1f} more) | linear |"
        )
        earlier = reached["cpu_s"]
    ingest = ours["ingest"]
    rows.append(
        f"| ingest until all is visible | {ingest['wall_s']} s, {ingest['server_cpu_s']:.1f} CPU s | |"
    )
    rows.append(
        f"| memory of the server | {ours['memory_mb']} MB, {ours['memory_after_mb']} MB after the queries | under 4,096 |"
    )
    rows.append(f"| disk | {ours['disk_mb']} MB | |")
    rows.append(
        f"| cold start | {ours['cold_start']['wall_s']} s, {ours['cold_start']['cpu_s']:.1f} CPU s | under 20 s |"
    )
    for query in LARGE:
        found = ours["queries"][query.name]
        rows.append(
            f"| {query.name} | {found['p50']:g} ms (at least {found['min']:g}) | {query.bar_ms:g} ms |"
        )
    return "\n".join(rows) + "\n"
