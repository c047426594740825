"""A person on the company's phone takes a chat over, and gives it back."""

from __future__ import annotations

import time

from sqlalchemy.engine import Connection

from connectors import inbox, outbox, retention
from connectors.menus import fold
from connectors.messages import Incoming

#: What an attendant types in the chat to give it back before the time is over.
GIVE_BACK = ("theo", "theo pode voltar", "volta theo", "devolver", "devolver ao theo")
#: An echo of our own message may arrive before the send call was answered.
ECHO_SECONDS = 60.0


def operator_typed(db: Connection, conversation: str, message: Incoming, minutes: float) -> str:
    """Notes what an attendant did. Returns `own` (it was Theo's own message), `given_back` or `taken`.

    Theo keeps silent for `minutes` after the attendant's last message.
    """
    now = time.time()
    chat = inbox.conversation(db, conversation)
    human = bool(chat.human_until and chat.human_until > now)
    if outbox.is_ours(db, conversation, message, now - ECHO_SECONDS):
        return "own"
    if fold(message.text) in GIVE_BACK:
        inbox.give_back(db, conversation)
        if human:
            retention.note(db, chat, "conversa devolvida")
        return "given_back"
    inbox.take_over(db, conversation, now + minutes * 60)
    if not human:
        retention.note(db, chat, "conversa assumida")
    return "taken"
