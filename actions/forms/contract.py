"""The forms around the contract: who, which contract, what exactly, and a clear yes."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

from actions.formats import money
from actions.forms.base import CONFIRMED, DROP, FREE_ANSWERS, ServiceForm, State, _starts_now, clear_answer
from actions.forms.places import areas, hear_place, place_of, tell_verdict
from actions.forms.sales import ODD_NUMBER, PLACE_INTENTS, choose_plan, name_in, phone_in, read_address, speeds
from actions.talk import Events, Talk
from backoffice import contract as rules
from backoffice.contract import SuspensionOutcome
from backoffice.documents import mask_documents, parse_document
from backoffice.records import Contract, ContractStatus, Plan
from backoffice.sales import CoverageOutcome
from language.folding import fold

NO_ALTERNATIVE, DECLINED, ACCEPTED = "nenhuma", "recusada", "aceita"
class ContractForm(ServiceForm):
    """A form that changes a contract."""

    async def contract(self, talk: Talk, state: State) -> Contract:
        return await talk.ask(lambda erp: erp.contract(state.get("contrato")))


# -- the plan ----------------------------------------------------------------------------------------

_MORE = re.compile(
    r"\b(?:aument\w+|mais (?:velocidade|rapid\w|mega|internet|potente|forte|veloz)|subir|sobe|melhor(?:ar)?|upgrade|turbin\w+|maior)\b"
)
_LESS = re.compile(
    r"\b(?:diminu\w+|baix\w+|mais (?:barat\w|em conta|basic\w|simples)|menos|reduz\w+|menor|downgrade|economiz\w+|car[oa])\b"
)

_CHANGE = re.compile(
    r"\b(?:mud\w+|troc\w+|pass\w+|alter\w+|migr\w+|meu plano|minha internet|aument\w+|baix\w+|upgrade|subir)\b"
)


def direction(text: str) -> str | None:
    """`mais` or `menos`, where folded words want more or less; None where they say neither, or both."""
    more, less = _MORE.search(text), _LESS.search(text)
    return None if bool(more) == bool(less) else "mais" if more else "menos"


class PlanForm(ContractForm):
    """Which plan instead."""

    form = "plano_form"
    trigger_intents = ("alterar_plano",)
    slots = ("plano_novo", "confirma")

    def start(self, talk: Talk, state: State) -> None:
        state.set("falha", None)
        if state.get("outro_pedido") == "contratar_form":
            state.set("outro_pedido", None)  # "quero o de 600" is one wish
        taken_up = talk.slot("direcao") if talk.intent == "afirmar" else None  # offered instead of the end
        state.set("direcao", direction(fold(talk.text)) or taken_up)
        state.set("velocidades", speeds(talk))
        state.set("quer_contratar", None)

    async def _read(self, talk: Talk, state: State, requested: str | None) -> bool:
        if _starts_now(talk.tracker, self.form) and await self._wants_to_hire(talk, state):
            state.set("quer_contratar", True)
            return True
        answered = await super()._read(talk, state, requested)
        return answered or (requested == "plano_novo" and talk.intent == "consultar_planos")

    async def _wants_to_hire(self, talk: Talk, state: State) -> bool:
        """ "Quero o de 600", from a phone that is nobody's, without a word of change: a new customer."""
        ranking = talk.tracker.latest_message.get("intent_ranking") or []
        near = any(r.get("name") == "contratar_internet" and r.get("confidence", 0) >= 0.2 for r in ranking[:3])
        if not near or state.get("identidade") == CONFIRMED or _CHANGE.search(fold(talk.text)) or talk.phone is None:
            return False
        return not await talk.ask(lambda erp: erp.find_customers_by_phone(str(talk.phone)))

    def _next(self, state: State) -> str | None:
        return None if state.get("quer_contratar") else super()._next(state)

    async def read(self, slot: str, talk: Talk, state: State, *, asked: bool) -> Any:
        if slot != "plano_novo":
            return await super().read(slot, talk, state, asked=asked)
        if talk.entity("plano"):
            return talk.entity("plano")
        if not state.get("contrato") or state.get("identidade") != CONFIRMED:
            return None
        if not asked and talk.intent not in (*self.trigger_intents, *FREE_ANSWERS):
            return None
        contract = await self.contract(talk, state)
        options = await talk.ask(rules.plan_options, contract.id)
        plans = [*options.slower[::-1], *options.faster]
        named = _named(speeds(talk), plans, contract.plan)
        if named is None and asked:
            named = choose_plan(fold(talk.text), plans)
            if named is None and re.search(r"\bmais barat\w\b", fold(talk.text)):
                named = min(plans, key=lambda plan: plan.price) if plans else None
        if named is None and asked and speeds(talk):
            state.set("falha", "mesmo_plano" if speeds(talk)[-1] == contract.plan.mbps else "sem_essa_velocidade")
        if named is None or named.id == state.get("plano_novo"):
            return None
        state.set("confirma", None)
        return named.id

    async def prepare(self, talk: Talk, state: State) -> None:
        contract = await self.contract(talk, state)
        if contract.status is not ContractStatus.ACTIVE or contract.cancelling:
            state.set("interrompido", True)
            return
        options = await talk.ask(rules.plan_options, contract.id)
        plans = [*options.slower[::-1], *options.faster]
        said = state.get("velocidades") or []
        if said and state.get("plano_novo") is None:  # said before it was known whose contract it is
            named = _named(said, plans, contract.plan)
            if named:
                state.set("plano_novo", named.id)
            else:
                state.set("falha", "mesmo_plano" if said[-1] == contract.plan.mbps else "sem_essa_velocidade")
        state.set("velocidades", None)
        if state.get("plano_novo") == contract.plan.id:
            state.set("plano_novo", None)
            state.set("falha", "mesmo_plano")


