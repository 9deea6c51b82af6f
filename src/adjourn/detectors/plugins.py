"""Detectors of other packages, found by the entry point group ``adjourn.detectors``.

An entry point is a function ``(name, options) -> Detector``. What goes wrong while it is loaded is
told in one line; what it does wrong while judging is ``Unknown``.
"""

from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final

from adjourn.core.assessments import Assessed, Assessment, Unknown
from adjourn.core.messages import Message
from adjourn.ports import Detector

GROUP: Final = "adjourn.detectors"

Make = Callable[[str, Mapping[str, Any]], Detector]
"""From the configured name and the table ``options`` to a detector."""


class BadPlugin(Exception):
    """A plug-in that cannot be used; the message is one line."""


def installed() -> dict[str, EntryPoint]:
    """Return the plug-ins of this environment by name."""
    return {point.name: point for point in entry_points(group=GROUP)}


def load(point: EntryPoint, name: str, options: Mapping[str, Any]) -> "CheckedDetector":
    """Return a plug-in's detector, its answers checked.

    Raises:
        BadPlugin: It cannot be imported, fails, or makes something that is no detector.
    """
    whose = f"plug-in {point.name!r} of {point.dist.name if point.dist else 'an unknown package'}"
    try:
        make: Make = point.load()
        detector = make(name, options)
    except Exception as error:  # noqa: BLE001 - anything may go wrong in another's code
        what = " ".join(str(error).split())[:200]
        raise BadPlugin(f"{whose} cannot be loaded: {type(error).__name__}: {what}") from None
    if not (callable(getattr(detector, "assess", None)) and hasattr(detector, "aclose")):
        raise BadPlugin(f"{whose} made a {type(detector).__name__}, which is no detector")
    return CheckedDetector(name, detector)


class CheckedDetector:
    """A detector that is not trusted to keep to the protocol."""

    def __init__(self, name: str, detector: Detector) -> None:
        self._name = name
        self._detector = detector

    @property
    def name(self) -> str:
        """Name as used in configuration, assessments and the ledger."""
        return self._name

    async def assess(self, conversations: Sequence[Sequence[Message]]) -> Sequence[Assessed]:
        """Judge the last message of each conversation; nonsense is ``Unknown``."""
        try:
            answers: Any = await self._detector.assess(conversations)
        except Exception as error:  # noqa: BLE001 - anything may go wrong in another's code
            return [Unknown(self._name, f"failed ({type(error).__name__})")] * len(conversations)
        if not isinstance(answers, Sequence) or len(answers) != len(conversations):
            why = "did not give one answer to each question"
            return [Unknown(self._name, why)] * len(conversations)
        return [self._checked(answer) for answer in answers]

    async def aclose(self) -> None:
        """Free what the detector holds."""
        await self._detector.aclose()

    def _checked(self, answer: Any) -> Assessed:
        if isinstance(answer, Assessment | Unknown):
            return answer
        return Unknown(self._name, f"answered with a {type(answer).__name__}")
