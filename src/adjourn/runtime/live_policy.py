"""The policy in force, and the only way to change it while the gateway runs.

A document goes live only if it can be read and every law is proved for it; otherwise the old one
stays in force. It is written to the policy's own file first, so that what is live is what the next
start reads.
"""

import asyncio
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from adjourn.core.errors import BadPolicy
from adjourn.core.policy import Policy
from adjourn.core.policy_file import parse_policy
from adjourn.core.verifier import Proof, verify


class LivePolicy:
    """A policy with its document.

    Args:
        policy: The policy in force.
        text: Its document.
        file: Where the document is kept; None if it is a preset, which nobody can change.
        put: Called with a policy that goes live.
    """

    def __init__(
        self, policy: Policy, text: str, file: Path | None, put: Callable[[Policy], None]
    ) -> None:
        self.policy = policy
        self.text = text
        self.file = file
        self._put = put

    async def try_out(self, text: str) -> tuple[Policy, Proof]:
        """Read a document and prove the laws for it; takes a second or two, off the event loop.

        Raises:
            BadPolicy: The document cannot be used.
        """
        policy = parse_policy(text, file=self.file.name if self.file else "policy")
        return policy, await asyncio.to_thread(verify, policy)

    async def change(self, text: str) -> Policy:
        """Put a document in force.

        Raises:
            BadPolicy: There is no file to keep it in, it cannot be used, or it breaks a law.
        """
        if self.file is None:
            raise BadPolicy(
                "a preset cannot be changed",
                file="policy",
                hint="copy it to a file, and name that file in the configuration",
            )
        policy = await self._proved(text)
        await asyncio.to_thread(_write, self.file, text)
        self.policy, self.text = policy, text
        self._put(policy)
        return policy

    async def take(self, text: str, file: Path | None) -> Policy:
        """Put a document in force that its file holds already.

        Raises:
            BadPolicy: It cannot be used, or it breaks a law; the old one stays in force.
        """
        policy = await self._proved(text)
        self.policy, self.text, self.file = policy, text, file
        self._put(policy)
        return policy

    async def _proved(self, text: str) -> Policy:
        policy, proof = await self.try_out(text)
        if not proof.holds:
            broken = ", ".join(result.law for result in proof.results if not result.holds)
            name = self.file.name if self.file else "policy"
            raise BadPolicy(f"breaks {broken}", file=name, hint="adjourn policy verify")
        return policy


def _write(file: Path, text: str) -> None:
    """Replace a file whole: a crash leaves the old one or the new one."""
    descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink()
        raise
