"""The colours of the tokens reach WCAG AA in both themes: 4.5 for text, 3 for what is not text."""

from pathlib import Path

import pytest

from counterpoint.web.design import colour_tokens

TOKENS = {name: (light, dark) for name, light, dark in colour_tokens()}
GROUNDS = ("--paper", "--surface", "--sunken", "--side")
STATES = ("--good", "--warn", "--bad", "--info")
TEXT = [
    *((ink, ground) for ink in ("--ink", "--ink-2", "--ink-3") for ground in GROUNDS),
    *(("--accent", ground) for ground in GROUNDS),
    *((state, f"{state}-soft") for state in STATES),
    *((state, ground) for state in STATES for ground in ("--paper", "--surface")),
    *(("--ink", f"{state}-soft") for state in STATES),
    ("--ink-2", "--quiet-soft"),
    ("--accent-strong", "--accent-soft"),
    ("--on-accent", "--accent"),
    ("--on-accent", "--accent-strong"),
    *((f"--voice-{voice}", "--surface") for voice in (2, 3, 4)),  # code in documentation
    ("--accent", "--info-soft"),
]
OTHER = [
    *(("--line-strong", ground) for ground in GROUNDS),
    *(("--focus", ground) for ground in GROUNDS),
    *((f"--voice-{voice}", ground) for voice in (1, 2, 3, 4) for ground in ("--paper", "--surface")),
]


def luminance(colour: str) -> float:
    """Return the relative luminance of WCAG 2.2."""
    channels = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_black_on_white_has_the_highest_contrast() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("ink", "ground"), TEXT)
def test_text_reaches_4_5(ink: str, ground: str, theme: int) -> None:
    assert contrast(TOKENS[ink][theme], TOKENS[ground][theme]) >= 4.5


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("ink", "ground"), OTHER)
def test_lines_and_marks_reach_3(ink: str, ground: str, theme: int) -> None:
    assert contrast(TOKENS[ink][theme], TOKENS[ground][theme]) >= 3


def test_every_colour_stands_in_the_design_document() -> None:
    document = (Path(__file__).parents[2] / "DESIGN.md").read_text(encoding="utf-8")
    missing = [
        name
        for name, (light, dark) in TOKENS.items()
        if f"| `{name}` | `{light}` | `{dark}` |" not in document
    ]
    assert not missing


def test_contrast_in_the_design_document_is_what_is_measured() -> None:
    document = (Path(__file__).parents[2] / "DESIGN.md").read_text(encoding="utf-8")
    for ink, ground in [*TEXT[:3], ("--accent", "--paper"), ("--line-strong", "--surface")]:
        measured = [f"{contrast(TOKENS[ink][theme], TOKENS[ground][theme]):.1f}" for theme in (0, 1)]
        assert f"| `{ink}` on `{ground}` | {measured[0]} | {measured[1]} |" in document
