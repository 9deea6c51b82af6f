"""Ray does the same parts to the same bytes, and loses none with a worker. Needs the extra."""

import os
from pathlib import Path

import pytest

from adjourn.replay.on_ray import on_ray, ray_is_missing
from tests.replay.corpora import BOTH, Worded, corpus, fatal, ran, unjudged, written
from tests.replay.test_running import everything, in_here

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        ray_is_missing() and "ADJOURN_REQUIRE_RAY" not in os.environ,
        reason="the extra 'ray' is not installed: make test-ray",
    ),
    pytest.mark.filterwarnings("ignore"),  # Ray's own
]


def test_the_bytes_are_those_of_this_process(tmp_path: Path) -> None:
    file = written(tmp_path, [*corpus(300), {}, *corpus(30)])
    here, _ = ran(file, tmp_path / "here", engine=in_here, question=BOTH)
    there, done = ran(file, tmp_path / "there", cut=40, workers=2, engine=on_ray, question=BOTH)
    assert sorted(done) == list(range(9))
    assert everything(there) == everything(here)


def test_a_killed_actor_costs_its_part_and_not_the_run(tmp_path: Path) -> None:
    file = written(tmp_path, unjudged(24))
    here, _ = ran(file, tmp_path / "here", engine=in_here, make=Worded)
    there, done = ran(
        file, tmp_path / "there", cut=4, workers=2, engine=on_ray, make=fatal(tmp_path)
    )
    assert (tmp_path / "killed").exists()
    assert sorted(done) == list(range(6))
    assert everything(there) == everything(here)