def _named(said: list[int], plans: list[Plan], current: Plan) -> Plan | None:
    """The plan of the last speed named that is not the one they have ("do 300 pro 600")."""
    for mbps in reversed([speed for speed in said if speed != current.mbps]):
        return next((plan for plan in plans if plan.mbps == mbps), None)
    return None


# -- the address -------------------------------------------------------------------------------------


class AddressForm(ContractForm):
    """Where to, whether it is served, and the price."""

    form = "endereco_form"
    trigger_intents = ("mudar_endereco",)
    slots = ("lugar", "endereco", "confirma")

    def start(self, talk: Talk, state: State) -> None:
        state.set("falha", None)
        state.set("verdito_dito", None)
        before = place_of(talk.slot("lugar"))
        if before.decided and before.veredito != CoverageOutcome.NOT_SERVED.value:
            state.set("lugar", talk.slot("lugar"))  # asked about just now: "então leva minha internet pra lá"

    async def read(self, slot: str, talk: Talk, state: State, *, asked: bool) -> Any:
        if slot == "lugar":
            return await self._place(talk, state, asked)
        if slot == "endereco":
            return read_address(talk) if asked else None
        return await super().read(slot, talk, state, asked=asked)

    async def _place(self, talk: Talk, state: State, asked: bool) -> Any:
        starting = _starts_now(talk.tracker, self.form)
        requested = None if starting else talk.slot("requested_slot")
        if talk.intent not in (*FREE_ANSWERS, *self.trigger_intents, *PLACE_INTENTS):
            return None
        if not (asked or starting) and talk.intent in ("afirmar", "negar"):
            return None
        if requested in ("documento", "nascimento"):
            return None
        if starting and _leaves_from(fold(talk.text), areas(await talk.ask(lambda erp: erp.coverage()))):
            return None
        found = await hear_place(talk, state.get("lugar"), asked=asked, starting=starting)
        if found is not None:
            state.set("endereco", None)
            state.set("confirma", None)
            state.set("verdito_dito", None)
        return found

    async def prepare(self, talk: Talk, state: State) -> None:
        contract, place = await self.contract(talk, state), place_of(state.get("lugar"))
        if contract.status is ContractStatus.CANCELLED or contract.cancelling:
            state.set("interrompido", True)
        elif place.decided:
            if not state.get("verdito_dito"):
                tell_verdict(talk, place)
                state.set("verdito_dito", True)
            if place.veredito == CoverageOutcome.NOT_SERVED.value:
                state.set("interrompido", True)
            elif place.rua and re.search(r"\d", place.rua) and state.get("endereco") is None:
                state.set("endereco", "")

    def _next(self, state: State) -> str | None:
        wanted = super()._next(state)
        undecided = not place_of(state.get("lugar")).decided
        return "lugar" if wanted in ("endereco", "confirma") and undecided else wanted


