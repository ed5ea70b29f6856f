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
    terminal().emit({"ok": errors == 0, "findings": findings}, lambda: _table(findings))
    return 1 if errors else 0


def _table(findings: Any) -> Any:
    from rich.table import Table

    table = Table("level", "subject", "finding", "remedy", box=None, pad_edge=False)
    styles = {"ok": "green", "warning": "yellow", "error": "bold red"}
    for finding in findings:
        table.add_row(
            finding.level,
            finding.subject,
            finding.message,
            finding.remedy,
            style=styles[finding.level] if finding.level != "ok" else None,
        )
    return table
