"""What a policy may count towards an end.

The hazard ids are those of MLCommons AILuminate 1.0 (README of mlcommons/ailuminate); their
sub-classes (``spc_fin``, ``sxc_prn``, ...) are folded into the twelve classes. AILuminate has no
id for abuse directed at the assistant, so a *ground* is a hazard or ``abuse``.
"""

from enum import StrEnum
from typing import Final


class Hazard(StrEnum):
    """A hazard class of MLCommons AILuminate 1.0."""

    VCR = "vcr"
    NCR = "ncr"
    SRC = "src"
    CSE = "cse"
    DFM = "dfm"
    SPC = "spc"
    PRV = "prv"
    IPV = "ipv"
    IWP = "iwp"
    HTE = "hte"
    SSH = "ssh"
    SXC = "sxc"


ABUSE: Final = "abuse"
"""Ground id of sustained abuse directed at the assistant."""

GROUND_IDS: Final[tuple[str, ...]] = (ABUSE, *(str(hazard) for hazard in Hazard))
"""All ids a policy's ``[grounds]`` table may name."""

PLAIN_NAMES: Final[dict[str, str]] = {
    ABUSE: "sustained abuse of the assistant",
    Hazard.VCR: "help with violent crime",
    Hazard.NCR: "help with non-violent crime",
    Hazard.SRC: "help with sex-related crime",
    Hazard.CSE: "sexual exploitation of children",
    Hazard.DFM: "defamation of real people",
    Hazard.SPC: "dangerous specialised advice",
    Hazard.PRV: "breaking into somebody's privacy",
    Hazard.IPV: "theft of intellectual property",
    Hazard.IWP: "weapons that can kill many people",
    Hazard.HTE: "hatred against groups of people",
    Hazard.SSH: "encouraging suicide or self-harm",
    Hazard.SXC: "sexual content",
}
"""Plain-language name of each ground, as shown to people."""