def _leaves_from(text: str, known: dict[str, str]) -> bool:
    """Whether the place that is named is the one they leave: "quero levar a internet do bessa"."""
    leaving = any(re.search(rf"\bd[eoa] {name}\b", text) for name in known)
    return leaving and re.search(r"\b(?:pra|para|pro|p|ate)\b", text) is None


# -- the owner ---------------------------------------------------------------------------------------

_DEATH = re.compile(r"\b(?:falec\w+|morreu|morte|obito|inventario|partiu|viuv[ao])\b")


class OwnerForm(ContractForm):
    """The new owner's name, document and phone. After a death the owner cannot answer: a person takes it at once.

    Of the document no more is kept than its masked form, which is what the ticket holds. What is not at hand is
    left out: the people ask both owners anyway.
    """

    form = "titularidade_form"
    trigger_intents = ("transferir_titularidade",)
    slots = ("novo_titular", "titular_documento", "titular_telefone", "confirma")

    def start(self, talk: Talk, state: State) -> None:
        state.set("falha", None)
        state.set("falecimento", True if _DEATH.search(fold(talk.text)) else None)

    async def _read_identity(self, talk: Talk, state: State, requested: str | None) -> bool:
        """A document told beside the new owner's name is theirs: it must not change who is talking."""
        if state.get("identidade") == CONFIRMED and requested in self.slots:
            return False
        return await super()._read_identity(talk, state, requested)

    async def read(self, slot: str, talk: Talk, state: State, *, asked: bool) -> Any:
        if slot == "titular_documento":
            return await self._document(talk, state, asked)
        if slot == "titular_telefone":
            return self._phone(talk, state, asked)
        if slot != "novo_titular":
            return await super().read(slot, talk, state, asked=asked)
        if _starts_now(talk.tracker, self.form):
            return name_in_wish(talk.text)
        if not asked and re.search(r"\d|\b(?:cpf|cnpj|documento|telefone|fone|celular|whats\w*)\b", fold(talk.text)):
            return None
        correcting = state.get("novo_titular") and talk.slot("requested_slot") == "confirma"
        if not (asked or correcting) or talk.intent not in (*FREE_ANSWERS, *self.trigger_intents, "fora_do_escopo"):
            return None
        if talk.intent == "afirmar" or (talk.intent == "negar" and not correcting):
            return None
        if correcting and not re.search(r"\b(?:nome|e|eh|chama)\b", fold(talk.text)):
            return None
        name = name_in(re.split(r"\d|\b(?:cpf|cnpj|documento|telefone|fone|celular|whats\w*)\b", talk.text, flags=re.I)[0])
        if name and len(name.split()) < 2 and not correcting and state.get("nome_curto") != name:
            state.set("nome_curto", name)
            state.set("falha", "nome_curto")
            return None
        if correcting and name:
            state.set("confirma", None)
        return name

    async def _document(self, talk: Talk, state: State, asked: bool) -> str | None:
        if talk.slot("requested_slot") not in self.slots or _starts_now(talk.tracker, self.form):
            return None
        document = parse_document(talk.text)
        if document is None:
            if asked and len(re.findall(r"\d", talk.text)) >= 3:
                state.set("falha", "documento_nao_confere")
            return "" if asked and not state.get("falha") and _has_it_not(talk) else None
        owner = await talk.ask(lambda erp: erp.customer(state.get("cliente")))
        if document.number == owner.document.number:
            state.set("falha", "mesmo_titular")
            return None
        state.set("confirma", None)
        return document.masked

    def _phone(self, talk: Talk, state: State, asked: bool) -> str | None:
        if talk.slot("requested_slot") not in self.slots or _starts_now(talk.tracker, self.form):
            return None
        if talk.slot("requested_slot") == "titular_documento" and parse_document(talk.text) is None:
            return None  # a document with a wrong digit looks like a phone
        told = re.sub(r"\*[*.\d/-]+\*", " ", mask_documents(talk.text))  # a phone may stand beside the document
        number = phone_in(told)
        if number:
            state.set("confirma", None)
            return number
        if not asked:
            return None
        if re.search(r"\d(?:\D{0,3}\d){3,}", told):
            state.set("falha", ODD_NUMBER)
            return None
        return "" if _has_it_not(talk) else None

    def _next(self, state: State) -> str | None:
        return None if state.get("falecimento") else super()._next(state)


