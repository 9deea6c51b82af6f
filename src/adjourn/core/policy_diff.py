"""What changed between two policies, and whether it makes ends easier or harder to reach."""

from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Final

from adjourn.core.policy import Policy

_HARDER_WHEN_HIGHER: Final = ("grounds.", "ladder.", "signals.insists", "signals.wants_end")
_HARDER_WHEN_LOWER: Final = ("ladder.recover_after", "ladder.warning_lapses_after", "crisis.")


@dataclass(frozen=True, slots=True)
class Difference:
    """One key that differs."""

    key: str
    old: str
    new: str
    effect: str = ""
    """``ends are easier to reach``, ``ends are harder to reach``, or nothing of the kind."""


def differences(old: Policy, new: Policy) -> tuple[Difference, ...]:
    """Return what differs between two policies, by dotted key; sources do not count."""
    before, after = _flat(old), _flat(new)
    keys = [*before, *(key for key in after if key not in before)]
    return tuple(
        Difference(
            key, _shown(before.get(key)), _shown(after.get(key)), _effect(key, before, after)
        )
        for key in keys
        if before.get(key) != after.get(key)
    )


def _flat(policy: Policy) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for f in fields(policy):
        value = getattr(policy, f.name)
        if f.name == "grounds":
            for ground, threshold in value.items():
                found[f"grounds.{ground}.adult"] = threshold.adult
                found[f"grounds.{ground}.minor"] = threshold.minor
        elif is_dataclass(value):
            found.update({f"{f.name}.{g.name}": getattr(value, g.name) for g in fields(value)})
        elif f.name != "sources":
            found[f.name] = value
    return found


def _shown(value: Any) -> str:
    return "not set" if value is None else str(value)


def _effect(key: str, before: dict[str, Any], after: dict[str, Any]) -> str:
    old, new = before.get(key), after.get(key)
    if key.startswith("grounds.") and (old is None or new is None):
        return _direction(harder=new is None)
    if key.startswith("keys."):
        return _direction(harder=not new)
    if not isinstance(old, int | float) or not isinstance(new, int | float):
        return ""
    if key.startswith(_HARDER_WHEN_LOWER):
        return _direction(harder=new < old)
    if key.startswith(_HARDER_WHEN_HIGHER):
        return _direction(harder=new > old)
    return ""


def _direction(*, harder: bool) -> str:
    return f"ends are {'harder' if harder else 'easier'} to reach"
