"""The network of the local detector: files of this package, and what their numbers mean.

Knows nothing of threads, queues or memory of earlier answers: a conversation goes in,
probabilities come out, the same ones each time.
"""

import importlib.resources
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import onnxruntime  # type: ignore[import-untyped]
from numpy.typing import NDArray
from tokenizers import Tokenizer

from adjourn.core.hazards import Hazard
from adjourn.core.messages import Message, Role
from adjourn.detectors import local_crisis
from adjourn.detectors.local_answers import SURE, plain_answer
from adjourn.detectors.local_crisis import says_suicide
from adjourn.detectors.local_heads import HAZARDS, HEADS, OF_ASSISTANT, OF_USER, SCALARS
from adjourn.detectors.local_input import Window, readings, relevant, windows

_WEIGHTS: Final = "weights"
_SPECIAL: Final = frozenset({0, 101, 102, 103})
"""Ids of padding, [CLS], [SEP] and [MASK], which a text might spell out."""
_ANSWERS: Final = frozenset({"confirms", "declines", "insists"})
"""What can only be said of a message that follows one by the assistant."""
_OF_BEGINNING: Final = frozenset({"refuses"})
"""Judged by the first window: a reply that goes on at length after a refusal is one still, and
one that only quotes a refusal on its third page is none."""
_OF_ALL: Final = frozenset({"confirms"})
"""The least of all windows counts: a yes must not hang on one part of a message."""


def _answer_plainly(yes: bool | None, scalars: dict[str, float]) -> None:
    """Let a plain yes or no override the network, both ways."""
    if yes is not None:
        said, unsaid = ("confirms", "declines") if yes else ("declines", "confirms")
        scalars[said] = max(scalars[said], SURE)
        scalars[unsaid] = min(scalars[unsaid], 1.0 - SURE)


@dataclass(frozen=True, slots=True)
class Judged:
    """Probabilities of one message, by hazard and by field of ``Assessment``."""

    hazards: Mapping[Hazard, float]
    scalars: Mapping[str, float]


class Ids:
    """Turns text into token ids; ids that steer the network cannot come from text."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer

    def __call__(self, text: str) -> list[int]:
        """Return the ids of a text, without special tokens."""
        ids = self._tokenizer.encode(text, add_special_tokens=False).ids
        return [i for i in ids if i not in _SPECIAL]


class Network:
    """A trained network with its tokenizer and calibration.

    Args:
        onnx: The network: ``ids`` and ``kinds``, int64 (1, T), to ``logits``, float32 (1, H).
        tokenizer: The tokenizer's JSON.
        calibration: Head to (scale, offset): probability = sigmoid(scale * logit + offset).
    """

    def __init__(
        self, onnx: bytes, tokenizer: str, calibration: Mapping[str, Sequence[float]]
    ) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # windows are spread over threads instead
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session: Any = onnxruntime.InferenceSession(
            onnx, options, providers=["CPUExecutionProvider"]
        )
        self._ids = Ids(Tokenizer.from_str(tokenizer))
        pairs = np.array([calibration.get(head, (1.0, 0.0)) for head in HEADS], np.float64)
        self._scale, self._offset = pairs[:, 0], pairs[:, 1]

    @classmethod
    def shipped(cls) -> "Network":
        """Return the network of this package."""
        folder = importlib.resources.files("adjourn.detectors") / _WEIGHTS
        return cls(
            (folder / "local.onnx").read_bytes(),
            (folder / "tokenizer.json").read_text(encoding="utf-8"),
            json.loads((folder / "calibration.json").read_text(encoding="utf-8")),
        )

    def judge(self, conversation: Sequence[Message]) -> Judged:
        """Return the probabilities of the newest message; all 0 if there is nothing to read."""
        return self.judged(conversation, self.logits(conversation))

    def judged(self, conversation: Sequence[Message], logits: NDArray[np.float64]) -> Judged:
        """Return the probabilities that the logits of all its windows, (windows, H), stand for."""
        if not len(logits):
            return Judged(dict.fromkeys(HAZARDS, 0.0), {})
        p = 1.0 / (1.0 + np.exp(-np.clip(logits * self._scale + self._offset, -30.0, 30.0)))
        by_user = conversation[-1].role is Role.USER
        answers = (
            len(relevant(conversation)) > 1 and relevant(conversation)[-2].role is not Role.USER
        )
        scalars: dict[str, float] = {}
        for i, name in enumerate(SCALARS, len(HAZARDS)):
            if name not in (OF_USER if by_user else OF_ASSISTANT):
                continue
            if name in _ANSWERS and not answers:
                continue
            column = p[:1, i] if name in _OF_BEGINNING else p[:, i]
            scalars[name] = float(column.min() if name in _OF_ALL else column.max())
        if by_user and answers:
            _answer_plainly(plain_answer(conversation[-1].text), scalars)
        if by_user and any(map(says_suicide, readings(conversation[-1].text))):
            scalars["crisis_self"] = max(scalars.get("crisis_self", 0.0), local_crisis.SURE)
        joint = p[:, : len(HAZARDS)] * p[:, [HEADS.index("harm")]]
        return Judged(dict(zip(HAZARDS, map(float, joint.max(0)), strict=True)), scalars)

    def logits(self, conversation: Sequence[Message]) -> NDArray[np.float64]:
        """Return the network's raw answers, (windows, H)."""
        return stacked([self.logits_of(window) for window in self.windows(conversation)])

    def windows(self, conversation: Sequence[Message]) -> list[Window]:
        """Return the windows in which the newest message is read."""
        return windows(conversation, self._ids)

    def logits_of(self, window: Window) -> NDArray[np.float64]:
        """Return the network's raw answer to one window, (1, H)."""
        feed = {
            "ids": np.array([window.ids], np.int64),
            "kinds": np.array([window.kinds], np.int64),
        }
        logits: NDArray[np.float32] = self._session.run(["logits"], feed)[0]
        if not np.isfinite(logits).all():
            raise ArithmeticError("the network gave a number that is none")
        return logits.astype(np.float64)


def stacked(logits: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return the answers to a message's windows as one array, (windows, H)."""
    return np.concatenate(logits) if logits else np.zeros((0, len(HEADS)))
