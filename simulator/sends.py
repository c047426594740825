"""What each ``send-*`` method must carry. No network, no state.

Required fields and types are the vendor's pages'. The words of the refusals are this simulator's own:
no capture of the gateway's was found.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from simulator.faults import is_whole
from simulator.media import from_data_uri

Json = dict[str, Any]
PHONE = re.compile(
    r"\d{10,15}|\d{10,20}@lid|\d{10,20}-group|\d{10,15}-\d{8,12}|\d{10,20}@newsletter", re.ASCII
)
PIX_KEY_TYPES = ("CPF", "CNPJ", "PHONE", "EMAIL", "EVP")
LIST_METHODS = ("send-button-list", "send-button-actions", "send-option-list", "send-poll")


class SendError(ValueError):
    """The body cannot be accepted; the message is what the 400 says."""


def check(method: str, extension: str, body: object) -> Json:
    """The body when ``method`` would accept it; raises SendError, or KeyError for an unknown method."""
    checks = CHECKS[method]
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


def _check_location(body: Json) -> None:
    _texts("title", "address", "latitude", "longitude")(body)
    for name, most in (("latitude", 90), ("longitude", 180)):
        try:
            inside = abs(float(body[name])) <= most
        except ValueError:
            inside = False
        if not inside:
            raise SendError(f"{name} must be a number of degrees, as a text")


CHECKS: dict[str, Callable[[Json], None]] = {
    "send-text": _texts("message"),
    "send-document": _medium("document"),
    "send-image": _medium("image"),
    "send-audio": _medium("audio"),
    "send-video": _medium("video"),
    "send-sticker": _medium("sticker"),
    "send-location": _check_location,
    "send-link": _check_link,
    "send-contact": _texts("contactName", "contactPhone"),
    "send-reaction": _texts("messageId", "reaction"),
    "send-remove-reaction": _texts("messageId"),
    "send-button-list": _check_buttons,
    "send-button-actions": _check_actions,
    "send-option-list": _check_options,
    "send-poll": _check_poll,
    "send-button-otp": _texts("message", "code"),
    "send-button-pix": _check_pix,
}
