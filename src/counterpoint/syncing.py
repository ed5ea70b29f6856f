"""Letting what was written survive a power cut."""

import os
from pathlib import Path

__all__ = ["sync"]


def sync(place: Path) -> None:
    """Wait until a file's bytes, or the names in a folder, are on the disk."""
    descriptor = os.open(place, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
