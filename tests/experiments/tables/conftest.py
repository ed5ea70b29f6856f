from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

Write = Callable[[str, str | bytes], Path]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that commands run in, which is no workspace."""
    made = tmp_path / "tables"
    made.mkdir()
    monkeypatch.chdir(made)
    return made


@pytest.fixture
def write(folder: Path) -> Write:
    """Writes a file of the folder."""

    def put(name: str, content: str | bytes) -> Path:
        file = folder / name
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file

    return put


def published(
    arms: dict[str, tuple[int, dict[str, int]]], names: tuple[str, ...]
) -> Iterator[tuple[str, str, tuple[int, ...]]]:
    """Users with 0 and 1 by published counts: name, variant, and one value for each column."""
    for variant, (users, ones) in arms.items():
        for i in range(users):
            yield f"{variant}-{i}", variant, tuple(int(i < ones[name]) for name in names)


CATS = {
    "gate_30": (44_700, {"retention_1": 20_034, "retention_7": 8_502}),
    "gate_40": (45_489, {"retention_1": 20_119, "retention_7": 8_279}),
}
"""Cookie Cats, a public test of a mobile game: users and returning users by arm."""


@pytest.fixture(scope="session")
def cats(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The published counts of Cookie Cats as a CSV file in the layout of the public one."""
    file = tmp_path_factory.mktemp("cats") / "cookie_cats.csv"
    rows = published(CATS, ("retention_1", "retention_7"))
    lines = [
        f"{name},{arm},{i % 97},{bool(one)},{bool(seven)}" for i, (name, arm, (one, seven)) in enumerate(rows)
    ]
    file.write_text("userid,version,sum_gamerounds,retention_1,retention_7\n" + "\n".join(lines) + "\n")
    return file
