"""Running tasks, so that a run that was broken off goes on where it was.

A run belongs to a directory. Inspect keeps finished samples in its log there and runs only the
others again (``eval_set``); answers of samples that were under way come from Inspect's cache, under
a key that is kept in the directory. So nothing that was answered is asked twice.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from inspect_ai import Task, eval_set
from inspect_ai.model import GenerateConfig, Model, get_model

from adjourn.core.errors import BadInput

KEY_FILE: Final = "resume-key"
SERVICE: Final = "adjourn"
"""Inspect's name for an OpenAI-compatible endpoint that was given by its address."""


@dataclass(frozen=True, slots=True)
class Target:
    """The model under evaluation."""

    name: str
    """As Inspect names it (``provider/model``); with ``base_url``: as the endpoint names it."""
    base_url: str = ""
    """Address of an OpenAI-compatible endpoint."""
    api_key: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Generation options of Inspect, such as ``max_tokens``."""


def open_model(target: Target) -> Model:
    """Return the model of a target.

    Raises:
        BadInput: Inspect has no such model, or lacks a package or a key for it.
    """
    config = GenerateConfig(**target.options)
    try:
        if not target.base_url:
            return get_model(target.name, config=config)
        return get_model(
            f"openai-api/{SERVICE}/{target.name}",
            config=config,
            base_url=target.base_url,
            api_key=target.api_key or "none",
        )
    except Exception as error:  # noqa: BLE001 - each provider has its own
        hint = "see 'Model Providers' in Inspect's documentation, or give --base-url"
        raise BadInput(f"model {target.name}: {error}", hint=hint) from None


def resume_key(folder: Path) -> str:
    """Return the key of a run's directory, making directory and key if there are none."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / KEY_FILE
    if not file.exists():
        file.write_text(secrets.token_hex(8), "utf-8")
    return file.read_text("utf-8").strip()


def run_tasks(
    tasks: Sequence[Task],
    target: Target,
    folder: Path,
    *,
    display: str = "plain",
    roles: Mapping[str, str | Model] | None = None,
    limit: int | None = None,
    epochs: int | None = None,
) -> bool:
    """Run tasks, or what is left of them; return whether all samples are done.

    Args:
        tasks: What to run, one after the other.
        target: The model under evaluation.
        folder: Where logs are kept, Inspect's own; ``inspect view`` opens them.
        display: Inspect's display: ``rich``, ``plain`` or ``none``.
        roles: Other models by role (``auditor``, ``judge``).
        limit: Only that many samples of each task.
        epochs: How often each sample is run.
    """
    options: dict[str, Any] = {"model_roles": dict(roles)} if roles else {}
    done, _ = eval_set(
        list(tasks),
        log_dir=str(folder),
        model=open_model(target),
        display=display,  # type: ignore[arg-type]  # a literal of Inspect's
        limit=limit,
        epochs=epochs,
        max_tasks=1,
        retry_attempts=0,
        retry_immediate=False,
        ctl_server=False,
        log_dir_allow_dirty=True,
        fail_on_error=False,
        log_level="warning",
        log_model_api=False,
        **options,
    )
    return done
