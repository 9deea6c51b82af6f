"""The chat page: one template, one style sheet and a few modules, all served from here."""

from collections.abc import Mapping
from functools import cache

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from adjourn.chat.languages import choose_language, languages
from adjourn.runtime.pages import SECURITY_HEADERS, own_file, templates_of


def chat_routes(
    countries: Mapping[str, str], *, acknowledge_warnings: bool = False
) -> list[BaseRoute]:
    """Return the routes of the chat page.

    Args:
        countries: Names by ISO-2 code of the countries that crisis resources are known for.
        acknowledge_warnings: Whether a warning must be marked as read before the user writes on.
    """
    template = templates_of("adjourn.chat").get_template("chat.html")

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
    return own_file("adjourn.chat", str(request.path_params["name"]))
