"""The folder in which the workers of one gateway count; none stays behind for good.

It lies in the machine's temporary directory and goes when the gateway stops. If the gateway is
killed it stays, until the next one starts. Whoever counts in a folder holds a lock on a file of it,
which the system takes back when a process is gone, however that came about; a folder that nobody
holds is nobody's.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_PREFIX: Final = "adjourn-metrics-"
_LOCK: Final = "held"


@contextmanager
def metrics_folder() -> Iterator[str]:
    """Make a folder and hold it; remove it afterwards, and before that what others left behind."""
    forget_left_behind(Path(tempfile.gettempdir()))
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    # It is locked before it has its name, so that nobody ever sees it without a holder.
    unnamed = folder / f"{_LOCK}.new"
    descriptor = _hold(unnamed)
    try:
        unnamed.rename(folder / _LOCK)
        yield str(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(descriptor)


def hold_folder(folder: str) -> None:
    """Hold a folder, too, for as long as this process lives."""
    _hold(Path(folder) / _LOCK)


def forget_left_behind(where: Path) -> list[Path]:
    """Remove folders of this user's gateways of which no process is left; return them.

    Args:
        where: The folder that they are in.
    """
    gone = [folder for folder in where.glob(f"{_PREFIX}*") if _is_left_behind(folder)]
    for folder in gone:
        shutil.rmtree(folder, ignore_errors=True)
    return gone


def _hold(file: Path) -> int:
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    return descriptor


def _is_left_behind(folder: Path) -> bool:
    """Tell whether a folder is ours and nobody holds it.

    In a directory where all may write, a name says nothing: it must be this user's, and no link.
    """
    try:
        if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
            return False
        descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True
