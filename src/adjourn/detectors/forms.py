"""How a model on another machine is asked for a judgement: questions out, an assessment back.

A ``Form`` is pure: it turns a conversation into HTTP bodies and the answers into an assessment.
``remote`` sends them. What cannot be read raises ``Malformed``, which becomes ``Unknown``.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

import msgspec

from adjourn.core.assessments import Assessed
from adjourn.detectors.turns import Turn

CHAT: Final = "chat/completions"
COMPLETIONS: Final = "completions"
MODERATIONS: Final = "moderations"

_T = TypeVar("_T")

TOP_LOGPROBS: Final = 20
"""The most that the OpenAI API gives for a token of a chat completion."""
TOP_COMPLETION_LOGPROBS: Final = 5
"""The most that the OpenAI API gives for a token of a completion."""


class Malformed(Exception):
    """An answer that cannot be used; the message says why in a few words, without quoting it."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One HTTP POST."""

    path: str
    """Below the base URL, without a slash in front."""
    body: Mapping[str, Any]


class Form(Protocol):
    """How one family of models is asked and understood."""

    def ask(self, turns: Sequence[Turn]) -> Sequence[Ask]:
        """Return what is to be asked about the newest turn, which is never blank."""
        ...

    def hear(self, name: str, turns: Sequence[Turn], answers: Sequence[bytes]) -> Assessed:
        """Return what the answers, one for each question and in order, say.

        Raises:
            Malformed: An answer does not keep to the form.
        """
        ...


@dataclass(frozen=True, slots=True)
class Step:
    """One generated token and the likeliest ones in its place, with log probabilities."""

    token: str
    top: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model wrote."""

    text: str
    steps: tuple[Step, ...] = ()
    """Empty if the server gives no log probabilities."""


class _Top(msgspec.Struct):
    token: str
    logprob: float


class _Token(msgspec.Struct):
    token: str
    logprob: float = 0.0
    top_logprobs: list[_Top] = []


class _ChatLogprobs(msgspec.Struct):
    content: list[_Token] | None = None


class _Said(msgspec.Struct):
    content: str | None = None


class _ChatChoice(msgspec.Struct):
    message: _Said
    logprobs: _ChatLogprobs | None = None


class _Chat(msgspec.Struct):
    choices: list[_ChatChoice]


class _CompletionLogprobs(msgspec.Struct):
    """OpenAI's and vLLM's shape, or, in ``content``, that of chat: llama.cpp's server has it."""

    content: list[_Token] | None = None
    tokens: list[str] = []
    top_logprobs: list[dict[str, float] | None] | None = None


class _CompletionChoice(msgspec.Struct):
    text: str
    logprobs: _CompletionLogprobs | None = None


class _Completion(msgspec.Struct):
    choices: list[_CompletionChoice]


def read_chat(body: bytes) -> Answer:
    """Read a chat completion; ``Malformed`` if it is none or says nothing."""
    choice = _first(_decode(body, _Chat).choices)
    if not choice.message.content:
        raise Malformed("the answer is empty")
    tokens = (choice.logprobs and choice.logprobs.content) or []
    return Answer(choice.message.content, _steps(tokens))


def read_completion(body: bytes) -> Answer:
    """Read a completion; ``Malformed`` if it is none or says nothing."""
    choice = _first(_decode(body, _Completion).choices)
    if not choice.text:
        raise Malformed("the answer is empty")
    given = choice.logprobs or _CompletionLogprobs()
    if given.content:
        return Answer(choice.text, _steps(given.content))
    top = given.top_logprobs or []
    steps = tuple(Step(token, of or {}) for token, of in zip(given.tokens, top, strict=False))
    return Answer(choice.text, steps)


def _steps(tokens: Sequence[_Token]) -> tuple[Step, ...]:
    return tuple(
        Step(one.token, {top.token: top.logprob for top in one.top_logprobs}) for one in tokens
    )


def shares(answer: Answer, words: Collection[str], at: int = 0) -> Mapping[str, float] | None:
    """Return how the probability of a verdict is spread over the words that it might be.

    What counts is the token at which the verdict begins. A token that begins exactly one of the
    words stands for it: "un" for "unsafe".

    Args:
        answer: What the model wrote.
        words: Lower-case words.
        at: Where in the text, blanks around it removed, the verdict begins.

    Returns:
        Word to share, which add up to 1; None if the server gave no log probabilities for it.
    """
    step = _step_at(answer, at)
    if step is None:
        return None
    weight = dict.fromkeys(words, 0.0)
    for token, logprob in step.top.items():
        begun = [word for word in words if _bare(token) and word.startswith(_bare(token))]
        if len(begun) == 1 and logprob <= 0.0:  # also leaves NaN out
            weight[begun[0]] += math.exp(logprob)
    total = sum(weight.values())
    return {word: w / total for word, w in weight.items()} if total > 0.0 else None


def _step_at(answer: Answer, at: int) -> Step | None:
    written = "".join(step.token for step in answer.steps)
    begin = written.find(answer.text.strip())
    if begin < 0:
        return None
    end = 0
    for step in answer.steps:
        end += len(step.token)
        if end > begin + at and _bare(step.token):
            return step
    return None


def chat_body(
    model: str, messages: Sequence[Mapping[str, str]], *, max_tokens: int, logprobs: bool = False
) -> dict[str, Any]:
    """Return the body of a chat completion that is asked for its likeliest words."""
    body: dict[str, Any] = {
        "model": model,
        "messages": list(messages),
        "temperature": 0,
        "max_tokens": max_tokens,
    }
    if logprobs:
        body |= {"logprobs": True, "top_logprobs": TOP_LOGPROBS}
    return body


def _bare(token: str) -> str:
    return token.strip().strip("\u2581").casefold()  # SentencePiece's blank


def _first(choices: Sequence[_T]) -> _T:
    if not choices:
        raise Malformed("the answer has no choices")
    return choices[0]


def _decode(body: bytes, kind: type[_T]) -> _T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Malformed("the answer is not of the OpenAI shape") from None
