"""Signs what a ledger is, and never signs two histories.

The newest checkpoint that a key signed is kept in a file beside it. The next ledger must begin as
that one was: a database put back from a backup, or rewritten, is refused (C2SP tlog-checkpoint: a
log must not sign a checkpoint that is inconsistent with an earlier one).
"""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from adjourn.core.errors import BadInput
from adjourn.ports import LedgerRow
from adjourn.report.ledger_check import Verdict, check_ledger
from adjourn.runtime.notes import Checkpoint, Signer, read_checkpoint


def sign_ledger(
    key_file: str, rows: Iterable[LedgerRow], at_ms: int, notes: Sequence[str] = ()
) -> tuple[Verdict, str]:
    """Check a ledger and sign what it is.

    Args:
        key_file: The signing key; the newest checkpoint is kept beside it.
        rows: The ledger.
        at_ms: The time, milliseconds since the Unix epoch.
        notes: Further checkpoints of this key that the ledger must have grown from.

    Returns:
        What the check came to, and the signed note; the note is empty if anything is wrong.

    Raises:
        BadInput: The key or a note cannot be used, or the newest checkpoint cannot be kept.
    """
    signer = Signer.read(key_file)
    newest = Path(f"{key_file}.newest")
    known = [*notes, *_kept(newest)]
    verdict = check_ledger(rows, [read_checkpoint(note, [signer.verifier]) for note in known])
    if verdict.findings:
        return verdict, ""
    note = signer.sign(Checkpoint(signer.name, verdict.size, verdict.root, at_ms).body())
    _keep(newest, note)
    return verdict, note


def _kept(newest: Path) -> list[str]:
    try:
        return [newest.read_text("utf-8")]
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        raise _bad(newest, error, "read") from None


def _keep(newest: Path, note: str) -> None:
    """Replace the file as a whole, durably, before anybody gets to see the note."""
    beside = newest.with_suffix(".writing")
    try:
        with beside.open("w", encoding="utf-8") as out:
            out.write(note)
            out.flush()
            os.fsync(out.fileno())
        beside.replace(newest)
    except OSError as error:
        raise _bad(newest, error, "written") from None


def _bad(file: Path, error: Exception, done: str) -> BadInput:
    why = getattr(error, "strerror", None) or "not text"
    return BadInput(
        f"{file}: cannot be {done} ({why})",
        hint="it keeps what was signed last, beside the key",
    )
