"""How every form reads an answer, identifies the customer, and counts what went wrong.

A form here is one action, `validate_<form>`, that Rasa calls at three moments: when the form starts (it reads
the message that started it), when the customer writes (it reads the answer), and when a side question was
answered (it reads nothing and asks again). It returns slots; the words are chosen by `action_ask_<slot>`.

When a message holds no answer the form returns nothing: Rasa then looks for a rule of that intent, and comes
back by itself.
"""

from __future__ import annotations

import datetime as dt
import re
from abc import ABC, abstractmethod
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.utils import all_subclasses

from actions.talk import AGAIN, Events, SideAnswer, Talk, failed, sealed
from backoffice.documents import DocumentProblem, document_problem, parse_document
from backoffice.identity import IdentityOutcome, identify, parse_birth
from backoffice.records import Contract, ContractStatus
from language.folding import fold

CONFIRMED, NEEDS_BIRTH, NEEDS_PERSON = "confirmada", "falta_nascimento", "precisa_de_pessoa"
#: After this many answers that did not confirm who writes, a person is offered; after one more, called.
OFFER_PERSON_AFTER, CALL_PERSON_AFTER = 3, 5
#: Intents whose messages are read as an answer in free words.
FREE_ANSWERS = ("informar", "nlu_fallback", "afirmar", "negar")


#: The document is not known, or not here.
_NOT_AT_HAND = re.compile(r"^\W*(?:eu )?(?:(?:nao|n|num) (?:sei|tenho|lembro|achei|estou com|to com)\b|esqueci\b)")

#: The contract is another person's, said where the document is asked for: no wish to change the owner.
_SOMEBODY_ELSES = re.compile(
    r"^(?!.*\b(?:pass|transf|troc|mud|coloc|bot)\w*\b).*\b(?:cpf|cnpj|documento|conta|contrato|nome|titular|internet)\b.{0,30}"
    r"\bd[eoa]\s+(?:(?:meu|minha)\b|dono|outr[oa]|marido|espos[oa]|mulher|pai|mae|filh[oa]|irma|irmao|av[oo]|sogr[oa]|patrao|proprietari[oa])",
    re.DOTALL,
)

#: Forms that are a part of another service and are not offered by themselves.
PARTS = ("visita_form", "direitos_form")
#: A second intent of at least this confidence is a second wish.
SECOND_WISH = 0.3
#: Beside a document, which hardly leaves room for doubt, this much is a wish. A bare document leaves less.
WISH_BESIDE_DATA = 0.02


def second_wish(ranking: list[dict[str, Any]]) -> str | None:
    """The form of the second intent in Rasa's ranking, where it was clearly meant too."""
    second = ranking[1] if len(ranking) > 1 else {}
    if float(second.get("confidence") or 0) < SECOND_WISH:
        return None
    first, other = form_of(str(ranking[0].get("name"))), form_of(str(second.get("name")))
    return other if first and other and other != first else None


async def answer_beside(talk: Talk) -> None:
    """Answers the question that was asked beside the wish: "manda o boleto, e que horas vocês abrem?"."""
    second = (talk.tracker.latest_message.get("intent_ranking") or [{}, {}])[1:2]
    if second and float(second[0].get("confidence") or 0) >= SECOND_WISH:
        answer = next((a for a in all_subclasses(SideAnswer) if a.question == second[0].get("name")), None)
        if answer:
            await answer().act(talk)


def wish_beside_data(ranking: list[dict[str, Any]]) -> str | None:
    """The form of what is wanted in a message that mostly gives data: "boleto 529.982.247-25"."""
    first, second = [*ranking, {}, {}][:2]
    sure = float(first.get("confidence") or 0) >= 0.5  # else any intent may stand second
    wished = float(second.get("confidence") or 0) >= WISH_BESIDE_DATA
    return form_of(str(second.get("name"))) if sure and wished else None


def form_of(intent: str) -> str | None:
    """The form that an intent opens."""
    for form in all_subclasses(ServiceForm):
        if intent in form.trigger_intents:
            return str(form.form)
    return None


