"""``adjourn eval detectors``: measures what is configured, and complains in one line."""

from pathlib import Path

import pytest

from .conftest import Call

pytestmark = [
    # Inspect's own dependencies are not free of them.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for name in ("messages", "conversations", "intents", "replies"):
        (tmp_path / f"{name}.jsonl").touch()
    return tmp_path


@pytest.mark.slow
def test_the_built_in_detector_is_measured_on_messages_and_conversations(
    call: Call, data: Path, tmp_path: Path
) -> None:
    out = tmp_path / "figures"
    done = call(
        "eval", "detectors", "--data", str(data), "--limit", "40", "--conversations", "130",
        "--out", str(out), "--json",
    )  # fmt: skip
    assert done.status == 0, done.stderr
    assert done.json["detector"] == "local"
    assert done.json["examples"] == {"own/fairness": 40, "own/wide": 40}
    assert done.json["unanswered"] == 0
    held = done.json["false_ends"]
    assert (held["conversations"], held["templates"]) == (130, 125)
    assert held["messages"] > 130
    assert (out / "detectors.md").read_text().startswith("# Detector `local`")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--data", "nowhere"], "nowhere/messages.jsonl: No such file"),
        (["--data", "DATA", "--detector", "nobody"], "no detector 'nobody'"),
        (["--data", "DATA", "--policy", "nothing"], "nothing"),
        (["--data", "DATA", "--out", "DATA/replies.jsonl"], "--out"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    call: Call, data: Path, options: list[str], says: str
) -> None:
    given = [one.replace("DATA", str(data)) for one in options]
    assert says in call("eval", "detectors", *given).complaint
