"""Disks that are soon full."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["small_disk"]


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[str]:
    """A file system of a size such as `3m`, where we may mount one; else the way in which a process limits itself."""
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(mount, check=False, capture_output=True).returncode:
        yield "limit"
        return
    try:
        yield "mount"
    finally:
        subprocess.run(["umount", str(folder)], check=True)