class ServiceForm(Action, ABC):
    """Base of the forms. A subclass names its slots after the identity, and reads each of them."""

    trigger_intents: tuple[str, ...] = ()
    #: Slots asked once the customer and the contract are known, in order.
    slots: tuple[str, ...] = ()
    needs_contract = True

    @property
    @abstractmethod
    def form(self) -> str:
        """The form's name in the domain."""

    def name(self) -> str:
        return f"validate_{self.form}"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        talk = Talk(dispatcher, tracker, domain)
        state = State(talk)
        try:
            return sealed(await self._run(talk, state))
        except Exception as error:  # noqa: BLE001  `failed` logs it
            return sealed([*state.events, *await failed(talk, self.name(), error, self.form, state.get("cliente"))])

    async def _run(self, talk: Talk, state: State) -> Events:
        starting = _starts_now(talk.tracker, self.form)
        if talk.entity("direito") and not starting and not _was_rejected(talk.tracker, self.form):
            return []  # an answer to nothing: it has a form of its own
        resuming = _was_rejected(talk.tracker, self.form)
        if starting:
            state.set("interrompido", None)
            state.set("oferta", "nenhuma")  # another subject ends an open offer
            if talk.slot("falha") == AGAIN:  # what was told before the records failed still holds
                state.set("falha", None)
            else:
                self._begin(talk, state)
                await answer_beside(talk)
        answered = False
        only_media = talk.entity("midia") is not None and talk.entity("latitude") is None
        # A photo, or "peraí", says nothing that a form could take for an answer.
        if not (resuming or only_media or (not starting and asks_to_wait(talk))):
            answered = await self._read(talk, state, None if starting else talk.slot("requested_slot"))
        if not (starting or resuming or answered or talk.intent in self.trigger_intents):
            return []
        await self._go_on(talk, state)
        state.set("requested_slot", self._next(state))
        # Of a requested slot alone Rasa says that nothing was read, and rejects the form for ever.
        state.set("falha", state.get("falha"))
        return state.events

    def _begin(self, talk: Talk, state: State) -> None:
        if talk.intent in self.trigger_intents:
            state.set("contrato", None)  # a new wish may be about another of the customer's contracts
        for slot in self.slots:
            state.set(slot, None)
        self._remember_other_wish(talk, state)
        state.set("servico", self.form)
        self.start(talk, state)

    def start(self, talk: Talk, state: State) -> None:
        """Called when the form begins, before the message is read: empty what is about this one wish."""

    def _remember_other_wish(self, talk: Talk, state: State) -> None:
        """What the customer also wants: a form left halfway, or a second wish in the same message."""
        before = talk.slot("servico")
        if before and before != self.form and talk.slot("requested_slot") and before not in PARTS:
            state.set("outro_pedido", before)
        elif talk.slot("outro_pedido") == self.form:
            state.set("outro_pedido", None)
        else:
            second = second_wish(talk.tracker.latest_message.get("intent_ranking") or [])
            if second and second != self.form and self.form not in PARTS:
                state.set("outro_pedido", second)

    # -- reading ------------------------------------------------------------------------------------

    async def _read(self, talk: Talk, state: State, requested: str | None) -> bool:
        """Takes what the message holds. True when something of it was an answer."""
        answered = await self._read_identity(talk, state, requested)
        for slot in ("contrato", *self.slots):
            value = await self.read(slot, talk, state, asked=slot == requested)
            if value is not None:
                state.set(slot, value)
                state.set("falha", None)
                answered = True
            elif slot == requested and state.get("falha"):
                answered = True
        return answered

    async def read(self, slot: str, talk: Talk, state: State, *, asked: bool) -> Any:
        """The slot's value in this message, or None. May set `falha` to say why an answer is no good."""
        if slot == "contrato":
            return talk.entity("contrato") or (await self._named_contract(talk, state) if asked else None)
        if slot == "confirma":
            # "Sim, mas a partir do dia 10": what was corrected is shown before it is done.
            corrected = any(state.get(name) not in (None, talk.slot(name)) for name in self.slots if name != slot)
            return clear_answer(talk, self.trigger_intents) if asked and not corrected else None
        if slot == "relato":
            bare = talk.intent in ("afirmar", "negar") and len(talk.text.split()) <= 2  # "quero" tells nothing
            return talk.told if asked and not bare and talk.intent in (*FREE_ANSWERS, *self.trigger_intents) else None
        return None

    async def _read_identity(self, talk: Talk, state: State, requested: str | None) -> bool:
        document = parse_document(talk.text)
        pieces = state.get("documento_parcial")
        if document is None and requested is None and state.get("identidade") != CONFIRMED:
            document = parse_document(talk.slot("documento_dito") or "")  # given before it was asked
        if document is None and requested == "documento" and pieces:
            document = parse_document(f"{pieces} {talk.text}")
        if document is not None:
            if document.number == state.get("documento") and state.get("identidade") == CONFIRMED:
                return requested == "documento"
            state.forget_customer()
            state.set("documento", document.number)
            await self._identify(talk, state)
            return True
        if requested == "nascimento":
            birth = parse_birth(talk.text, (await talk.ask(lambda erp: erp.now())).date())
            if birth is not None:
                state.set("nascimento", birth.isoformat())
                await self._identify(talk, state)
                return True
            if re.search(r"\d", talk.text):
                state.fail("data_estranha")
                return True
        if (
            requested == "documento"
            and len(re.findall(r"\d", talk.text)) >= 3
            and not talk.entity("dia", "cep", "protocolo")
        ):
            problem = document_problem(talk.text)
            if problem is DocumentProblem.INCOMPLETE and not pieces:
                state.set("documento_parcial", talk.text)
                state.set("falha", "incompleto")
            else:
                state.set("documento_parcial", None)
                state.fail("nao_confere")
            return True
        if requested == "documento" and not form_of(talk.intent) and _NOT_AT_HAND.search(fold(talk.text)):
            state.set("falha", "nao_sabe")
            return True
        if (
            requested == "documento"
            and "transferir_titularidade" not in self.trigger_intents
            and talk.intent != "falar_com_atendente"
            and _SOMEBODY_ELSES.search(fold(talk.text))
        ):
            state.set("falha", "de_outra_pessoa")
            return True
        return False

    async def _named_contract(self, talk: Talk, state: State) -> str | None:
        """The contract whose address or plan is named: "a do Bessa", "o de 300 mega"; None where two fit."""
        said = address_words(talk.text)
        fitting = [(len(said & address_words(f"{c.address} {c.plan.name}")), c.id) for c in await self.contracts(talk, state)]
        best = max((hits for hits, _ in fitting), default=0)
        named = [id_ for hits, id_ in fitting if hits == best]
        return named[0] if best and len(named) == 1 else None

    # -- deciding what comes next ---------------------------------------------------------------------

    async def _identify(self, talk: Talk, state: State) -> None:
        """The ladder: phone of the chat, else birth date, else a person."""
        document = parse_document(state.get("documento") or "")
        if document is None:
            state.set("documento", None)
            return
        birth = dt.date.fromisoformat(state.get("nascimento")) if state.get("nascimento") else None
        found = await talk.ask(identify, document, talk.phone, birth)
        if found.outcome is IdentityOutcome.CONFIRMED and found.customer is not None:
            for slot in ("falha", "documento_parcial", "nascimento"):
                state.set(slot, None)
            state.set("tentativas", 0)
            state.set("identidade", CONFIRMED)
            state.set("cliente", found.customer.id)
        elif found.outcome is IdentityOutcome.NEEDS_PERSON:
            state.set("identidade", NEEDS_PERSON)
        elif found.outcome is IdentityOutcome.NEEDS_BIRTH:
            state.set("identidade", NEEDS_BIRTH)
            state.fail("falta_nascimento")
        else:
            state.forget_customer()
            state.set("documento", None)
            state.fail("nao_confirmado")

    async def _go_on(self, talk: Talk, state: State) -> None:
        """Fills what need not be asked."""
        if state.get("documento") and state.get("identidade") is None:
            await self._identify(talk, state)
        if state.get("identidade") != CONFIRMED:
            return
        if not self.needs_contract:
            await self.prepare(talk, state)
            return
        contracts = await self.contracts(talk, state)
        if state.get("contrato") not in [contract.id for contract in contracts]:
            state.set("contrato", contracts[0].id if len(contracts) == 1 else None)
        if not contracts:
            state.set("interrompido", True)
        elif state.get("contrato"):
            await self.prepare(talk, state)

    async def contracts(self, talk: Talk, state: State) -> list[Contract]:
        """The contracts that this service can be about: the running ones."""
        found = await talk.ask(lambda erp: erp.contracts(state.get("cliente")))
        return [contract for contract in found if contract.status is not ContractStatus.CANCELLED]

    async def prepare(self, talk: Talk, state: State) -> None:
        """Called once customer and contract are known: fill what need not be asked, or `interrompido`."""

    def _next(self, state: State) -> str | None:
        """The next slot to ask; None ends the form (the service's action then looks at what is there)."""
        if state.get("identidade") == NEEDS_PERSON or state.get("tentativas") >= CALL_PERSON_AFTER:
            return None
        if state.get("identidade") != CONFIRMED:
            return "nascimento" if state.get("identidade") == NEEDS_BIRTH else "documento"
        if state.get("interrompido"):
            return None
        wanted = ("contrato", *self.slots) if self.needs_contract else self.slots
        return next((slot for slot in wanted if state.get(slot) is None), None)


