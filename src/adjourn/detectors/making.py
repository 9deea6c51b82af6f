"""From a configured detector to one that judges."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from adjourn.config import Config, DetectorConfig
from adjourn.config_tables import LOCAL
from adjourn.core.errors import BadConfig
from adjourn.detectors import plugins
from adjourn.detectors.forms import Form
from adjourn.detectors.guards.gpt_oss_safeguard import EFFORTS, GptOssSafeguard
from adjourn.detectors.guards.granite_guardian import VERSIONS, GraniteGuardian
from adjourn.detectors.guards.llama_guard import LlamaGuard
from adjourn.detectors.guards.qwen3_guard import Qwen3Guard
from adjourn.detectors.guards.shield_gemma import ShieldGemma
from adjourn.detectors.judge import Judge
from adjourn.detectors.moderation import Moderation
from adjourn.detectors.remote import Endpoint, RemoteDetector
from adjourn.ports import Detector


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of detector that asks a model on another machine."""

    make: Callable[..., Form]
    """Takes ``model`` and the options, by name."""
    options: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    """Option to the values it may have."""
    knows_crisis: Callable[[Mapping[str, Any]], bool] = lambda _: False
    """Whether it judges crises of both sorts, given its options."""


KINDS: Final[Mapping[str, Kind]] = {
    "llama_guard": Kind(LlamaGuard),
    "shield_gemma": Kind(ShieldGemma),
    "granite_guardian": Kind(
        GraniteGuardian,
        {"version": VERSIONS},
        lambda options: options.get("version", "4.1") == "4.1",
    ),
    "qwen3_guard": Kind(Qwen3Guard),
    "gpt_oss_safeguard": Kind(GptOssSafeguard, {"effort": EFFORTS}, lambda _: True),
    "judge": Kind(Judge, {"structured": (True, False)}, lambda _: True),
    "moderation": Kind(Moderation),
}
"""By the names that a configuration uses."""


def make_detectors(config: Config) -> list[Detector]:
    """Return the detectors that judge messages.

    Raises:
        BadConfig: One cannot be made, or none of them can tell a crisis.
    """
    detectors = [make_detector(name, config) for name in config.detection.detectors]
    if not any(_knows_crisis(name, config) for name in config.detection.detectors):
        raise BadConfig(
            "none of them can tell a crisis",
            file="configuration",
            key="detection.detectors",
            hint="add local, a judge, gpt_oss_safeguard, or granite_guardian 4.1",
        )
    return detectors


def beside(config: Config) -> frozenset[str]:
    """Return the names of the detectors that judge beside the model's reply.

    None do if all that can tell a crisis would: that is known before a request goes on.
    """
    slow = {one.name for one in config.detector if one.when == "beside"}
    before = [name for name in config.detection.detectors if name not in slow]
    return frozenset(slow) if any(_knows_crisis(name, config) for name in before) else frozenset()


def make_detector(name: str, config: Config) -> Detector:
    """Return a detector by its configured name.

    Raises:
        BadConfig: There is none of that name, or its configuration lacks something.
    """
    if name == LOCAL:
        # A quarter of a second to load, which commands that judge nothing need not wait for.
        from adjourn.detectors.local import LocalDetector  # noqa: PLC0415

        return LocalDetector(threads=config.detection.threads)
    one = next((one for one in config.detector if one.name == name), None)
    if one is None:
        known = ", ".join((LOCAL, *(one.name for one in config.detector)))
        raise BadConfig(
            f"there is no detector {name!r}",
            file="configuration",
            key="detector",
            hint=f"known: {known}",
        )
    kind = KINDS.get(one.kind)
    if kind is None:
        return _plugin(one)
    for key in ("base_url", "model"):
        if not getattr(one, key):
            raise _bad(one, key, "is not set", f"a {one.kind} needs it")
    for key, value in one.options.items():
        allowed = kind.options.get(key)
        if allowed is None:
            mend = f"it takes {', '.join(kind.options)}" if kind.options else "it takes none"
            raise _bad(one, f"options.{key}", f"is no option of {one.kind}", mend)
        if value not in allowed:
            raise _bad(one, f"options.{key}", f"cannot be {value!r}", f"one of {allowed}")
    endpoint = Endpoint(
        one.base_url,
        api_key=one.api_key,
        deadline_s=one.deadline_s or config.detection.deadline_s,
        most_at_once=one.most_at_once,
    )
    return RemoteDetector(name, kind.make(model=one.model, **one.options), endpoint)


def _plugin(one: DetectorConfig) -> Detector:
    found = plugins.installed()
    if one.kind not in found:
        mend = f"known: {', '.join((*KINDS, *sorted(found)))}"
        raise _bad(one, "kind", f"there is no kind {one.kind!r}", mend)
    try:
        return plugins.load(found[one.kind], one.name, one.options)
    except plugins.BadPlugin as error:
        raise _bad(one, "kind", str(error), "mend the package, or leave the detector out") from None


def _bad(one: DetectorConfig, key: str, message: str, hint: str) -> BadConfig:
    return BadConfig(
        message, file="configuration", key=f"detector.{key} of {one.name!r}", hint=hint
    )


def _knows_crisis(name: str, config: Config) -> bool:
    """Whether a detector judges crises of both sorts; plug-ins are taken to."""
    one = next((one for one in config.detector if one.name == name), None)
    return one is None or one.kind not in KINDS or KINDS[one.kind].knows_crisis(one.options)
