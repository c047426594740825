"""What every action works with: the customer's turn, the back office, and Theo's responses.

Documents come sealed from the door and are opened here alone; what goes back to Rasa is sealed again
(`language/sealed.py`).
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import os
import re
import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import yaml
from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from backoffice.erp import Erp, connect
from backoffice.errors import BackofficeError
from backoffice.identity import parse_birth
from language.sealed import TOKEN, hide, sealer

logger = logging.getLogger(__name__)
P = ParamSpec("P")
T = TypeVar("T")
Events = list[dict[str, Any]]
#: `falha` of a form that ended because the records failed; of one that is tried again; then `oferta` names it.
SYSTEM_DOWN, AGAIN = "sistema", "de_novo:"


@lru_cache(maxsize=1)
def erp() -> Erp:
    """The provider's system that the environment names; opened once."""
    return connect(os.environ)


DOMAIN = Path(__file__).resolve().parent.parent / "domain.yml"


@lru_cache(maxsize=1)
def _responses(_written: int) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(DOMAIN.read_text(encoding="utf-8"))["responses"]
    return found


def responses() -> dict[str, Any]:
    """The words of `domain.yml`, read again when the file changes: Theo sends its 65 KB with no call (endpoints.yml)."""
    return _responses(DOMAIN.stat().st_mtime_ns)


