"""Reading JSON of any dialect: requests kept as they came, errors that say what to mend."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NoReturn

import msgspec

from adjourn.core.errors import BadRequest

_decode_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_any = msgspec.json.Decoder().decode
_decode_items = msgspec.json.Decoder(list[msgspec.Raw]).decode


_READ: Final = frozenset(
    {
        "background", "content", "conversation", "functions", "input", "instructions", "messages",
        "metadata", "model", "n", "output", "output_config", "output_format",
        "previous_response_id", "prompt", "refusal", "response_format", "role", "stream", "system",
        "text", "tool_choice", "tools", "type", "user",
    }
)  # fmt: skip
"""Names of fields that adjourn reads, at the top of a request, in a message or in a part of one."""


def refuse_look_alikes(names: Iterable[str], param: str = "") -> None:
    """Refuse names that differ from one that is read by the case of letters alone.

    Servers written in Go (Ollama is one) take ``Messages`` for ``messages``, and the later of the
    two counts: the model would be asked something else than was judged.

    Raises:
        BadRequest: There is one; ``param`` is what the client calls the object it is in.
    """
    for name in names:
        if name not in _READ and name.casefold() in _READ:
            where = f"{param}.{name}" if param else name
            refuse(where, "is not known", f"Write it {name.casefold()}, or leave it out.")


def fields_of(body: bytes) -> dict[str, msgspec.Raw]:
    """Return a body's top-level fields as the bytes they came as, in order.

    Raises:
        BadRequest: It is not a JSON object in UTF-8.
    """
    try:
        body.decode("utf-8")
        fields = _decode_fields(body)
    except UnicodeDecodeError as error:
        raise BadRequest(f"The body is not UTF-8 (byte {error.start}).") from None
    except msgspec.ValidationError:
        raise BadRequest("The body must be a JSON object.") from None
    except msgspec.DecodeError as error:
        raise BadRequest(f"The body is not JSON ({error}).") from None
    except RecursionError:
        raise BadRequest("The body is nested too deeply.") from None
    refuse_look_alikes(fields)
    return fields


def with_field(body: bytes, name: str, value: bytes) -> bytes:
    """Return a JSON object with one more field, behind all others, which stay as they came.

    Args:
        body: An object of at least one field, none of this name.
        name: The field's, in ASCII.
        value: JSON.
    """
    return b"".join((body.rstrip()[:-1], b',"', name.encode(), b'":', value, b"}"))


def decode(raw: bytes | msgspec.Raw) -> Any:
    """Return a JSON value.

    Raises:
        BadRequest: It is none.
    """
    try:
        return _decode_any(raw)
    except msgspec.DecodeError as error:
        raise BadRequest(f"The body is not JSON ({error}).") from None
    except RecursionError:
        raise BadRequest("The body is nested too deeply.") from None


def items_of(raw: bytes | msgspec.Raw, param: str) -> list[msgspec.Raw]:
    """Return a list of messages as the bytes they came as.

    Raises:
        BadRequest: It is no list, or empty; ``param`` is what the client calls it.
    """
    try:
        items = _decode_items(raw)
    except msgspec.ValidationError:
        refuse(param, "must be a list", 'Send [{"role": "user", "content": "..."}].')
    except (msgspec.DecodeError, RecursionError):
        items = decode(raw)  # which says what is wrong with it
    if not items:
        refuse(param, "is empty", "Send at least one message.")
    return items


def json_of(raw: bytes | str) -> Any:
    """Return a JSON value of the model's server; None if it is none, whatever it is instead."""
    try:
        return _decode_any(raw)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None


def refuse(param: str, message: str, hint: str) -> NoReturn:
    """Refuse a request for one of its fields.

    Raises:
        BadRequest: Always.
    """
    raise BadRequest(f"{param} {message}.", hint=hint, param=param)


def model_of(fields: dict[str, msgspec.Raw]) -> str:
    """Return the model that is asked for.

    Raises:
        BadRequest: There is none.
    """
    if "model" not in fields or not isinstance(model := decode(fields["model"]), str) or not model:
        refuse("model", "must be a non-empty string", "Name the model you want to talk to.")
    return model


def fingerprint(part: Any) -> bytes:
    """Return what stands for a part that is not text, whatever the order of its keys."""
    ordered = msgspec.json.encode(part, order="sorted")
    return hashlib.blake2b(ordered, digest_size=32).digest()


def text_of(table: Any, key: str) -> str:
    """Return a text of a table; empty if it is not there, or no text, or there is no table."""
    value = table.get(key) if isinstance(table, dict) else None
    return value if isinstance(value, str) else ""


def tools_of(known: Mapping[str, Any]) -> list[Any]:
    """Return the tools that a request offers, each as any JSON.

    Raises:
        BadRequest: They are no list.
    """
    tools = known.get("tools")
    if tools is not None and not isinstance(tools, list):
        refuse("tools", "must be a list", "Send a list of tools, or leave the field out.")
    return tools or []


def names_of(tools: Sequence[Any]) -> frozenset[str]:
    """Return the names of tools that say theirs at their top."""
    return frozenset(filter(None, (text_of(tool, "name") for tool in tools)))


def end_user_of(known: Mapping[str, Any]) -> str:
    """Return what a request in a dialect of OpenAI's says of the person; empty if nothing."""
    for name in ("safety_identifier", "user"):
        if isinstance(known.get(name), str) and known[name]:
            return str(known[name])
    return text_of(known.get("metadata"), "user_id")
