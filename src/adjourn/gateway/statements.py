"""Statements of reasons, as a page and as JSON, and the user's objection to an end.

Whoever has the link that came with the end may object; nobody needs an account. There are no
cookies: the token in the link is what allows it, so no other site can send the form.
"""

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from adjourn.core.entries import EndRecord
from adjourn.core.errors import StoreUnavailable
from adjourn.core.tree import NodeId
from adjourn.gateway.answers import node_of, not_found, refused, unavailable
from adjourn.gateway.statement_words import PAGE_WORDS, page_language
from adjourn.ports import Store
from adjourn.runtime.appeals import KEPT_DAYS, LONGEST_WORDS, Appeals, Written
from adjourn.runtime.evidence import Evidence
from adjourn.runtime.pages import SECURITY_HEADERS, own_file, templates_of

_LARGEST_BODY: Final = 64 * 1024


class _Filing(msgspec.Struct):
    node: str
    token: str
    words: str = ""


class Statements:
    """Handlers over one store."""

    def __init__(self, store: Store, appeals: Appeals, *, contact: str, evidence: Evidence) -> None:
        self._store = store
        self._evidence_days = evidence.days
        self._appeals = appeals
        self._contact = contact
        self._page = templates_of("adjourn.gateway").get_template("statement.html")

    def routes(self) -> list[BaseRoute]:
        """Return the routes."""
        return [
            Route("/adjourn/v1/statements/{node}", self.statement),
            Route("/adjourn/v1/appeals", self.file, methods=["POST"]),
            Route("/adjourn/v1/appeals/{node}", self.appeal),
            Route("/adjourn/appeals/{node}", self.form, methods=["POST"]),
            Route("/adjourn/static/{name}", _static),
        ]

    async def statement(self, request: Request) -> Response:
        """Return the statement of reasons for an end: a page for people, else JSON."""
        node = node_of(request)
        token = request.query_params.get("t", "")
        may = node is not None and self._appeals.is_token(node, token)
        try:
            end = await self._store.end_at(node) if node else None
            written = await self._appeals.of(node) if node and may else None
        except StoreUnavailable as error:
            return unavailable(error)
        if end is None:
            return not_found("No end is recorded at this node.")
        if "text/html" in request.headers.get("accept", ""):
            return self._as_page(request, end, written, token=token if may else "")
        where = "/adjourn/v1/appeals" if may else self._contact or None
        return JSONResponse({**_statement(end), "appeal": where}, headers={"vary": "Accept"})

    def _as_page(
        self, request: Request, end: EndRecord, written: Written | None, *, token: str
    ) -> Response:
        """Return the page, in the reader's language; with a token, one may object on it."""
        accept = request.headers.get("accept-language", "")
        chosen = request.query_params.get("lang", "")
        language = page_language(chosen, end.statement.language, accept)
        html = self._page.render(
            s=end.statement, written=written, token=token, when=_when,
            words=PAGE_WORDS[language], language=language, languages=PAGE_WORDS, chosen=chosen,
            contact=self._contact, longest=LONGEST_WORDS, kept_days=KEPT_DAYS,
            evidence_days=self._evidence_days,
        )  # fmt: skip
        vary = {"cache-control": "no-store", "vary": "Accept, Accept-Language"}
        return HTMLResponse(html, headers={**SECURITY_HEADERS, **vary})

    async def file(self, request: Request) -> Response:
        """File an appeal, sent as JSON: ``{"node", "token", "words"?}``."""
        if _is_too_long(request):
            return _too_long()
        try:
            filing = msgspec.json.decode(await request.body(), type=_Filing)
        except (msgspec.DecodeError, UnicodeDecodeError):
            message = 'Send {"node": ..., "token": ..., "words": ...} as JSON.'
            return refused(HTTPStatus.BAD_REQUEST, "bad_request", message)
        written = await self._filed(NodeId(filing.node), filing.token, filing.words)
        if isinstance(written, Response):
            return written
        return JSONResponse(_appeal(written), HTTPStatus.CREATED)

    async def form(self, request: Request) -> Response:
        """File an appeal from the page."""
        if _is_too_long(request):
            return _too_long()
        form = await request.form()
        token = str(form.get("t", ""))
        node = node_of(request) or NodeId("")
        written = await self._filed(node, token, str(form.get("words", "")))
        if isinstance(written, Response):
            return written
        language = str(form.get("lang", ""))
        chosen = f"&lang={language}" if language in PAGE_WORDS else ""
        return RedirectResponse(
            f"/adjourn/v1/statements/{node}?t={token}{chosen}", HTTPStatus.SEE_OTHER
        )

    async def appeal(self, request: Request) -> Response:
        """Tell where an appeal stands."""
        node = node_of(request)
        if node is None or not self._appeals.is_token(node, request.query_params.get("t", "")):
            return not_found("There is no such appeal.")
        try:
            written = await self._appeals.of(node)
        except StoreUnavailable as error:
            return unavailable(error)
        return JSONResponse(_appeal(written)) if written else not_found("There is no such appeal.")

    async def _filed(self, node: NodeId, token: str, words: str) -> Written | Response:
        if not self._appeals.is_token(node, token):
            message = "This needs the link that came with the end of the conversation."
            return refused(HTTPStatus.FORBIDDEN, "wrong_token", message)
        try:
            written = await self._appeals.file(node, words)
        except StoreUnavailable as error:
            return unavailable(error)
        return written or not_found("No end is recorded at this node.")


def _statement(end: EndRecord) -> dict[str, Any]:
    statement = end.statement
    return {
        "node": statement.node,
        "at_ms": statement.at_ms,
        "state": statement.state,
        "requested_by": statement.requested_by,
        "is_restriction": statement.is_restriction,
        "grounds": statement.grounds,
        "rules": statement.rules,
        "policy": {
            "name": statement.policy_name,
            "version": statement.policy_version,
            "digest": statement.policy_digest,
        },
        "counted": statement.counted,
        "warned_at": statement.warned_at,
        "model": statement.model,
        "automated": statement.is_restriction,
        "text": statement.sentences(),
    }


def _appeal(written: Written) -> dict[str, Any]:
    appeal = written.appeal
    return {
        "node": appeal.node,
        "state": appeal.state,
        "filed_at_ms": appeal.filed_at_ms,
        "acknowledged_at_ms": appeal.acknowledged_at_ms,
        "decided_at_ms": appeal.decided_at_ms,
        "reason": appeal.reason or None,
        "answer": written.answer or None,
    }


def _is_too_long(request: Request) -> bool:
    """Tell whether a body is larger than an objection can be, or does not say how large it is."""
    size = request.headers.get("content-length", "")
    return not size.isdigit() or int(size) > _LARGEST_BODY


def _too_long() -> Response:
    message = f"Send at most {_LARGEST_BODY} bytes, with a Content-Length."
    return refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", message)


async def _static(request: Request) -> Response:
    return own_file("adjourn.gateway", str(request.path_params["name"]))


def _when(at_ms: int) -> str:
    """Return a time that reads from left to right in every language (isolates of Unicode)."""
    told = datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d, %H:%M UTC")
    return f"\u2066{told}\u2069"
