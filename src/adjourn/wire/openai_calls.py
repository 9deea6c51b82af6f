"""Calls of the end tool in a reply: when one counts, and how it is given back to the model."""

from dataclasses import dataclass
from typing import Any, Final

import msgspec

from adjourn.wire.reading import json_of

_encode = msgspec.json.Encoder().encode

ENDS_A_CALL: Final = ("tool_calls", "stop", "function_call")
"""Finish reasons with which servers end a reply that calls a tool."""


@dataclass(slots=True)
class Call:
    """One tool call, growing while its pieces arrive."""

    ident: str = ""
    name: str = ""
    arguments: str = ""

    def add(self, delta: dict[str, Any]) -> None:
        """Take one piece of the call; what is not of the right type is left out."""
        ident, function = delta.get("id"), delta.get("function")
        if isinstance(ident, str) and not self.ident:
            self.ident = ident
        if not isinstance(function, dict):
            return
        name, arguments = function.get("name"), function.get("arguments")
        if isinstance(name, str) and name != self.name:
            self.name += name
        if isinstance(arguments, str):
            self.arguments += arguments

    def is_valid(self) -> bool:
        """Whether the arguments are complete: a JSON object, or nothing at all."""
        return not self.arguments.strip() or isinstance(json_of(self.arguments), dict)

    def round(self, text: str) -> tuple[bytes, str]:
        """Return the model's message that makes this call, as JSON, and the call's id."""
        ident = self.ident or "call_adjourn"
        function = {"name": self.name, "arguments": self.arguments.strip() or "{}"}
        message = {
            "role": "assistant",
            "content": text or None,
            "tool_calls": [{"id": ident, "type": "function", "function": function}],
        }
        return _encode(message), ident


def the_one_end_call(
    calls: list[Call], tool: str, *, other_calls: bool, finish: str | None
) -> Call | None:
    """Return the call that counts: the only one, complete, and regularly finished."""
    ours = [call for call in calls if call.name == tool]
    if len(ours) != 1 or other_calls or finish not in ENDS_A_CALL or not ours[0].is_valid():
        return None
    return ours[0]
