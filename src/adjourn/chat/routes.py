"""The chat page: one template, one style sheet and a few modules, all served from here."""

from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Final

from jinja2 import Environment, PackageLoader, select_autoescape
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from adjourn.chat.languages import choose_language, languages

_TYPES: Final = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}

SECURITY_HEADERS: Final = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
"""Sent with the page: it runs nothing but its own files and talks to nobody but this server."""


def chat_routes(
    countries: Mapping[str, str], *, acknowledge_warnings: bool = False
) -> list[BaseRoute]:
    """Return the routes of the chat page.

    Args:
        countries: Names by ISO-2 code of the countries that crisis resources are known for.
        acknowledge_warnings: Whether a warning must be marked as read before the user writes on.
    """
    environment = Environment(
        loader=PackageLoader("adjourn.chat"), autoescape=select_autoescape(), trim_blocks=True
    )
    template = environment.get_template("chat.html")

    @cache
    def page(code: str) -> str:
        language = languages()[code]
        return template.render(
            language=language,
            languages=languages().values(),
            countries=countries,
            acknowledge_warnings=acknowledge_warnings,
            **{key: text for key, text in language.page.items() if key != "language"},
        )

    async def chat(request: Request) -> Response:
        accepted = request.headers.get("accept-language", "")
        language = choose_language(request.query_params.get("lang", ""), accepted)
        headers = {
            **SECURITY_HEADERS, "content-language": language.code, "vary": "Accept-Language"
        }  # fmt: skip
        return HTMLResponse(page(language.code), headers=headers)

    return [Route("/chat", chat), Route("/chat/static/{name}", _static)]


async def _static(request: Request) -> Response:
    name = str(request.path_params["name"])
    file = resources.files("adjourn.chat").joinpath("static", name)
    kind = _TYPES.get(name[name.rfind(".") :])
    if kind is None or "/" in name or "\\" in name or not file.is_file():
        return PlainTextResponse("There is no such file.\n", 404)
    headers = {**SECURITY_HEADERS, "cache-control": "no-cache"}
    return Response(file.read_bytes(), media_type=kind, headers=headers)
