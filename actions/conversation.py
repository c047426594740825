"""Greeting, yes and no outside a form, data given unasked, media, and what was not understood."""

from __future__ import annotations

from inspect import isabstract

from rasa_sdk.events import ActionExecuted, ActiveLoop, FollowupAction, SessionStarted, SlotSet
from rasa_sdk.utils import all_subclasses

from actions.contract import KeepContract
from actions.desk import PERSON_CALLED, HandOver, tell_person_is_coming
from actions.forms.base import PARTS, asks_to_wait, clear_answer, wish_beside_data
from actions.forms.billing import RELEASE_NOW
from actions.forms.support import answers_visit
from actions.service import offer_other_wish
from actions.support import PromiseNotice
from actions.talk import AGAIN, Events, Talk, TheoAction, forget
from backoffice import desk
from backoffice.documents import parse_document
from backoffice.errors import BackofficeError

SERVICES = [
    ("2ª via da conta", "/pedir_segunda_via"),
    ("Suporte técnico", "/pedir_suporte"),
    ("Contratar internet", "/contratar_internet"),
    ("Ver cobertura", "/consultar_cobertura"),
    ("Cancelar ou mudar plano", '/pedir_menu{"menu": "contrato"}'),
    ("Falar com atendente", "/falar_com_atendente"),
]
CONTRACT_SERVICES = [
    ("Mudar de plano", "/alterar_plano"),
    ("Mudar de endereço", "/mudar_endereco"),
    ("Trocar o titular", "/transferir_titularidade"),
    ("Pausar a internet", "/suspender_servico"),
    ("Cancelar a internet", "/cancelar_servico"),
]
#: Intents that may be offered as a guess, in the words of a customer.
GUESSES = {
    "pedir_segunda_via": "2ª via da conta",
    "informar_pagamento": "Avisar que já paguei",
    "pedir_desbloqueio": "Desbloquear a internet",
    "contestar_fatura": "Reclamar de um valor da conta",
    "negociar_debito": "Negociar contas atrasadas",
    "alterar_vencimento": "Mudar o dia do vencimento",
    "perguntar_formas_pagamento": "Saber como posso pagar",
    "pedir_suporte": "Suporte técnico",
    "sem_internet": "Estou sem internet",
    "internet_lenta": "Internet lenta ou caindo",
    "modem_desligado": "O aparelho não liga",
    "trocar_senha_wifi": "Senha do Wi-Fi",
    "consultar_visita": "Visita do técnico",
    "consultar_protocolo": "Andamento de um pedido",
    "contratar_internet": "Contratar internet",
    "consultar_planos": "Planos e preços",
    "consultar_cobertura": "Saber se atende meu endereço",
    "alterar_plano": "Mudar de plano",
    "mudar_endereco": "Mudar de endereço",
    "transferir_titularidade": "Trocar o titular",
    "suspender_servico": "Pausar a internet",
    "cancelar_servico": "Cancelar a internet",
    "falar_com_atendente": "Falar com uma pessoa",
    "perguntar_horario": "Horário de atendimento",
    "perguntar_endereco": "Endereço da loja",
}
#: What a yes to an offer (slot `oferta`) leads to: a form, or an action that is done at once.
OFFERED_FORMS = {
    "segunda_via": "segunda_via_form",
    "desbloqueio": "desbloqueio_form",
    RELEASE_NOW: "desbloqueio_form",
    "visita": "visita_form",
    "contratar": "contratar_form",
    "alterar_plano": "plano_form",
}
OFFERED_ACTIONS: dict[str, type[TheoAction]] = {
    "atendente": HandOver,
    "aviso": PromiseNotice,
    "desfazer_cancelamento": KeepContract,
}
MEDIA = ("audio", "imagem", "video", "documento", "figurinha", "localizacao", "contato", "ligacao")


