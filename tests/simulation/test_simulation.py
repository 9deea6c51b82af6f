"""Real gateways in a world in which everything fails: the laws hold at every step.

A failure prints the seed, the newest steps, and the command that shows it again.
"""

import os
import subprocess
import sys

import pytest

from .__main__ import STEPS, simulate
from .laws import Broken
from .mutants import MUTANTS

BROKEN_BY = {
    "acknowledged_before_it_is_committed": "recorded_before_seen",
    "locked_on_one_gateway_only": "ended_is_locked",
    "a_retry_records_twice": "no double record",
    "ended_though_it_is_not_recorded": "recorded_before_seen",
    "known_locks_are_forgotten_in_an_outage": "ended_is_locked",
    "a_reversal_reaches_one_gateway_only": "reversal_reopens",
    "what_nobody_judged_is_harmless": "unknown_is_never_a_permit or crisis_trumps_end",
    "a_lost_answer_is_recorded_again": "no double record",
    "paused_though_it_is_not_recorded": "recorded_before_seen",
}
"""Which law shows each mutant."""


def found(mutant: str, seeds: range, steps: int) -> str:
    """Return the first law that a mutant breaks; ``nothing`` if none is found broken."""
    with MUTANTS[mutant]():
        for seed in seeds:
            try:
                simulate(seed, steps)
            except AssertionError as error:
                told = error
                break
        else:
            return "nothing"
    assert isinstance(told.__cause__, Broken), told
    assert f"--seed {seed}" in str(told), "it says how to see it again"
    return str(told.__cause__).partition(":")[0]


def test_the_laws_hold_whatever_fails() -> None:
    world = simulate(seed=11, steps=3_000)
    assert world.laws.steps >= 3_000


def test_the_same_seed_is_the_same_world() -> None:
    first, again, other = (simulate(seed, steps=400).laws.digest for seed in (3, 3, 4))
    assert first == again != other


def test_a_mutant_is_found() -> None:
    mutant = "acknowledged_before_it_is_committed"
    assert found(mutant, range(3), 500) in BROKEN_BY[mutant]


@pytest.mark.slow
@pytest.mark.parametrize("mutant", MUTANTS)
def test_every_mutant_is_found(mutant: str) -> None:
    assert found(mutant, range(40), STEPS) in BROKEN_BY[mutant]


@pytest.mark.slow
def test_sixty_thousand_steps() -> None:
    steps, seed = 0, 1_000
    seen: set[str] = set()
    while steps < 60_000:
        laws = simulate(seed).laws
        steps, seed = steps + laws.steps, seed + 1
        seen.update(laws.seen)
    worth_while = {
        "ends by model", "ends by policy", "ends by user", "ends reversed", "warnings",
        "messages refused", "locks told from memory", "processes killed", "told 503",
        "pause.began", "pause.holds",
    }  # fmt: skip
    assert worth_while <= seen, "a world in which nothing happens proves nothing"


@pytest.mark.slow
def test_a_world_is_the_same_in_another_process() -> None:
    told = {
        subprocess.run(
            [sys.executable, "-m", "tests.simulation", "--seed", "5", "--world", "1000"],
            env={**os.environ, "PYTHONHASHSEED": seed}, check=True, capture_output=True, text=True,
        ).stdout.rpartition(", ")[0]  # all but how long it took
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(told) == 1
