"""Every error adjourn raises on purpose.

AdjournError
├── BadInput            their data: carries a stable ``code`` and a ``hint`` that says what to do
│   ├── BadRequest      a request body that is not what its dialect allows
│   │   └── HistoryNotSent  one that leaves part of the conversation at the model's server
│   ├── BadPolicy       a policy document, with file, line and key
│   └── BadConfig       a configuration file or variable, likewise
├── NoSuchNode          a node the store does not know
├── StoreUnavailable    nothing was recorded; the caller must act as if it never will be
├── UpstreamUnavailable the model could not be reached, or left before it answered
└── IllegalEvent        our bug: an event in a state that does not allow it; the state is unchanged
"""


class AdjournError(Exception):
    """Base of all errors raised on purpose."""

    code = "adjourn_error"

    def hint(self) -> str:
        """Say in one sentence what a person can do about it."""
        return ""


class BadInput(AdjournError):
    """Somebody else's data is not usable; nothing was lost or changed."""

    code = "bad_input"

    def __init__(self, message: str, *, hint: str = "", param: str | None = None) -> None:
        super().__init__(message)
        self._hint = hint
        self.param = param
        """Name of the offending field in the dialect's own terms, if there is one."""

    def hint(self) -> str:
        """Say in one sentence what a person can do about it."""
        return self._hint


class BadRequest(BadInput):
    """A request body that its dialect does not allow."""

    code = "invalid_request_error"


class HistoryNotSent(BadRequest):
    """A request that leaves part of the conversation at the model's server, unseen by adjourn."""

    code = "history_not_sent"


class _BadFile(BadInput):
    """A file that cannot be used; prints as one line with file, line, key and mend."""

    def __init__(
        self, message: str, *, file: str, line: int | None = None, key: str = "", hint: str = ""
    ) -> None:
        super().__init__(message, hint=hint, param=key or None)
        self.file = file
        self.line = line
        self.key = key

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        key = f" {self.key}:" if self.key else ""
        mend = f" ({self._hint})" if self._hint else ""
        return f"{place}:{key} {self.args[0]}{mend}"


class BadPolicy(_BadFile):
    """A policy document that cannot be used."""

    code = "bad_policy"


class BadConfig(_BadFile):
    """A configuration file or variable that cannot be used."""

    code = "bad_config"


class NoSuchNode(AdjournError):
    """The store has no such node."""

    code = "no_such_node"


class StoreUnavailable(AdjournError):
    """The store could not answer or record; nothing was recorded."""

    code = "store_unavailable"


class UpstreamUnavailable(AdjournError):
    """The model behind the gateway could not be reached, or left before it answered."""

    code = "upstream_unavailable"


class IllegalEvent(AdjournError):
    """An event arrived in a state that does not allow it: a bug of ours; the state is unchanged."""

    code = "illegal_event"
