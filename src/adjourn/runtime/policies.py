"""Policy documents: the presets that ship with the package, and files."""

import difflib
from functools import cache
from importlib import resources
from pathlib import Path

from adjourn.core.errors import BadPolicy
from adjourn.core.policy import Policy
from adjourn.core.policy_file import parse_policy


@cache
def preset_names() -> tuple[str, ...]:
    """Return the presets' names, in alphabetical order."""
    files = resources.files("adjourn").joinpath("policies").iterdir()
    return tuple(sorted(f.name.removesuffix(".toml") for f in files if f.name.endswith(".toml")))


def load_policy(name_or_path: str) -> tuple[Policy, str]:
    """Return a policy and its document.

    Args:
        name_or_path: A preset's name, or the path of a document.

    Raises:
        BadPolicy: There is neither such a preset nor such a file, or it cannot be used.
    """
    if name_or_path in preset_names():
        file = f"{name_or_path}.toml"
        text = resources.files("adjourn").joinpath("policies", file).read_text("utf-8")
        return parse_policy(text, file=file), text
    path = Path(name_or_path)
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        near = difflib.get_close_matches(name_or_path, preset_names(), 1)
        hint = f"did you mean {near[0]}?" if near else f"presets: {', '.join(preset_names())}"
        message = "there is no preset and no file of this name"
        raise BadPolicy(message, file=name_or_path, hint=hint) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8, or that is no path"
        raise BadPolicy(f"cannot be read: {reason}", file=name_or_path) from None
    return parse_policy(text, file=name_or_path), text
