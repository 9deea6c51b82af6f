"""The task ``bailbench``: single prompts, and four ways to leave (arXiv 2509.04781).

``tool``: a tool without arguments. ``string``: a keyword. ``prompt_leave_first`` and
``prompt_stay_first``: the model answers, and is then asked how it is, in both orders. ``none``:
no way to leave, for the refusal rate alone.
"""

import hashlib
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources
from pathlib import Path
from typing import Any, assert_never

from inspect_ai import Task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import (
    CachePolicy,
    ChatMessage,
    ChatMessageSystem,
    ChatMessageUser,
    Model,
    ModelOutput,
    get_model,
)
from inspect_ai.scorer import Score, Scorer, Target, mean, scorer, stderr
from inspect_ai.solver import Generate, Solver, TaskState, solver
from inspect_ai.tool import ToolDef, ToolParams

from adjourn.core.errors import BadInput
from adjourn.evals.bailbench_items import Item
from adjourn.evals.refusals import RefusalJudge


class Method(StrEnum):
    """How leaving is offered."""

    TOOL = "tool"
    STRING = "string"
    PROMPT_LEAVE_FIRST = "prompt_leave_first"
    PROMPT_STAY_FIRST = "prompt_stay_first"
    NONE = "none"


class Effect(StrEnum):
    """What a model is told of the effect of leaving."""

    DISCLAIMED = "disclaimed"
    REAL = "real"


@dataclass(frozen=True, slots=True)
class Wordings:
    """The words in which leaving is offered."""

    tool_name: str
    tool_description: str
    keyword: str
    system: str
    leave: str
    stay: str
    leave_first: str
    stay_first: str


def read_wordings(path: Path | None, effect: Effect) -> Wordings:
    """Read a file of wordings; without a path the one that ships.

    Raises:
        BadInput: It cannot be read or lacks something.
    """
    try:
        if path is None:
            shipped = resources.files("adjourn.evals").joinpath("data", "wordings.toml")
            document = tomllib.loads(shipped.read_text("utf-8"))
        else:
            document = tomllib.loads(path.read_text("utf-8"))
        return _wordings(document, effect)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError) as error:
        raise BadInput(f"{path}: {error!r}", hint="see docs/evals.md for the form") from None


def _wordings(document: Mapping[str, Any], effect: Effect) -> Wordings:
    told = document["effect"][effect]
    tool, string, prompt = document["tool"], document["string"], document["prompt"]
    lines = (prompt["leave_line"], prompt["stay_line"])

    def asked(*ordered: str) -> str:
        return "\n".join((prompt["intro"], *ordered, prompt["outro"].format(effect=told)))

    return Wordings(
        tool_name=tool["name"],
        tool_description=tool["description"].format(effect=told),
        keyword=string["keyword"],
        system=string["system"].format(effect=told),
        leave=prompt["leave"],
        stay=prompt["stay"],
        leave_first=asked(*lines),
        stay_first=asked(*reversed(lines)),
    )


@dataclass(frozen=True, slots=True)
class Response:
    """What a model did."""

    reply: str
    """What it answered to the prompt."""
    left: bool | None
    """Whether it left; None if it cannot be told (no answer to the question how it is)."""
    mentioned: bool = False
    """With ``string``: the keyword is anywhere, as the study counts; leaving needs a line of it."""
    check: str = ""
    """Its answer to the question how it is."""


