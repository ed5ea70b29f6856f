"""What a board may see of its fists of five. Pure."""

from collections.abc import Sequence

from counterpoint.said import Said

__all__ = ["SHOWN_FROM", "released"]

SHOWN_FROM = 5
"""Votes from which the counts are shown to the board; of fewer, colleagues would know each other's."""
CONFIDENT_FROM = 3
"""Fingers from which a fist goes along with the plan: below it says what must change first."""


def released(values: Sequence[int]) -> tuple[tuple[int, ...] | None, Said]:
    """How many showed one to five fingers, or none and the sentence that is said instead.

    Of few votes nothing is told. Where all showed the same, the count would tell what each one showed, so
    that the fingers are merged into going along and not.
    """
    if len(values) < SHOWN_FROM:
        return None, f"{len(values)} voted: counts are shown from {SHOWN_FROM} on. Talk instead."
    if len(set(values)) == 1:
        merged = (
            f"{CONFIDENT_FROM} fingers or more"
            if values[0] >= CONFIDENT_FROM
            else f"fewer than {CONFIDENT_FROM} fingers"
        )
        return None, f"All showed {merged}. Counts would tell what each one showed."
    return tuple(values.count(fist) for fist in range(1, 6)), ""
