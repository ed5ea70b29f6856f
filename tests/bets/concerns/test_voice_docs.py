"""What the documentation says of concerns, dependencies and feedback is what the code knows."""

from pathlib import Path

import pytest

from counterpoint.bets.concerns.model import ConcernState, Move, Naming
from counterpoint.bets.dependencies.model import DependencyState, Severity, Step
from counterpoint.bets.feedback.doors import PER_DAY, PER_MINUTE
from counterpoint.bets.feedback.model import OUTCOMES
from counterpoint.bets.feedback.sheets import COLUMNS

DOCS = Path(__file__).parents[3] / "docs"


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("concerns", [*ConcernState, *Move, *Naming]),
        ("dependencies", [*Severity, *Step, *DependencyState]),
        ("feedback", [*OUTCOMES, *COLUMNS]),
    ],
)
def test_every_word_is_documented(page: str, words: list[str]) -> None:
    text = (DOCS / f"{page}.md").read_text()
    assert [str(word) for word in words if f"`{word}`" not in text] == []


def test_the_limits_of_a_form_are_documented() -> None:
    assert f"{PER_MINUTE} pieces in a minute" in (text := (DOCS / "feedback.md").read_text())
    assert f"{PER_DAY} in a day" in text
    assert all(said in text for _, said in OUTCOMES.values())
