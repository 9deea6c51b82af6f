"""The gateway's ASGI application.

``/v1/chat/completions``, ``/v1/responses`` and ``/v1/messages`` are adjudicated; every other path
under ``/v1/`` passes through untouched; the rest is adjourn's own API and whatever pages the
composition root adds.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from adjourn.core import turns as t
from adjourn.core.audiences import Audience
from adjourn.core.errors import BadRequest, UpstreamUnavailable
from adjourn.core.policy import Mode
from adjourn.core.tree import Origin
from adjourn.gateway.asgi import (
    BodyTooLarge,
    Client,
    ClientGone,
    Receive,
    Scope,
    Send,
    header,
    read_body,
    when_gone,
)
from adjourn.gateway.dialogue import ChatDialogue, Links
from adjourn.gateway.ends import Ends
from adjourn.gateway.headers import credentials, speaks_anthropic, to_client, to_upstream
from adjourn.gateway.keys import Keyring
from adjourn.gateway.languages import accepted_languages, language_of_tag
from adjourn.gateway.served import Served
from adjourn.gateway.shadow import ShadowDialogue
from adjourn.gateway.toolless import Toolless
from adjourn.ports import Clock, Upstream, UpstreamRequest
from adjourn.runtime.driver import Driver
from adjourn.runtime.resources_by_country import ResourcesFor
from adjourn.runtime.trunks import Trunks
from adjourn.wire.anthropic_messages import Messages
from adjourn.wire.dialect import ChatRequest, Dialect
from adjourn.wire.openai_chat import ChatCompletions
from adjourn.wire.openai_responses import Responses

_log = logging.getLogger("adjourn.gateway")

_OPENAI: Final = ChatCompletions()
_ANTHROPIC: Final = Messages()
_DIALECTS: Final[Mapping[str, Dialect]] = {
    "/v1/chat/completions": _OPENAI,
    "/v1/responses": Responses(),
    "/v1/messages": _ANTHROPIC,
}
"""What is adjudicated, and in which dialect."""
_AUDIENCES: Final = {str(audience): audience for audience in Audience}


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """What of the configuration the gateway itself needs."""

    max_body_bytes: int
    upstream_api_key: str
    default_country: str
    links: Links
    served: Served


class Gateway:
    """The ASGI application."""

    def __init__(
        self,
        *,
        driver: Driver,
        upstream: Upstream,
        keyring: Keyring,
        clock: Clock,
        resources_for: ResourcesFor,
        settings: GatewaySettings,
        own_pages: Callable[[Scope, Receive, Send], Awaitable[None]],
    ) -> None:
        self._driver = driver
        self._upstream = upstream
        self._keyring = keyring
        self._clock = clock
        self._resources_for = resources_for
        self._settings = settings
        self._own_pages = own_pages
        self._trunks = Trunks()
        self._toolless = Toolless()

    async def drain(self) -> None:
        """Wait until everything that was to be recorded is recorded or has failed."""
        await self._driver.drain()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection's request."""
        if scope["type"] != "http" or not scope["path"].startswith("/v1/"):
            await self._own_pages(scope, receive, send)
            return
        client = Client(send)
        dialect = spoken(scope)
        tenant = self._keyring.tenant(credentials(scope))
        if tenant is None:
            body = dialect.error_body(
                "The gateway key is missing or not known: send it as Authorization: Bearer KEY"
                " or x-api-key: KEY.",
                type="authentication_error",
                code="invalid_api_key",
            )
            await client.answer(401, body, [("www-authenticate", "Bearer")])
            return
        lacking = self._settings.served.lacks(scope)
        if lacking is not None and self._driver.in_force.policy.mode is not Mode.SHADOW:
            await self._settings.served.refuse(lacking, dialect, client)
            return
        try:
            body = await read_body(receive, self._settings.max_body_bytes)
        except ClientGone:
            return
        except BodyTooLarge:
            limit = self._settings.max_body_bytes
            message = f"The request body has more than {limit} bytes; send a shorter one."
            kind = "request_too_large" if dialect is _ANTHROPIC else "invalid_request_error"
            refused = dialect.error_body(message, type=kind, code="request_too_large")
            await client.answer(413, refused, [("connection", "close")])
            return
        serve = self._chat if _is_chat(scope) else self._pass_through
        work = serve(scope, dialect, tenant, body, client)
        await _while_client_stays(work, scope, receive)

    # -- chat ---------------------------------------------------------------------------------

    async def _chat(
        self, scope: Scope, dialect: Dialect, tenant: str, body: bytes, client: Client
    ) -> None:
        policy = self._driver.in_force.policy
        try:
            _refuse_compressed(scope)
            request = dialect.parse_request(body)
            turn = self._turn(scope, tenant, request)
        except BadRequest as error:
            if policy.mode is Mode.SHADOW:
                _log.info("not judged: %s", error)
                await self._pass_through(scope, dialect, tenant, body, client)
                return
            hint = f" {error.hint()}" if error.hint() else ""
            refused = dialect.error_body(
                f"{error}{hint}", type="invalid_request_error", code=error.code, param=error.param
            )
            await client.answer(400, refused)
            return
        ends = Ends(client, self._upstream, _target(scope), self._headers(scope, identity=True))
        at_s = turn.at_ms // 1000
        dialogue: ShadowDialogue | ChatDialogue
        if policy.mode is Mode.SHADOW:
            dialogue = ShadowDialogue(dialect, request, ends, at_s)
        else:
            country = header(scope, "x-adjourn-country") or self._settings.default_country
            dialogue = ChatDialogue(
                dialect,
                request,
                ends,
                at_s,
                resources=lambda: self._resources_for(country)[1],
                links=self._settings.links,
                toolless=self._toolless,
            )
        try:
            await self._driver.run(turn, dialogue)
        finally:
            await dialogue.aclose()

    def _turn(self, scope: Scope, tenant: str, request: ChatRequest) -> t.TurnRequest:
        """Return the request free of its dialect.

        Raises:
            BadRequest: A message cannot be read, or a header of adjourn's own has a value that is
                not known.
        """
        declared = header(scope, "x-adjourn-audience").lower() or Audience.UNKNOWN
        if declared not in _AUDIENCES:
            raise BadRequest(
                "The header X-Adjourn-Audience is neither adult nor minor nor unknown.",
                hint="Correct it or leave it out.",
                param="X-Adjourn-Audience",
            )
        policy = self._driver.in_force.policy
        country = header(scope, "x-adjourn-country") or self._settings.default_country
        conversation = header(scope, "x-adjourn-conversation") or request.conversation
        origin = Origin(tenant, request.end_user, conversation)
        return t.TurnRequest(
            origin=origin,
            messages=request.messages,
            path=self._trunks.path(origin.root(), request.messages),
            model=request.model,
            at_ms=self._clock.now_ms(),
            audience=_AUDIENCES[declared],
            background=header(scope, "x-adjourn-background").lower() == "true",
            takes_text=request.takes_text,
            takes_tool=request.takes_tool and policy.tool.name not in request.tool_names,
            resources=partial(self._support_text, country),
            language=language_of_tag(header(scope, "x-adjourn-language")),
            accepted=accepted_languages(header(scope, "accept-language")),
            statement_link=self._settings.links.statement,
        )

    def _support_text(self, country: str, language: str) -> str:
        return self._resources_for(country)[0](language)

    def _headers(self, scope: Scope, *, identity: bool) -> list[tuple[str, str]]:
        return to_upstream(
            scope,
            api_key=self._settings.upstream_api_key,
            keeps_authorization=self._keyring.is_open,
            identity=identity,
        )

    # -- everything else ----------------------------------------------------------------------

    async def _pass_through(
        self, scope: Scope, dialect: Dialect, _: str, body: bytes, client: Client
    ) -> None:
        """Pass a request that adjourn does not understand to the model's server, untouched."""
        request = UpstreamRequest(
            scope["method"], _target(scope), self._headers(scope, identity=False), body
        )
        try:
            reply = await self._upstream.send(request)
        except UpstreamUnavailable as error:
            refused = dialect.error_body(str(error), type="api_error", code=error.code)
            await client.answer(502, refused)
            return
        try:
            headers = to_client(reply.headers, rewritten=False)
            await client.start(reply.status, headers)
            async for chunk in reply.chunks():
                await client.write(chunk)
            await client.end()
        except UpstreamUnavailable as error:
            # The reply is not ended: the server drops the connection, which no client can take
            # for a complete reply.
            _log.warning("passing through: %s", error)
        finally:
            await reply.aclose()


