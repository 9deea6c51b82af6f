"""A developer's chat loop on the official SDK, streaming or not."""

from dataclasses import dataclass, field
from typing import Any

import openai


@dataclass
class Conversation:
    """Keeps the history as the SDK's users do; ``say`` returns the reply's text."""

    client: openai.OpenAI
    stream: bool = False
    messages: list[dict[str, Any]] = field(default_factory=list)
    options: dict[str, Any] = field(default_factory=dict)
    decision: str = ""
    extension: dict[str, Any] = field(default_factory=dict)
    finish: str | None = None

    def say(self, text: str) -> str:
        self.messages.append({"role": "user", "content": text})
        reply = self.again()
        self.messages.append({"role": "assistant", "content": reply})
        return reply

    def again(self) -> str:
        """Send the history as it is."""
        create: Any = self.client.chat.completions.with_raw_response.create
        raw = create(model="model-1", messages=self.messages, stream=self.stream, **self.options)
        self.decision = raw.headers["x-adjourn-decision"]
        parsed = raw.parse()
        if self.stream:
            return self._read(parsed)
        self.extension = (parsed.model_extra or {}).get("adjourn", {})
        self.decision = self.extension.get("decision", self.decision)
        choice = parsed.choices[0]
        self.finish = choice.finish_reason
        assert not choice.message.tool_calls
        return choice.message.content or ""

    def _read(self, parsed: Any) -> str:
        text, self.extension = "", {}
        for part in parsed:
            extension = (part.model_extra or {}).get("adjourn")
            if extension:
                self.extension = extension
            for choice in part.choices:
                assert not choice.delta.tool_calls
                text += choice.delta.content or ""
                self.finish = choice.finish_reason or self.finish
        self.decision = self.extension.get("decision", self.decision)
        return text
