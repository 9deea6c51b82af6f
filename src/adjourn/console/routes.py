"""The console's pages: figures, ends with their evidence, the policy, help lines to check.

Everything is rendered here, on the server; there is no script. Forms carry a token that no other
site can know, and each asks for the role it needs.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from http import HTTPStatus
from typing import Any, Final

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from adjourn.console.access import Access, Role, User
from adjourn.console.figures import Figures, day_of, matching
from adjourn.console.timeline import moments_of, picture_of, read_path
from adjourn.console.what_if import compare
from adjourn.core.appeals import AppealReason, AppealState
from adjourn.core.entries import NodeRecord
from adjourn.core.errors import BadPolicy, StoreUnavailable
from adjourn.core.helplines import Line, months_after
from adjourn.core.messages import Role as MessageRole
from adjourn.core.policy_diff import differences
from adjourn.core.policy_lint import lint
from adjourn.core.resources import Resources
from adjourn.core.tree import NodeId
from adjourn.core.verifier import render
from adjourn.core.wording.words import BEHAVIOURS
from adjourn.ports import Clock, Store
from adjourn.runtime.appeals import Appeals
from adjourn.runtime.evidence import Evidence, Said
from adjourn.runtime.live_policy import LivePolicy
from adjourn.runtime.pages import SECURITY_HEADERS, own_file, templates_of

_PER_PAGE: Final = 50
_TRIED_PATHS: Final = 300
_DUE_MONTHS: Final = 3
"""A help line is listed for re-checking this long before it expires."""
_LARGEST_FORM: Final = 512 * 1024
_MOST_APPEALS: Final = 500
_DECISIONS: Final = (AppealState.UPHELD, AppealState.REVERSED)

Record = Callable[[str, str, str], Awaitable[None]]
"""Puts what a user of the console did into the ledger: action, user, subject."""


@dataclass(frozen=True, slots=True)
class ConsoleParts:
    """What the console works on."""

    access: Access
    store: Store
    appeals: Appeals
    evidence: Evidence
    live: LivePolicy
    resources: Resources
    clock: Clock
    record: Record


class Console:
    """Handlers over one gateway."""

    def __init__(self, parts: ConsoleParts) -> None:
        self._parts = parts
        self._figures = Figures(parts.store)
        self._templates = templates_of("adjourn.console")

    def routes(self) -> list[BaseRoute]:
        """Return the routes of the console."""
        return [
            Route("/console", self.overview),
            Route("/console/sign-in", self.sign_in, methods=["GET", "POST"]),
            Route("/console/sign-out", self.sign_out, methods=["POST"]),
            Route("/console/ends", self.ends),
            Route("/console/ends/{node}", self.end, methods=["GET", "POST"]),
            Route("/console/appeals", self.appeals),
            Route("/console/policy", self.policy, methods=["GET", "POST"]),
            Route("/console/helplines", self.helplines),
            Route("/console/static/{name}", _static),
        ]

    # -- signing in ---------------------------------------------------------------------------

    async def sign_in(self, request: Request) -> Response:
        """Ask for a key, and know its owner from then on."""
        access = self._parts.access
        if request.method == "GET":
            return self._page("sign_in.html", None, is_set_up=access.is_set_up, wrong=False)
        user = access.user_with(str((await _form(request)).get("key", "")))
        if user is None:
            page = self._page("sign_in.html", None, is_set_up=access.is_set_up, wrong=True)
            page.status_code = HTTPStatus.UNAUTHORIZED
            return page
        response = RedirectResponse("/console", HTTPStatus.SEE_OTHER)
        access.sign_in(response, user)
        await self._parts.record("signed_in", user.id, "")
        return response

    async def sign_out(self, request: Request) -> Response:
        """Forget who is signed in."""
        form = await _form(request)
        user = self._parts.access.user_of(request)
        response = RedirectResponse("/console/sign-in", HTTPStatus.SEE_OTHER)
        if user is not None and self._parts.access.is_own_form(user, str(form.get("token", ""))):
            self._parts.access.sign_out(response)
        return response

    # -- pages --------------------------------------------------------------------------------

    async def overview(self, request: Request) -> Response:
        """Show how often what happened."""
        user = self._parts.access.user_of(request)
        if user is None:
            return _to_sign_in()
        problem = await self._catch_up()
        today = day_of(self._parts.clock.now_ms())
        spans = [(days, self._figures.of_last(days, today)) for days in (1, 7, 30)]
        return self._page(
            "overview.html",
            user,
            spans=spans,
            entries=self._figures.entries,
            newest=matching(self._figures.ends, "")[:5],
            policy=self._parts.live.policy,
            problem=problem,
            behaviours=BEHAVIOURS,
        )

    async def ends(self, request: Request) -> Response:
        """List ends, newest first, or those that a search finds."""
        user = self._parts.access.user_of(request)
        if user is None:
            return _to_sign_in()
        problem = await self._catch_up()
        words = request.query_params.get("q", "")[:200]
        found = matching(self._figures.ends, words)
        page = _number(request.query_params.get("page", "1"), 1 + (len(found) - 1) // _PER_PAGE)
        shown = found[(page - 1) * _PER_PAGE : page * _PER_PAGE]
        return self._page(
            "ends.html", user, words=words, ends=shown, page=page, found=len(found),
            more=page * _PER_PAGE < len(found), problem=problem,
        )  # fmt: skip

    async def end(self, request: Request) -> Response:
        """Show one end with what it rests on; take up and decide the appeal against it."""
        user = self._parts.access.user_of(request)
        if user is None:
            return _to_sign_in()
        node = NodeId(str(request.path_params["node"]))
        try:
            if request.method == "POST" and _is_node(node):
                refusal = await self._decide(request, user, node)
                if refusal is not None:
                    return refusal
            return await self._show_end(user, node)
        except StoreUnavailable as error:
            return self._trouble(user, HTTPStatus.SERVICE_UNAVAILABLE, str(error))

    async def _show_end(self, user: User, node: NodeId) -> Response:
        record = await self._parts.store.end_at(node) if _is_node(node) else None
        if record is None:
            return self._trouble(user, HTTPStatus.NOT_FOUND, "No end is recorded at this node.")
        path = await read_path(self._parts.store, node)
        need = self._parts.live.policy.ladder.redirections_before_warning
        moments = moments_of(path, record, need)
        return self._page(
            "end.html", user, statement=record.statement, closing=record.closing,
            moments=moments, picture=picture_of(moments),
            written=await self._parts.appeals.of(node), reasons=list(AppealReason),
            said=await self._said(user, node),
        )  # fmt: skip

    async def _said(self, user: User, node: NodeId) -> Sequence[Said]:
        """Return what was written, for those who may decide on it; looking is recorded."""
        if not user.may(Role.REVIEWER):
            return ()
        said = await self._parts.evidence.of(node)
        if said:
            await self._parts.record("evidence_read", user.id, node)
        return said

    async def _decide(self, request: Request, user: User, node: NodeId) -> Response | None:
        """Carry out what a reviewer decided; return the refusal if they may not."""
        form = await _form(request)
        if not user.may(Role.REVIEWER):
            return self._trouble(user, HTTPStatus.FORBIDDEN, "This needs the role reviewer.")
        if not self._parts.access.is_own_form(user, str(form.get("token", ""))):
            return self._trouble(user, HTTPStatus.FORBIDDEN, "This form is too old: open it again.")
        do, reason = str(form.get("do", "")), str(form.get("reason", ""))
        if do == "take":
            await self._parts.appeals.acknowledge(node, user.id)
        elif do == "erase":
            if await self._parts.evidence.erase(node):
                await self._parts.record("evidence_erased", user.id, node)
        elif do in _DECISIONS and reason in list(AppealReason):
            answer = str(form.get("answer", ""))
            state, why = AppealState(do), AppealReason(reason)
            await self._parts.appeals.decide(node, user.id, state, why, answer)
        else:
            message = "Say whether the end stands, and why."
            return self._trouble(user, HTTPStatus.BAD_REQUEST, message)
        return None

    async def appeals(self, request: Request) -> Response:
        """List appeals: those to decide first, the oldest on top."""
        user = self._parts.access.user_of(request)
        if user is None:
            return _to_sign_in()
        try:
            found = await self._parts.appeals.newest(_MOST_APPEALS)
        except StoreUnavailable as error:
            return self._trouble(user, HTTPStatus.SERVICE_UNAVAILABLE, str(error))
        waiting = [one for one in found if not one.appeal.state.is_decided][::-1]
        decided = [one for one in found if one.appeal.state.is_decided]
        return self._page("appeals.html", user, rows=[*waiting, *decided], waiting=len(waiting))

    async def policy(self, request: Request) -> Response:
        """Show the policy, try a changed one out, and put it in force."""
        user = self._parts.access.user_of(request)
        if user is None:
            return _to_sign_in()
        live = self._parts.live
        if request.method == "GET":
            return self._page("policy.html", user, **_desk(live), trial=None, told="")
        form = await _form(request)
        if not user.may(Role.OPERATOR):
            return self._trouble(user, HTTPStatus.FORBIDDEN, "This needs the role operator.")
        if not self._parts.access.is_own_form(user, str(form.get("token", ""))):
            return self._trouble(user, HTTPStatus.FORBIDDEN, "This form is too old: open it again.")
        text = str(form.get("text", "")).replace("\r\n", "\n")
        if form.get("do") == "live":
            return await self._go_live(user, text)
        return self._page(
            "policy.html", user, **{**_desk(live), "text": text}, trial=await self._try(text),
            told="",
        )  # fmt: skip

    async def _go_live(self, user: User, text: str) -> Response:
        live = self._parts.live
        try:
            policy = await live.change(text)
        except (BadPolicy, OSError) as error:
            desk = {**_desk(live), "text": text}
            return self._page("policy.html", user, **desk, trial={"error": str(error)}, told="")
        await self._parts.record("policy_in_force", user.id, policy.digest)
        told = f"{policy.name} {policy.version} is in force."
        return self._page("policy.html", user, **_desk(live), trial=None, told=told)

    async def _try(self, text: str) -> dict[str, Any]:
        """Return all that is known of a changed policy before it goes live."""
        live = self._parts.live
        try:
            policy, proof = await live.try_out(text)
        except BadPolicy as error:
            return {"error": str(error)}
        broken = [(r.law, render(r.counterexample)) for r in proof.results if not r.holds]
        try:
            paths = await self._recent_paths()
        except StoreUnavailable as error:
            return {"error": f"recent conversations could not be read: {error}"}
        return {
            "error": "",
            "proof": proof,
            "broken": broken,
            "findings": lint(policy, text),
            "differences": differences(live.policy, policy),
            "comparison": compare(paths, live.policy, policy),
        }

    async def _recent_paths(self) -> Sequence[Sequence[NodeRecord]]:
        """Return the newest recorded paths, each to its deepest user message."""
        await self._figures.catch_up()
        inner: set[NodeId] = set()
        paths: list[Sequence[NodeRecord]] = []
        for entry in reversed(self._figures.recent):
            if entry.node in inner:
                continue
            path = await read_path(self._parts.store, entry.node)
            inner.update(record.node for record in path)
            if any(record.role is MessageRole.USER for record in path):
                paths.append(path)
            if len(paths) == _TRIED_PATHS:
                break
        return paths

    async def helplines(self, request: Request) -> Response:
        """List the help lines that somebody should call."""
        user = self._parts.access.user_of(request)
        if user is None:
            return _to_sign_in()
        today = datetime.fromtimestamp(self._parts.clock.now_ms() / 1000, UTC).date()
        rows = [
            (country.name, line, _standing(line, today))
            for country in self._parts.resources.countries
            for line in country.lines
        ]
        rows.sort(key=lambda row: (row[1].expires_on, row[0]))
        return self._page("helplines.html", user, rows=rows)

    # -- in common ----------------------------------------------------------------------------

    async def _catch_up(self) -> str:
        """Read on; return what is wrong if the store does not answer."""
        try:
            await self._figures.catch_up()
        except StoreUnavailable as error:
            return f"The store does not answer ({error}); these are the last figures read."
        return ""

    def _page(self, template: str, user: User | None, **values: Any) -> HTMLResponse:
        token = self._parts.access.form_token(user) if user else ""
        values = {"user": user, "token": token, "when": _when, "Role": Role, **values}
        html = self._templates.get_template(template).render(values)
        return HTMLResponse(html, headers={**SECURITY_HEADERS, "cache-control": "no-store"})

    def _trouble(self, user: User, status: HTTPStatus, message: str) -> Response:
        page = self._page("trouble.html", user, message=message)
        page.status_code = status
        return page


def _desk(live: LivePolicy) -> Mapping[str, Any]:
    return {"policy": live.policy, "text": live.text, "file": live.file}


def _standing(line: Line, today: date) -> str:
    if line.withheld is not None:
        return f"not shown: {line.withheld}".replace("_", " ")
    if not line.is_shown(today):
        return "not shown: too old, or not confirmed"
    if line.expires_on <= months_after(today, _DUE_MONTHS):
        return "shown, due for a check"
    return "shown" if line.checked_by_human_on else "shown, never called by anybody here"


async def _form(request: Request) -> FormData:
    """Read a form; one that is too large counts as empty."""
    if int(request.headers.get("content-length") or _LARGEST_FORM) >= _LARGEST_FORM:
        return FormData()
    return await request.form(max_part_size=_LARGEST_FORM)


async def _static(request: Request) -> Response:
    return own_file("adjourn.console", str(request.path_params["name"]))


def _to_sign_in() -> Response:
    return RedirectResponse("/console/sign-in", HTTPStatus.SEE_OTHER)


def _is_node(text: str) -> bool:
    return len(text) == 64 and set(text) <= set("0123456789abcdef")


def _number(text: str, most: int) -> int:
    return min(max(1, int(text)), max(1, most)) if text.isascii() and text.isdigit() else 1


def _when(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