class StartSession(TheoAction):
    """A new contact: a protocol, and a clean slate. Slots are not carried over, or they would grow for ever."""

    def name(self) -> str:
        return "action_session_start"

    async def act(self, talk: Talk) -> Events:
        try:
            protocol: str | None = await talk.ask(desk.contact_protocol, talk.key)
        except BackofficeError:
            protocol = None  # a session has to start all the same
        if protocol:
            talk.say("utter_apresentacao", protocolo=protocol)
        else:
            talk.say("utter_apresentacao_sem_protocolo")
        return [
            SessionStarted(), SlotSet("protocolo", protocol), SlotSet("outro_pedido", _left_halfway(talk)),
            ActionExecuted("action_listen"),
        ]  # fmt: skip


class Greet(TheoAction):
    """The menu; in the middle of a form just a word, since the form asks again by itself."""

    def name(self) -> str:
        return "action_saudar"

    async def act(self, talk: Talk) -> Events:
        left = talk.slot("outro_pedido")
        if talk.tracker.active_loop.get("name"):
            talk.say("utter_oi_de_novo")
        elif talk.slot("oferta") == PERSON_CALLED:
            await tell_person_is_coming(talk)
        elif left:
            talk.say("utter_retomar", pedido=talk.words(f"utter_nome_{left}"))
            return [SlotSet("oferta", left), SlotSet("outro_pedido", None)]
        else:
            talk.menu("utter_menu", SERVICES)
        return []


class ShowMenu(TheoAction):
    """The services, or those around the contract."""

    def name(self) -> str:
        return "action_menu"

    async def act(self, talk: Talk) -> Events:
        if talk.entity("menu") == "contrato":
            talk.menu("utter_menu_contrato", CONTRACT_SERVICES)
        else:
            talk.menu("utter_menu_completo", SERVICES)
        return _leave_form()


class GiveUp(TheoAction):
    """Drops the current step, not the service."""

    def name(self) -> str:
        return "action_desistir"

    async def act(self, talk: Talk) -> Events:
        if answers_visit(talk):
            return [FollowupAction("consultar_visita_form")]
        busy = talk.tracker.active_loop.get("name") or talk.slot("oferta") not in (None, "nenhuma", PERSON_CALLED)
        if not busy and talk.slot("cancelamento"):  # "desisti", said after the contract was ended
            talk.say("utter_oferece_desfazer")
            return [SlotSet("oferta", "desfazer_cancelamento")]
        talk.say("utter_desistiu" if busy else "utter_nada_a_desistir")
        return _leave_form()


class Thank(TheoAction):
    """Thanks are answered; after a service, a mark is asked for, once in a contact."""

    def name(self) -> str:
        return "action_agradecer"

    async def act(self, talk: Talk) -> Events:
        talk.say("utter_agradecer")
        return [] if talk.tracker.active_loop.get("name") else _ask_mark(talk)


class SayGoodbye(TheoAction):
    """The end of the talk, with the same question for a mark."""

    def name(self) -> str:
        return "action_despedir"

    async def act(self, talk: Talk) -> Events:
        talk.say("utter_despedir")
        return [*_leave_form(), *_ask_mark(talk)]


