"""A detector that is measured while it works."""

from collections.abc import Sequence

from adjourn.core.assessments import Assessed, Assessment
from adjourn.core.messages import Message
from adjourn.ports import Clock, Detector
from adjourn.runtime.health import Health
from adjourn.runtime.metrics import Metrics


class MeasuredDetector:
    """A detector whose questions are timed, and whose silences are counted."""

    def __init__(self, detector: Detector, metrics: Metrics, clock: Clock) -> None:
        self._detector = detector
        self._seconds = metrics.detector_s.labels(detector.name)
        self._unknown = metrics.detector_unknown.labels(detector.name)
        self._clock = clock
        self.health = Health()

    @property
    def name(self) -> str:
        """See ``Detector``."""
        return self._detector.name

    async def assess(self, conversations: Sequence[Sequence[Message]]) -> Sequence[Assessed]:
        """See ``Detector``."""
        began = self._clock.monotonic_s()
        unknown = len(conversations)
        try:
            answers = await self._detector.assess(conversations)
            unknown = sum(1 for answer in answers if not isinstance(answer, Assessment))
            return answers
        finally:  # also when it failed, or ran out of time and was cancelled
            self._seconds.observe(self._clock.monotonic_s() - began)
            if unknown:
                self._unknown.inc(unknown)
            self.health.note(worked=unknown < len(conversations))

    async def aclose(self) -> None:
        """See ``Detector``."""
        await self._detector.aclose()
