"""Configured detectors: what is wrong is told, and what is right is made."""

from pathlib import Path

import pytest

from adjourn.config import Config, DetectionConfig, DetectorConfig, load_config
from adjourn.core.errors import BadConfig
from adjourn.detectors.making import KINDS, beside
from adjourn.wiring import make_detector, make_detectors

GUARD = '[[detector]]\nname = "guard"\nkind = "llama_guard"\n'


def write(tmp_path: Path, text: str) -> str:
    path = tmp_path / "adjourn.toml"
    path.write_text(text)
    return str(path)


def test_keys_come_from_files_or_variables(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from-file\n")
    text = (
        f'{GUARD}api_key_file = "{tmp_path}/key"\n'
        '[[detector]]\nname = "judge"\nkind = "judge"\napi_key_env = "JUDGE_KEY"\n'
        'when = "before"\n[detector.options]\nstructured = false\n'
    )
    one, two = load_config(write(tmp_path, text), environ={"JUDGE_KEY": "from-env"}).detector
    assert (one.api_key, one.when, one.options) == ("from-file", "beside", {})
    assert (two.api_key, two.when, two.options) == ("from-env", "before", {"structured": False})


@pytest.mark.parametrize(
    ("text", "line", "key", "mend"),
    [
        (f"{GUARD}knid = 1\n", 4, "detector.knid", "did you mean kind?"),
        (f"{GUARD}{GUARD}", 5, "detector.name", "another name"),
        (f'{GUARD}[[detector]]\nname = "local"\nkind = "x"\n', 5, "detector.name", "another name"),
        (f'{GUARD}base_url = "x"\n', 4, "detector.base_url", "http://"),
        (f"{GUARD}deadline_s = 0\n", 4, "detector.deadline_s", "seconds"),
        (f"{GUARD}most_at_once = 0\n", 4, "detector.most_at_once", "number"),
        (f'{GUARD}when = "after"\n', 4, "detector.when", "docs/configuration.md"),
        (f'{GUARD}api_key_file = "/no/such"\n', 4, "detector.api_key_file", "holds the key"),
        (f'{GUARD}api_key_env = "NO_SUCH"\n', 4, "detector.api_key_env", "set it"),
        ("[[detector]]\nname = 'a'\n", 1, "detector", "docs/configuration.md"),
        (
            f'[detection]\ndetectors = ["local", "gard"]\n{GUARD}',
            2,
            "detection.detectors",
            "did you mean guard?",
        ),
        (
            f'{GUARD}[[detector]]\nname = "b"\nkind = "judge"\nmost_at_once = "x"\n',
            7,
            "detector.most_at_once",
            "docs/configuration.md",
        ),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, text: str, line: int, key: str, mend: str) -> None:
    file = write(tmp_path, text)
    with pytest.raises(BadConfig) as told:
        load_config(file, environ={})
    assert str(told.value).startswith(f"{file}:{line}: {key}:")
    assert mend in str(told.value)
    assert "\n" not in str(told.value)


def configured(*detectors: DetectorConfig, listed: tuple[str, ...] = ("local",)) -> Config:
    return Config(detection=DetectionConfig(detectors=listed), detector=detectors)


def remote(kind: str, **more: object) -> DetectorConfig:
    given = {"base_url": "http://127.0.0.1:9/v1", "model": "m", **more}
    return DetectorConfig(name="one", kind=kind, **given)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", sorted(KINDS))
async def test_every_kind_is_made(kind: str) -> None:
    detector = make_detector("one", configured(remote(kind)))
    assert detector.name == "one"
    await detector.aclose()


@pytest.mark.parametrize(
    ("one", "mend"),
    [
        (remote("judge", model=""), "detector.model of 'one': is not set"),
        (remote("judge", base_url=""), "detector.base_url of 'one': is not set"),
        (remote("judge", options={"x": 1}), "it takes structured"),
        (remote("llama_guard", options={"x": 1}), "it takes none"),
        (remote("granite_guardian", options={"version": "2"}), "cannot be '2'"),
        (remote("lama_guard"), "there is no kind 'lama_guard'"),
    ],
)
def test_what_cannot_be_made_is_told(one: DetectorConfig, mend: str) -> None:
    with pytest.raises(BadConfig, match=mend):
        make_detector("one", configured(one))
    with pytest.raises(BadConfig, match="no detector 'two'"):
        make_detector("two", configured(one))


def test_who_judges_beside_the_reply() -> None:
    guard = remote("llama_guard")
    assert beside(configured(guard, listed=("local", "one"))) == {"one"}
    early = remote("llama_guard", when="before")
    assert beside(configured(early, listed=("local", "one"))) == frozenset()
    judge = remote("judge")
    assert beside(configured(judge, listed=("one",))) == frozenset(), "a crisis is known before"


async def test_somebody_must_be_able_to_tell_a_crisis() -> None:
    with pytest.raises(BadConfig, match="none of them can tell a crisis"):
        make_detectors(configured(remote("shield_gemma"), listed=("one",)))
    old = remote("granite_guardian", options={"version": "3.3"})
    with pytest.raises(BadConfig, match="none of them can tell a crisis"):
        make_detectors(configured(old, listed=("one",)))
    for kind in ("judge", "gpt_oss_safeguard", "granite_guardian"):
        (detector,) = make_detectors(configured(remote(kind), listed=("one",)))
        await detector.aclose()
