"""The web application of the simulator.

The gateway's side, as Z-API has it (``zapi_routes.py``)::

    POST   /instances/{id}/token/{token}/send-text ... send-document/{ext} ...   200 {zaapId, messageId, id}
    POST   .../read-message 204   .../modify-chat {"value": true}   DELETE .../messages 204
    PUT    .../update-webhook-received ... {"value": true}
    GET    .../status   .../phone-exists/{phone}
    POST   .../queue    DELETE .../queue   DELETE .../queue/{zaapId}

Its own side, for the page and for tests (``phone_routes.py``)::

    GET    /                                 the page             GET /readyz   200 when up
    GET    /api/contacts                     [{phone, name, about, document}]
    GET    /api/company                      {name, assistant, phone}
    GET    /api/chats/{phone}/messages       ?after=SEQ&wait=SECONDS -> {messages, typing, last}
    POST   /api/chats/{phone}/messages       {kind, ...} -> 202 {id}; ?sync=1 -> {id, status, ms}
    POST   /api/chats/{phone}/operator       {text}, the same answers
    DELETE /api/chats
    GET    /api/faults    PUT /api/faults    any of the fields of faults.Faults
    GET    /api/sends     ?after=N           DELETE /api/sends
    GET    /api/media/{id}                   GET /api/media/{id}/preview
    GET    /api/events                       server-sent events

What a customer can post, besides ``quoted`` (a message id) on every ordinary kind:
``text`` {text} | ``audio`` {seconds?, data?} | ``image``, ``video`` {caption?, data?} |
``document`` {file_name?, caption?, data?} | ``sticker`` {data?} | ``location`` {latitude?, longitude?, name?,
address?} | ``live_location`` | ``contact`` {name?, phone?} | ``reaction`` {message_id, value?} | ``edit``
{message_id, text} | ``delete`` {message_id} | ``option`` {message_id, option_id} | ``poll_vote`` {message_id,
options} | ``waiting`` {text?, delay?} | ``status_reply``, ``group``, ``newsletter``, ``broadcast`` {text?} |
``call`` {video?} | ``presence`` {status?}. ``data`` is a base64 data URI; without it a sample is sent.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import web

from simulator import contacts, phone_routes, zapi_routes
from simulator.settings import Settings
from simulator.state import Simulator

PAGE = Path(__file__).with_name("page")
BODY_LIMIT = 64 * 1024**2
CONTENT_POLICY = (
    "default-src 'self'; img-src 'self' data: blob: https: http:; media-src 'self' data: blob: https: http:; "
    "object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


async def page(request: web.Request) -> web.StreamResponse:
    """The phone."""
    return web.FileResponse(PAGE / "index.html", headers={"Content-Security-Policy": CONTENT_POLICY})


async def ready(request: web.Request) -> web.Response:
    """200: the simulator is up."""
    return web.json_response({"status": "ok"})


@web.middleware
async def always_fresh(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """The page's files are read anew at every visit, so that an edit shows."""
    response = await handler(request)
    if not response.prepared and not request.path.startswith("/api/media/"):
        response.headers.setdefault("Cache-Control", "no-cache")
    return response


def create(settings: Settings) -> web.Application:
    """The application; starting it opens the webhook client, stopping it ends every wait."""
    app = web.Application(client_max_size=BODY_LIMIT, middlewares=[always_fresh])
    simulator = app[Simulator.KEY] = Simulator(settings, contacts.load())

    async def start(app: web.Application) -> None:
        await simulator.delivery.start()

    async def stop(app: web.Application) -> None:
        await simulator.stop()

    app.on_startup.append(start)  # type: ignore[arg-type]  # aiosignal and aiohttp type a signal differently
    app.on_shutdown.append(stop)  # type: ignore[arg-type]
    app.router.add_get("/", page)
    app.router.add_get("/readyz", ready)
    app.router.add_route("*", "/instances/{instance}/token/{token}/{method:.+}", zapi_routes.handle)
    app.add_routes(phone_routes.routes)
    app.router.add_static("/page", PAGE)
    return app
