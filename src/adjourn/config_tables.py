"""Tables of the configuration: what may be written in each, and what it means."""

from typing import Any, Final, Literal

import msgspec

LOCAL: Final = "local"
"""The name of the detector that ships."""


class ServerConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where the gateway listens, and what it accepts."""

    host: str = "127.0.0.1"
    port: int = 8377
    public_url: str = ""
    """How users reach the gateway, for links in statements; default ``http://host:port``."""
    max_body_bytes: int = 32 * 1024 * 1024
    """Larger requests are refused with 413. 32 MiB: several images in base64."""
    max_head_bytes: int = 65_536
    """Requests whose line and headers are longer are refused with 431."""
    max_requests: int = 1024
    """Requests served at the same time; more are answered with 503, which SDKs try again."""
    max_connections: int = 8192
    """Connections open at the same time; more are closed at once."""
    head_timeout_s: float = 20.0
    """Until a request's headers are complete, counted from its first byte, or from the opening of
    the connection."""
    body_timeout_s: float = 120.0
    """Until its body is complete."""
    write_timeout_s: float = 120.0
    """How long a client may take nothing of what is written to it before it is cut off."""
    drain_s: float = 30.0
    """When stopped: seconds for replies under way to end; then they are cut, and say so."""


class ChatConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The chat page."""

    acknowledge_warnings: bool = False
    """Whether a warning must be marked as read before the user writes on; never in a crisis."""


class LedgerConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The ledger's signatures."""

    key_file: str = ""
    """Made by ``adjourn ledger key``; without one, checkpoints and reports are not signed."""


class AppealsConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Objections to ends."""

    key_file: str = ""
    """At least 32 secret bytes, for links and for what people write; made beside the database if
    none is named. Several gateways on one store must share it."""


class EvidenceConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What was written in ended conversations, for reviewers; off by default."""

    keep_days: int = 0
    """Days it is kept, encrypted with ``appeals.key_file``; 0 keeps nothing."""


class ReportConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The transparency report."""

    tables_every: Literal["month", "quarter", "year"] = "month"
    """The kind of period whose reports have tables (by ground, model, ...). One kind only: tables
    of a year beside those of its months could be subtracted."""


class ConsoleUser(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Somebody who may use the console; they sign in with a key, of which this is the hash."""

    id: str
    role: Literal["operator", "reviewer", "read-only"]
    sha256: str


class ConsoleConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The console."""

    users: tuple[ConsoleUser, ...] = ()
    """With none, nobody can sign in."""
    session_key_file: str = ""
    """A file with at least 32 random bytes, which several processes must share to know each
    other's sessions; without one, each start makes a key of its own and signs everybody out."""


class DetectorConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A detector beside the local one."""

    name: str
    """As ``detection.detectors`` lists it, and as assessments and the ledger name it."""
    kind: str
    """``llama_guard``, ``shield_gemma``, ``granite_guardian``, ``qwen3_guard``,
    ``gpt_oss_safeguard``, ``judge``, ``moderation``, or the name of a plug-in."""
    base_url: str = ""
    """As an OpenAI client would have it, for example ``http://127.0.0.1:8000/v1``."""
    model: str = ""
    api_key: str = ""
    api_key_file: str = ""
    api_key_env: str = ""
    """Name of an environment variable that holds the key."""
    deadline_s: float | None = None
    """For one question; ``detection.deadline_s`` by default."""
    when: Literal["before", "beside"] = "beside"
    """Before the request goes to the model, or beside its reply."""
    most_at_once: int = 16
    """Questions to the server at the same time."""
    options: dict[str, Any] = {}
    """What the kind takes beyond that."""


class LogConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The log on standard error. It never holds message text or keys."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "json", "text"] = "auto"
    """``auto``: text on a terminal, else one JSON object a line."""
    requests: bool = False
    """A line for each request; without it, only for those where something was decided."""


class TelemetryConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """OpenTelemetry spans. Nothing is sent anywhere unless an address is given."""

    otlp_endpoint: str = ""
    """Of a collector, by OTLP over HTTP, for example ``http://127.0.0.1:4318/v1/traces``."""
    service_name: str = "adjourn"
    sample_ratio: float = 1.0
    """Part of the requests that are traced, unless the client's ``traceparent`` says."""
