"""A file system of a few megabytes that tests fill, so that writing to it fails as it does then."""

import ctypes
import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

_TMPFS = b"tmpfs"
_PIECE = b"\0" * 4096
"""A page: tmpfs gives room in no smaller pieces."""
_DETACH = 2
"""MNT_DETACH: unmount even if a process that is being stopped still has a file open."""


@dataclass(frozen=True)
class SmallDisk:
    """A mounted file system of its own; ``folder`` is where, and anybody may write there."""

    folder: Path

    @property
    def _ballast(self) -> Path:
        return self.folder / "ballast"

    def fill(self) -> None:
        """Take all the room that is left."""
        with self._ballast.open("ab", buffering=0) as ballast:
            while True:
                try:
                    ballast.write(_PIECE)
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
                    return

    def free(self) -> None:
        """Give back what ``fill`` took."""
        self._ballast.unlink()

    @property
    def room(self) -> int:
        """Bytes that are left."""
        found = os.statvfs(self.folder)
        return found.f_bavail * found.f_frsize


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[SmallDisk]:
    """Mount one at a folder that is made; the test is skipped where that is not allowed."""
    folder.mkdir()
    libc = ctypes.CDLL(None, use_errno=True)
    options = f"size={megabytes}m,mode=1777".encode()
    if not hasattr(libc, "mount") or libc.mount(_TMPFS, bytes(folder), _TMPFS, 0, options):
        reason = os.strerror(ctypes.get_errno())
        pytest.skip(f"a file system cannot be mounted here, which root on Linux may: {reason}")
    try:
        yield SmallDisk(folder)
    finally:
        assert libc.umount2(bytes(folder), _DETACH) == 0, os.strerror(ctypes.get_errno())
