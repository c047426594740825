"""The words in which every channel speaks to the rest: what came in, what goes out."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any

#: What an `Incoming` can be. `text` may carry an `attachment` (a photo with a caption).
TEXT, OPTION, MEDIA, EDIT, DELETE, OPERATOR = "text", "option", "media", "edit", "delete", "operator"
#: Something that Theo tells without having been asked; its text is the payload for Rasa.
NOTICE = "notice"


@dataclass(frozen=True)
class Incoming:
    """One thing that a customer (or the company's own phone) did in a chat.

    `kind` is one of the constants above. `phone` is the address to answer to, as the gateway gave it:
    digits, or `<digits>@lid`. `text` holds typed words, a caption, or the title of a tapped option.
    `attachment` names media: audio, imagem, video, documento, figurinha, localizacao, contato, ligacao,
    outro. `reply_to` is the id of the message that is quoted, tapped on, edited or deleted.
    `sent_at` is epoch seconds or None.
    """

    kind: str
    message_id: str
    phone: str
    lid: str | None = None
    text: str = ""
    attachment: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    option_id: str | None = None
    reply_to: str | None = None
    sent_at: float | None = None

    @property
    def corrects(self) -> str | None:
        """The id of the message that an edit corrects."""
        return self.reply_to if self.kind == EDIT else None

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Incoming:
        return cls(**json.loads(text))


@dataclass(frozen=True)
class Delivery:
    """What became of a message of ours: `error` is None when WhatsApp took it."""

    message_id: str
    queue_id: str | None = None
    error: str | None = None


@dataclass(frozen=True)
class Connection:
    """The company's phone came on or went off line."""

    connected: bool


@dataclass(frozen=True)
class Ignored:
    """A callback that Theo has no use for; `rule` names why."""

    rule: str


Event = Incoming | Delivery | Connection | Ignored


@dataclass(frozen=True)
class Option:
    """A choice of a menu: what is read and what Rasa gets."""

    title: str
    payload: str


@dataclass(frozen=True)
class Outgoing:
    """One bubble to send. `options` makes it a menu; `url` makes it a document or an image.

    `url` is absolute, a data URI, or a path on the action server (`/documents/...`), fetched when it is sent.
    """

    text: str = ""
    options: tuple[Option, ...] = field(default=())
    url: str | None = None
    file_name: str | None = None
    image: bool = False

    def as_text(self) -> str:
        """The text, with the options under it where it is a menu, to be answered by their numbers."""
        lines = [f"*{number}* - {option.title}" for number, option in enumerate(self.options, 1)]
        return "\n".join(([self.text] if self.text else []) + ([""] if self.text and lines else []) + lines)

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Outgoing:
        data: dict[str, Any] = json.loads(text)
        data["options"] = tuple(Option(**option) for option in data["options"])
        return cls(**data)
