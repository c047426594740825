"""What each ``send-*`` method must carry, and what the customer then sees of it. No network, no state.

Required fields and types are the vendor's pages'. The words of the refusals are this simulator's own:
no capture of the gateway's was found.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from simulator.faults import is_whole
from simulator.media import MediaStore, from_data_uri

Json = dict[str, Any]
PHONE = re.compile(
    r"\d{10,15}|\d{10,20}@lid|\d{10,20}-group|\d{10,15}-\d{8,12}|\d{10,20}@newsletter", re.ASCII
)
PIX_KEY_TYPES = ("CPF", "CNPJ", "PHONE", "EMAIL", "EVP")
LIST_METHODS = ("send-button-list", "send-button-actions", "send-option-list", "send-poll")


class SendError(ValueError):
    """The body cannot be accepted; the message is what the 400 says."""


@dataclass(frozen=True)
class Bubble:
    """A send as the customer's chat shows it.

    ``content`` is the content object of the echo webhook. ``edit_of`` is the message this one replaces,
    ``reaction_to`` the one it reacts to (``text`` is the emoji, empty to take it back).
    """

    kind: str
    text: str
    content: Json
    extra: Json = field(default_factory=dict)
    edit_of: str | None = None
    reaction_to: str | None = None


@dataclass(frozen=True)
class Files:
    """Where media of sends go, and the simulator's own address."""

    store: MediaStore
    url: str

    def take(self, value: str) -> tuple[str, str, Json]:
        """A URL or data URI as (address for webhooks, mime type, bubble fields); a URL is not fetched."""
        if value.startswith(("http://", "https://")):
            return value, "", {"media": value}
        mime, data = from_data_uri(value)
        media = self.store.put(mime, data)
        return self.url + media.path, mime, {"media": media.path, "mime": mime, "size": len(data)}


def check(method: str, extension: str, body: object) -> Json:
    """The body when ``method`` would accept it; raises SendError, or KeyError for an unknown method."""
    checks = METHODS[method][0]
    if not isinstance(body, dict):
        raise SendError("the body must be a JSON object")
    text(body, "phone")
    for name in ("delayMessage", "delayTyping"):
        if body.get(name) is not None and not is_whole(body[name], 1, 15):
            raise SendError(f"{name} must be a whole number from 1 to 15")
    for name in (
        "messageId",
        "editMessageId",
        "editDocumentMessageId",
        "fileName",
        "caption",
        "title",
        "footer",
    ):
        if body.get(name) is not None and not isinstance(body[name], str):
            raise SendError(f"{name} must be a text")
    if method == "send-document" and not re.fullmatch(r"\w{1,10}", extension):
        raise SendError("the document extension is missing in the path")
    checks(body)
    return body


def see(method: str, extension: str, body: Json, files: Files) -> Bubble:
    """What the customer sees of a checked body; media given as data URI are stored."""
    return METHODS[method][1](body, files, extension)


def text(body: Mapping[str, Any], name: str, where: str = "") -> str:
    """A required, non-blank string field; raises SendError."""
    value = body.get(name)
    if value is None:
        raise SendError(f"{where}{name} is required")
    if not isinstance(value, str):
        raise SendError(f"{where}{name} must be a text")
    if not value.strip():
        raise SendError(f"{where}{name} must not be empty")
    return value


def _rows(body: Mapping[str, Any], name: str, where: str = "") -> list[Json]:
    rows = body.get(name)
    if rows is None:
        raise SendError(f"{where}{name} is required")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise SendError(f"{where}{name} must be a list of objects")
    if not rows:
        raise SendError(f"{where}{name} must not be empty")
    for row in rows:
        if row.get("id") is not None and not isinstance(row["id"], str):
            raise SendError(f"{where}{name}[].id must be a text")
    return rows


def _object(body: Mapping[str, Any], name: str) -> Json:
    value = body.get(name)
    if value is None:
        raise SendError(f"{name} is required")
    if not isinstance(value, dict):
        raise SendError(f"{name} must be an object")
    return value


def _texts(*names: str) -> Callable[[Json], None]:
    def checks(body: Json) -> None:
        for name in names:
            text(body, name)

    return checks


def _medium(name: str) -> Callable[[Json], None]:
    def checks(body: Json) -> None:
        value = text(body, name)
        if value.startswith(("http://", "https://")):
            return
        try:
            from_data_uri(value)
        except ValueError as error:
            raise SendError(f"{name} must be an http(s) URL or a base64 data URI: {error}") from error

    return checks


def _check_buttons(body: Json) -> None:
    text(body, "message")
    for button in _rows(_object(body, "buttonList"), "buttons", "buttonList."):
        text(button, "label", "buttonList.buttons[].")


