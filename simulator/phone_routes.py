"""The simulator's own JSON interface, for its page and for tests: ``/api/...``."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

from aiohttp import web

from simulator.customer import Said
from simulator.faults import FaultError
from simulator.sends import SendError
from simulator.state import Simulator

PHONE = re.compile(r"\d{8,20}(@lid)?", re.ASCII)
WAIT_MOST_SECONDS = 600.0
HEARTBEAT_SECONDS = 15.0
STRANGERS_SHOWN = 30

routes = web.RouteTableDef()


def bad(message: str, status: int = 400) -> web.Response:
    """``{"error": ...}``."""
    return web.json_response({"error": message}, status=status)


def _simulator(request: web.Request) -> Simulator:
    return request.app[Simulator.KEY]


def _phone(request: web.Request) -> str:
    phone = request.match_info["phone"]
    if not PHONE.fullmatch(phone):
        raise web.HTTPBadRequest(
            text=json.dumps({"error": "phone must be digits, or digits@lid"}), content_type="application/json"
        )
    return phone


async def _json(request: web.Request) -> Any:
    try:
        return json.loads(await request.read())
    except ValueError:
        return None


def _number(request: web.Request, name: str, most: float) -> float:
    try:
        value = float(request.query.get(name) or 0)
    except ValueError:
        value = -1
    if not 0 <= value <= most:
        raise web.HTTPBadRequest(
            text=json.dumps({"error": f"{name} must be a number from 0 to {most:g}"}),
            content_type="application/json",
        )
    return value


@routes.get("/api/company")
async def company(request: web.Request) -> web.Response:
    """``{name, assistant, phone}`` of the business on the other side of the page's phone."""
    its = _simulator(request).directory.company
    return web.json_response({"name": its.name, "assistant": its.assistant, "phone": its.phone})


@routes.get("/api/contacts")
async def contacts(request: web.Request) -> web.Response:
    """The people of contacts.yml, then the newest numbers beyond it that have a chat."""
    simulator = _simulator(request)
    known = {contact.phone for contact in simulator.directory.contacts}
    talking = [phone for phone in simulator.chats.phones() if simulator.chats.read(phone)["last"]]
    strangers = [phone for phone in talking if phone not in known][-STRANGERS_SHOWN:]
    people = [*simulator.directory.contacts, *map(simulator.directory.find, strangers)]
    return web.json_response([person.as_json() for person in people])


@routes.get("/api/chats/{phone}/messages")
async def messages(request: web.Request) -> web.Response:
    """``?after=SEQ&wait=SECONDS``: the messages above SEQ, waiting for the first of them if need be."""
    simulator, phone = _simulator(request), _phone(request)
    after, seconds = int(_number(request, "after", 10**9)), _number(request, "wait", WAIT_MOST_SECONDS)
    if seconds:
        news = asyncio.ensure_future(simulator.chats.wait(phone, after, seconds))
        stop = asyncio.ensure_future(simulator.stopping.wait())
        try:
            await asyncio.wait({news, stop}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            news.cancel()
            stop.cancel()
    return web.json_response(simulator.chats.read(phone, after))


@routes.post("/api/chats/{phone}/messages")
async def say(request: web.Request) -> web.Response:
    """The customer does something: 202 ``{id}``; with ``?sync=1`` 200 ``{id, status, ms}`` when taken."""
    simulator, phone = _simulator(request), _phone(request)
    try:
        said = simulator.customer.say(phone, await _json(request))
    except SendError as error:
        return bad(str(error))
    return await _deliver(request, phone, said)


@routes.post("/api/chats/{phone}/operator")
async def operate(request: web.Request) -> web.Response:
    """Somebody types on the company's phone: the same answers as for a customer's message."""
    simulator, phone = _simulator(request), _phone(request)
    body = await _json(request)
    words = body.get("text") if isinstance(body, dict) else None
    if not isinstance(words, str) or not words.strip():
        return bad("text is required")
    return await _deliver(request, phone, simulator.customer.operate(phone, words))


async def _deliver(request: web.Request, phone: str, said: Said) -> web.Response:
    answer = _simulator(request).deliver(phone, said)
    if request.query.get("sync") in (None, "", "0"):
        return web.json_response({"id": said.id}, status=202)
    result = await asyncio.shield(answer)
    return web.json_response({"id": said.id, "status": result.status, "ms": result.ms})


@routes.delete("/api/chats")
async def forget_chats(request: web.Request) -> web.Response:
    """Forget all chats and everything on its way to or from them."""
    _simulator(request).clear_chats()
    return web.Response(status=204)


@routes.get("/api/faults")
async def read_faults(request: web.Request) -> web.Response:
    """Every fault by name."""
    return web.json_response(_simulator(request).faults.as_json())


@routes.put("/api/faults")
async def change_faults(request: web.Request) -> web.Response:
    """Change the given faults; answers with all of them."""
    simulator, body = _simulator(request), await _json(request)
    if not isinstance(body, dict):
        return bad("the body must be a JSON object")
    try:
        simulator.change_faults(body)
    except FaultError as error:
        return bad(str(error))
    return web.json_response(simulator.faults.as_json())


@routes.get("/api/sends")
async def read_sends(request: web.Request) -> web.Response:
    """``?after=N``: every send as it was received, accepted or refused."""
    return web.json_response(
        {"sends": _simulator(request).sends.after(int(_number(request, "after", 10**9)))}
    )


@routes.delete("/api/sends")
async def forget_sends(request: web.Request) -> web.Response:
    """Forget the sends and count from 1 again."""
    _simulator(request).sends.clear()
    return web.Response(status=204)


@routes.get("/api/media/{id}")
async def medium(request: web.Request) -> web.Response:
    """The bytes of a file; types a browser could run are offered as a download only."""
    media = _simulator(request).media.get(request.match_info["id"])
    if media is None:
        return bad("there is no such file", 404)
    shown = "inline" if media.may_open_in_page else "attachment"
    headers = {"Content-Type": media.mime, "Content-Disposition": shown, "X-Content-Type-Options": "nosniff"}
    return web.Response(body=media.data, headers=headers)


@routes.get("/api/media/{id}/preview")
async def preview(request: web.Request) -> web.Response:
    """The first page of a PDF as PNG; 404 for anything else."""
    store = _simulator(request).media
    media = store.get(request.match_info["id"])
    picture = None
    if media is not None:
        picture = await asyncio.get_running_loop().run_in_executor(None, store.preview, media)
    if picture is None:
        return bad("there is no preview of this file", 404)
    return web.Response(body=picture, content_type="image/png")


@routes.get("/api/events")
async def events(request: web.Request) -> web.StreamResponse:
    """Server-sent events ``{"phone", "what": "message"|"typing"|"status"}``."""
    simulator = _simulator(request)
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
    await response.prepare(request)
    queue = simulator.chats.subscribe()
    stop = asyncio.ensure_future(simulator.stopping.wait())
    try:
        await response.write(b": hello\n\n")
        while not stop.done():
            news = asyncio.ensure_future(queue.get())
            await asyncio.wait({news, stop}, timeout=HEARTBEAT_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            if news.done():
                await response.write(f"data: {json.dumps(news.result())}\n\n".encode())
            else:
                news.cancel()
                await response.write(b": still here\n\n")
    except ConnectionResetError:
        pass
    finally:
        stop.cancel()
        simulator.chats.unsubscribe(queue)
    return response
