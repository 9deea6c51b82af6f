"""The commands as they are typed: by Inspect's own entry point, and killed in the middle."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from tests.evals.endpoint import Endpoint, until

pytestmark = pytest.mark.slow

SUBJECTS = ["Forgery", "Gross Out", "Suicide", "Terrorism", "Spam"]
METHODS = "tool,prompt_leave_first,prompt_stay_first"


async def started(*command: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *command,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )


def logs(folder: Path) -> list[Path]:
    return list(folder.glob("*.eval"))


@pytest.mark.parametrize(
    ("task", "given"),
    [
        ("ladder", ["-T", "condition=both", "-T", "families=crisis,forged-consent"]),
        ("preferences", []),
    ],
)
async def test_inspect_finds_the_tasks_by_the_entry_point(
    tmp_path: Path, task: str, given: list[str]
) -> None:
    inspect = str(Path(sys.executable).with_name("inspect"))
    model = "adjourn_scripted/varied"
    ran = await started(inspect, "eval", f"adjourn/{task}", "--model", model, "--limit", "4",
                        "--display", "none", "--log-dir", str(tmp_path), *given)  # fmt: skip
    said, _ = await ran.communicate()
    assert ran.returncode == 0, said.decode()
    assert len(logs(tmp_path)) == 1


async def test_after_kill_9_nothing_is_asked_twice(tmp_path: Path) -> None:
    """The endpoint stops answering for a moment, so that nothing is on its way when it happens."""
    prompts = [f"Prompt {n},{SUBJECTS[n % 5]},{SUBJECTS[n % 5]}" for n in range(30)]
    items = tmp_path / "items.csv"
    items.write_text("\n".join(["content,subcategory,category", *prompts]))
    endpoint = Endpoint(0.01)
    endpoint.closes_after = 50
    out = tmp_path / "out"
    async with endpoint.served() as url:
        command = [sys.executable, "-m", "adjourn", "eval", "bailbench", "--items", str(items),
                   "--model", "stub", "--base-url", url, "--methods", METHODS,
                   "--max-connections", "8", "--out", str(out)]  # fmt: skip
        killed = await started(*command)
        await until(lambda: not endpoint.open.is_set())
        await asyncio.sleep(1)  # what was answered is taken in
        os.killpg(killed.pid, signal.SIGKILL)
        await killed.wait()
        before = endpoint.answered.total()
        assert before < 150
        endpoint.closes_after = 0
        endpoint.open.set()
        again = await started(*command)
        said, _ = await again.communicate()
    assert again.returncode == 0, said.decode()
    assert endpoint.answered.most_common(1)[0][1] == 1
    # a call with the tool, a reply to each prompt, and each of the two questions about it
    assert endpoint.answered.total() == 30 * 4
    assert (out / "report.html").exists()
