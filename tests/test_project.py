"""What must hold of the repository itself: locks, names, sizes, documents."""

import ast
import importlib.util
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = sorted((ROOT / "src").rglob("*.py"))
INDEX_HOSTS = ("pypi" + ".org", "files.python" + "hosted", "registry.npm" + "js")


def committed() -> list[Path]:
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    return [ROOT / name for name in done.stdout.decode().split("\0") if name]


def test_no_committed_file_names_a_package_index() -> None:
    for file in committed():
        if file.suffix in {".png", ".ico", ".woff2"} or not file.is_file():
            continue
        text = file.read_text(encoding="utf-8", errors="ignore")
        assert not any(host in text for host in INDEX_HOSTS), file


def test_the_lock_fits_the_project_file() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    locked = dict(
        re.findall(
            r"^([a-z0-9_.-]+)(?:\[[^\]]*\])?==([^ ;\\]+)",
            (ROOT / "requirements.lock").read_text(encoding="utf-8"),
            re.M,
        )
    )
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    wanted = [
        Requirement(text) for text in [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    ]
    for requirement in wanted:
        version = locked.get(canonicalize_name(requirement.name))
        assert version is not None, f"{requirement.name} is not locked: run `make lock`"
        assert requirement.specifier.contains(version), f"{requirement} against {version}: run `make lock`"


def test_every_dependency_has_its_reason_beside_it() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    block = text[text.index("dependencies = [") : text.index("[project.scripts]")]
    for line in block.splitlines():
        if line.lstrip().startswith('"'):
            assert "#" in line, line


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: file.relative_to(ROOT / "src").as_posix())
def test_a_module_is_short_named_by_a_noun_and_says_what_it_is(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert text.count("\n") <= 450
    assert file.stem not in {"utils", "util", "helpers", "helper", "common", "misc", "manager"}
    assert ast.get_docstring(ast.parse(text)), "a module begins with a docstring"


def test_the_map_in_the_architecture_is_drawn_from_the_code_as_it_is() -> None:
    spec = importlib.util.spec_from_file_location("architecture", ROOT / "docs" / "architecture.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    text = module.TARGET.read_text(encoding="utf-8")
    assert module.redrawn(text) == text, "run `make architecture`"


def test_the_readme_gives_the_two_commands() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "make demo" in text
    assert "make test" in text


def test_every_setting_is_documented() -> None:
    import msgspec

    from counterpoint.settings import Settings

    text = (ROOT / "docs" / "running.md").read_text(encoding="utf-8")
    for field in msgspec.structs.fields(Settings):
        inner = field.type
        if isinstance(inner, type) and issubclass(inner, msgspec.Struct):
            for nested in msgspec.structs.fields(inner):
                assert f"`[{field.name}] {nested.name}`" in text
        else:
            assert f"`{field.name}`" in text or f"`[{field.name}] NAME`" in text
