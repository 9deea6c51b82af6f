"""Runs worlds: ``python -m tests.simulation --seed 7`` replays one, ``--steps`` runs many."""

import argparse
import sys
import time
from collections import Counter

import click

from .world import World

STEPS = 5_000
"""Steps of one world."""


def simulate(seed: int, steps: int = STEPS) -> World:
    """Run one world; if a law does not hold, tell how to see it again.

    Raises:
        AssertionError: A law does not hold; the newest steps are in the message.
    """
    world = World(seed, steps)
    try:
        world.run()
    except BaseException as error:
        told = "\n".join(world.laws.newest)
        error = world.failed or error
        again = f"python -m tests.simulation --seed {seed} --world {steps}"
        raise AssertionError(
            f"{told}\n{type(error).__name__}: {error}\nseed {seed}, step {world.laws.steps};"
            f" to see it again: {again}"
        ) from error
    return world


def main() -> int:
    """Run worlds until they have taken enough steps together."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, default=0, help="seed of the first world")
    parser.add_argument("--world", type=int, default=STEPS, help="steps of each world")
    parser.add_argument("--steps", type=int, default=1, help="steps of all worlds together")
    options = parser.parse_args()
    seen: Counter[str] = Counter()
    steps, seed, began = 0, options.seed, time.monotonic()
    while steps < options.steps:
        try:
            world = simulate(seed, options.world)
        except AssertionError as error:
            click.echo(str(error), err=True)
            return 1
        steps += world.laws.steps
        seen.update(world.laws.seen)
        seed += 1
    for what, count in sorted(seen.items()):
        click.echo(f"{count:>9}  {what}")
    took_s = time.monotonic() - began
    worlds = f"{seed - options.seed} worlds, seeds {options.seed} to {seed - 1}"
    click.echo(f"{steps} steps in {worlds}, {took_s:.0f} s; every law held")
    return 0


if __name__ == "__main__":
    sys.exit(main())
