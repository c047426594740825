"""What a customer (or a person at the company's phone) does, as chat messages and webhook bodies."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from simulator import media, samples, webhooks
from simulator.bubbles import Files, vcard
from simulator.chats import Chats, Message, new_id, now_ms
from simulator.contacts import Directory
from simulator.sends import Json, SendError, text
from simulator.webhooks import Line, Place

GROUP = ("120363041234567890-group", "Vizinhos de Tambaú")
NEWSLETTER = ("120363049876543210@newsletter", "Avisos do bairro")
BROADCAST = ("1700000000-broadcast", "Lista de transmissão")
PRESENCES = ("AVAILABLE", "UNAVAILABLE", "COMPOSING", "RECORDING", "PAUSED")
BEACH = {
    "latitude": -7.1142,
    "longitude": -34.8235,
    "name": "Busto de Tamandaré",
    "address": "Tambaú, João Pessoa",
}
_call_numbers = itertools.count(1)


class CustomerError(SendError):
    """The body of a customer's message cannot be used; the message says why."""


@dataclass(frozen=True)
class Said:
    """One act of a customer: the id of its message and the webhooks it causes, ``pause`` seconds apart."""

    id: str
    bodies: list[Json]
    pause: float = 0


@dataclass(frozen=True)
class Content:
    """The content object of a webhook and how the chat shows it."""

    kind: str
    text: str
    content: Json
    extra: Json = field(default_factory=dict)