def _has_it_not(talk: Talk) -> bool:
    """Whether an answer says that the datum is not at hand: "não sei agora", "depois eu mando"."""
    text = fold(talk.text)
    return talk.intent == "negar" or bool(re.search(r"\b(?:nao|n) (?:sei|tenho|lembro)\b|\bdepois\b|\bpul\w+\b|\bsem \w+$", text))


def name_in_wish(text: str) -> str | None:
    """`passar pro nome da minha irmã, Carla Coutinho` → `Carla Coutinho`; only a full name, written as one."""
    found = re.search(r"\bnome\s+d[aeo]\s+(.+)", text, re.IGNORECASE)
    said = (
        re.search(r"(?<![\w'.-])[A-ZÀ-Ý][\wÀ-ÿ'.-]+(?:\s+(?:d[aeo]s?\s+)?[A-ZÀ-Ý][\wÀ-ÿ'.-]+)+", found.group(1)) if found else None
    )
    return name_in(said.group()) if said else None


# -- a pause -----------------------------------------------------------------------------------------

_PERIOD = re.compile(
    r"\b(\d{1,3}|um|uma|dois|duas|tres|quatro|cinco|seis)\s*(?:ou \w+ )?(dias?|semanas?|mes(?:es)?|anos?)\b"
)
_WORDS = {"um": 1, "uma": 1, "dois": 2, "duas": 2, "tres": 3, "quatro": 4, "cinco": 5, "seis": 6}
_DAYS_IN = {"dia": 1, "sem": 7, "mes": 30, "ano": 365}


def period_days(text: str) -> int | None:
    """How many days folded words name: `2 meses` → 60 (a month counts thirty days), `tres semanas` → 21."""
    found = _PERIOD.search(text)
    if found is None:
        return None
    number, unit = found.groups()
    return (_WORDS.get(number) or int(number)) * _DAYS_IN[unit[:3]]


