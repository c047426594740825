"""What Z-API posts to a webhook: headers and bodies. Pure functions, nothing is sent from here.

Shapes follow the recorded requests of a real instance where there are any (a ``ReceivedCallback``,
its notifications, statuses, presence, connected) and the vendor's pages for the rest. A key that is
absent on the wire is absent here, a key that is null there is null here.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Json = dict[str, Any]
ChatKind = Literal["person", "group", "newsletter", "broadcast"]

UPGRADED = ("ReceivedCallback", "PresenceChatCallback", "ConnectedCallback", "DisconnectedCallback")
_SYSTEMS = (
    "Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7", "X11; Linux x86_64",
    "X11; Ubuntu; Linux x86_64", "Windows NT 6.1; Win64; x64",
)  # fmt: skip


@dataclass(frozen=True)
class Line:
    """The instance a webhook comes from: its id, the company's number and name."""

    instance_id: str
    phone: str
    name: str


@dataclass(frozen=True)
class Place:
    """Where a message was written: ``phone`` is the chat's; ``participant`` who wrote it, in a group."""

    phone: str
    name: str
    kind: ChatKind = "person"
    participant: str | None = None
    participant_name: str | None = None


def lid_of(phone: str) -> str:
    """The chat's ``...@lid``: invented, but always the same for a number, with or without its ninth digit."""
    if phone.endswith("@lid"):
        return phone
    if len(phone) == 12 and phone.startswith("55"):
        phone = f"{phone[:4]}9{phone[4:]}"
    digits = int.from_bytes(hashlib.sha256(phone.encode()).digest()[:8], "big") % 9 * 10**14
    rest = int.from_bytes(hashlib.sha256(phone.encode()).digest()[8:16], "big") % 10**14
    return f"{10**14 + digits + rest}@lid"


def headers(token: str, event_type: str) -> dict[str, str]:
    """The request headers; the h2c offer comes with received, presence and connection events only."""
    version = random.randint(90, 139)
    agent = f"Mozilla/5.0 ({random.choice(_SYSTEMS)}) AppleWebKit/537.36 (KHTML, like Gecko) "
    offer = {
        "connection": "Upgrade, HTTP2-Settings",
        "http2-settings": "AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA",
        "upgrade": "h2c",
    }
    return {
        **(offer if event_type in UPGRADED else {}),
        "content-type": "application/json",
        "origin": "https://api.z-api.io",
        "server": "Z-API",
        "user-agent": f"{agent}Chrome/{version}.0.{random.randint(1000, 6999)}.0 Safari/537.36",
        "z-api-token": token,
    }


def received(
    line: Line,
    place: Place,
    message_id: str,
    moment: int,
    content: Mapping[str, Any],
    *,
    from_me: bool = False,
    from_api: bool = False,
    quoted: str | None = None,
    edit_of: str | None = None,
    status_reply: bool = False,
) -> Json:
    """A ``ReceivedCallback``. ``content`` is the one content object by its key, ``moment`` Unix milliseconds.

    ``from_api`` is the echo of a send: its ``status`` SENT and ``chatLid`` null are the vendor's page's word,
    never seen on the wire.
    """
    person = place.kind == "person"
    body: Json = {
        "isStatusReply": status_reply,
        "chatLid": lid_of(place.phone) if person and not from_api else None,
        "connectedPhone": line.phone,
        "waitingMessage": False,
        "isEdit": edit_of is not None,
        "isGroup": place.kind == "group",
        "isNewsletter": place.kind == "newsletter",
        "instanceId": line.instance_id,
        "messageId": message_id,
        "phone": place.phone,
        "fromMe": from_me,
        "momment": moment,
        "status": "SENT" if from_api else "RECEIVED",
        "chatName": place.name,
        "senderPhoto": None,
        "senderName": line.name if from_me else (place.participant_name or place.name),
        "photo": None,
        "broadcast": place.kind == "broadcast",
        "participantLid": lid_of(place.participant) if place.participant else None,
        "forwarded": False,
        "type": "ReceivedCallback",
        "fromApi": from_api,
    }
    if place.participant:
        body["participantPhone"] = place.participant
    if quoted is not None:
        body["referenceMessageId"] = quoted
    if edit_of is not None:
        body["editMessageId"] = edit_of
    return {**body, **content}


