"""Reading JSON of any dialect: requests kept as they came, errors that say what to mend."""

import hashlib
from collections.abc import Callable, Sequence
from typing import Any, NoReturn, TypeVar

import msgspec

from adjourn.core.errors import BadRequest

_Read = TypeVar("_Read")
_decode_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_any = msgspec.json.Decoder().decode
_decode_items = msgspec.json.Decoder(list[msgspec.Raw]).decode


def read_body(body: bytes, decode_object: Callable[[bytes], _Read]) -> _Read:
    """Read a body.

    Args:
        body: As it came.
        decode_object: A decoder of msgspec's, of a type that any JSON object fits.

    Raises:
        BadRequest: It is not a JSON object in UTF-8.
    """
    try:
        body.decode("utf-8")
        return decode_object(body)
    except UnicodeDecodeError as error:
        raise BadRequest(f"The body is not UTF-8 (byte {error.start}).") from None
    except msgspec.ValidationError:
        raise BadRequest("The body must be a JSON object.") from None
    except msgspec.DecodeError as error:
        raise BadRequest(f"The body is not JSON ({error}).") from None
    except RecursionError:
        raise BadRequest("The body is nested too deeply.") from None


def fields_of(body: bytes) -> dict[str, msgspec.Raw]:
    """Return a body's top-level fields as the bytes they came as, in order; raises as above."""
    return read_body(body, _decode_fields)


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


def model_of(model: Any) -> str:
    """Return the model that is asked for.

    Raises:
        BadRequest: It is no name.
    """
    if not isinstance(model, str) or not model:
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


def tools_of(tools: Any) -> list[Any]:
    """Return the tools that a request offers, each as any JSON.

    Raises:
        BadRequest: They are no list.
    """
    if tools is not None and not isinstance(tools, list):
        refuse("tools", "must be a list", "Send a list of tools, or leave the field out.")
    return tools or []


def names_of(tools: Sequence[Any]) -> frozenset[str]:
    """Return the names of tools that say theirs at their top."""
    return frozenset(filter(None, (text_of(tool, "name") for tool in tools)))


def end_user_of(safety_identifier: Any, user: Any, metadata: Any) -> str:
    """Return what a request in a dialect of OpenAI's says of the person; empty if nothing."""
    for said in (safety_identifier, user):
        if isinstance(said, str) and said:
            return said
    return text_of(metadata, "user_id")
