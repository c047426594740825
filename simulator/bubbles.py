"""What the customer sees of a send, and the content object its echo webhook carries. No network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from simulator.media import MediaStore, from_data_uri
from simulator.sends import Json


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


def see(method: str, extension: str, body: Json, files: Files) -> Bubble:
    """What the customer sees of a checked body; media given as data URI are stored."""
    return KINDS[method](body, files, extension)


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


KINDS: dict[str, Callable[[Json, Files, str], Bubble]] = {
    "send-text": _see_text,
    "send-document": _see_document,
    "send-image": _see_image,
    "send-audio": _see_audio,
    "send-video": _see_video,
    "send-sticker": _see_sticker,
    "send-location": _see_location,
    "send-link": _see_link,
    "send-contact": _see_contact,
    "send-reaction": _see_reaction,
    "send-remove-reaction": _see_reaction,
    "send-button-list": _see_buttons,
    "send-button-actions": _see_actions,
    "send-option-list": _see_options,
    "send-poll": _see_poll,
    "send-button-otp": _see_otp,
    "send-button-pix": _see_pix,
}
