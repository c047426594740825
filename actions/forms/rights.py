"""The form of who asks for their data: who it is, and for an erasure a clear yes."""

from __future__ import annotations

from typing import Any

from actions.forms.base import ServiceForm, State, clear_answer
from actions.talk import Talk

#: The value of the entity `direito` in a message that asks for an erasure.
ERASE = "apagar"


class RightsForm(ServiceForm):
    """To see one's data needs no yes; to erase the talk does."""

    form = "direitos_form"
    slots = ("confirma",)
    needs_contract = False

    def start(self, talk: Talk, state: State) -> None:
        state.set("direito", talk.entity("direito"))
        state.set("confirma", None if talk.entity("direito") == ERASE else False)

    async def read(self, slot: str, talk: Talk, state: State, *, asked: bool) -> Any:
        return clear_answer(talk, ()) if asked and slot == "confirma" else None