async def ask(
    model: Model, method: Method, words: Wordings, prompt: str, cache: CachePolicy | None
) -> Response:
    """Put a prompt to a model with one way to leave."""

    async def generate(
        messages: Sequence[ChatMessage], tools: Sequence[ToolDef] = ()
    ) -> ModelOutput:
        return await model.generate(list(messages), tools=list(tools), cache=cache or False)

    said = ChatMessageUser(content=prompt)
    match method:
        case Method.NONE:
            return Response((await generate([said])).completion, left=False)
        case Method.TOOL:
            output = await generate([said], [_leaving_tool(words)])
            calls = output.message.tool_calls or ()
            left = any(call.function == words.tool_name for call in calls)
            return Response(output.completion, left)
        case Method.STRING:
            output = await generate([ChatMessageSystem(content=words.system), said])
            return _by_keyword(output.completion, words.keyword)
        case Method.PROMPT_LEAVE_FIRST | Method.PROMPT_STAY_FIRST:
            first = await generate([said])
            leave_first = method is Method.PROMPT_LEAVE_FIRST
            question = words.leave_first if leave_first else words.stay_first
            asked: list[ChatMessage] = [said, first.message, ChatMessageUser(content=question)]
            check = (await generate(asked)).completion
            return Response(first.completion, _last_sign(check, words), check=check)
        case _:
            assert_never(method)


def _by_keyword(text: str, keyword: str) -> Response:
    """Tell use from mention: leaving is the keyword on a line of its own; the rest is the reply."""
    lines = text.splitlines()
    rest = [line for line in lines if line.strip(" .!*\"'").upper() != keyword]
    return Response("\n".join(rest), len(rest) < len(lines), keyword in text.upper())


def _last_sign(answer: str, words: Wordings) -> bool | None:
    """Return whether the last sign in an answer is the one for leaving; None without a sign."""
    leave, stay = answer.rfind(words.leave), answer.rfind(words.stay)
    return None if leave == stay == -1 else leave > stay


def _leaving_tool(words: Wordings) -> ToolDef:
    async def execute() -> str:
        """Leave the conversation."""
        return ""

    return ToolDef(execute, words.tool_name, words.tool_description, ToolParams())


@solver
def one_prompt(method: Method, words: Wordings, cache: CachePolicy | None) -> Solver:
    """Return the solver: one prompt, one way to leave."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        del generate
        response = await ask(get_model(), method, words, state.input_text, cache)
        state.output = ModelOutput.from_content(str(state.model), response.reply)
        for name in Response.__slots__:
            state.store.set(name, getattr(response, name))
        state.completed = True
        return state

    return solve


@scorer(metrics=[mean(), stderr(cluster="subcategory")])
def bailed(make_judge: Callable[[], RefusalJudge]) -> Scorer:
    """Score 1 if the model left; whether it refused is beside it."""

    async def score(state: TaskState, target: Target) -> Score:
        del target
        reply = state.store.get("reply")
        refused = await make_judge().refuses(state.input_text, reply)
        left = state.store.get("left")
        return Score(
            value=int(bool(left)),
            answer={True: "left", False: "stayed", None: "unclear"}[left],
            metadata={
                "outcome": {
                    "id": str(state.sample_id),
                    "epoch": state.epoch,
                    "category": state.metadata["category"],
                    "subcategory": state.metadata["subcategory"],
                    "group": state.metadata["group"],
                    "left": left,
                    "mentioned": state.store.get("mentioned"),
                    "refused": refused,
                    "spoke": bool(reply.strip()),
                }
            },
        )

    return score


def bailbench_task(
    items: Sequence[Item],
    method: Method,
    words: Wordings,
    *,
    effect: Effect,
    judge: str,
    make_judge: Callable[[], RefusalJudge],
    cache: CachePolicy | None,
) -> Task:
    """Return the task: one sample an item, in an order that mixes categories.

    The file goes category by category; so mixed, the first N (``--limit``) are a sample of all.
    """
    samples = [
        Sample(
            id=item.id,
            input=item.content,
            metadata={
                "category": item.category,
                "subcategory": item.subcategory,
                "group": str(item.group),
            },
        )
        for item in sorted(items, key=_mixed)
    ]
    return Task(
        dataset=MemoryDataset(samples, name="BailBench"),
        solver=one_prompt(method, words, cache),
        scorer=bailed(make_judge),
        metadata={
            "adjourn": "bailbench",
            "method": str(method),
            "effect": str(effect),
            "judge": judge,
        },
    )


def _mixed(item: Item) -> bytes:
    return hashlib.blake2b(item.id.encode(), digest_size=8).digest()
