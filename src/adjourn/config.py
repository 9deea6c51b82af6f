"""Configuration: one TOML file, environment variables over it, flags over both.

The only reader of the environment. What is wrong is told in one line that names file (or
variable), line, key and mend. A variable is named for its key: ``upstream.base_url`` is
``ADJOURN_UPSTREAM__BASE_URL``.
"""

import difflib
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from adjourn.config_tables import (
    LOCAL,
    AppealsConfig,
    ChatConfig,
    ConsoleConfig,
    ConsoleUser,
    DetectorConfig,
    EvidenceConfig,
    LedgerConfig,
    LogConfig,
    ReportConfig,
    ServerConfig,
    TelemetryConfig,
)
from adjourn.core.errors import BadConfig
from adjourn.core.policy_file import line_in_message, line_of

__all__ = [
    "AppealsConfig",
    "ChatConfig",
    "Config",
    "ConsoleConfig",
    "ConsoleUser",
    "DetectionConfig",
    "DetectorConfig",
    "EvidenceConfig",
    "KeyConfig",
    "LedgerConfig",
    "LogConfig",
    "ServerConfig",
    "StoreConfig",
    "TelemetryConfig",
    "UpstreamConfig",
    "load_config",
    "store_at",
]

_PREFIX: Final = "ADJOURN_"


class UpstreamConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The model's server."""

    base_url: str = ""
    """As an OpenAI client would have it, for example ``https://host/v1``."""
    api_key: str = ""
    """Sent upstream as a bearer token; if empty, the client's own Authorization passes through
    (unless gateway keys are configured). Set it by environment or ``api_key_file``."""
    api_key_file: str = ""
    connect_timeout_s: float = 10.0
    head_timeout_s: float = 600.0
    """Until the reply begins; 600 s is the official SDKs' own time-out."""
    idle_timeout_s: float = 120.0
    """Between two pieces of a reply."""
    dialects: tuple[Literal["chat_completions", "responses", "messages"], ...] = (
        "chat_completions", "responses", "messages",
    )  # fmt: skip
    """Those it speaks; clients that speak another are told so. All: it is left to the server."""


class StoreConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where nodes, ends and the ledger's entries are kept."""

    path: str = "adjourn-data/adjourn.sqlite3"
    """SQLite file, for one gateway process; not used if there is a ``url``."""
    url: str = ""
    """``postgresql://user@host:5432/database``, for several processes and machines."""
    password: str = ""
    """For the user of the URL. Set it by environment or ``password_file``."""
    password_file: str = ""
    when_down: Literal["pass", "fail"] = "pass"
    """While the database does not answer: let requests pass whose conversation is not known to be
    ended, with nothing ending meanwhile, or answer them with 503, which SDKs try again."""


class DetectionConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which detectors judge messages, and how long they may take."""

    detectors: tuple[str, ...] = (LOCAL,)
    deadline_s: float = 2.0
    """What has not answered by then counts as unknown, and nothing ends on it."""
    threads: int = 1
    """Threads of the local detector."""


class KeyConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A gateway key: clients send the key, the configuration holds only its hash."""

    id: str
    """Whose it is; several keys of one id are one client's, so that keys can be replaced."""
    sha256: str
    scopes: tuple[Literal["proxy", "console", "report"], ...] = ("proxy",)
    """What it is good for: talking to the model, reading the console, reading the metrics."""
    not_after: date | None = None
    """The last day (UTC) on which it is accepted."""


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole configuration."""

    policy: str = "consumer-chat"
    """A preset's name, or the path of a policy document."""
    appeal_contact: str = ""
    """Address or page where a person can object to an end; shown in statements."""
    default_country: str = ""
    """ISO-2 code for crisis resources where a request does not say; empty if users are anywhere."""
    server: ServerConfig = ServerConfig()
    upstream: UpstreamConfig = UpstreamConfig()
    store: StoreConfig = StoreConfig()
    detection: DetectionConfig = DetectionConfig()
    ledger: LedgerConfig = LedgerConfig()
    appeals: AppealsConfig = AppealsConfig()
    evidence: EvidenceConfig = EvidenceConfig()
    report: ReportConfig = ReportConfig()
    chat: ChatConfig = ChatConfig()
    console: ConsoleConfig = ConsoleConfig()
    log: LogConfig = LogConfig()
    telemetry: TelemetryConfig = TelemetryConfig()
    detector: tuple[DetectorConfig, ...] = ()
    keys: tuple[KeyConfig, ...] = ()

    @property
    def public_url(self) -> str:
        """How users reach the gateway, without a slash at the end."""
        given = self.server.public_url or f"http://{self.server.host}:{self.server.port}"
        return given.rstrip("/")


