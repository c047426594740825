"""Z-API's callbacks as typed events. Pure: a dict in, an `Event` out; nothing here raises on odd input.

Shapes: the envelope of `ReceivedCallback` and its content objects, as captured on the wire and as documented
by Z-API; where they disagree the wire wins. There is no content-type field: the kind is found by key.
"""

from __future__ import annotations

import math
from typing import Any

from connectors.addresses import is_lid
from connectors.messages import (
    DELETE,
    EDIT,
    MEDIA,
    OPERATOR,
    OPTION,
    TEXT,
    Connection,
    Delivery,
    Event,
    Ignored,
    Incoming,
)

#: Content key → what Theo calls it.
ATTACHMENTS = {
    "image": "imagem",
    "audio": "audio",
    "video": "video",
    "ptv": "video",
    "document": "documento",
    "sticker": "figurinha",
    "contact": "contato",
    "location": "localizacao",
    "liveLocation": "localizacao",
}
CALLS = ("CALL_VOICE", "CALL_VIDEO", "CALL_MISSED_VOICE", "CALL_MISSED_VIDEO")
#: Objects beside the content, or content that asks for no answer. Any other object is something that a person
#: sent and Theo cannot open: orders, products, polls, Pix keys, and what WhatsApp will invent next.
NOT_CONTENT = (
    "externalAdReply", "statusImage", "reaction", "eventResponse", "pinMessage", "newsletterAdminInvite",
    "text", "pollVote", "listResponseMessage", "buttonsResponseMessage", "buttonReply",
)  # fmt: skip
MAX_ID, MAX_ERROR = 128, 500


def parse(body: dict[str, Any]) -> Event:
    """One callback body → one event. Unknown types and shapes become `Ignored` with the rule's name."""
    kind = _text(body.get("type"))
    if kind == "ReceivedCallback":
        return _received(body)
    if kind == "DeliveryCallback":
        message_id, queue_id = (_text(body.get(name))[:MAX_ID] for name in ("messageId", "zaapId"))
        return Delivery(message_id, queue_id or None, _text(body.get("error"))[:MAX_ERROR] or None)
    if kind in ("ConnectedCallback", "DisconnectedCallback"):
        return Connection(connected=kind == "ConnectedCallback")
    if kind in ("MessageStatusCallback", "PresenceChatCallback"):
        return Ignored("status_or_presence")
    return Ignored("unknown_callback")


def _received(body: dict[str, Any]) -> Event:
    phone = _text(body.get("phone"))
    message_id = _text(body.get("messageId"))
    if not phone or not 0 < len(message_id) <= MAX_ID:
        return Ignored("no_phone_or_id")
    if body.get("isGroup") is True or phone.endswith("-group") or "@g.us" in phone:
        return Ignored("group")
    if body.get("isNewsletter") is True or phone.endswith("@newsletter"):
        return Ignored("newsletter")
    if phone == "status@broadcast" or body.get("broadcast") is True or phone.endswith("-broadcast"):
        return Ignored("broadcast")
    if not _is_address(phone):
        return Ignored("not_an_address")
    lid = _text(body.get("chatLid"))
    base: dict[str, Any] = {
        "message_id": message_id,
        "phone": phone,
        "lid": lid if is_lid(lid) and _is_address(lid) else None,
        "reply_to": _text(body.get("referenceMessageId")) or None,
        "sent_at": _seconds(body.get("momment")),
    }
    if body.get("fromMe") is True:
        return _from_our_phone(body, base)
    if body.get("notification"):
        return _notification(body, base)
    if body.get("isEdit") is True or _text(body.get("editMessageId")):
        text = _words(body)
        original = _text(body.get("editMessageId")) or None
        return Incoming(kind=EDIT, text=text, **{**base, "reply_to": original}) if text else Ignored("edit")
    return _content(body, base)


def _from_our_phone(body: dict[str, Any], base: dict[str, Any]) -> Event:
    """`fromApi`: the echo of a bot; otherwise a person types on the company's phone."""
    if body.get("fromApi") is True:
        return Ignored("own_echo")
    if body.get("notification") or body.get("waitingMessage") is True or _object(body, "reaction"):
        return Ignored("own_notification")
    return Incoming(kind=OPERATOR, text=_words(body), attachment=_attachment(body), **base)