class PauseForm(ContractForm):
    """From when, until when, within the limits."""

    form = "pausa_form"
    trigger_intents = ("suspender_servico",)
    slots = ("pausa_inicio", "pausa_fim", "confirma")

    def start(self, talk: Talk, state: State) -> None:
        for slot in ("falha", "pausa_dias"):
            state.set(slot, None)

    async def read(self, slot: str, talk: Talk, state: State, *, asked: bool) -> Any:
        if slot == "pausa_inicio":
            return await self._first_day(talk, state, asked)
        if slot == "pausa_fim":
            return self._last_day(talk, state, asked)
        return await super().read(slot, talk, state, asked=asked)

    def _listens(self, talk: Talk, state: State) -> bool:
        """Not while the birth date is asked: that is another kind of day."""
        return talk.slot("requested_slot") != "nascimento" or _starts_now(talk.tracker, self.form)

    async def _first_day(self, talk: Talk, state: State, asked: bool) -> str | None:
        if not self._listens(talk, state):
            return None
        days = _days(talk)
        text = fold(talk.text)
        today = (await talk.ask(lambda erp: erp.now())).date()
        said = None
        if len(days) >= 2 or (days and (asked or self._is_from(text)) and not self._is_until(text)):
            said = days[0]
        elif asked and re.search(r"\b(?:hoje|agora|ja|imediat\w+|o quanto antes)\b", text) and not days:
            said = today.isoformat()
        elif re.search(r"\bmes que vem\b|\bproximo mes\b", text) and (asked or talk.intent in self.trigger_intents):
            said = (today.replace(day=1) + dt.timedelta(days=32)).replace(day=1).isoformat()
        elif not days and (month := _MONTH.search(text)) and not self._is_until(text):
            said = _first_of(MONTHS.index(month.group(1)) + 1, today).isoformat()
        if said is None and asked and period_days(text):
            state.set("falha", "falta_inicio")  # how long is known now, from when is not
        if said and state.get("pausa_fim") and state.get("pausa_dias"):
            state.set("pausa_fim", None)  # so many days from the new first day
        return said

    def _last_day(self, talk: Talk, state: State, asked: bool) -> str | None:
        if not self._listens(talk, state):
            return None
        text, days = fold(talk.text), _days(talk)
        length = talk.entity("pausa_dias")
        count = int(length) if length else period_days(text)
        if count is None and asked and re.fullmatch(r"\W*(\d{1,3})\W*", text):
            count = int(re.sub(r"\D", "", text))
        if count:
            state.set("pausa_dias", count)
            if state.get("pausa_inicio") is None:
                return None
            return (dt.date.fromisoformat(state.get("pausa_inicio")) + dt.timedelta(days=count - 1)).isoformat()
        if len(days) >= 2:
            return days[-1]
        if days and (asked or self._is_until(text)):
            state.set("pausa_dias", None)
            return days[-1]
        return None

    def _is_from(self, text: str) -> bool:
        return (
            re.search(r"\b(?:a partir|desde|comec\w+|viaj\w+|do dia|de hoje|dia)\b|\b(?:hoje|amanha)\b", text)
            is not None
        )

    def _is_until(self, text: str) -> bool:
        return re.search(r"\b(?:ate|volt\w+|retorn\w+)\b", text) is not None and "partir" not in text

    async def prepare(self, talk: Talk, state: State) -> None:
        """What the rule refuses whatever the days are needs no further question."""
        today = (await talk.ask(lambda erp: erp.now())).date()
        policy = (await talk.ask(lambda erp: erp.company())).suspension
        first_said = state.get("pausa_inicio")
        first = dt.date.fromisoformat(first_said) if first_said else today
        if first_said and state.get("pausa_fim") is None and state.get("pausa_dias"):
            state.set("pausa_fim", (first + dt.timedelta(days=state.get("pausa_dias") - 1)).isoformat())
        last_said = state.get("pausa_fim")
        last = (
            dt.date.fromisoformat(last_said)
            if last_said and first_said
            else first + dt.timedelta(days=policy.min_days - 1)
        )
        verdict = await talk.ask(rules.may_suspend, state.get("contrato"), first, last)
        if verdict.outcome in (
            SuspensionOutcome.HAS_DEBT,
            SuspensionOutcome.NOT_ACTIVE,
            SuspensionOutcome.USED_RECENTLY,
        ):
            state.set("interrompido", True)
        elif verdict.outcome is SuspensionOutcome.IN_THE_PAST:
            state.set("pausa_inicio", None)
            state.set("falha", verdict.outcome.value)
        elif verdict.outcome in (SuspensionOutcome.TOO_SHORT, SuspensionOutcome.TOO_LONG) and first_said and last_said:
            state.set("pausa_fim", None)
            state.set("pausa_dias", None)
            state.set("falha", verdict.outcome.value)


MONTHS = (
    "janeiro", "fevereiro", "marco", "abril", "maio", "junho",
    "julho", "agosto", "setembro", "outubro", "novembro", "dezembro",
)  # fmt: skip
_MONTH = re.compile(rf"\b(?:partir de|em|desde|inicio de|comeco de|pra|para)\s+({'|'.join(MONTHS)})\b")


def _first_of(month: int, today: dt.date) -> dt.date:
    """The next first day of a month."""
    return dt.date(today.year + (today.month >= month), month, 1)


def _days(talk: Talk) -> list[str]:
    """Every day named in the message, as ISO dates, in order of time."""
    found = talk.tracker.latest_message.get("entities") or []
    return sorted(str(entity["value"]) for entity in found if entity.get("entity") == "dia")


