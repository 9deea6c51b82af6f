"""Detectors of other packages are not trusted to work."""

from collections.abc import Callable
from importlib.metadata import EntryPoint
from typing import Any

import pytest

from adjourn.config import Config, DetectionConfig, DetectorConfig
from adjourn.core.assessments import Assessment, Unknown
from adjourn.core.errors import BadConfig
from adjourn.core.messages import Message
from adjourn.detectors import plugins
from adjourn.testing import FixedDetector
from adjourn.wiring import make_detector, make_detectors

CONVERSATIONS = [[Message.of("user", "a")], [Message.of("user", "b")]]


def make_fixed(name: str, options: Any) -> FixedDetector:
    return FixedDetector(lambda _: Assessment(name, abuse=options["abuse"]), name=name)


def make_nothing(name: str, options: Any) -> object:
    return object()


def make_trouble(name: str, options: Any) -> object:
    raise RuntimeError("two\nlines")


class Liar:
    """Answers whatever it was made with."""

    def __init__(self, answer: Callable[[], Any]) -> None:
        self.name = "liar"
        self._answer = answer

    async def assess(self, conversations: Any) -> Any:
        return self._answer()

    async def aclose(self) -> None:
        pass


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    def put(target: str) -> None:
        point = EntryPoint("acme", f"{__name__}:{target}", plugins.GROUP)
        monkeypatch.setattr(plugins, "entry_points", lambda group: [point])

    return put


def configured(kind: str = "acme") -> Config:
    one = DetectorConfig(name="mine", kind=kind, options={"abuse": 0.5})
    return Config(detection=DetectionConfig(detectors=("mine",)), detector=(one,))


async def test_a_plug_in_judges_under_its_configured_name(install: Callable[[str], None]) -> None:
    install("make_fixed")
    (detector,) = make_detectors(configured())
    assert detector.name == "mine"
    assert await detector.assess(CONVERSATIONS) == [Assessment("mine", abuse=0.5)] * 2
    await detector.aclose()


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("make_nothing", "made a object, which is no detector"),
        ("make_trouble", "RuntimeError: two lines"),
        ("no_such_thing", "AttributeError"),
    ],
)
def test_a_plug_in_that_cannot_be_used_is_told_in_one_line(
    install: Callable[[str], None], target: str, why: str
) -> None:
    install(target)
    with pytest.raises(BadConfig) as told:
        make_detector("mine", configured())
    assert why in str(told.value)
    assert "plug-in 'acme'" in str(told.value)
    assert "\n" not in str(told.value)


def test_an_unknown_kind_lists_the_known_ones(install: Callable[[str], None]) -> None:
    install("make_fixed")
    with pytest.raises(BadConfig, match=r"there is no kind 'acne' .*llama_guard.*acme"):
        make_detector("mine", configured("acne"))


def fail() -> Any:
    raise KeyError("x")


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (fail, "failed (KeyError)"),
        (lambda: None, "did not give one answer to each question"),
        (lambda: [Assessment("liar")], "did not give one answer to each question"),
        (lambda: [0.5, {"abuse": 1}], "answered with a float"),
    ],
)
async def test_nonsense_is_unknown(answer: Callable[[], Any], why: str) -> None:
    checked = plugins.CheckedDetector("liar", Liar(answer))
    found = await checked.assess(CONVERSATIONS)
    assert len(found) == 2
    assert found[0] == Unknown("liar", why)
