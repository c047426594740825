"""The forms of support: the first-level script, visits, the Wi-Fi password, an earlier protocol."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

from actions.forms.base import ServiceForm, State, form_of
from actions.talk import Talk
from backoffice import support
from backoffice.first_level import End, Step, Symptom, next_step
from backoffice.support import DiagnosisOutcome
from language.folding import fold

DANGER = re.compile(
    r"faisca|choque|pegando fogo|fumaca|fio (?:caiu|caido|partido|arrebentado|no chao)|poste (?:caiu|caindo)|curto"
)
#: Words of the customer → what they have tried already without success.
TRIED = (
    (
        Step.RESTART,
        re.compile(
            r"\b(?:ja|fiz)\b.{0,120}\b(?:reinici|deslig|resete|tirei da tomada|liguei e desliguei)|reiniciei|resetei"
            r"|(?:desliguei|tirei) (?:e|da tomada e) (?:liguei|coloquei)"
            r"|desliguei (?:tudo|o aparelho|o modem|a caixinha)"
        ),
    ),
    (
        Step.POWER,
        re.compile(r"(?:troquei|testei|mudei)(?: em| de| noutra| outra| na)* tomada|outra tomada|ja \w+ a tomada"),
    ),
    (
        Step.CABLE,
        re.compile(r"no cabo (?:tambem|tb|tbm|da no mesmo)|(?:pelo|com|por) cabo tambem|testei (?:no|pelo|com) cabo"),
    ),
)
SUPPORT_INTENTS = ("sem_internet", "internet_lenta", "modem_desligado", "pedir_suporte")
#: Intents whose messages may be the answer to a step in free words.
ANSWERS = (*SUPPORT_INTENTS, "afirmar", "negar", "informar", "nlu_fallback", "agradecer", "elogiar", "reclamar")
_NO = re.compile(r"\b(?:nao|n|nn|nada|nem|nenhum\w*|nunca|negativo|ainda|continua|mesm[ao]|igual|pior|piorou)\b")
_YES = re.compile(
    r"\b(?:sim|s|ss|isso|voltou|voltaram|resolveu|resolvido|funcionou|funcionando|normalizou|pegou|acendeu"
    r"|acenderam|ligou|melhora|melhorou|deu certo|foi|consegui|aham|claro|uhum)\b"
    r"|^\W*ja\W*$"
)
_NEVER = r"(?!)"
_ONLY = re.compile(r"\b(?:so|somente|apenas)\b")
#: What else may be heard as yes or no, by the step that was asked.
_STEP_WORDS = {
    Step.LIGHTS: (r"acesa|ligad|verde|piscand|azul|vermelh", r"apagad|desligad|tudo preto|sem luz|morto"),
    Step.RED_LIGHT: (r"vermelh|los\b", r"verde|azul|normal|apagad"),
    Step.POWER: (r"acendeu|ligou|acesa", r"apagad|morto|desligad|queim"),
    Step.ONE_APP: (r"\bso (?:n[oa] |esse|essa|um|uma)|soment", r"tud[oa]|todos|qualquer|geral|varios"),
    Step.CABLE: (r"\bpega\b|funciona|normal|boa?\b|rapid", r"tambem|lent"),
    Step.NEAR: (r"melhor|rapid|boa?\b|fica bo", r"tambem|em todo|lent|tanto faz"),
}


def read_answer(step: Step, text: str, intent: str) -> bool | None:
    """Yes or no to a step, in free words; negation wins ("não tem luz vermelha"). None: neither."""
    folded = fold(text)
    yes_words, no_words = _STEP_WORDS.get(step, (_NEVER, _NEVER))
    if _NO.search(folded) or re.search(no_words, folded):
        return False
    if _YES.search(folded) or re.search(yes_words, folded):
        return True
    return {"afirmar": True, "negar": False}.get(intent)


def did_in_vain(text: str, step: Step, tried: list[str]) -> bool:
    """Whether a step is said to be done already, without a word that it helped."""
    folded = fold(text)
    done = step.value in tried or re.search(r"\b(?:ja|fiz|tentei)\b.{0,80}\b(?:fiz|tentei|isso)\b|\bja (?:fiz|tentei)\b", folded)
    return bool(done) and not re.search(
        r"\b(?:voltou|resolv\w+|funcion\w+|normalizou|melhorou|pegou|acende\w+|ligou|deu certo|ok)\b", folded
    )


class SupportForm(ServiceForm):
    """Who, which address, what the network knows; then one question at a time."""

    form = "suporte_form"
    trigger_intents = SUPPORT_INTENTS
    slots = ("sintoma", "relato", "resposta")

    def start(self, talk: Talk, state: State) -> None:
        for slot in ("diagnostico", "passo", "respostas", "tentou", "aplicativo", "resultado", "falado"):
            state.set(slot, None)
        if DANGER.search(fold(talk.text)):
            talk.say("utter_perigo")

    async def read(self, slot: str, talk: Talk, state: State, *, asked: bool) -> Any:
        if slot == "sintoma":
            self._hear(talk, state)
            return self._symptom(talk, state, asked)
        if slot == "relato":
            if talk.intent not in ANSWERS or state.get("relato") is not None:
                return None  # "quero cancelar", said in the middle of it, is another wish
            asks_who = talk.slot("requested_slot") in ("documento", "nascimento")
            if asks_who and talk.intent not in SUPPORT_INTENTS:
                return None  # "não sei meu cpf" is about the document
            return talk.told if talk.text and (asked or len(talk.text.split()) > 3) else None
        if slot == "resposta" and asked and state.get("passo"):
            if talk.intent not in ANSWERS:
                return None
            step = Step(state.get("passo"))
            answer = read_answer(step, talk.text, talk.intent)
            if step in (Step.RESTART, Step.POWER) and did_in_vain(talk.text, step, state.get("tentou") or []):
                answer = False  # "já reiniciei" says that it was done, not that it helped
            if answer is None and talk.entity("aplicativo"):
                step, answer = Step.ONE_APP, bool(_ONLY.search(fold(talk.text)))  # "só no netflix"
            if answer is None:
                return None
            state.set("respostas", {**(state.get("respostas") or {}), step.value: answer})
            state.set("passo", None)
            return "ok"
        return await super().read(slot, talk, state, asked=asked)

    def _symptom(self, talk: Talk, state: State, asked: bool) -> str | None:
        """A complaint that changes in the middle of the talk changes the script."""
        if talk.intent in ("sem_internet", "internet_lenta", "modem_desligado") and state.get("passo") is None:
            return talk.intent
        if state.get("sintoma") is not None:
            return None
        if talk.entity("sintoma"):
            return Symptom.OTHER.value
        told = len(talk.text.split()) > 3
        if talk.intent == "pedir_suporte" and told:
            return Symptom.OTHER.value
        return Symptom.OTHER.value if asked and told and talk.intent in ("informar", "nlu_fallback") else None

    def _hear(self, talk: Talk, state: State) -> None:
        """What the customer says to have tried, and the app that stutters."""
        folded = fold(talk.text)
        done = set(state.get("tentou") or []) | {step.value for step, words in TRIED if words.search(folded)}
        if done:
            state.set("tentou", sorted(done))
        if talk.entity("aplicativo") and not state.get("aplicativo"):
            state.set("aplicativo", talk.entity("aplicativo"))

    async def prepare(self, talk: Talk, state: State) -> None:
        """Asks the network before the customer; what it knows needs no question."""
        if not state.get("diagnostico"):
            found = await talk.ask(support.diagnose, state.get("contrato"))
            state.set("diagnostico", found.outcome.value)
        outcome = DiagnosisOutcome(state.get("diagnostico"))
        settled = outcome not in (
            DiagnosisOutcome.NO_POWER,
            DiagnosisOutcome.ONLINE_OK,
            DiagnosisOutcome.UNKNOWN,
        )
        if settled:
            state.set("interrompido", True)
            return
        symptom = state.get("sintoma")
        if symptom is None and outcome is DiagnosisOutcome.NO_POWER:
            symptom = Symptom.NO_INTERNET.value
            state.set("sintoma", symptom)
        if symptom is None:
            return
        if symptom == Symptom.OTHER.value:
            state.set("interrompido", True if state.get("relato") else None)
            return
        if state.get("relato") is None:
            state.set("relato", "")
        if state.get("aplicativo") == "iptv":
            state.set("interrompido", True)
            return
        answers = {Step(name): value for name, value in (state.get("respostas") or {}).items()}
        tried = [Step(name) for name in state.get("tentou") or []]
        step = next_step(outcome, Symptom(symptom), answers, tried, app=bool(state.get("aplicativo")))
        if isinstance(step, End):
            state.set("resultado", step.value)
            state.set("resposta", "fim")
            state.set("interrompido", True)
        else:
            state.set("passo", step.value)
            state.set("resposta", None)


_AN_HOUR = re.compile(r"\d|\b(?:noite|depois|antes|almoco|cedo|tarde)\b")
_AT_HOME = re.compile(r"^(?!.*(?:\?|\bnao\b)).*\b(?:tem (?:gente|quem|alguem)|em casa|estarei|vou estar|vai ter)\b")


class VisitForm(ServiceForm):
    """A day and a shift of the real agenda, and a clear yes."""

    form = "visita_form"
    slots = ("visita", "confirma")

    async def _read(self, talk: Talk, state: State, requested: str | None) -> bool:
        """More about the fault, told while a day is asked, does not begin the script again."""
        answered = await super()._read(talk, state, requested)
        # "Só posso depois das 18" asks for no other visit than this one.
        about_this = talk.intent == "consultar_visita" and visit_wish(talk.text) not in ("cancelar", "nao_veio")
        if requested == "visita" and not answered and about_this and _AN_HOUR.search(fold(talk.text)):
            state.set("falha", "sem_vaga")
        return answered or (requested is not None and (talk.intent in SUPPORT_INTENTS or about_this))

    async def read(self, slot: str, talk: Talk, state: State, *, asked: bool) -> Any:
        if slot == "confirma" and asked and talk.intent == "afirmar" and _AT_HOME.search(fold(talk.text)):
            return True  # the question is also whether somebody is at home
        if slot == "confirma" and asked and state.get("falha") == "sem_vaga":
            return None  # "não, domingo": another day is asked for, and why
        if slot != "visita":
            return await super().read(slot, talk, state, asked=asked)
        if talk.entity("visita"):
            state.set("confirma", None)
            return talk.entity("visita")
        day, shift = talk.entity("dia"), talk.entity("turno")
        if not (day or shift):
            return None
        if state.get("visita") and talk.slot("requested_slot") == "confirma":  # what is not corrected stays
            chosen_day, chosen_shift = str(state.get("visita")).split()
            day, shift = day or chosen_day, shift or (chosen_shift if day in (None, chosen_day) else None)
        offers = await talk.ask(support.visit_offers, 24)
        for offer in offers:
            if (not day or offer.day == dt.date.fromisoformat(day)) and (not shift or offer.shift.value == shift):
                state.set("confirma", None)
                return f"{offer.day.isoformat()} {offer.shift.value}"
        state.set("visita", None)
        state.set("falha", "sem_vaga")
        return None


#: The offer (slot `oferta`) that stands after a visit was told.
CHANGE_VISIT = "mudar_visita"


def answers_visit(talk: Talk) -> bool:
    """Whether words that mean nothing alone are about the visit that was just told: "sexta de manhã", "outro dia"."""
    return talk.slot("oferta") == CHANGE_VISIT and bool(talk.entity("dia", "turno") or visit_wish(talk.text))


class VisitQuestionForm(ServiceForm):
    """Which visit, and what about it: tell, move, cancel, or it was missed."""

    form = "consultar_visita_form"
    trigger_intents = ("consultar_visita",)
    slots = ("confirma",)
    needs_contract = False

    def start(self, talk: Talk, state: State) -> None:
        state.set("pedido_visita", "remarcar" if answers_visit(talk) else None)

    async def read(self, slot: str, talk: Talk, state: State, *, asked: bool) -> Any:
        wish = talk.entity("pedido_visita") or visit_wish(talk.text)
        if wish and slot == "confirma" and not asked:
            state.set("pedido_visita", wish)
        return await super().read(slot, talk, state, asked=asked)

    async def prepare(self, talk: Talk, state: State) -> None:
        """Only a cancellation of a visit that exists needs a yes."""
        ahead = await talk.ask(support.visits_ahead, state.get("cliente"))
        if state.get("pedido_visita") != "cancelar" or not ahead:
            state.set("interrompido", True)


#: What a customer wants of a visit → the words that say so, the first match wins.
_WISHES = (
    (
        "nao_veio",
        r"nao (?:veio|vieram|apareceu|apareceram|chegou|passou)|ninguem (?:veio|apareceu|passou)|furou|deu bolo"
        r"|n veio|n apareceu|ficou de vir|sumiu",
    ),
    ("cancelar", r"cancel|desmarc|dispens|nao precis|n precis|nao (?:quero|vai precisar)|nem precis"),
    (
        "remarcar",
        r"remarc|reagend|adia|antecip|muda|troca|outro dia|outra (?:data|hora)|passar? pr|joga pr"
        r"|transferir|empurr|nao (?:vou|posso|estarei|consigo)|n (?:vou|posso)",
    ),
)


def visit_wish(text: str) -> str | None:
    """`nao_veio`, `cancelar` or `remarcar`, where the words about a visit say so."""
    folded = fold(text)
    return next((wish for wish, words in _WISHES if re.search(words, folded)), None)


_OTHER_PASSWORD = re.compile(r"(?:^|\s)((?=\S*\d)(?=\S*[A-Za-z])[\x21-\x7e]{8,63})$")


class WifiForm(ServiceForm):
    """A new password, and a clear yes."""

    form = "wifi_form"
    trigger_intents = ("trocar_senha_wifi",)
    slots = ("nova_senha", "confirma")

    async def read(self, slot: str, talk: Talk, state: State, *, asked: bool) -> Any:
        if slot != "nova_senha":
            return await super().read(slot, talk, state, asked=asked)
        if talk.slot("requested_slot") == "confirma" and not asked:  # "não, quero Praia2026"
            another = _OTHER_PASSWORD.search(talk.text.strip())
            return another.group(1) if another and len(talk.text.split()) <= 6 else None
        if not asked or not talk.text or talk.intent in ("desistir", "falar_com_atendente", "nao_entendi"):
            return None
        words = talk.text.strip().split()
        password = words[-1] if words else ""
        other = form_of(talk.intent)
        if len(words) > 6 or (len(words) > 2 and other and other != self.form):
            return None  # a password has no spaces: this is another wish
        if not re.fullmatch(r"[\x21-\x7e]{8,63}", password):
            state.set("falha", "senha_fraca")
            return None
        return password

    async def prepare(self, talk: Talk, state: State) -> None:
        """Equipment that cannot be reached from here needs no question: its ticket is opened at the end."""
        connection = await talk.ask(lambda erp: erp.connection(state.get("contrato")))
        if not connection.wifi_managed:
            state.set("interrompido", True)


class ProtocolForm(ServiceForm):
    """Whose request: its number may be in the message."""

    form = "protocolo_form"
    trigger_intents = ("consultar_protocolo",)
    needs_contract = False

    def start(self, talk: Talk, state: State) -> None:
        state.set("protocolo_consulta", talk.entity("protocolo"))
