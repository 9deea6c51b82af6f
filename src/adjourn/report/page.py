"""A report as one HTML page: no script, nothing from elsewhere, made to be printed too."""

from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markdown_it import MarkdownIt
from markupsafe import Markup

from adjourn.core.explain import explain_markdown
from adjourn.core.hazards import PLAIN_NAMES
from adjourn.core.policy import Policy
from adjourn.report.documents import Report
from adjourn.report.rates import Rate
from adjourn.report.suppression import Cells

_RATES: Final = (
    ("ended", "ended on the policy's grounds"),
    ("ended_by_user", "ended because the user asked"),
    ("warned", "warned"),
    ("redirected", "refused with a better offer"),
    ("supported", "given crisis support"),
    ("model_denied", "where the model asked for an end and was denied"),
)
CSP: Final = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
"""The page carries its own style, as a file that is sent around must."""


def render_page(report: Report, policy: Policy) -> str:
    """Return the page.

    Args:
        report: The figures.
        policy: The policy in force, for what can end a conversation.
    """
    # Brings matplotlib, which a gateway that makes no report need not wait for.
    from adjourn.report.plots import plot_cells, plot_rates  # noqa: PLC0415

    figures = report.figures
    rates = [(words, getattr(figures, name)) for name, words in _RATES]
    by_ground = _named(figures.ended_by_ground)
    return _template().render(
        report=report,
        f=figures,
        rates=rates,
        rates_plot=Markup(plot_rates(rates)) if figures.conversations else "",  # noqa: S704
        ended_by_ground=by_ground,
        reversed_by_ground=_named(figures.reversed_by_ground),
        warned_by_ground=_named(figures.warned_by_ground),
        grounds_plot=Markup(plot_cells(by_ground)) if by_ground else "",  # noqa: S704
        interval=_interval,
        explained=Markup(_without_title(explain_markdown(policy))),  # noqa: S704
        style=Markup(_style()),  # noqa: S704 - our own file
    )


def _named(cells: Cells) -> Cells:
    """Return a table of grounds with what they are called in plain language."""
    names: Mapping[str, str] = PLAIN_NAMES
    return {names.get(ground, ground): count for ground, count in cells.items()}


def _interval(rate: Rate) -> str:
    if rate.per_10_000 is None:
        return "no conversations"
    return f"{rate.per_10_000:,.1f} ({rate.low:,.1f} to {rate.high:,.1f})"


def _without_title(markdown: str) -> str:
    """Render Markdown of our own; raw HTML in a policy's name would stay text."""
    body = markdown.partition("\n")[2]
    return str(MarkdownIt("commonmark", {"html": False}).render(body))


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("adjourn.report"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    return environment.get_template("report.html")


@cache
def _style() -> str:
    return resources.files("adjourn.report").joinpath("static", "report.css").read_text("utf-8")