class Talk:
    """One run of an action: what the customer said, what Theo knows, and the means to answer."""

    def __init__(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> None:
        self.dispatcher, self.tracker, self.domain = dispatcher, tracker, domain
        self.responses = domain.get("responses") or responses()
        self.spoke = False
        tracker.latest_message = _opened(tracker.latest_message)
        tracker.slots = sealer().open_value(tracker.slots)

    # -- what was said ------------------------------------------------------------------------------

    @property
    def text(self) -> str:
        """What the customer typed; empty for a tap, a chosen number or media, which come as a payload."""
        text = str(self.tracker.latest_message.get("text") or "")
        return "" if text.startswith("/") else text

    @property
    def told(self) -> str:
        """The same for people who read it later: without documents and birth dates."""
        return hide(self.text, dt.date.today())

    @property
    def intent(self) -> str:
        return str((self.tracker.latest_message.get("intent") or {}).get("name") or "")

    @property
    def chat(self) -> str:
        """The conversation's name."""
        return str(self.tracker.sender_id)

    @property
    def phone(self) -> str | None:
        """The phone of the chat, when WhatsApp tells it; never a number that the customer typed."""
        return self._metadata.get("phone") or None

    @property
    def key(self) -> str:
        """The idempotency key of this turn: the id of the message that it answers."""
        turn = self._metadata.get("turn") or self.tracker.latest_message.get("message_id")
        return f"{self.chat}:{turn}"

    @property
    def _metadata(self) -> dict[str, Any]:
        metadata = self.tracker.latest_message.get("metadata")
        return metadata if isinstance(metadata, dict) else {}

    def entity(self, *names: str) -> Any:
        """The value of the first entity of these names in the last message, or None."""
        for found in self.tracker.latest_message.get("entities") or []:
            if found.get("entity") in names:
                return found.get("value")
        return None

    def slot(self, name: str) -> Any:
        return self.tracker.get_slot(name)

    # -- what is answered ----------------------------------------------------------------------------

    def say(self, response: str, **variables: Any) -> None:
        """Sends a response of the domain, with its variables filled."""
        self.spoke = True
        self.dispatcher.utter_message(response=response, **variables)

    def copyable(self, code: str) -> None:
        """Sends a code alone, so that a long press copies just it."""
        self.spoke = True
        self.dispatcher.utter_message(text=code)

    def menu(self, response: str, options: list[tuple[str, str]], **variables: Any) -> None:
        """A response followed by options: (title, payload)."""
        self.spoke = True
        buttons = [{"title": title, "payload": payload} for title, payload in options]
        self.dispatcher.utter_message(response=response, buttons=buttons, **variables)

    def document(self, path: str, file_name: str, caption: str = "") -> None:
        self.spoke = True
        self.dispatcher.utter_message(json_message={"document": path, "file_name": file_name, "caption": caption})

    def note(self, what: str, protocol: str | None = None) -> None:
        """Has a deed noted with this turn, for whoever asks about it later. No document goes there."""
        self.dispatcher.utter_message(json_message={"audit": what, "protocol": protocol})

    def erase(self) -> None:
        """Has this talk forgotten once this turn is over; what is still to be sent is sent."""
        self.dispatcher.utter_message(json_message={"erase": True})

    def words(self, response: str, **variables: Any) -> str:
        """The text of a response, for a part of a longer message. KeyError when the domain lacks it."""
        text = str(self.responses[response][0]["text"])
        for name, value in variables.items():
            text = text.replace("{" + name + "}", str(value))
        return text

    # -- what is asked of the back office ------------------------------------------------------------

    async def ask(self, rule: Callable[Concatenate[Erp, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Calls a rule of the back office off the event loop. Raises BackofficeError."""
        return await asyncio.to_thread(rule, erp(), *args, **kwargs)


class TheoAction(Action, ABC):
    """An action that never leaves the customer in silence."""

    #: Whether it does what a form was for: it can be run again, and says nothing where the form failed.
    ends_form = False

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        talk = Talk(dispatcher, tracker, domain)
        if self.ends_form and talk.slot("falha") == SYSTEM_DOWN:
            return forget("falha")
        try:
            return sealed(await self.act(talk))
        except Exception as error:  # noqa: BLE001  `failed` logs it
            asking = self.name().startswith("action_ask_")
            again = tracker.active_loop.get("name") if asking else self.name() if self.ends_form else None
            return sealed(await failed(talk, self.name(), error, again))

    @abstractmethod
    def name(self) -> str:
        raise NotImplementedError

    @abstractmethod
    async def act(self, talk: Talk) -> Events:
        """Returns the events; what is told goes through `talk`."""


class SideAnswer(TheoAction, ABC):
    """Answers a question at once, in the middle of whatever is done."""

    #: The intent of the question.
    question: str


async def failed(talk: Talk, where: str, error: Exception, again: str | None, customer: str | None = None) -> Events:
    """Logs a failure and tells it (`actions/failures.py`). `again` is what a yes runs once more, if anything."""
    from actions.failures import tell_failure  # which knows the desk, and that knows this module

    if isinstance(error, BackofficeError):
        logger.error("%s: the back office failed: %s", where, type(error).__name__)
    else:
        log_failure(where, error)
    return await tell_failure(talk, where, error, again, customer or talk.slot("cliente"))


#: Slots whose whole value is a document, a part of one, or a birth date.
SEALED_SLOTS = {"documento": "cpf", "documento_dito": "cpf", "documento_parcial": "numero", "nascimento": "data"}


def _opened(message: dict[str, Any]) -> dict[str, Any]:
    """A message as the customer typed it: its text and the values of its entities."""
    box = sealer()
    entities = []
    for found in message.get("entities") or []:
        value = box.open_value(found.get("value"))
        if value != found.get("value") and found.get("entity") == "dia":
            birth = parse_birth(str(value), dt.date.today())
            value = birth.isoformat() if birth else None
        if value is not None:
            entities.append({**found, "value": value})
    return {**message, "text": box.open_value(message.get("text")), "entities": entities}


def sealed(events: Events) -> Events:
    """Events as Rasa may keep them: no document and no birth date in any slot."""
    box, today = sealer(), dt.date.today()

    def value_of(event: dict[str, Any]) -> Any:
        name, value = str(event.get("name")), event.get("value")
        if isinstance(value, str) and name in SEALED_SLOTS:
            return box.lock(value, SEALED_SLOTS[name])
        # A protocol is as long as a CNPJ, and one in a hundred has its check digits.
        return value if name.startswith("protocolo") else box.seal_value(value, today)

    return [{**e, "value": value_of(e)} if e.get("event") == "slot" else e for e in events]


def without_tokens(text: str) -> str:
    """A text of the tracker's for people: words in the place of what is sealed; a mobile phone is shown."""

    def word(match: re.Match[str]) -> str:
        kind = match.group(1)
        if kind == "onze":
            return hide(sealer().open(match.group()), dt.date.today())
        return {"data": "(data)", "numero": "(número)", "oito": "(número)"}.get(kind, "(documento)")

    return TOKEN.sub(word, text)


def log_failure(name: str, error: Exception) -> None:
    """The kind of an error and the lines it went through; never its text, which may hold what was typed."""
    lines = "".join(traceback.format_tb(error.__traceback__)).rstrip()
    logger.error("%s failed: %s\n%s", name, type(error).__name__, lines)


def forget(*names: str) -> Events:
    """Empties slots."""
    return [SlotSet(name, None) for name in names]
