"""When an action fails: the customer is told, a person gets a ticket, and what was said is kept for a second try."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import os
from functools import lru_cache

from rasa_sdk.events import SlotSet

from actions.desk import SECTORS, summary
from actions.talk import AGAIN, SYSTEM_DOWN, Events, Talk
from backoffice.errors import BackofficeError
from backoffice.owed import OwedTickets
from backoffice.records import NewTicket, Sector

logger = logging.getLogger(__name__)
SUBJECT = "falha_no_sistema"
#: What says that something failed: the ticket is open, will be opened when the records answer, or neither.
OPENED, KEPT, NEITHER = "utter_erro_chamado", "utter_erro_anotado", "utter_erro_tecnico"


@lru_cache(maxsize=1)
def owed() -> OwedTickets:
    """The requests that wait for the records; opened once."""
    return OwedTickets(os.environ)


async def tell_failure(talk: Talk, where: str, error: Exception, again: str | None, customer: str | None) -> Events:
    """Says it, once in a turn, and opens the ticket, once a day for this customer and this failure.

    `where` is the action that failed, `customer` the confirmed customer's id. `again` is the form that ends here,
    or the action, that a yes takes up once more; None for a side question, after which the talk goes on as it was.
    """
    if not _told_already(talk):
        said, variables = await _ticket(talk, where, error, customer)
        talk.say(said, **variables)
        if again:
            talk.say("utter_tenta_de_novo")
    if again is None:
        return []
    ended = [SlotSet("falha", SYSTEM_DOWN), SlotSet("requested_slot", None)] if again.endswith("_form") else []
    return [*ended, SlotSet("oferta", AGAIN + again)]


async def _ticket(talk: Talk, where: str, error: Exception, customer: str | None) -> tuple[str, dict[str, str]]:
    """The response that is true now, with its variables."""
    key = f"falha:{talk.phone or talk.chat}:{where}:{dt.datetime.now(dt.timezone.utc):%Y-%m-%d}"
    sector = SECTORS.get(talk.intent, Sector.DESK)
    text = f"Theo não conseguiu concluir ({where}, {type(error).__name__}).\n{summary(talk)}"
    new = NewTicket(SUBJECT, sector, text, customer)
    try:
        opened = await talk.ask(lambda erp: erp.open_ticket(new, key))
        return OPENED, {"protocolo": opened.ticket.protocol}
    except Exception as second:  # noqa: BLE001  whatever it was, the customer gets an answer
        logger.error("%s: no ticket could be opened: %s", where, type(second).__name__)
    try:
        await asyncio.to_thread(lambda: owed().keep(new, key))
        return KEPT, {}
    except BackofficeError:
        return NEITHER, {}


def _told_already(talk: Talk) -> bool:
    """Whether this turn said it already, as when a side question fails and then the form that comes back."""
    for event in reversed(talk.tracker.events):
        if event.get("event") == "user":
            return False
        named = {value for value in (event.get("metadata") or {}).values() if isinstance(value, str)}
        if event.get("event") == "bot" and named & {OPENED, KEPT, NEITHER}:
            return True
    return False