def address_words(text: str) -> set[str]:
    """The words that tell one address from another."""
    words = set(re.findall(r"\w+", fold(text)))
    return {word for word in words if len(word) >= 2} - {"rua", "av", "de", "da", "do", "na", "no", "mega", "casa", "um", "dois"}


class State:
    """The slots as they will be after this run, and the events that make them so."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        self._changed: dict[str, Any] = {}

    def get(self, slot: str) -> Any:
        value = self._changed[slot] if slot in self._changed else self._talk.slot(slot)
        return 0 if value is None and slot == "tentativas" else value

    def set(self, slot: str, value: Any) -> None:
        self._changed[slot] = value

    def fail(self, reason: str) -> None:
        """An answer that did not bring the identification on."""
        self.set("falha", reason)
        self.set("tentativas", self.get("tentativas") + 1)

    def forget_customer(self) -> None:
        for slot in ("identidade", "cliente", "contrato", "nascimento", "documento_parcial"):
            self.set(slot, None)

    @property
    def events(self) -> Events:
        return [SlotSet(slot, value) for slot, value in self._changed.items()]


def _starts_now(tracker: Tracker, form: str) -> bool:
    """Whether the last message opened this form: Rasa marks the loop active before it asks us."""
    return _since_message(tracker, "active_loop", form)


def _was_rejected(tracker: Tracker, form: str) -> bool:
    """Whether this form already refused the last message: it comes back after a side question."""
    return _since_message(tracker, "action_execution_rejected", form)


def _since_message(tracker: Tracker, event: str, form: str) -> bool:
    """Whether this event of the form came after the last message."""
    for last in reversed(tracker.events):
        if last.get("event") == "user":
            return False
        if last.get("event") == event and last.get("name") == form:
            return True
    return False


#: Intents that end the question instead of answering it.
LEAVING = ("desistir", "falar_com_atendente", "nao_entendi", "cancelar_servico")
_WAIT = re.compile(
    r"\b(?:pera\w*|espera\w*|aguard\w+|calm\w*|(?:so )?(?:um|uns|1|dois|2|cinco|5) "
    r"(?:momento|momentinho|instante|instantinho|tempinho|min|mins|minut\w+|segund\w+|pouco|tiquinho)|minutin\w*|"
    r"ja (?:ja|volto|vou|vejo)|jaja|a?guenta|segura (?:ai|a mao|um)|(?:deixa|deixe|dxa) (?:so )?eu|"
    r"vou (?:ver|pensar|falar|conversar|perguntar|pegar|procurar|olhar|la|ali|fazer|tentar|testar|conferir|desligar|reiniciar)|"
    r"to (?:indo|subindo|descendo|procurando|pegando|chegando|fazendo|ligando|reiniciando)|depois eu)\b"
)
#: What answers all the same: "pera, voltou".
_ANSWERED = re.compile(
    r"\d{3}|\b(?:nao|n|nada|nem|pronto|feito|fiz|resolv\w+|volt(?:ou|aram)|normal\w*|funcion\w+|melhor\w*|peg(?:ou|a)|acend\w+|"
    r"ligou|abriu|conect\w+|deu certo|foi|verde|vermelha|apagad\w+|lent[ao]|igual|reiniciei|desliguei|liguei|tirei|troquei|testei|"
    r"esperei|conferi|olhei)\b"
)
_CONDITION = re.compile(r"\bse (?:for|nao|tiver|ficar|eu|nao for)\b")
_NO = re.compile(r"\b(?:nao|n|nn|nunca|negativo|desist\w*|deixa|melhor nao|mudei de ideia)\b|👎|❌")
_YES = re.compile(
    r"\b(?:s+i+m+|s|ss|pode|podem|confirm\w+|isso|quero|claro|certeza|certo|positivo|ok+|okay|blz|beleza|manda|faz|faca|bora|vamos|"
    r"vai|aceito|fechado|combinado|concordo|exato|perfeito|correto|aham|uhum|por favor|ta bo[mn]|tudo bem|segue|prossiga|cancel\w+|"
    r"encerr\w+)\b|👍|👌|✅"
)
#: More words of assent, taken for one only where the understanding hears one too.
_ASSENT = re.compile(
    r"\b(?:sm|yes|pd|querer|logico|obvio|cert\w+|afirmativo|oks|blz\w*|bele\w+|simbora|partiu|aceit\w+|top|topo|show|joia|massa|otimo|"
    r"fech\w+|demoro\w*|concord\w+|de (?:pleno )?acordo|autoriz\w+|exat\w+|perfeit\w+|corret\w+|por gentileza|pfv|sem problemas?|"
    r"tranquilo|seguir|prossig\w+|prosseguir|serve|registra|bota|marc[ae]r?|agend[ae]r?|liber[ae]r?|desbloque\w+|relig\w+|troc[ae]r?|"
    r"mud[ae]r?|apag[ae]r?|ess[ea] (?:ai )?mes\w+)\b|✔|🆗|🤝|^\W*(?:e|eh|ta|tah)\W*$"
)
DROP = re.compile(r"\W*(?:cancel(?:a|ar|e)|para|parar)(?: isso| tudo)?\W*")


def asks_to_wait(talk: Talk) -> bool:
    """ "Peraí", "vou lá ver": an assent elsewhere (`afirmar`), and the answer to nothing that Theo asked."""
    text = fold(talk.text)
    return talk.intent == "afirmar" and bool(_WAIT.search(text)) and not _ANSWERED.search(text)


def clear_answer(talk: Talk, own_intents: tuple[str, ...]) -> bool | None:
    """A yes or no that lets something be done: said in so many words, or tapped.

    "Peraí", "oxe" and "voltou" are kind answers elsewhere and none here; where both are said, a no wins.
    """
    text = fold(talk.text)
    if _WAIT.search(text) or _CONDITION.search(text):
        return None
    if talk.intent == "negar":
        return False
    words = re.findall(r"\w+", text)
    if talk.intent == "afirmar":
        asking = "?" in text and words[:1] not in (["sim"], ["pode"], ["claro"])  # "tem certeza?"
        said = _YES.search(text) or _ASSENT.search(text)
        return None if text and (asking or not said) else not _NO.search(text)
    if "cancelar_servico" not in own_intents and DROP.fullmatch(text) and text:
        return False  # "cancelar" said to "posso mudar seu plano?" drops the step, not the contract
    if words[:1] in (["sim"], ["pode"], ["confirmo"]) and len(words) <= 3 and talk.intent not in LEAVING:
        return None if "?" in text or _NO.search(text) else True  # "pode mudar" is no wish to move house
    if talk.intent in (*own_intents, *FREE_ANSWERS) and text and "?" not in text:
        if _NO.search(text):
            return False
        wanted = talk.intent in own_intents and len(words) <= 2 and _ASSENT.search(text)  # "libera logo"
        return True if wanted or _YES.search(text) else None
    return None