class Customer:
    """Turns the bodies of the simulator's own API into chat messages and webhooks."""

    def __init__(self, line: Line, directory: Directory, chats: Chats, files: Files) -> None:
        self._line = line
        self._directory = directory
        self._chats = chats
        self._files = files
        self._contents: dict[str, Callable[[str, Json], Content]] = {
            "text": self._text,
            "audio": self._audio,
            "image": self._image,
            "video": self._video,
            "document": self._document,
            "sticker": self._sticker,
            "location": self._location,
            "live_location": self._live_location,
            "contact": self._contact,
            "poll_vote": self._poll_vote,
        }
        self._acts: dict[str, Callable[[str, Json], Said]] = {
            "option": self._tap,
            "reaction": self._react,
            "edit": self._edit,
            "delete": self._delete,
            "waiting": self._wait_then_text,
            "status_reply": self._status_reply,
            "group": lambda phone, body: self._elsewhere("group", GROUP, phone, body),
            "newsletter": lambda phone, body: self._elsewhere("newsletter", NEWSLETTER, phone, body),
            "broadcast": lambda phone, body: self._elsewhere("broadcast", BROADCAST, phone, body),
            "call": self._call,
            "presence": self._presence,
        }

    def say(self, phone: str, body: object) -> Said:
        """Do what ``body`` asks (see app.py for its shape); raises CustomerError or SendError."""
        if not isinstance(body, dict):
            raise CustomerError("the body must be a JSON object")
        kind = body.get("kind", "text")
        for name in ("quoted", "message_id", "caption", "data", "file_name"):
            if body.get(name) is not None and not isinstance(body[name], str):
                raise CustomerError(f"{name} must be a text")
        if kind in self._acts:
            return self._acts[kind](phone, body)
        if kind in self._contents:
            quoted = body.get("quoted")
            return self._speak(phone, self._contents[kind](phone, body), quoted)
        raise CustomerError(f"kind must be one of {', '.join(sorted([*self._acts, *self._contents]))}")

    def operate(self, phone: str, words: str) -> Said:
        """A message typed by a person on the company's phone: fromMe, not fromApi."""
        message_id = new_id(32)
        self._chats.add(phone, message_id, "operator", "text", words)
        content = {"text": {"message": words}}
        body = webhooks.received(
            self._line, self._place(phone), message_id, _whole_second(), content, from_me=True
        )
        return Said(message_id, [body])

    def _place(self, phone: str) -> Place:
        return Place(phone, self._directory.find(phone).name)

    def _speak(self, phone: str, what: Content, quoted: str | None, message_id: str | None = None) -> Said:
        message_id = message_id or f"3EB0{new_id(18)}"
        self._chats.add(phone, message_id, "customer", what.kind, what.text, {**what.extra, "quoted": quoted})
        body = webhooks.received(
            self._line, self._place(phone), message_id, _whole_second(), what.content, quoted=quoted
        )
        return Said(message_id, [body])

    # --- ordinary messages

    def _text(self, phone: str, body: Json) -> Content:
        words = text(body, "text")
        return Content("text", words, {"text": {"message": words}})

    def _audio(self, phone: str, body: Json) -> Content:
        seconds = body.get("seconds", 4)
        if not isinstance(seconds, int) or not 1 <= seconds <= 600:
            raise CustomerError("seconds must be a whole number from 1 to 600")
        url, mime, shown = self._medium(body, "audio/ogg; codecs=opus", lambda: samples.voice_note(seconds))
        content = {"ptt": True, "seconds": seconds, "audioUrl": url, "mimeType": mime, "viewOnce": False}
        return Content("audio", "", {"audio": content}, {**shown, "seconds": seconds})

    def _image(self, phone: str, body: Json) -> Content:
        url, mime, shown = self._medium(body, "image/jpeg", samples.photo)
        caption = body.get("caption") or ""
        content = {
            "mimeType": mime, "imageUrl": url, "thumbnailUrl": url, "downloadError": None, "caption": caption,
            "width": 800, "height": 600, "viewOnce": False,
        }  # fmt: skip
        return Content("image", caption, {"image": content}, shown)

    def _video(self, phone: str, body: Json) -> Content:
        url, mime, shown = self._medium(body, "video/mp4", samples.video)
        caption = body.get("caption") or ""
        content = {
            "videoUrl": url, "caption": caption, "mimeType": mime, "seconds": 13, "viewOnce": False,
            "width": 640, "height": 360, "isGif": False,
        }  # fmt: skip
        return Content("video", caption, {"video": content}, {**shown, "seconds": 13})

    def _document(self, phone: str, body: Json) -> Content:
        url, mime, shown = self._medium(body, "application/pdf", samples.document)
        name, caption = body.get("file_name") or "comprovante.pdf", body.get("caption") or ""
        stored = self._files.store.get(str(shown.get("media", "")).removeprefix("/api/media/"))
        pages = media.page_count(stored.data) if stored and mime == "application/pdf" else 1
        content = {
            "documentUrl": url, "mimeType": mime, "title": name, "pageCount": pages, "fileName": name,
            "caption": caption or None,
        }  # fmt: skip
        return Content("document", caption, {"document": content}, {**shown, "file_name": name})

    def _sticker(self, phone: str, body: Json) -> Content:
        url, mime, shown = self._medium(body, "image/webp", samples.sticker)
        content = {"stickerUrl": url, "mimeType": mime, "width": 512, "height": 512}
        return Content("sticker", "", {"sticker": content}, shown)

    def _location(self, phone: str, body: Json) -> Content:
        at = {name: body.get(name, BEACH[name]) for name in ("latitude", "longitude")}
        own = "latitude" in body or "longitude" in body
        name, address = (body.get(key, "" if own else BEACH[key]) for key in ("name", "address"))
        _check_degrees(at)
        content = {**at, "name": name, "address": address, "url": ""}
        return Content("location", address, {"location": content}, {**at, "title": name or None})

    def _live_location(self, phone: str, body: Json) -> Content:
        at = {name: body.get(name, BEACH[name]) for name in ("latitude", "longitude")}
        _check_degrees(at)
        sequence = {"low": now_ms() % 2**31, "high": 0, "unsigned": False}
        caption = body.get("caption") or ""
        return Content(
            "live_location",
            caption,
            {"liveLocation": {**at, "sequence": sequence, "caption": caption}},
            dict(at),
        )

    def _contact(self, phone: str, body: Json) -> Content:
        name, number = body.get("name", "Dona Zefinha"), body.get("phone", "5583977776666")
        content = vcard(text({"name": name}, "name"), text({"phone": number}, "phone"))
        return Content("contact", name, {"contact": content}, {"phone": number})

    def _poll_vote(self, phone: str, body: Json) -> Content:
        poll_id, chosen = text(body, "message_id"), body.get("options")
        if not isinstance(chosen, list) or not all(isinstance(name, str) for name in chosen):
            raise CustomerError("options must be a list of texts")
        content = {"pollMessageId": poll_id, "options": [{"name": name} for name in chosen]}
        return Content("poll_vote", ", ".join(chosen), {"pollVote": content}, {"quoted": poll_id})

    def _medium(self, body: Json, mime: str, sample: Callable[[], bytes]) -> tuple[str, str, Json]:
        """``data`` of the body (a data URI), or the sample: (address for webhooks, type, bubble fields)."""
        if body.get("data"):
            try:
                given, data = media.from_data_uri(body["data"])
            except ValueError as error:
                raise CustomerError(f"data must be a base64 data URI: {error}") from error
            mime = mime if given.split(";")[0] == mime.split(";")[0] else given
        else:
            data = sample()
        stored = self._files.store.put(mime, data)
        shown = {"media": stored.path, "mime": mime, "size": len(data)}
        return self._files.url + stored.path, mime, shown

    # --- acts that are more, or less, than one ordinary message

    def _tap(self, phone: str, body: Json) -> Said:
        prompt = self._target(phone, body)
        wanted = text(body, "option_id")
        option = next((row for row in prompt.extra.get("options", []) if row["id"] == wanted), None)
        if option is None:
            raise CustomerError("this message has no option with that option_id")
        if option.get("action") in ("url", "call"):
            raise CustomerError("a URL or CALL button sends nothing back")
        title = option["title"]
        if prompt.kind == "poll":
            return self._speak(phone, self._poll_vote(phone, {**body, "options": [title]}), None)
        if prompt.kind == "list":
            answer = {"message": option.get("description") or title, "title": title, "selectedRowId": wanted}
            content = {"listResponseMessage": answer}
        else:
            content = {"buttonsResponseMessage": {"buttonId": wanted, "message": title}}
        return self._speak(phone, Content("option", title, content, {"option_id": wanted}), prompt.id)

    def _react(self, phone: str, body: Json) -> Said:
        target_id, value = text(body, "message_id"), body.get("value", "👍")
        if not isinstance(value, str):
            raise CustomerError("value must be a text")
        target = self._chats.find(phone, target_id)
        if target is not None:
            self._chats.amend(phone, target, reactions=[value] if value else [])
        message_id = f"3EB0{new_id(18)}"
        from_me = target is not None and target.sender != "customer"
        content = {
            "reaction": {
                "value": value, "time": now_ms(), "reactionBy": phone,
                "referencedMessage": {
                    "messageId": target_id, "fromMe": from_me, "phone": phone, "participant": None,
                },
            }
        }  # fmt: skip
        body_ = webhooks.received(self._line, self._place(phone), message_id, _whole_second(), content)
        return Said(message_id, [body_])

    def _edit(self, phone: str, body: Json) -> Said:
        target_id, words = text(body, "message_id"), text(body, "text")
        target = self._chats.find(phone, target_id)
        if target is not None:
            self._chats.amend(phone, target, text=words, edited=True)
        message_id = f"3EB0{new_id(18)}"
        content = {"text": {"message": words}}
        body_ = webhooks.received(
            self._line, self._place(phone), message_id, _whole_second(), content, edit_of=target_id
        )
        return Said(message_id, [body_])

    def _delete(self, phone: str, body: Json) -> Said:
        target_id = text(body, "message_id")
        target = self._chats.find(phone, target_id)
        if target is not None:
            self._chats.amend(phone, target, text="", deleted=True)
        body_ = webhooks.notification(self._line, self._place(phone), target_id, _whole_second(), "REVOKE")
        return Said(target_id, [body_])

    def _wait_then_text(self, phone: str, body: Json) -> Said:
        words = text({"text": body.get("text", "Oi, chegou minha mensagem?")}, "text")
        delay = body.get("delay", 1)
        if not isinstance(delay, (int, float)) or not 0 <= delay <= 60:
            raise CustomerError("delay must be a number of seconds from 0 to 60")
        said = self._speak(phone, Content("text", words, {"text": {"message": words}}), None)
        stub = webhooks.waiting_stub(self._line, self._place(phone), said.id, _whole_second())
        return Said(said.id, [stub, *said.bodies], pause=delay)

    def _status_reply(self, phone: str, body: Json) -> Said:
        words = text({"text": body.get("text", "Que promoção boa!")}, "text")
        message_id = f"3EB0{new_id(18)}"
        self._chats.add(phone, message_id, "customer", "status_reply", words)
        url, mime, _ = self._medium({}, "image/jpeg", samples.photo)
        content = {
            "text": {"message": words},
            "statusImage": {"mimetype": mime, "imageUrl": url, "caption": ""},
        }
        body_ = webhooks.received(
            self._line, self._place(phone), message_id, _whole_second(), content,
            quoted=f"3EB0{new_id(18)}", status_reply=True,
        )  # fmt: skip
        return Said(message_id, [body_])

    def _elsewhere(self, kind: str, where: tuple[str, str], phone: str, body: Json) -> Said:
        words = text({"text": body.get("text", "Bom dia, gente!")}, "text")
        person = self._directory.find(phone)
        places = {
            "group": Place(*where, "group", phone, person.name),
            "newsletter": Place(*where, "newsletter"),
            "broadcast": Place(*where, "broadcast", phone, person.name),
        }
        message_id = f"3EB0{new_id(18)}"
        self._chats.add(phone, message_id, "customer", kind, words, {"title": where[1]})
        content = {"text": {"message": words}}
        body_ = webhooks.received(self._line, places[kind], message_id, _whole_second(), content)
        return Said(message_id, [body_])

    def _call(self, phone: str, body: Json) -> Said:
        name = "CALL_VIDEO" if body.get("video") else "CALL_VOICE"
        message_id = f"{int(time.time())}-{next(_call_numbers)}"
        self._chats.add(phone, message_id, "customer", "call", "Vídeo" if body.get("video") else "Voz")
        body_ = webhooks.notification(
            self._line, self._place(phone), message_id, _whole_second(), name, call_id=new_id(32)
        )
        return Said(message_id, [body_])

    def _presence(self, phone: str, body: Json) -> Said:
        status = body.get("status", "COMPOSING")
        if status not in PRESENCES:
            raise CustomerError(f"status must be one of {', '.join(PRESENCES)}")
        return Said("", [webhooks.presence(self._line, phone, status)])

    def _target(self, phone: str, body: Json) -> Message:
        message = self._chats.find(phone, text(body, "message_id"))
        if message is None:
            raise CustomerError("there is no message with that message_id in this chat")
        return message


def _check_degrees(at: dict[str, Any]) -> None:
    for name, most in (("latitude", 90), ("longitude", 180)):
        value = at[name]
        if not isinstance(value, (int, float)) or isinstance(value, bool) or abs(value) > most:
            raise CustomerError(f"{name} must be a number of degrees")


def _whole_second() -> int:
    """Now in milliseconds, rounded down to a second: how most recorded events carried it."""
    return now_ms() // 1000 * 1000
