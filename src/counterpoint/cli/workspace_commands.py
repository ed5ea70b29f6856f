"""The commands that make and check a workspace."""

from pathlib import Path
from typing import Any

from counterpoint.terminal import terminal

__all__ = ["doctor", "init"]


def init(folder: Path, *, name: str | None = None) -> None:
    """Make an empty workspace.

    Parameters
    ----------
    folder
        A folder that is new or empty.
    name
        What the organisation calls itself (default: the folder's name).
    """
    from counterpoint.workspace import Workspace

    with Workspace.create(folder, name=name) as workspace:
        data = {"path": str(workspace.path), "name": workspace.settings.name}
    terminal().emit(
        data,
        lambda: (
            f"Made the workspace {data['name']} in {folder}.\nNext: counterpoint -w {folder} import catalog FOLDER"
        ),
    )


def doctor() -> int:
    """Check a workspace and say what to mend; exits with 1 where something is damaged."""
    with terminal().open() as workspace:
        findings = workspace.check()
    errors = sum(finding.level == "error" for finding in findings)
    terminal().emit({"ok": errors == 0, "findings": findings}, lambda: _table(terminal().told(findings)))
    return 1 if errors else 0


def _table(findings: Any) -> Any:
    from rich.table import Table
    from rich.text import Text

    table = Table("Level", "Finding", box=None, pad_edge=False)
    table.columns[0].no_wrap = True
    table.columns[1].overflow = "fold"
    styles = {"ok": "green", "warning": "yellow", "error": "bold red"}
    for finding in findings:
        remedy = f"\n{finding.remedy}" if finding.remedy else ""
        said = Text.assemble(f"{finding.subject}: {finding.message}", (remedy, "dim"))
        table.add_row(Text(finding.level, style=styles[finding.level]), said)
    return table