class HearYes(TheoAction):
    """A yes outside a question of a form: to the open offer, or to nothing."""

    def name(self) -> str:
        return "action_afirmar"

    async def act(self, talk: Talk) -> Events:
        if asks_to_wait(talk):
            talk.say("utter_sem_pressa")  # what was asked or offered stands
            return []
        if talk.tracker.active_loop.get("name"):
            return []
        offer = str(talk.slot("oferta") or "nenhuma")
        if offer == "menu":  # "precisa de mais alguma coisa?"
            return await ShowMenu().act(talk)
        if offer in OFFERED_ACTIONS:
            done = await OFFERED_ACTIONS[offer]().act(talk)
            return [SlotSet("oferta", "nenhuma"), *done, *offer_other_wish(talk, done)]
        if offer in OFFERED_FORMS or offer.endswith("_form") and not offer.startswith(AGAIN):
            agreed = True if offer == RELEASE_NOW and clear_answer(talk, ()) else None
            form = FollowupAction(OFFERED_FORMS.get(offer, offer))
            return [SlotSet("oferta", "nenhuma"), SlotSet("confirma", agreed), form]
        if offer.startswith(AGAIN):
            return await self._again(talk, offer.removeprefix(AGAIN))
        talk.say("utter_sim_a_nada")
        return []

    async def _again(self, talk: Talk, failed: str) -> Events:
        """What failed because of the records, with everything that was told before."""
        if failed.endswith("_form"):
            return [SlotSet("oferta", "nenhuma"), SlotSet("falha", AGAIN), FollowupAction(failed)]
        actions = [kind() for kind in all_subclasses(TheoAction) if kind.ends_form and not isabstract(kind)]
        (action,) = [action for action in actions if action.name() == failed]
        return [SlotSet("oferta", "nenhuma"), *await action.run(talk.dispatcher, talk.tracker, talk.domain)]


class HearNo(TheoAction):
    """A no outside a question of a form; inside one, a person is offered instead of asking for ever."""

    def name(self) -> str:
        return "action_negar"

    async def act(self, talk: Talk) -> Events:
        if talk.tracker.active_loop.get("name"):
            talk.say("utter_sem_problema_pessoa")
            return []
        if talk.slot("outro_pedido") and talk.slot("oferta") not in (None, "nenhuma", "nota", PERSON_CALLED):
            talk.say("utter_tudo_bem")
            return offer_other_wish(talk, [])
        talk.say("utter_nao_obrigado")
        return [SlotSet("oferta", "nenhuma")]


class HearData(TheoAction):
    """Data that nobody asked for: a document is kept for the service to come."""

    def name(self) -> str:
        return "action_informar"

    async def act(self, talk: Talk) -> Events:
        ranking = talk.tracker.latest_message.get("intent_ranking") or []
        service = wish_beside_data(ranking) or talk.slot("servico")
        if _is_mark(talk):
            return await _take_mark(talk)
        if talk.intent == "elogiar":  # "nota 10", where no mark was asked for
            talk.say("utter_elogiar")
        elif talk.tracker.active_loop.get("name"):
            talk.say("utter_nao_era_isso")
        elif answers_visit(talk):
            return [FollowupAction("consultar_visita_form")]
        elif talk.entity("protocolo"):
            return [FollowupAction("protocolo_form")]  # a protocol out of the blue asks how it stands
        elif parse_document(talk.text) and service:
            return [FollowupAction(service)]  # what was named with it, or the last service again: a correction
        elif talk.entity("cep"):
            return [FollowupAction("cobertura_form")]  # a CEP out of the blue asks whether it is served
        elif parse_document(talk.text):
            talk.menu("utter_documento_guardado", SERVICES)
        else:
            talk.menu("utter_informou_do_nada", SERVICES)
        return []


class Explain(TheoAction):
    """The customer did not follow: in a form it asks again in other words, else it says what Theo does."""

    def name(self) -> str:
        return "action_explicar"

    async def act(self, talk: Talk) -> Events:
        busy = talk.tracker.active_loop.get("name")
        talk.say("utter_nao_entendi_de_novo" if busy else "utter_explica_conversa")
        return []


class HearMedia(TheoAction):
    """A voice note, a photo, a place …: told kindly what Theo can and cannot do with it."""

    def name(self) -> str:
        return "action_midia"

    async def act(self, talk: Talk) -> Events:
        kind = talk.entity("midia")
        if talk.tracker.active_loop.get("name") and kind != "figurinha":
            name = f"utter_nome_midia_{kind if kind in MEDIA else 'outro'}"
            talk.say("utter_midia_no_meio", midia=talk.words(name))  # the form asks its own question again
            return []
        talk.say(f"utter_midia_{kind}" if kind in MEDIA else "utter_midia_outro")
        return []