def _check_actions(body: Json) -> None:
    text(body, "message")
    where = "buttonActions[]."
    rows = _rows(body, "buttonActions")
    for button in rows:
        kind = text(button, "type", where)
        if kind not in ("CALL", "URL", "REPLY"):
            raise SendError(f"{where}type must be CALL, URL or REPLY")
        text(button, "label", where)
        if kind != "REPLY":
            text(button, "phone" if kind == "CALL" else "url", where)
    if len({button["type"] == "REPLY" for button in rows}) > 1:
        raise SendError("REPLY buttons cannot be mixed with CALL or URL buttons")


def _check_options(body: Json) -> None:
    text(body, "message")
    options = _object(body, "optionList")
    text(options, "title", "optionList.")
    text(options, "buttonLabel", "optionList.")
    for option in _rows(options, "options", "optionList."):
        text(option, "title", "optionList.options[].")
        if not isinstance(option.get("description"), str):
            raise SendError("optionList.options[].description must be a text")


def _check_pix(body: Json) -> None:
    text(body, "pixKey")
    if text(body, "type") not in PIX_KEY_TYPES:
        raise SendError(f"type must be one of {', '.join(PIX_KEY_TYPES)}")


def _check_poll(body: Json) -> None:
    text(body, "message")
    for option in _rows(body, "poll"):
        text(option, "name", "poll[].")


def _check_link(body: Json) -> None:
    _texts("message", "image", "linkUrl", "title", "linkDescription")(body)
    if not body["message"].rstrip().endswith(body["linkUrl"]):
        raise SendError("message must end with linkUrl")


def _see_text(body: Json, files: Files, extension: str) -> Bubble:
    return Bubble(
        "text", body["message"], {"text": {"message": body["message"]}}, edit_of=body.get("editMessageId")
    )


def _see_document(body: Json, files: Files, extension: str) -> Bubble:
    url, mime, shown = files.take(body["document"])
    name = body.get("fileName") or "documento"
    if not name.lower().endswith(f".{extension.lower()}"):
        name = f"{name}.{extension}"
    caption = body.get("caption") or ""
    content = {
        "documentUrl": url, "mimeType": mime or f"application/{extension}", "title": name, "pageCount": 1,
        "fileName": name, "caption": caption or None,
    }  # fmt: skip
    extra = {**shown, "file_name": name}
    return Bubble(
        "document", caption, {"document": content}, extra, edit_of=body.get("editDocumentMessageId")
    )


def _see_image(body: Json, files: Files, extension: str) -> Bubble:
    url, mime, shown = files.take(body["image"])
    caption = body.get("caption") or ""
    content = {"mimeType": mime or "image/jpeg", "imageUrl": url, "thumbnailUrl": url, "caption": caption}
    return Bubble("image", caption, {"image": {**content, "viewOnce": bool(body.get("viewOnce"))}}, shown)


def _see_audio(body: Json, files: Files, extension: str) -> Bubble:
    url, mime, shown = files.take(body["audio"])
    content = {"ptt": True, "seconds": 0, "audioUrl": url, "mimeType": mime or "audio/ogg", "viewOnce": False}
    return Bubble("audio", "", {"audio": content}, shown)


def _see_video(body: Json, files: Files, extension: str) -> Bubble:
    url, mime, shown = files.take(body["video"])
    caption = body.get("caption") or ""
    content = {
        "videoUrl": url,
        "caption": caption,
        "mimeType": mime or "video/mp4",
        "seconds": 0,
        "viewOnce": False,
    }
    return Bubble("video", caption, {"video": content}, shown)


def _see_sticker(body: Json, files: Files, extension: str) -> Bubble:
    url, mime, shown = files.take(body["sticker"])
    return Bubble("sticker", "", {"sticker": {"stickerUrl": url, "mimeType": mime or "image/webp"}}, shown)


def _see_location(body: Json, files: Files, extension: str) -> Bubble:
    place = {"latitude": float(body["latitude"]), "longitude": float(body["longitude"])}
    content = {**place, "name": body["title"], "address": body["address"], "url": ""}
    extra = {**place, "title": body["title"]}
    return Bubble("location", body["address"], {"location": content}, extra)


def _check_location(body: Json) -> None:
    _texts("title", "address", "latitude", "longitude")(body)
    for name, most in (("latitude", 90), ("longitude", 180)):
        try:
            inside = abs(float(body[name])) <= most
        except ValueError:
            inside = False
        if not inside:
            raise SendError(f"{name} must be a number of degrees, as a text")


def _see_link(body: Json, files: Files, extension: str) -> Bubble:
    content = {
        "message": body["message"], "description": body["linkDescription"], "title": body["title"],
        "url": body["linkUrl"], "thumbnailUrl": body["image"],
    }  # fmt: skip
    extra = {"title": body["title"], "url": body["linkUrl"], "description": body["linkDescription"]}
    return Bubble("link", body["message"], {"text": content}, extra)


