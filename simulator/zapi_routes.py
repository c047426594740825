"""The HTTP interface of the gateway: ``/instances/{id}/token/{token}/...``."""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from simulator import bubbles, sends, webhooks
from simulator.faults import is_whole
from simulator.gateway import QueueFull
from simulator.state import Simulator

ERRORS = {
    400: "To continue sending a message, you must subscribe to this instance again",
    403: "Client-Token not allowed",
    404: "Instance not found",
    429: "Too many requests",
    500: "Internal server error",
}
CHAT_ACTIONS = ("read", "unread", "archive", "unarchive", "pin", "unpin", "mute", "unmute", "clear", "delete")
SETTING = re.compile(r"update-(\w+-)*webhooks?(-\w+)*|update-notify-sent-by-me|update-auto-read-message")
PAGE_SIZE, PAGE_SIZE_MOST = 20, 30
HANG_STEP_SECONDS = 0.2

Handler = Callable[[Simulator, web.Request, str], Awaitable[web.Response]]


def refuse(status: int, message: str = "") -> web.Response:
    """``{"error": ...}`` with this status."""
    return web.json_response({"error": message or ERRORS[status]}, status=status)


async def handle(request: web.Request) -> web.StreamResponse:
    """Any request below an instance: account token, instance, verb, content type, then the method itself."""
    simulator = request.app[Simulator.KEY]
    method, _, rest = request.match_info["method"].partition("/")
    log = None
    if request.method == "POST" and method in sends.CHECKS:
        log = simulator.sends.add(method, await _body_or_text(request))
    answer = await _answer(simulator, request, method, rest, log)
    if log is not None:
        log["status"] = None if answer is None else answer.status
    if answer is None:  # hung up on: the caller never hears anything
        if request.transport is not None:
            request.transport.abort()
        return web.Response()
    return answer


async def _answer(
    simulator: Simulator, request: web.Request, method: str, rest: str, log: dict[str, Any] | None
) -> web.Response | None:
    refusal = _check_tokens(simulator, request)
    if refusal is not None:
        return refusal
    verbs = _verbs(method)
    if not verbs:
        return refuse(404, "Not found")
    handler = verbs.get(request.method)
    if handler is None:
        response = refuse(405, "Method not allowed")
        response.headers["Allow"] = ", ".join(sorted(verbs))
        return response
    if request.method in ("POST", "PUT") and request.content_type != "application/json":
        return refuse(415, "Unsupported media type: send Content-Type application/json")
    if log is not None:
        if simulator.faults.send_hang:
            await _hang(simulator, request)
            return None
        if simulator.faults.send_reset:
            return None
        fault = simulator.faults.take_send_failure()
        if fault is not None:
            return refuse(fault)
    response = await handler(simulator, request, rest)
    if log is not None and response.status == 200 and simulator.faults.send_delay_seconds:
        log["status"] = 200
        await simulator.sleep(simulator.faults.send_delay_seconds)
    return response


def _check_tokens(simulator: Simulator, request: web.Request) -> web.Response | None:
    settings = simulator.settings
    given = request.headers.get("Client-Token")
    if not given:
        return refuse(400, "your client-token is not configured")
    if not _same(given, settings.client_token):
        return refuse(403)
    instance, token = request.match_info["instance"], request.match_info["token"]
    if not (_same(instance, settings.instance_id) and _same(token, settings.token)):
        return refuse(404)
    return None


def _same(left: str, right: str) -> bool:
    return hmac.compare_digest(left.encode(), right.encode())


async def _hang(simulator: Simulator, request: web.Request) -> None:
    """Say nothing until the caller has gone or the fault is switched off."""
    while simulator.faults.send_hang and not simulator.stopping.is_set():
        if request.transport is None or request.transport.is_closing():
            return
        await simulator.sleep(HANG_STEP_SECONDS)


async def _body_or_text(request: web.Request) -> Any:
    """The JSON of the body, or what came instead of it, as text."""
    raw = await request.read()
    try:
        return json.loads(raw)
    except ValueError:
        return raw.decode("utf-8", "replace")


async def _object(request: web.Request) -> dict[str, Any] | None:
    body = await _body_or_text(request)
    return body if isinstance(body, dict) else None