def _notification(body: dict[str, Any], base: dict[str, Any]) -> Event:
    name = _text(body.get("notification"))
    if name == "REVOKE":
        return Incoming(kind=DELETE, **{**base, "reply_to": base["message_id"]})
    if name in CALLS:
        # One call may be told twice, as it rings and as it is missed.
        call = _text(body.get("callId"))[:MAX_ID] or base["message_id"]
        return Incoming(kind=MEDIA, attachment="ligacao", **{**base, "message_id": call})
    return Ignored("notification")


def _content(body: dict[str, Any], base: dict[str, Any]) -> Event:
    tapped = _tap(body)
    if tapped is not None:
        option_id, title = tapped
        return Incoming(kind=OPTION, option_id=option_id, text=title, **base)
    if _object(body, "reaction"):
        return Ignored("reaction")
    vote = _object(body, "pollVote")
    if vote:
        names = [_text(option.get("name")) for option in _list(vote.get("options"))]
        chosen = ", ".join(name for name in names if name)
        return Incoming(kind=TEXT, text=chosen, **base) if chosen else Ignored("poll_vote")
    attachment, text = _attachment(body), _words(body)
    if attachment == "localizacao":
        place = _object(body, "location") or _object(body, "liveLocation")
        latitude, longitude = _number(place.get("latitude")), _number(place.get("longitude"))
        if latitude is not None and longitude is not None and abs(latitude) <= 90 and abs(longitude) <= 180:
            return Incoming(kind=MEDIA, attachment=attachment, latitude=latitude, longitude=longitude, **base)
    if text:
        return Incoming(kind=TEXT, text=text, attachment=attachment, **base)
    if attachment:
        return Incoming(kind=MEDIA, attachment=attachment, **base)
    if any(isinstance(value, dict) and key not in NOT_CONTENT for key, value in body.items()):
        return Incoming(kind=MEDIA, attachment="outro", **base)
    # WhatsApp announces what it cannot decrypt yet; the message itself comes later under the same id.
    return Ignored("waiting_stub" if body.get("waitingMessage") is True else "no_content")


def _tap(body: dict[str, Any]) -> tuple[str | None, str] | None:
    """(option id, title) of a tap on a list or a button.

    `selectedButtonId` and `singleSelectReply` are shapes of other libraries, read as a fallback.
    """
    row, button = _object(body, "listResponseMessage"), _object(body, "buttonsResponseMessage")
    button = button or _object(body, "buttonReply")
    if row:
        nested = _object(row, "singleSelectReply")
        option = _text(row.get("selectedRowId")) or _text(nested.get("selectedRowId"))
        title = _text(row.get("title")) or _text(row.get("message"))
    else:
        option = _text(button.get("buttonId")) or _text(button.get("selectedButtonId"))
        title = _text(button.get("message")) or _text(button.get("selectedDisplayText"))
    return (option or None, title) if option or title else None


def _words(body: dict[str, Any]) -> str:
    """What is typed: the text, or a caption."""
    text = _text(_object(body, "text").get("message"))
    if text:
        return text
    hydrated = _object(body, "hydratedTemplate")
    if hydrated:
        return _text(hydrated.get("message"))
    for key in ATTACHMENTS:
        caption = _text(_object(body, key).get("caption"))
        if caption:
            return caption
    return ""


def _attachment(body: dict[str, Any]) -> str | None:
    return next((name for key, name in ATTACHMENTS.items() if isinstance(body.get(key), dict)), None)


def _is_address(phone: str) -> bool:
    digits = phone[:-4] if phone.endswith("@lid") else phone
    return digits.isascii() and digits.isdigit() and 8 <= len(digits) <= 20


def _object(body: dict[str, Any], key: str) -> dict[str, Any]:
    value = body.get(key)
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _text(value: Any) -> str:
    """Text that every database takes: no NUL (PostgreSQL), no half of a surrogate pair (any UTF-8)."""
    return value.replace("\0", "").encode("utf-8", "ignore").decode() if isinstance(value, str) else ""


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _seconds(value: Any) -> float | None:
    """`momment`: milliseconds on the wire, seconds in some samples of the documentation."""
    number = _number(value)
    if number is None:
        return None
    return number / 1000 if number > 1e11 else number