def notification(
    line: Line,
    place: Place,
    message_id: str,
    moment: int,
    name: str,
    parameters: Sequence[Any] = (),
    *,
    call_id: str | None = None,
) -> Json:
    """A ``ReceivedCallback`` with ``notification`` (REVOKE, CALL_VOICE...): no content, no fromApi."""
    return {
        "chatLid": lid_of(place.phone),
        "isGroup": False,
        "isNewsletter": False,
        "instanceId": line.instance_id,
        "messageId": message_id,
        "phone": place.phone,
        "connectedPhone": line.phone,
        "fromMe": False,
        "momment": moment,
        "expiresAt": None,
        "status": "RECEIVED",
        "chatName": place.name,
        "senderPhoto": None,
        "senderName": place.name,
        "photo": None,
        "broadcast": False,
        "referenceMessageId": None,
        "externalAdReply": None,
        "forwarded": False,
        "type": "ReceivedCallback",
        "notification": name,
        "notificationParameters": list(parameters),
        "callId": call_id,
        "code": None,
    }


def waiting_stub(line: Line, place: Place, message_id: str, moment: int) -> Json:
    """The "waiting for this message" ``ReceivedCallback``; the real one follows with the same id."""
    return {
        "connectedPhone": line.phone,
        "isGroup": False,
        "isNewsletter": False,
        "instanceId": line.instance_id,
        "messageId": message_id,
        "momment": moment,
        "status": "RECEIVED",
        "fromMe": False,
        "phone": place.phone,
        "chatName": place.name,
        "senderName": place.name,
        "senderPhoto": None,
        "photo": None,
        "broadcast": False,
        "participantLid": None,
        "type": "ReceivedCallback",
        "waitingMessage": True,
        "viewOnce": False,
    }


def delivery(
    line: Line, phone: str, message_id: str, zaap_id: str, moment: int, error: str | None = None
) -> Json:
    """A ``DeliveryCallback``; with ``error`` it says that WhatsApp did not take the message."""
    body: Json = {"phone": phone, "messageId": message_id}
    if error == "SHADOW_BAN":
        body |= {"error": "Whatsapp did not allow sending this message", "errorCode": "SHADOW_BAN"}
    elif error is not None:
        body["error"] = error
    return body | {
        "instanceId": line.instance_id, "zaapId": zaap_id, "momment": moment, "type": "DeliveryCallback",
    }  # fmt: skip


def message_status(line: Line, phone: str, ids: Sequence[str], status: str, moment: int) -> Json:
    """A ``MessageStatusCallback`` of a chat with one person: SENT, RECEIVED, READ, READ_BY_ME or PLAYED."""
    return {
        "instanceId": line.instance_id,
        "status": status,
        "ids": list(ids),
        "momment": moment,
        "phoneDevice": 0,
        "phone": phone,
        "type": "MessageStatusCallback",
        "isGroup": False,
    }


def presence(line: Line, phone: str, status: str) -> Json:
    """A ``PresenceChatCallback``: AVAILABLE, UNAVAILABLE, COMPOSING, RECORDING or PAUSED."""
    return {
        "type": "PresenceChatCallback", "phone": phone, "status": status, "lastSeen": None,
        "instanceId": line.instance_id,
    }  # fmt: skip


def connected(line: Line, moment: int) -> Json:
    """A ``ConnectedCallback``; ``moment`` in milliseconds."""
    return {
        "type": "ConnectedCallback", "connected": True, "momment": moment, "instanceId": line.instance_id,
        "phone": line.phone, "isBusiness": True,
    }  # fmt: skip


def disconnected(line: Line, moment: int) -> Json:
    """A ``DisconnectedCallback``; the vendor's page has seconds here, so the milliseconds are divided."""
    return {
        "momment": moment // 1000, "error": "Device has been disconnected", "disconnected": True,
        "type": "DisconnectedCallback", "instanceId": line.instance_id,
    }  # fmt: skip


def again(body: Json, milliseconds: int) -> Json:
    """The same event as if it were sent once more: only ``momment`` moves on, as seen on the wire."""
    return {**body, "momment": body["momment"] + milliseconds} if "momment" in body else dict(body)
