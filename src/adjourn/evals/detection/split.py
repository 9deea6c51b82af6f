"""Which examples no training may see: a fixed tenth, and of five sources everything.

Training, calibration and the model card share these functions, so that none can disagree.
"""

import random  # noqa: TID251 - with fixed seeds, so that every run judges the same
from typing import Final

from adjourn.evals.detection.examples import Example

SEED: Final = 20260811
KEPT_OUT_SHARE: Final = 0.1
HELD_OUT: Final = (
    "Phylliida/BailStudy",
    "allenai/noncompliance",
    "lmarena/arena-hard-auto",
    "amandacurry/convabuse",
    "nbertagnolli/counsel-chat",
)
"""Sources that the hold-out run never sees: harm, look-alikes, traffic, abuse, distress."""


def kept_out(example: Example) -> bool:
    """Tell whether an example is kept out of training; a group is never torn apart."""
    key = example.group or example.newest
    drawn = random.Random(f"{SEED}{example.source}{key}").random()  # noqa: S311
    return drawn < KEPT_OUT_SHARE
