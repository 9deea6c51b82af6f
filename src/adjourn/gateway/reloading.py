"""A new configuration for a gateway that runs.

What can change without a restart: the policy, the gateway keys, and what is logged. The policy goes
live only if it can be read and every law is proved for it. It is all or nothing: if anything is
wrong, everything stays as it was, and the log says why.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from adjourn.config import Config, KeyConfig
from adjourn.core.errors import BadInput
from adjourn.gateway.keys import Keyring
from adjourn.runtime.live_policy import LivePolicy
from adjourn.runtime.logs import set_level
from adjourn.runtime.metrics import Metrics
from adjourn.runtime.policies import load_policy, preset_names

_log = logging.getLogger("adjourn.reload")
_TAKEN: Final = frozenset({"policy", "keys", "log"})


class Reloading:
    """Takes configurations over.

    Args:
        config: The one the gateway was started with.
        live: The policy in force.
        keyring: The keys that are accepted.
        keys_of: Makes keys of what is configured.
        metrics: Where reloads are counted.
    """

    def __init__(
        self,
        config: Config,
        live: LivePolicy,
        keyring: Keyring,
        keys_of: Callable[[Sequence[KeyConfig]], Sequence[Any]],
        metrics: Metrics,
    ) -> None:
        self._config = config
        self._live = live
        self._keyring = keyring
        self._keys_of = keys_of
        self._metrics = metrics
        self._lock = asyncio.Lock()
        self._seen = _stamp(live.file)
        """How the policy's file looked when it was last read."""

    async def look_at_policy(self) -> None:
        """Take the policy's file over if it is another than before.

        That is how a policy that the console of another process put in force gets here. What cannot
        be taken is told once; the old one stays until the file changes again.
        """
        async with self._lock:
            file, stamp = self._live.file, await asyncio.to_thread(_stamp, self._live.file)
            if file is None or stamp is None or stamp == self._seen:
                return
            self._seen = stamp
            try:
                _, text = await asyncio.to_thread(load_policy, str(file))
                if text == self._live.text:
                    return
                policy = await self._live.take(text, file)
            except BadInput as error:
                _log.error("the policy's file has changed and is not taken: %s", error)
                self._metrics.reloads.labels("refused").inc()
                return
            self._metrics.reloads.labels("done").inc()
            told = {"policy": policy.name, "version": policy.version}
            _log.info("the policy's file has changed and is in force", extra=told)

    async def take(self, load: Callable[[], Config]) -> bool:
        """Read the configuration again and put it in force; tell whether that was possible."""
        async with self._lock:
            try:
                config = await asyncio.to_thread(load)
                _, text = await asyncio.to_thread(load_policy, config.policy)
                file = None if config.policy in preset_names() else Path(config.policy)
                if text != self._live.text:
                    await self._live.take(text, file)
            except BadInput as error:
                _log.error("not reloaded, all stays as it was: %s", error)
                self._metrics.reloads.labels("refused").inc()
                return False
            self._keyring.replace(self._keys_of(config.keys))
            set_level(config.log)
            left = _differences(self._config, config)
            if left:
                _log.warning("these changes need a restart: %s", ", ".join(left))
            kept = {name: getattr(config, name) for name in _TAKEN}
            self._config = msgspec.structs.replace(self._config, **kept)
            policy = self._live.policy
            self._metrics.reloads.labels("done").inc()
            _log.info(
                "reloaded",
                extra={"policy": policy.name, "version": policy.version, "keys": len(config.keys)},
            )
            return True


def _stamp(file: Path | None) -> tuple[int, int, int] | None:
    """Return what changes when a file does; None if there is none."""
    try:
        found = file.stat() if file else None
    except OSError:
        return None
    return found and (found.st_ino, found.st_mtime_ns, found.st_size)


def _differences(old: Config, new: Config) -> list[str]:
    """Return the names of what differs, never the values: some are secret."""
    found: list[str] = []
    for name in old.__struct_fields__:
        was, becomes = getattr(old, name), getattr(new, name)
        if name in _TAKEN or was == becomes:
            continue
        fields = getattr(was, "__struct_fields__", None)
        if fields is None:
            found.append(name)
        else:
            found += [f"{name}.{f}" for f in fields if getattr(was, f) != getattr(becomes, f)]
    return found
