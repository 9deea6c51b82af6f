"""The parsers withstand what a fuzzer makes of good input; ``make fuzz`` looks for longer."""

import random
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from fuzz.targets import TARGETS

ROOT = Path(__file__).parent.parent.parent


def meddled(seed: bytes, other: bytes, chance: random.Random) -> bytes:
    """Return a seed with something cut, doubled, flipped or put in."""
    data = bytearray(seed)
    for _ in range(chance.randint(1, 4)):
        a, b = sorted(chance.randrange(len(data) + 1) for _ in range(2))
        what = chance.randrange(5)
        if what == 0:
            del data[a : min(b, a + 30)]
        elif what == 1:
            data[a:a] = data[a:b]
        elif what == 2 and a < len(data):
            data[a] = chance.randrange(256)
        elif what == 3:
            place = chance.randrange(len(other) + 1)
            data[a:b] = other[place : place + 40]
        else:
            data[a:a] = chance.choice([b"[" * 50, b'"', b"\\", b"null", b"\n\n", b"\xed\xa0\x80"])
    return bytes(data)


@pytest.mark.parametrize("name", TARGETS)
def test_a_parser_refuses_or_answers(name: str) -> None:
    target, chance = TARGETS[name], random.Random(1)
    for seed in (*target.corpus, b""):
        target.run(seed)
    for _ in range(100):
        seed, other = chance.choice(target.corpus), chance.choice(target.corpus)
        target.run(meddled(seed, other, chance))


@pytest.mark.slow
@pytest.mark.skipif(find_spec("atheris") is None, reason="atheris is for Linux")
@pytest.mark.parametrize("name", TARGETS)
def test_a_fuzzer_that_sees_branches_finds_nothing(name: str, tmp_path: Path) -> None:
    options = ["-runs=4000", "-seed=1", f"-artifact_prefix={tmp_path}/"]
    done = subprocess.run(
        [sys.executable, "-m", "fuzz", name, *options],
        check=False, capture_output=True, text=True, cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