async def _send(simulator: Simulator, request: web.Request, extension: str) -> web.Response:
    method = request.match_info["method"].partition("/")[0]
    try:
        body = sends.check(method, extension, await _body_or_text(request))
        bubble = bubbles.see(method, extension, body, simulator.files)
        return web.json_response(simulator.gateway.accept(method, body, bubble))
    except (sends.SendError, QueueFull) as error:
        return refuse(400, str(error))


async def _read_message(simulator: Simulator, request: web.Request, rest: str) -> web.Response:
    body = await _object(request) or {}
    try:
        phone, message_id = sends.text(body, "phone"), sends.text(body, "messageId")
    except sends.SendError as error:
        return refuse(400, str(error))
    simulator.chats.set_status(phone, message_id, "READ")
    return web.Response(status=204)


async def _modify_chat(simulator: Simulator, request: web.Request, rest: str) -> web.Response:
    body = await _object(request) or {}
    try:
        sends.text(body, "phone")
        action = sends.text(body, "action")
    except sends.SendError as error:
        return refuse(400, str(error))
    if action not in CHAT_ACTIONS:
        return refuse(400, f"action must be one of {', '.join(CHAT_ACTIONS)}")
    return web.json_response({"value": True})


async def _delete_message(simulator: Simulator, request: web.Request, rest: str) -> web.Response:
    query = request.query
    for name in ("messageId", "phone", "owner"):
        if not query.get(name):
            return refuse(400, f"{name} is required")
    if query["owner"] not in ("true", "false"):
        return refuse(400, "owner must be true or false")
    message = simulator.chats.find(query["phone"], query["messageId"])
    if message is not None:
        simulator.chats.amend(query["phone"], message, text="", deleted=True)
    return web.Response(status=204)


async def _setting(simulator: Simulator, request: web.Request, rest: str) -> web.Response:
    """Accepted and forgotten: webhooks go to THEO_WEBHOOK_URL only, never to an address sent here."""
    body = await _object(request)
    if body is None:
        return refuse(400, "the body must be a JSON object")
    if "value" in body and not isinstance(body["value"], (str, bool)):
        return refuse(400, "value must be a text")
    return web.json_response({"value": True})


async def _status(simulator: Simulator, request: web.Request, rest: str) -> web.Response:
    up = simulator.connection.up
    error = "You are already connected." if up else "You are not connected."
    return web.json_response({"connected": up, "smartphoneConnected": up, "error": error})


async def _phone_exists(simulator: Simulator, request: web.Request, phone: str) -> web.Response:
    exists = sends.PHONE.fullmatch(phone) is not None
    lid = webhooks.lid_of(phone) if exists else None
    return web.json_response([{"exists": exists, "phone": phone, "lid": lid}])


async def _queue(simulator: Simulator, request: web.Request, rest: str) -> web.Response:
    body = await _object(request)
    size = PAGE_SIZE if body is None else body.get("pageSize", PAGE_SIZE)
    if not is_whole(size, 1, PAGE_SIZE_MOST):
        return refuse(400, f"pageSize must be a whole number from 1 to {PAGE_SIZE_MOST}")
    items = simulator.gateway.queue()
    after = body.get("pagingState") if body else None
    ids = [item["ZaapId"] for item in items]
    start = ids.index(after) + 1 if after in ids else 0
    page, more = items[start : start + size], len(items) > start + size
    return web.json_response(
        {"messages": page, "pagingState": page[-1]["ZaapId"] if more else None, "hasMore": more}
    )


async def _clear_queue(simulator: Simulator, request: web.Request, zaap_id: str) -> web.Response:
    simulator.gateway.remove(zaap_id or None)
    return web.json_response({"value": True})


def _verbs(method: str) -> dict[str, Handler]:
    """The handlers of a method by verb; empty when there is no such method."""
    if method in sends.CHECKS:
        return {"POST": _send}
    if SETTING.fullmatch(method):
        return {"PUT": _setting}
    return OTHERS.get(method, {})


OTHERS: dict[str, dict[str, Handler]] = {
    "read-message": {"POST": _read_message},
    "modify-chat": {"POST": _modify_chat},
    "messages": {"DELETE": _delete_message},
    "status": {"GET": _status},
    "phone-exists": {"GET": _phone_exists},
    "queue": {"POST": _queue, "DELETE": _clear_queue},
}