def _see_contact(body: Json, files: Files, extension: str) -> Bubble:
    name, phone = body["contactName"], body["contactPhone"]
    return Bubble("contact", name, {"contact": vcard(name, phone)}, {"phone": phone})


def vcard(name: str, phone: str) -> Json:
    """The ``contact`` content object of a webhook."""
    card = (
        f"BEGIN:VCARD\nVERSION:3.0\nN:;{name};;;\nFN:{name}\nTEL;type=CELL;waid={phone}:+{phone}\nEND:VCARD"
    )
    return {"displayName": name, "vCard": card, "phones": [phone]}


def _see_reaction(body: Json, files: Files, extension: str) -> Bubble:
    value = body.get("reaction", "")
    content = {
        "reaction": {"value": value, "referencedMessage": {"messageId": body["messageId"], "fromMe": False}}
    }
    return Bubble("reaction", value, content, reaction_to=body["messageId"])


def _see_buttons(body: Json, files: Files, extension: str) -> Bubble:
    # Whether Z-API gives an id to a button without one is unknown; the place in the list is used.
    rows = [
        {"id": row.get("id") or str(place), "title": row["label"]}
        for place, row in enumerate(body["buttonList"]["buttons"], 1)
    ]
    echo = [{"buttonId": row["id"], "type": 1, "buttonText": {"displayText": row["title"]}} for row in rows]
    content = {"imageUrl": None, "videoUrl": None, "message": body["message"], "buttons": echo}
    return Bubble("buttons", body["message"], {"buttonsMessage": content}, {"options": rows})


def _see_actions(body: Json, files: Files, extension: str) -> Bubble:
    rows = []
    for place, row in enumerate(body["buttonActions"], 1):
        option = {"id": row.get("id") or str(place), "title": row["label"], "action": row["type"].lower()}
        target = {"CALL": "phone", "URL": "url"}.get(row["type"])
        rows.append({**option, target: row[target]} if target else option)
    extra = {"title": body.get("title"), "footer": body.get("footer"), "options": rows}
    return Bubble("buttons", body["message"], {"text": {"message": body["message"]}}, extra)


def _see_options(body: Json, files: Files, extension: str) -> Bubble:
    options = body["optionList"]
    rows = []
    for place, row in enumerate(options["options"], 1):
        option = {"id": row.get("id") or str(place), "title": row["title"]}
        rows.append({**option, "description": row["description"]} if row["description"] else option)
    extra = {"title": options["title"], "button": options["buttonLabel"], "options": rows}
    return Bubble("list", body["message"], {"text": {"message": body["message"]}}, extra)


def _see_poll(body: Json, files: Files, extension: str) -> Bubble:
    rows = [{"id": str(place), "title": row["name"]} for place, row in enumerate(body["poll"], 1)]
    poll = {"question": body["message"], "pollMaxOptions": body.get("pollMaxOptions") or 0}
    content = {"poll": {**poll, "options": [{"name": row["title"]} for row in rows]}}
    return Bubble("poll", body["message"], content, {"options": rows})


def _see_otp(body: Json, files: Files, extension: str) -> Bubble:
    extra = {"code": body["code"], "button": body.get("buttonText") or "Copiar código"}
    return Bubble("otp", body["message"], {"text": {"message": body["message"]}}, extra)


def _see_pix(body: Json, files: Files, extension: str) -> Bubble:
    name = body.get("merchantName") or "Pix"
    content = {"currency": "BRL", "key": body["pixKey"], "keyType": body["type"], "merchantName": name}
    return Bubble("pix", "", {"pixKeyMessage": content}, {"title": name, "code": body["pixKey"]})


METHODS: dict[str, tuple[Callable[[Json], None], Callable[[Json, Files, str], Bubble]]] = {
    "send-text": (_texts("message"), _see_text),
    "send-document": (_medium("document"), _see_document),
    "send-image": (_medium("image"), _see_image),
    "send-audio": (_medium("audio"), _see_audio),
    "send-video": (_medium("video"), _see_video),
    "send-sticker": (_medium("sticker"), _see_sticker),
    "send-location": (_check_location, _see_location),
    "send-link": (_check_link, _see_link),
    "send-contact": (_texts("contactName", "contactPhone"), _see_contact),
    "send-reaction": (_texts("messageId", "reaction"), _see_reaction),
    "send-remove-reaction": (_texts("messageId"), _see_reaction),
    "send-button-list": (_check_buttons, _see_buttons),
    "send-button-actions": (_check_actions, _see_actions),
    "send-option-list": (_check_options, _see_options),
    "send-poll": (_check_poll, _see_poll),
    "send-button-otp": (_texts("message", "code"), _see_otp),
    "send-button-pix": (_check_pix, _see_pix),
}
