"""What is fuzzed: each target takes any bytes and raises if a promise of its parser is broken.

A parser refuses with its own error or answers; nothing else. What it answers can be used, and does
not depend on how the bytes were cut.
"""

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from adjourn.core.errors import BadInput
from adjourn.core.policy import EndTool
from adjourn.core.policy_file import parse_policy
from adjourn.core.tree import Origin, path_of
from adjourn.gateway.app import _DIALECTS
from adjourn.report.ledger_check import check_ledger
from adjourn.runtime.notes import Signer, Verifier, read_checkpoint
from adjourn.runtime.trunks import Trunks
from adjourn.store.jsonl_ledger import JsonlLedger
from adjourn.wire.dialect import Dialect, Frame, FrameKind, Reader
from adjourn.wire.sse import BadReply, SseDecoder

from . import seeds

_TOLD = {"decision": "warn", "node": "0" * 64}
_TOOL = EndTool()


@dataclass(frozen=True, slots=True)
class Target:
    """A parser, and what it is first given."""

    run: Callable[[bytes], None]
    corpus: Sequence[bytes]


def _request(dialect: Dialect) -> Callable[[bytes], None]:
    trunks, root = Trunks(), Origin("t").root()

    def run(data: bytes) -> None:
        try:
            request = dialect.parse_request(data)
            request.messages.read()
        except BadInput as error:
            assert str(error), "a refusal says why"
            json.loads(dialect.error_body(str(error), type="t", code=error.code))
            return
        path = path_of(root, enumerate(request.messages))
        assert trunks.path(root, dialect.parse_request(data).messages) == path, "read before or not"
        assert dialect.forward_body(request) == data, "what is not changed are the same bytes"
        tool = _TOOL if request.takes_tool else None
        json.loads(dialect.forward_body(request, guidance="Be kind.", tool=tool))
        json.loads(dialect.write_reply(request, "Bye.", "0" * 64, 7, _TOLD))

    return run


def _whole(dialect: Dialect) -> Callable[[bytes], None]:
    def run(data: bytes) -> None:
        for name in (None, _TOOL.name):
            read = dialect.read_reply(data, name)
            if read.reply is None:
                assert read.cut, "what cannot be read says why"
                continue
            same = dialect.finish_reply(data, added="", extension=None, strip_tool=None)
            assert same == data, "what is not changed are the same bytes"
            changed = dialect.finish_reply(data, added="More.", extension=_TOLD, strip_tool=name)
            assert json.loads(changed)["adjourn"] == _TOLD

    return run


def _fed(reader: Reader, pieces: Sequence[bytes]) -> list[Frame]:
    """Feed bytes; return the frames, those that pass without a word of what they are as one.

    Which events came at once, and so as one frame, is the only thing that cuts may change.
    """
    joined: list[Frame] = []
    for frame in (frame for piece in pieces for frame in reader.feed(piece)):
        last = joined[-1] if joined else None
        plain = frame.kind is FrameKind.PASS and frame.event is None
        if plain and last is not None and last.kind is FrameKind.PASS and last.event is None:
            raw, texts = last.raw + frame.raw, last.texts + frame.texts
            joined[-1] = Frame(raw, FrameKind.PASS, texts)
        else:
            joined.append(frame)
    return joined


def _stream(dialect: Dialect, request: bytes) -> Callable[[bytes], None]:
    asked = dialect.parse_request(request)

    def run(data: bytes) -> None:
        at, data = (data[0] * len(data) // 256, data[1:]) if data else (0, data)
        for name in (None, _TOOL.name):
            outlet = dialect.outlet(asked, 7)
            reader = outlet.reader(name)
            frames = _fed(reader, [data])
            end = reader.end()
            other = dialect.outlet(asked, 7).reader(name)
            assert _fed(other, [data[:at], data[at:]]) == frames, "cuts do not matter"
            assert other.end() == end, "nor to how it ends"
            for frame in frames:
                if frame.kind is FrameKind.PASS:
                    outlet.wrote(frame)
            outlet.words("More.", "0" * 64)
            ending = outlet.finish("0" * 64, _TOLD, end.last if end.reply else ())
            if end.reply is None:
                assert end.cut, "what was cut says why"
            else:
                assert ending, "a reply has an end"

    return run


def sse(data: bytes) -> None:
    """Cut events; all their bytes are the input, however it is cut."""
    at, data = (data[0] * len(data) // 256, data[1:]) if data else (0, data)
    whole, parts = SseDecoder(4096), SseDecoder(4096)
    try:
        events = whole.feed(data)
    except BadReply:
        return
    assert b"".join(event.raw for event in events) + whole.leftover == data
    assert parts.feed(data[:at]) + parts.feed(data[at:]) == events


def policy(data: bytes) -> None:
    """Read a policy document."""
    try:
        read = parse_policy(data.decode("utf-8", "replace"))
    except BadInput as error:
        assert str(error)
        return
    assert len(read.digest) == 64


def ledger(data: bytes) -> None:
    """Check an exported ledger."""
    with tempfile.NamedTemporaryFile(suffix=".jsonl") as file:
        Path(file.name).write_bytes(data)
        try:
            verdict = check_ledger(JsonlLedger(file.name).stream())
        except BadInput as error:
            assert str(error)
            return
    assert len(verdict.root) == 32


def note(data: bytes) -> None:
    """Read a checkpoint, and a verifier key."""
    text = data.decode("utf-8", "replace")
    for read in (read_checkpoint, Verifier.parse, _trusted):
        try:
            read(text)
        except BadInput as error:
            assert str(error)


_SIGNER = Signer("log.example", b"s" * 32)


def _trusted(text: str) -> None:
    found = read_checkpoint(text, [_SIGNER.verifier])
    assert found.origin == _SIGNER.name


def _targets() -> Mapping[str, Target]:
    found = {
        "sse": Target(sse, [b"\x80" + stream for stream in seeds.STREAMS]),
        "policy": Target(policy, seeds.policies()),
        "ledger": Target(ledger, seeds.ledgers()),
        "note": Target(note, seeds.notes(_SIGNER)),
    }
    for path, dialect in _DIALECTS.items():
        name = path.removeprefix("/v1/").replace("/", "-")
        found[f"{name}-request"] = Target(_request(dialect), seeds.REQUESTS)
        found[f"{name}-reply"] = Target(_whole(dialect), seeds.REPLIES)
        plain = seeds.plain(path)
        found[f"{name}-stream"] = Target(
            _stream(dialect, plain), [b"\x80" + stream for stream in seeds.STREAMS]
        )
    return found


TARGETS = _targets()