# -- the end -----------------------------------------------------------------------------------------

#: Why somebody leaves → the one thing that may be offered instead.
REASONS = (
    (
        "pausa",
        re.compile(
            r"viaj\w+|viagem|ferias|um tempo|por enquanto|temporad\w+|nao (?:vou|estou|to) us\w+|fora uns|ficar fora"
            r"|ausent\w+"
        ),
    ),
    (
        "plano",
        re.compile(
            r"\bcar[oa]s?\b|dinheiro|preco|valor|barat\w+|desempreg\w+|apert\w+|financeir\w+|pagar|gast\w+|condic\w+|conta"
        ),
    ),
    ("endereco", re.compile(r"\bmud(?:ar|ando|anca|ei|o)\b|outra casa|outro (?:endereco|bairro|ap\w*)")),
)
_ASKS_THE_PRICE = re.compile(
    r"\b(?:multa|fidelidade|taxa|quanto (?:custa|pago|sai|fica|eu pago)|paga(?:r)? (?:algo|alguma coisa)|tem que pagar)\b"
)
_KEEP = re.compile(
    r"\b(?:nao|n) (?:quero|vou|precisa|preciso) (?:mais )?cancel\w+|\bdesisti\w* de cancel\w+|\bnao cancel\w+"
    r"|\b(?:desfa\w+|revert\w+|anul\w+|volta\w* atras|retir\w+|cancel\w+) (?:d?o |no |com o )?"
    r"(?:meu )?(?:pedido (?:de|do) )?cancelamento"
    r"|manter? (?:a |minha |a minha |o |meu )?(?:internet|contrato|plano)|mudei de ideia|quero ficar|quero continuar"
)
_NO_REASON = re.compile(
    r"\b(?:pular?|pula|prefiro nao|nao (?:quero|vou|preciso) (?:dizer|falar|informar|explicar)|sem motivo|nenhum|pessoal|nada)\b"
)
#: Intents whose words may be a reason, though each is a wish elsewhere.
REASON_INTENTS = (
    *FREE_ANSWERS, "cancelar_servico", "reclamar", "internet_lenta", "sem_internet", "mudar_endereco", "suspender_servico",
    "contestar_fatura", "negociar_debito", "alterar_plano", "fora_do_escopo", "elogiar", "pedir_suporte", "contratar_internet",
)  # fmt: skip


#: A reason that is said without "porque": "tá muito caro, quero cancelar".
_SAYS_WHY = re.compile(
    r"\bcar[oa]\b|\bviaj\w+|\bviagem|desempreg\w+|nao (?:to |estou )?us(?:o|ando)\b|\bme mud(?:ar|ei|ando)\b|\blent[ao]\b"
    r"|\bvive caindo|\bso (?:cai|fica caindo)"
)