def load_config(
    file: str | None = None,
    *,
    flags: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Config:
    """Read the configuration.

    Args:
        file: Path of the TOML file; ``adjourn.toml`` is read if it is there and none is named.
        flags: Values from the command line by dotted key; None values are left out.
        environ: Environment variables; the process's own by default.

    Raises:
        BadConfig: The file is missing or not TOML, or a key is unknown or has a bad value.
    """
    environ = os.environ if environ is None else environ
    name, text = _read(file)
    document = _parse(name, text)
    outside: dict[str, str] = {}
    for variable, value in sorted(environ.items()):
        if variable.startswith(_PREFIX) and variable not in _OTHER_VARIABLES:
            key = variable.removeprefix(_PREFIX).lower().replace("__", ".")
            _put(document, key, _listed(value) if key in _LISTS else value)
            outside[key] = variable
    for key, value in (flags or {}).items():
        if value is not None:
            if key == "store.path":  # --store takes either, and goes over both
                _put(document, "store.url", value if is_postgres(value) else "")
                outside["store.url"] = "--store"
            _put(document, key, value)
            outside[key] = "--" + key.rpartition(".")[2].replace("_", "-")
    origin = _Origin(name, text, outside)
    config = _checked(_convert(document, origin), origin)
    return _with_keys(config, origin, environ)


def store_at(location: str) -> StoreConfig:
    """Return where a file or a database that is named on its own is."""
    return StoreConfig(url=location) if is_postgres(location) else StoreConfig(path=location)


def is_postgres(location: str) -> bool:
    """Tell whether a store is a PostgreSQL database, rather than a file."""
    return location.startswith(("postgresql://", "postgres://"))


_OTHER_VARIABLES: Final = frozenset(
    {"ADJOURN_REQUIRE_CHROMIUM", "ADJOURN_REQUIRE_POSTGRES", "ADJOURN_DATA"}
)
"""Variables of the test suite that begin with the prefix but are no configuration."""


def _read(file: str | None) -> tuple[str, str]:
    path = Path(file or "adjourn.toml")
    if file is None and not path.exists():
        return "configuration", ""
    try:
        return str(path), path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "is not UTF-8"
        raise BadConfig(
            f"cannot be read: {reason}", file=str(path), hint="check --config"
        ) from None


def _parse(name: str, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = line_in_message(str(error))
        raise BadConfig(f"not TOML: {error}", file=name, line=line) from None


_LISTS: Final = frozenset({"detection.detectors", "upstream.dialects"})
"""Keys whose variables hold several names, with commas between them."""


def _listed(value: str) -> list[str]:
    return [name.strip() for name in value.split(",") if name.strip()]


def _put(document: dict[str, Any], key: str, value: Any) -> None:
    *tables, last = key.split(".")
    for table in tables:
        document = document.setdefault(table, {})
    document[last] = value


@dataclass(frozen=True, slots=True)
class _Origin:
    """Where the values come from, to name it when one is bad."""

    file: str
    text: str
    outside: Mapping[str, str]
    """Variable or flag by key, for what did not come from the file."""

    def bad(self, key: str, message: str, hint: str, at: int = 0) -> BadConfig:
        """Return the error about a key; of several tables of one name, about the one ``at``."""
        if key in self.outside:
            return BadConfig(message, file=self.outside[key], key=key, hint=hint)
        line = _line_of(self.text, key, at)
        return BadConfig(message, file=self.file, line=line, key=key, hint=hint)


def _line_of(text: str, key: str, at: int) -> int | None:
    header = f"[[{key.partition('.')[0]}]]"
    lines = text.splitlines()
    headers = [i for i, line in enumerate(lines) if line.replace(" ", "").startswith(header)]
    if not at < len(headers):
        return line_of(text, key)
    here = line_of("\n".join(lines[headers[at] :]), key)
    return None if here is None else here + headers[at]


def _convert(document: dict[str, Any], origin: _Origin) -> Config:
    try:
        return msgspec.convert(document, Config, strict=False)
    except msgspec.ValidationError as error:
        message, _, where = str(error).partition(" - at `$")
        first, *indexed = where.strip("`.").split("[")
        number = indexed[0].partition("]")[0] if indexed else ""
        at = int(number) if number.isdigit() else 0
        key = first + "".join(part.partition("]")[2] for part in indexed)
        if "unknown field" in message:
            unknown = message.split("`")[1]
            key = f"{key}.{unknown}" if key else unknown
            near = difflib.get_close_matches(unknown, _known_fields(key), 1)
            hint = f"did you mean {near[0]}?" if near else "see docs/configuration.md"
            raise origin.bad(key, "unknown key", hint, at) from None
        raise origin.bad(key, message.lower(), "see docs/configuration.md", at) from None


def _check_detectors(config: Config, origin: _Origin) -> None:
    for at, one in enumerate(config.detector):
        if one.name == LOCAL or one.name in [other.name for other in config.detector[:at]]:
            raise origin.bad(
                "detector.name", f"there is another {one.name!r}", "give it another name", at
            )
        if one.base_url and not one.base_url.startswith(("http://", "https://")):
            raise origin.bad(
                "detector.base_url", "is not a URL", "begin with http:// or https://", at
            )
        if one.deadline_s is not None and one.deadline_s <= 0:
            raise origin.bad(
                "detector.deadline_s", "must be above 0", "write a number of seconds", at
            )
        if one.most_at_once < 1:
            raise origin.bad("detector.most_at_once", "must be above 0", "write a number", at)
    known = [LOCAL, *(one.name for one in config.detector)]
    for name in config.detection.detectors:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            mend = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
            raise origin.bad("detection.detectors", f"there is no detector {name!r}", mend)


_TABLES: Final[dict[str, type]] = {"keys": KeyConfig, "detector": DetectorConfig}
"""Tables that may be there several times."""


def _known_fields(key: str) -> list[str]:
    kind: Any = Config
    for table in key.split(".")[:-1]:
        kind = _TABLES[table] if table in _TABLES else type(getattr(kind(), table))
    return list(kind.__struct_fields__)


_ABOVE_ZERO: Final = (
    "max_body_bytes", "max_head_bytes", "max_requests", "max_connections", "head_timeout_s",
    "body_timeout_s", "write_timeout_s", "drain_s",
)  # fmt: skip


def _check_numbers(config: Config, origin: _Origin) -> None:
    refuse = origin.bad
    for key in ("connect_timeout_s", "head_timeout_s", "idle_timeout_s"):
        if getattr(config.upstream, key) <= 0:
            raise refuse(f"upstream.{key}", "must be above 0", "write a number of seconds")
    if config.detection.deadline_s <= 0:
        raise refuse("detection.deadline_s", "must be above 0", "write a number of seconds")
    for key in _ABOVE_ZERO:
        if getattr(config.server, key) <= 0:
            raise refuse(f"server.{key}", "must be above 0", "write a number")
    if not 0 <= config.telemetry.sample_ratio <= 1:
        raise refuse("telemetry.sample_ratio", "is not a part", "write a number from 0 to 1")
    url = config.telemetry.otlp_endpoint
    if url and not url.startswith(("http://", "https://")):
        raise refuse("telemetry.otlp_endpoint", "is not a URL", "begin with http:// or https://")


def _checked(config: Config, origin: _Origin) -> Config:
    refuse = origin.bad
    if not 0 <= config.server.port <= 65535:
        raise refuse("server.port", "is not a port", "write a number from 0 to 65535")
    url = config.upstream.base_url
    if url and not url.startswith(("http://", "https://")):
        raise refuse("upstream.base_url", "is not a URL", "begin with http:// or https://")
    if not config.upstream.dialects:
        raise refuse("upstream.dialects", "names none", "name what the server speaks, or leave out")
    if config.store.url and not is_postgres(config.store.url):
        raise refuse("store.url", "is not a PostgreSQL URL", "begin with postgresql://")
    _check_numbers(config, origin)
    _check_detectors(config, origin)
    for one in config.keys:
        if len(one.sha256) != 64 or not set(one.sha256.lower()) <= set("0123456789abcdef"):
            raise refuse(
                "keys", f"sha256 of key {one.id!r} is not 64 hexadecimal digits",
                "make one with: adjourn keys new",
            )  # fmt: skip
    return config


def _with_keys(config: Config, origin: _Origin, environ: Mapping[str, str]) -> Config:
    """Return the configuration with the keys that files and variables hold."""
    key = _key(config.upstream.api_key_file, "upstream.api_key_file", origin)
    upstream = msgspec.structs.replace(config.upstream, api_key=key or config.upstream.api_key)
    password = _key(config.store.password_file, "store.password_file", origin)
    store = msgspec.structs.replace(config.store, password=password or config.store.password)
    detectors: list[DetectorConfig] = []
    for at, one in enumerate(config.detector):
        key = _key(one.api_key_file, "detector.api_key_file", origin, at) or one.api_key
        if one.api_key_env:
            key = environ.get(one.api_key_env, "")
            if not key:
                raise origin.bad(
                    "detector.api_key_env",
                    f"the variable {one.api_key_env} is not set",
                    "set it, or leave the key out if the server wants none",
                    at,
                )
        detectors.append(msgspec.structs.replace(one, api_key=key))
    return msgspec.structs.replace(
        config, upstream=upstream, store=store, detector=tuple(detectors)
    )


def _key(path: str, name: str, origin: _Origin, at: int = 0) -> str:
    if not path:
        return ""
    try:
        return Path(path).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "is not UTF-8"
        raise origin.bad(
            name, f"cannot be read: {reason}", "name a file that holds the key alone", at
        ) from None
