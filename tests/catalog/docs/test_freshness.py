"""When documentation was changed: by commits where there are some, else by files."""

import os
import subprocess
from datetime import UTC, datetime

import pytest

from counterpoint.catalog.docs.freshness import read_freshness


def git(folder, *arguments, at="2026-01-01T00:00:00+00:00"):
    environment = {
        **os.environ,
        "GIT_AUTHOR_DATE": at,
        "GIT_COMMITTER_DATE": at,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
    }
    names = ("-c", "user.name=A", "-c", "user.email=a@one.example", "-c", "init.defaultBranch=main")
    subprocess.run(["git", *names, *arguments], cwd=folder, check=True, capture_output=True, env=environment)


def test_without_a_history_the_times_are_those_of_the_files(documented, opened):
    folder = documented(files={"docs/index.md": "# I", "docs/b.md": "# B"})
    os.utime(folder / "docs" / "index.md", (1_700_000_000, 1_700_000_000))
    freshness = read_freshness(opened())
    assert not freshness.by_history
    assert freshness.pages["index.md"] == datetime.fromtimestamp(1_700_000_000, UTC)
    assert freshness.lag_days == 0


@pytest.fixture
def repository(documented):
    folder = documented(files={"docs/index.md": "# I", "docs/ü b.md": "# B", "main.py": "x"})
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "first")
    return folder


def test_with_a_history_the_times_are_those_of_commits(repository, opened):
    freshness = read_freshness(opened())
    assert freshness.by_history
    assert set(freshness.pages.values()) == {datetime(2026, 1, 1, tzinfo=UTC)}
    assert not freshness.is_behind


def test_a_new_commit_is_seen_and_others_keep_their_time(repository, opened, library):
    before = library.freshness(opened())
    (repository / "docs" / "index.md").write_text("# Changed")
    git(repository, "commit", "-qam", "second", at="2026-03-01T00:00:00+00:00")
    after = library.freshness(opened())
    assert before.newest == datetime(2026, 1, 1, tzinfo=UTC)
    assert after.pages["index.md"] == datetime(2026, 3, 1, tzinfo=UTC)
    assert after.pages["ü b.md"] == datetime(2026, 1, 1, tzinfo=UTC)


def test_code_that_moved_on_is_told(repository, opened):
    (repository / "main.py").write_text("y")
    git(repository, "commit", "-qam", "code", at="2026-06-01T00:00:00+00:00")
    freshness = read_freshness(opened())
    assert freshness.lag_days == 151
    assert freshness.is_behind


def test_a_page_that_is_not_committed_has_the_time_of_its_file(repository, opened):
    (repository / "docs" / "new.md").write_text("# N")
    os.utime(repository / "docs" / "new.md", (1_790_000_000, 1_790_000_000))
    assert read_freshness(opened()).pages["new.md"] == datetime.fromtimestamp(1_790_000_000, UTC)


def test_programs_that_a_checkout_names_are_not_run(repository, opened, tmp_path):
    trap = tmp_path / "trap.sh"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path / 'sprung'}\n")
    trap.chmod(0o755)
    for name in (
        "core.fsmonitor",
        "core.pager",
        "gpg.program",
        "diff.external",
        "core.editor",
        "core.sshCommand",
    ):
        git(repository, "config", name, str(trap))
    git(repository, "config", "log.showSignature", "true")
    assert read_freshness(opened()).by_history
    assert not (tmp_path / "sprung").exists()


def test_a_broken_checkout_falls_back_to_the_files(documented, opened):
    documented(files={"docs/index.md": "# I", ".git/HEAD": "nonsense"})
    assert not read_freshness(opened()).by_history
