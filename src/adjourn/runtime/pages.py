"""What all of adjourn's pages have in common: strict headers, templates, their own files."""

from importlib import resources
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import PlainTextResponse, Response

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
"""Sent with each page: it runs nothing but its own files and talks to nobody but this server."""


def templates_of(package: str) -> Environment:
    """Return the templates of a package; everything put into them is escaped."""
    return Environment(
        loader=PackageLoader(package),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )


def own_file(package: str, name: str) -> Response:
    """Return a file of a package's ``static`` folder, or 404."""
    file = resources.files(package).joinpath("static", name)
    kind = _TYPES.get(name[name.rfind(".") :])
    if kind is None or "/" in name or "\\" in name or not file.is_file():
        return PlainTextResponse("There is no such file.\n", 404)
    headers = {**SECURITY_HEADERS, "cache-control": "no-cache"}
    return Response(file.read_bytes(), media_type=kind, headers=headers)
