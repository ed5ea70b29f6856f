"""The made-up catalog that the benchmarks load: the same for a seed, good in every document, whole in its references."""

import importlib.util
from pathlib import Path

import pytest
import yaml

from counterpoint.graph.descriptor import ref_of, relations_of, validate

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "catalog" / "generate.py"


@pytest.fixture(scope="module")
def generate():
    spec = importlib.util.spec_from_file_location("generate_catalog", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def read(text):
    return list(yaml.load_all(text, Loader=yaml.CSafeLoader))


def test_every_document_is_good_and_every_reference_has_its_target(generate):
    documents = read("---\n".join(generate.documents(400)))
    assert [problem for document in documents for problem in validate(document)] == []
    there = {str(ref_of(document)) for document in documents}
    assert len(there) == 400
    assert {target for document in documents for _, _, target in relations_of(document)} <= there


def test_the_same_seed_gives_the_same_catalog_and_another_seed_another(generate):
    assert list(generate.documents(100, 7)) == list(generate.documents(100, 7))
    assert list(generate.documents(100, 7)) != list(generate.documents(100, 8))


def test_ten_thousand_entities_have_the_mix_that_the_figures_are_stated_for(generate):
    counts = generate.counts_of(10_000)
    assert counts == generate.Counts(2_000, 200, 25, 250, 25, 1_200, 1_500, 4_800)


def test_a_large_catalog_is_several_files_that_hold_it_once(generate, tmp_path):
    made = generate.generate(tmp_path, 250, per_file=100)
    parts = sorted(tmp_path.glob("part-*.yaml"))
    assert [len(read(part.read_text())) for part in parts] == [100, 100, 50]
    assert "---\n".join(part.read_text() for part in parts) == "---\n".join(generate.documents(250))
    assert (made.entities, made.visible) == (250, 252)
    (location,) = read(made.root.read_text())
    assert location["spec"]["targets"] == [f"./{part.name}" for part in parts]


def test_too_few_entities_for_one_of_each_kind_are_refused(generate):
    with pytest.raises(ValueError, match="at least 20"):
        generate.counts_of(7)
