"""Fuzzes one target with atheris (libFuzzer): ``python -m fuzz sse -runs=100000 -seed=1``.

Everything after the target's name goes to libFuzzer. A crash is written to a file and ends the run.
"""

import sys
import tempfile
from pathlib import Path

import atheris  # type: ignore[import-untyped]  # it has no types

with atheris.instrument_imports(include=["adjourn"]):
    from .targets import TARGETS


def main() -> None:
    """Fuzz the target that is named first, or list them all."""
    if sys.argv[1:] == ["--list"]:
        print(*sorted(TARGETS))
        return
    if len(sys.argv) < 2 or sys.argv[1] not in TARGETS:
        print(f"which target? {' '.join(sorted(TARGETS))}", file=sys.stderr)
        sys.exit(2)
    target = TARGETS[sys.argv[1]]
    with tempfile.TemporaryDirectory() as name:
        for number, seed in enumerate(target.corpus):
            (Path(name) / f"seed-{number}").write_bytes(seed)
        dictionary = Path(__file__).with_name("words.dict")
        options = [f"-dict={dictionary}", "-timeout=20", *sys.argv[2:], name]
        atheris.Setup([sys.argv[0], *options], target.run)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
