"""The pages: `uvicorn --factory alerting_pipeline.web.server:create_app`. Local, read only, nothing external.

Whatever a page shows comes from data: Jinja escapes it, and the content security policy would run no script if it did
not. Mails are shown in a frame without rights.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit
from uuid import UUID

from fastapi import FastAPI, HTTPException, Query, Request
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, Response
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.middleware.trustedhost import TrustedHostMiddleware

from alerting_pipeline.app.watching import PAGES, PAGES_SECONDS, HealthCheck, beating, reasons
from alerting_pipeline.web.inbox import Inbox, Wanted
from alerting_pipeline.web.slack_view import shown

if TYPE_CHECKING:
    from alerting_pipeline.app import App
    from alerting_pipeline.domain.unsubscription import Unsubscription

_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; frame-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_FORM_POLICY = _POLICY.replace("form-action 'none'", "form-action 'self'")
_MAIL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'self'; form-action 'none'; frame-ancestors 'self'; "
    "sandbox allow-popups allow-popups-to-escape-sandbox"
)
_STYLE = Path(__file__).parent / "static" / "style.css"


def create_app(app: App | None = None, *, beat_every: float | None = None) -> FastAPI:
    """The web application; without an `app` it makes its own from the environment and closes it at the end.

    It is heard of every `beat_every` seconds: its own choice with an app of its own, else only where that is given.
    """
    if app is None:
        from alerting_pipeline.app import App

        app, beat_every = App.from_environment(), beat_every or PAGES_SECONDS
    held = app

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        with _heart(held, beat_every):
            yield
        held.close()

    web = FastAPI(title="alerting-pipeline", docs_url=None, redoc_url=None, lifespan=lifespan)
    hosts = ["localhost", "127.0.0.1", "[::1]", urlsplit(held.settings.public_url).hostname or "localhost"]
    web.add_middleware(TrustedHostMiddleware, allowed_hosts=hosts, www_redirect=False)
    web.middleware("http")(_with_headers)
    web.add_exception_handler(StarletteHTTPException, _problem)
    _add_pages(web, held)
    return web


def _heart(app: App, every: float | None) -> AbstractContextManager[None]:
    log = logging.getLogger("alerting.pages")
    if every is None:
        return nullcontext()
    return beating(app, PAGES, every, lambda error: log.warning("the ledger is away: %s", type(error).__name__))


def _add_pages(web: FastAPI, app: App) -> None:
    inbox = Inbox(app.settings.inbox)

    health = HealthCheck(lambda: reasons(app))

    @web.get("/healthz")
    def healthz() -> JSONResponse:
        """Is anything overdue? 200 while all is well, else 503 with the reasons."""
        if said := health():
            return JSONResponse({"status": "failing", "reasons": said}, status_code=503)
        return JSONResponse({"status": "ok"})

    @web.get("/static/style.css", include_in_schema=False)
    def style() -> Response:
        return FileResponse(_STYLE, media_type="text/css")

    @web.get("/", response_class=HTMLResponse, include_in_schema=False)
    def messages(
        alert: str = Query("", max_length=200),
        channel: str = Query("", max_length=40),
        destination: str = Query("", max_length=200),
        before: str = Query("", max_length=100),
    ) -> HTMLResponse:
        wanted = Wanted(alert=alert, channel=channel, destination=destination, before=before)
        page = inbox.page(wanted)
        given = {"alert": alert, "channel": channel, "destination": destination}
        chosen = {name: value for name, value in given.items() if value}
        older = "/?" + urlencode({**chosen, "before": page.next_before}) if page.next_before else ""
        return _page("inbox.html", entries=page.entries, chosen=chosen, older=older)

    @web.get("/messages/{delivery_id}", response_class=HTMLResponse, include_in_schema=False)
    def message(delivery_id: UUID) -> HTMLResponse:
        entry = inbox.entry(delivery_id)
        if entry is None:
            raise HTTPException(404, "This message is not in the local inbox.")
        blocks = shown(entry.rendered.get("blocks", []))
        return _page("message.html", entry=entry, blocks=blocks, has_mail="html" in entry.rendered)

    @web.get("/messages/{delivery_id}/mail", response_class=HTMLResponse, include_in_schema=False)
    def mail(delivery_id: UUID) -> HTMLResponse:
        content = inbox.mail(delivery_id)
        if content is None:
            raise HTTPException(404, "This message is not a mail.")
        framed = content.replace("<head>", '<head><base target="_blank">', 1)
        return HTMLResponse(framed, headers={"Content-Security-Policy": _MAIL_POLICY})

    @web.get("/unsubscribe/{token}", response_class=HTMLResponse, include_in_schema=False)
    def ask_to_unsubscribe(token: str) -> HTMLResponse:
        """Only asks: scanners of mail servers open every link."""
        wanted = _wanted(app, token)
        return _page("unsubscribe.html", policy=_FORM_POLICY, wanted=wanted, is_done=False)

    @web.post("/unsubscribe/{token}", response_class=HTMLResponse)
    def unsubscribe(token: str) -> HTMLResponse:
        """Ends a report for its recipient: by the button of the page, or by a mail program in one click (RFC 8058)."""
        wanted = _wanted(app, token)
        app.unsubscriptions.add(wanted.report, wanted.address, "recipient")
        return _page("unsubscribe.html", wanted=wanted, is_done=True)

    @web.get("/incidents/{incident_id}", response_class=HTMLResponse, include_in_schema=False)
    def incident(incident_id: int) -> HTMLResponse:
        from alerting_pipeline.web.incident_view import incident_view

        view = incident_view(app.engine, incident_id) if 0 < incident_id < 2**63 else None
        if view is None:
            raise HTTPException(404, f"There is no incident {incident_id}.")
        entries = inbox.page(Wanted(incident=incident_id)).entries
        return _page("incident.html", incident=view, entries=entries)


def _wanted(app: App, token: str) -> Unsubscription:
    """What the link is about. Whether anybody of that address was ever written to doesn't show."""
    from alerting_pipeline.domain.unsubscription import read_token

    wanted = read_token(token, app.signing_key)
    if wanted is None:
        raise HTTPException(403, "This link is not one of ours, or was changed on its way. Nothing was unsubscribed.")
    return wanted


async def _with_headers(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    response = await call_next(request)
    response.headers.setdefault("Content-Security-Policy", _POLICY)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    response.headers["Cache-Control"] = "no-store"
    return response


async def _problem(request: Request, error: Exception) -> Response:
    detail = getattr(error, "detail", "Something went wrong.")
    status = getattr(error, "status_code", 500)
    said = "This page does not exist." if detail == "Not Found" else str(detail)
    return _page("problem.html", status=status, said=said)


def _page(template: str, *, status: int = 200, policy: str = _POLICY, **values: Any) -> HTMLResponse:
    content = _templates().get_template(template).render(**values)
    return HTMLResponse(content, status_code=status, headers={"Content-Security-Policy": policy})


@lru_cache(maxsize=1)
def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("alerting_pipeline.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["moment"] = _moment
    return environment


def _moment(instant: datetime) -> str:
    return f"{instant.day} {instant:%b}, {instant:%H:%M}"