def _refuse_compressed(scope: Scope) -> None:
    """Refuse a body that would have to be unpacked to be read.

    Raises:
        BadRequest: It says it is one.
    """
    encoding = header(scope, "content-encoding").strip().lower()
    if encoding not in ("", "identity"):
        raise BadRequest(
            f"The body is compressed ({encoding[:20]}), and cannot be judged.",
            hint="Send it as it is, without Content-Encoding.",
            param="Content-Encoding",
        )


def _is_chat(scope: Scope) -> bool:
    return scope["method"] == "POST" and scope["path"].rstrip("/").casefold() in _DIALECTS


def spoken(scope: Scope) -> Dialect:
    """Return the dialect in which a client is answered, whatever it asks for."""
    dialect = _DIALECTS.get(scope["path"].rstrip("/").casefold())
    return dialect or (_ANTHROPIC if speaks_anthropic(scope) else _OPENAI)


def _target(scope: Scope) -> str:
    raw = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1")
    query = scope.get("query_string", b"").decode("latin-1")
    return f"{raw}?{query}" if query else raw


async def _while_client_stays(work: Awaitable[None], scope: Scope, receive: Receive) -> None:
    """Do the work; drop it, and with it the model's reply, as soon as the client has left."""
    serving = asyncio.current_task()
    is_gone = is_over = False

    def drop() -> None:
        nonlocal is_gone
        if serving is not None and not is_over:
            is_gone = True
            serving.cancel()

    call_off = when_gone(scope, receive, drop)
    try:
        await work
    except asyncio.CancelledError:
        if serving is None or not is_gone or serving.uncancel():
            raise  # somebody else wants the request to stop
    finally:
        is_over = True
        call_off()
