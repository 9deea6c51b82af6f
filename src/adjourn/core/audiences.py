"""Who the operator says is on the other side."""

from enum import StrEnum


class Audience(StrEnum):
    """Known adult, known minor, or not known; the policy says how ``UNKNOWN`` is treated."""

    ADULT = "adult"
    MINOR = "minor"
    UNKNOWN = "unknown"