class CancelForm(ContractForm):
    """Why (may be skipped), one alternative at most, the terms, and a clear yes. Who only asks gets the numbers first."""

    form = "cancelar_form"
    trigger_intents = ("cancelar_servico",)
    slots = ("motivo", "alternativa", "confirma")

    def start(self, talk: Talk, state: State) -> None:
        state.set("falha", None)
        state.set("alternativa_tipo", None)
        if state.get("outro_pedido") in ("plano_form", "pausa_form", "endereco_form"):
            state.set("outro_pedido", None)  # the reason for leaving, not a wish beside it
        text = fold(talk.text)
        asks = bool(_ASKS_THE_PRICE.search(text))
        state.set("quer_saber_multa", asks or None)
        state.set("quer_manter", True if _KEEP.search(text) else None)
        if asks:
            state.set("motivo", "")
            state.set("alternativa", NO_ALTERNATIVE)
        else:
            why = re.search(
                r"\b(?:porque|pq|pois|por causa|ja que|por conta)\b\s+(.+)", talk.told, re.IGNORECASE | re.DOTALL
            )
            if why or _SAYS_WHY.search(fold(talk.text)):
                state.set("motivo", (why.group(1) if why else talk.told)[:300])

    async def _run(self, talk: Talk, state: State) -> Events:
        asks = talk.intent in self.trigger_intents and _ASKS_THE_PRICE.search(fold(talk.text))
        if asks and talk.slot("identidade") != CONFIRMED:
            policy = (await talk.ask(lambda erp: erp.company())).cancellation
            talk.say("utter_multa_regra", meses=policy.max_loyalty_months, por_mes=money(policy.fine_per_month))
        return await super()._run(talk, state)

    async def _read(self, talk: Talk, state: State, requested: str | None) -> bool:
        if requested is None and self._drops_a_sale(talk):
            if state.get("identidade") != CONFIRMED:
                talk.say("utter_desistiu")
            state.set("outro_pedido", None)
            state.set("confirma", False)
            return True
        return await super()._read(talk, state, requested)

    def _drops_a_sale(self, talk: Talk) -> bool:
        """ "Cancela", alone, said to a question of sales, is about that question."""
        selling = talk.slot("servico") in ("contratar_form", "cobertura_form") and talk.slot("requested_slot")
        return bool(selling and DROP.fullmatch(fold(talk.text)))

    async def read(self, slot: str, talk: Talk, state: State, *, asked: bool) -> Any:
        text = fold(talk.text)
        if asked and slot in ("motivo", "alternativa") and _ASKS_THE_PRICE.search(text):
            state.set("quer_saber_multa", True)  # the numbers first; the reason does not matter any more
            state.set("alternativa", NO_ALTERNATIVE)
            return "" if slot == "motivo" else NO_ALTERNATIVE
        if slot == "motivo":
            return self._reason(talk, text) if asked else None
        if slot == "alternativa":
            if not asked:
                return None
            if talk.intent in self.trigger_intents:
                return DECLINED
            answer = clear_answer(talk, ())
            return None if answer is None else ACCEPTED if answer else DECLINED
        if slot == "confirma" and _KEEP.search(text) and not _starts_now(talk.tracker, self.form):
            if state.get("identidade") != CONFIRMED:
                talk.say("utter_cancelamento_desistiu")
            return False
        return await super().read(slot, talk, state, asked=asked)

    def _reason(self, talk: Talk, text: str) -> str | None:
        if talk.entity("motivo"):
            return str(talk.entity("motivo")) if talk.entity("motivo") != "pular" else ""
        if _SAYS_WHY.search(text):
            return talk.told[:300]
        if talk.intent == "negar" or _NO_REASON.search(text):
            return "" if len(text.split()) <= 4 or _NO_REASON.search(text) else talk.told[:300]
        if talk.intent == "afirmar" and len(text.split()) <= 3:
            return None
        return talk.told[:300] if talk.intent in REASON_INTENTS and text else None

    async def prepare(self, talk: Talk, state: State) -> None:
        contract = await self.contract(talk, state)
        if contract.cancelling or state.get("quer_manter") or state.get("confirma") is False:
            state.set("interrompido", True)
            return
        if state.get("motivo") is not None and state.get("alternativa") is None and not state.get("alternativa_tipo"):
            kind = await self._alternative(talk, state, contract)
            state.set("alternativa_tipo", kind)
            state.set("alternativa", None if kind else NO_ALTERNATIVE)
        if state.get("alternativa") == ACCEPTED:
            state.set("interrompido", True)

    def _next(self, state: State) -> str | None:
        return None if state.get("confirma") is False else super()._next(state)

    async def _alternative(self, talk: Talk, state: State, contract: Contract) -> str | None:
        """What the reason speaks for, where the records allow it."""
        why = fold(str(state.get("motivo")))
        kind = next((kind for kind, words in REASONS if words.search(why)), None)
        if contract.status is not ContractStatus.ACTIVE:
            return None
        if kind == "plano":
            return kind if (await talk.ask(rules.plan_options, contract.id)).slower else None
        if kind == "pausa":
            today = (await talk.ask(lambda erp: erp.now())).date()
            days = (await talk.ask(lambda erp: erp.company())).suspension.min_days
            verdict = await talk.ask(rules.may_suspend, contract.id, today, today + dt.timedelta(days=days - 1))
            return kind if verdict.outcome is SuspensionOutcome.SUSPENDED else None
        return kind
