"""Bubbles as Z-API requests. Pure: an `Outgoing` in, a method and a JSON body out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from connectors.messages import Outgoing

#: WhatsApp's limits for reply buttons; longer or more options become a list or numbered text.
MAX_BUTTONS, MAX_BUTTON_LABEL = 3, 20
MAX_LIST_ROWS, MAX_ROW_TITLE = 10, 24
LIST_BUTTON = "Ver opções"
#: Z-API takes no menu without words above it.
CHOOSE = "Escolha:"
TYPED_PER_SECOND = 40
MAX_TYPING_SECONDS = 5


@dataclass(frozen=True)
class Request:
    """`POST …/{method}` with a JSON body."""

    method: str
    body: dict[str, Any]


def typing_seconds(text: str, pace: float) -> int:
    """Whole seconds of "typing…" before a text: grows with its length, 0 switches it off.

    Z-API takes 1 to 15 (`delayTyping`). A code to be copied is pasted, not typed.
    """
    if pace <= 0:
        return 0
    if len(text) > 40 and " " not in text:
        return 1
    return max(1, round(min(MAX_TYPING_SECONDS, len(text) / TYPED_PER_SECOND * pace)))


def render(
    message: Outgoing,
    phone: str,
    *,
    menus: str = "text",
    pace: float = 1.0,
    quoted: str | None = None,
    data_uri: str | None = None,
) -> Request:
    """The request that sends one bubble. `data_uri` is the file's content where `message.url` was fetched."""
    body: dict[str, Any] = {"phone": phone}
    if message.options and not message.url:
        if menus == "list" and len(message.options) <= MAX_LIST_ROWS:
            return _option_list(message, body)
        short = all(len(option.title) <= MAX_BUTTON_LABEL for option in message.options)
        if menus == "buttons" and len(message.options) <= MAX_BUTTONS and short:
            return _buttons(message, body)
        if menus == "buttons" and len(message.options) <= MAX_LIST_ROWS:
            return _option_list(message, body)
    if quoted:
        body["messageId"] = quoted  # lists and buttons do not take it
    if message.url:
        return _file(message, body, data_uri or message.url)
    body["message"] = message.as_text()
    seconds = typing_seconds(body["message"], pace)
    if seconds:
        body["delayTyping"] = seconds
    return Request("send-text", body)


def _file(message: Outgoing, body: dict[str, Any], content: str) -> Request:
    if message.text:
        body["caption"] = message.text
    if message.image:
        return Request("send-image", {**body, "image": content})
    name = message.file_name or "documento.pdf"
    ending = re.search(r"\.([a-z0-9]{1,5})$", name.lower())
    method = f"send-document/{ending[1] if ending else 'pdf'}"
    return Request(method, {**body, "document": content, "fileName": name})


def _option_list(message: Outgoing, body: dict[str, Any]) -> Request:
    options = [
        {"id": str(number), "title": _short(option.title), "description": _rest(option.title)}
        for number, option in enumerate(message.options, 1)
    ]
    option_list = {"title": LIST_BUTTON, "buttonLabel": LIST_BUTTON, "options": options}
    return Request("send-option-list", {**body, "message": message.text or CHOOSE, "optionList": option_list})


def _buttons(message: Outgoing, body: dict[str, Any]) -> Request:
    buttons = [{"id": str(number), "label": option.title} for number, option in enumerate(message.options, 1)]
    button_list = {"buttons": buttons}
    return Request("send-button-list", {**body, "message": message.text or CHOOSE, "buttonList": button_list})


def _short(title: str) -> str:
    return title if len(title) <= MAX_ROW_TITLE else title[: MAX_ROW_TITLE - 1].rstrip() + "…"


def _rest(title: str) -> str:
    """The description of a row: the whole title where the row's own was cut."""
    return title if len(title) > MAX_ROW_TITLE else ""