class TellNews(TheoAction):
    """What was promised to be told, now that it has happened."""

    def name(self) -> str:
        return "action_avisar_volta"

    async def act(self, talk: Talk) -> Events:
        talk.say("utter_queda_resolvida")
        return []


class HearComplaint(TheoAction):
    """Anger: taken seriously, and in the middle of a form without a second question."""

    def name(self) -> str:
        return "action_reclamar"

    async def act(self, talk: Talk) -> Events:
        talk.say("utter_reclamar_no_meio" if talk.tracker.active_loop.get("name") else "utter_reclamar")
        return []


class NotUnderstood(TheoAction):
    """First a guess as options, then other words, the third time a person."""

    def name(self) -> str:
        return "action_nao_entendi"

    async def act(self, talk: Talk) -> Events:
        if _is_mark(talk):
            return await _take_mark(talk)
        if answers_visit(talk):
            return [FollowupAction("consultar_visita_form")]
        times = _times_running(talk)
        if times >= 3:
            talk.menu(
                "utter_nao_entendi_pessoa",
                [("Falar com uma pessoa", "/falar_com_atendente"), ("Ver opções", "/pedir_menu")],
            )
        elif talk.tracker.active_loop.get("name"):
            talk.say("utter_nao_entendi_na_pergunta")
        else:
            guesses = self._guesses(talk) if times == 1 else []
            if guesses:
                talk.menu("utter_voce_quis_dizer", [*guesses, ("Outra coisa", "/pedir_menu")])
            else:
                talk.say("utter_nao_entendi")
        # Without a rule for what happened, Rasa would predict this very action again.
        listen = [] if talk.tracker.active_loop.get("name") else [FollowupAction("action_listen")]
        return [SlotSet("nao_entendidos", times), *listen]

    def _guesses(self, talk: Talk) -> list[tuple[str, str]]:
        ranking = talk.tracker.latest_message.get("intent_ranking") or []
        likely = [r["name"] for r in ranking if r.get("name") in GUESSES and r.get("confidence", 0) >= 0.08]
        return [(GUESSES[name], f"/{name}") for name in likely[:3]]


def _is_mark(talk: Talk) -> bool:
    """A number is a mark only where one was asked for."""
    return talk.slot("oferta") == "nota" and bool(talk.slot("protocolo")) and talk.entity("nota") is not None


async def _take_mark(talk: Talk) -> Events:
    mark = int(talk.entity("nota"))
    await talk.ask(desk.rate, str(talk.slot("protocolo")), mark, talk.key)
    talk.say("utter_nota_boa" if mark >= 7 else "utter_nota_ruim")
    return [SlotSet("oferta", "nenhuma")]


def _ask_mark(talk: Talk) -> Events:
    if not talk.slot("atendido") or talk.slot("nota_pedida"):
        return []
    talk.say("utter_ask_nota")
    return [SlotSet("oferta", "nota"), SlotSet("nota_pedida", True)]


def _times_running(talk: Talk) -> int:
    """How many messages Theo did not understand since the last one that he did."""
    times = 0
    for event in reversed(talk.tracker.events):
        if event.get("event") == "session_started":
            break
        if event.get("event") == "user":
            intent = ((event.get("parse_data") or {}).get("intent") or {}).get("name")
            if intent not in ("nlu_fallback", "fora_do_escopo"):
                break
            times += intent == "nlu_fallback"
    return max(1, times)


def _left_halfway(talk: Talk) -> str | None:
    """The service in whose form the customer stopped answering, last time."""
    service = talk.slot("servico")
    return str(service) if service and service not in PARTS and talk.slot("requested_slot") else None


def _leave_form() -> Events:
    return [
        *forget("falha", "documento_parcial", "interrompido"),
        SlotSet("oferta", "nenhuma"), SlotSet("requested_slot", None), ActiveLoop(None),
    ]  # fmt: skip
