"""The forms of sales: a place to be judged, and a person who wants to be connected. Neither asks who it is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from actions.formats import money
from actions.forms.base import CONFIRMED, FREE_ANSWERS, ServiceForm, State, _starts_now
from actions.forms.places import capitals, hear_place, place_of, tell_verdict
from actions.talk import Talk
from backoffice import phones, sales
from backoffice.records import Plan
from language.folding import fold

ANOTHER_NUMBER, ODD_NUMBER = "outro_numero", "numero_estranho"
COMPANY = re.compile(
    r"\b(?:empresa|empresarial|cnpj|loja|lojinha|comercio|mercado|mercadinho|padaria|escritorio|clinica|consultorio|"
    r"salao|oficina|restaurante|lanchonete|bar|farmacia|firma|igreja|escola|deposito|galpao)\b"
)
_CHEAP = re.compile(
    r"\b(?:barat\w+|em conta|economic\w+|basic\w+|simples|menor (?:preco|valor)|gastar pouco|mais fraco)\b"
)
_CHEAPEST = re.compile(r"\bmais (?:barat\w|em conta)\b|\bmenor (?:preco|valor)\b")
_FASTEST = re.compile(r"\b(?:mais (?:rapid\w|potente|forte|veloz)|o melhor|top|maximo|maior velocidade|o maior)\b")
_THAT_ONE = re.compile(
    r"\b(?:esse|essa|este|esta|sugestao|sugerid\w|sugeriu|indicou|indicad\w|recomend\w+)(?: mesm[oa])?\b"
)
_SKIP = re.compile(r"\b(?:pular?|pula|prefiro nao|nao sei|n sei|depois|sem numero|s/?n|nao tem numero|nao lembro)\b")
_ANY_TIME = re.compile(r"\b(?:tanto faz|qualquer|quando (?:puder|quiser)|agora|o quanto antes|dia todo|sempre)\b")
_THIS_NUMBER = re.compile(
    r"\b(?:esse|este|nesse|neste|nele|mesmo)\b.{0,80}\b(?:mesmo|numero|whats\w*|zap)\b|\b(?:por|aqui) (?:aqui|mesmo)\b|^\W*mesmo\W*$"
)
_NAME_LEAD = re.compile(
    r"^.*?\b(?:(?:meu|o|seu) nome(?: (?:completo|dela|dele))?(?: e| eh)?|me chamo|(?:se )?chama(?:-se)?|sou (?:o|a)|aqui e (?:o|a)|"
    r"quem fala e (?:o|a)|pode colocar|pode por|bota(?: ai)?|coloca(?: ai)?|anota(?: ai)?|e (?:a|o)|e)\s+",
)
_RELATIVE = re.compile(
    r"^(?:(?:pra?|para|pro)\s+)?(?:[oa]\s+)?(?:(?:meu|minha)\s+)?(?:espos[oa]|marid[oa]|mulher|filh[oa]|pai|mae|irma[o]?|tia|tio|"
    r"so[cg]i[oa]|noiv[oa]|namorad[oa]|sogr[oa]|net[oa]|prim[oa]|cunhad[oa])\b[\s,:-]*"
)
#: Words that are never (part of) a name alone.
_NOT_A_NAME = set(
    "sim nao ok oi ola obrigado obrigada beleza certo tudo bem bom boa dia tarde noite quero queria pode isso esse essa"
    " aqui agora depois porque que quem qual quanto quando como onde nome meu minha".split()
)


class PlaceForm(ServiceForm):
    """A form that begins with a place. What was said is kept while the talk goes on: it may be come back to."""

    #: Asked after the place, in order; those that are not needed are filled by `prepare`.
    questions: tuple[str, ...] = ()

    def start(self, talk: Talk, state: State) -> None:
        state.set("falha", None)
        if state.get("outro_pedido") in ("cobertura_form", "contratar_form"):
            state.set("outro_pedido", None)  # one wish in two shapes: this form goes through both

    async def _read(self, talk: Talk, state: State, requested: str | None) -> bool:
        """Reads place and answers; a document is none of them."""
        starting = _starts_now(talk.tracker, self.form)
        answered = await self._hear_place(talk, state, requested, starting)
        failed_before = talk.slot("falha")
        for slot in self.questions:
            value = await self.read(slot, talk, state, asked=slot == requested)
            if value is not None:
                state.set(slot, value)
                state.set("falha", None)
                answered = True
            elif slot == requested and state.get("falha") and state.get("falha") != failed_before:
                answered = True
        return answered

    async def _hear_place(self, talk: Talk, state: State, requested: str | None, starting: bool) -> bool:
        if talk.intent not in (*FREE_ANSWERS, *self.trigger_intents, *PLACE_INTENTS):
            return False
        asked = requested == "lugar"
        if not asked and not starting and talk.intent in ("afirmar", "negar"):
            return False
        found = await hear_place(talk, state.get("lugar"), asked=asked, starting=starting)
        if found is None:
            return False
        state.set("lugar", found)
        self.place_changed(talk, state)
        return True

    def place_changed(self, talk: Talk, state: State) -> None:
        """Called when the place is new or more is known of it."""

    async def _go_on(self, talk: Talk, state: State) -> None:
        await self.prepare(talk, state)

    def _next(self, state: State) -> str | None:
        if not place_of(state.get("lugar")).decided:
            return "lugar"
        if state.get("interrompido"):
            return None
        return next((slot for slot in self.questions if state.get(slot) is None), None)


#: Intents under which a place may be named while it is asked for.
PLACE_INTENTS = (
    "consultar_cobertura", "contratar_internet", "mudar_endereco", "alterar_plano", "fora_do_escopo", "perguntar_endereco",
)  # fmt: skip


class CoverageForm(PlaceForm):
    """Where; the verdict is told by the action."""

    form = "cobertura_form"
    trigger_intents = ("consultar_cobertura",)


class HireForm(PlaceForm):
    """Where, which plan, who and when: what the sales people need to call."""

    form = "contratar_form"
    trigger_intents = ("contratar_internet",)
    questions = ("interesse", "plano", "endereco", "nome", "telefone", "horario")

    def start(self, talk: Talk, state: State) -> None:
        super().start(talk, state)
        state.set("interesse", None)
        place = place_of(talk.slot("lugar"))
        if talk.intent == "afirmar" and place.decided and not place.served:
            state.set("interesse", True)  # it was offered with the verdict, and taken
        elif talk.intent in self.trigger_intents and place.decided:
            state.set("lugar", {**talk.slot("lugar")})
            tell_verdict(talk, place)
        text = fold(talk.text)
        if COMPANY.search(text):
            state.set("para_empresa", True)
        if _CHEAP.search(text):
            state.set("velocidade_desejada", 0)

    async def _read(self, talk: Talk, state: State, requested: str | None) -> bool:
        answered = await super()._read(talk, state, requested)
        # Prices asked where the list of plans is the question: the question is the answer.
        return answered or (requested == "plano" and talk.intent == "consultar_planos")

    def place_changed(self, talk: Talk, state: State) -> None:
        place = place_of(state.get("lugar"))
        state.set("interesse", None)
        state.set("endereco", None)
        if place.decided:
            tell_verdict(talk, place)

    async def read(self, slot: str, talk: Talk, state: State, *, asked: bool) -> Any:
        if slot == "interesse":
            if (
                asked
                and re.search(r"\b(?:quero|pode|registr\w+|anot\w+|deix\w+)\b", fold(talk.text))
                and talk.intent != "negar"
            ):
                return True if talk.intent in (*FREE_ANSWERS, *self.trigger_intents) else None
            return {"afirmar": True, "negar": False}.get(talk.intent) if asked else None
        if slot == "plano":
            return await self._plan(talk, state, asked)
        if slot == "endereco":
            return _address(talk) if asked else None
        if slot == "nome":
            return read_name(talk, asked=asked)
        if slot == "telefone":
            return self._phone(talk, state) if asked else None
        if slot == "horario":
            return _time(talk) if asked else None
        return None

    async def _plan(self, talk: Talk, state: State, asked: bool) -> str | None:
        plans = await plans_offered(talk, bool(state.get("para_empresa")))
        chosen = next((p for p in plans if p.id == talk.entity("plano")), None)
        mbps = talk.entity("velocidade")
        text = fold(talk.text)
        if chosen is None and mbps is not None:
            chosen = next((p for p in plans if p.mbps == int(mbps)), None)
            if chosen is None:
                state.set("velocidade_desejada", int(mbps))
                state.set("plano", None)
                if asked:
                    state.set("falha", "sem_essa_velocidade")
        elif chosen is None and not asked and talk.intent in (*self.trigger_intents, "alterar_plano", "nlu_fallback"):
            named = re.search(r"\b(?:o|de|do|plano)\s+(\d{3,4})\b", text)  # "quero o de 600"
            chosen = choose_plan(named.group(1), plans) if named else None
        elif chosen is None and asked:
            chosen = choose_plan(text, plans)
            asks = re.search(r"\?|\bqual\b", text)  # "qual você recomenda?" is told again, not taken
            if chosen is None and not asks and (talk.intent == "afirmar" or _THAT_ONE.search(text)):
                chosen = suggest(plans, state.get("velocidade_desejada"), bool(state.get("para_empresa")))[0]
            elif chosen is None and _CHEAP.search(text):
                state.set("velocidade_desejada", 0)
        if chosen is None:
            return None
        if chosen.id != state.get("plano"):
            talk.say(
                "utter_plano_anotado", plano=chosen.name, preco=money(chosen.price), extra=extra_words(talk, chosen)
            )
        return chosen.id

    def _phone(self, talk: Talk, state: State) -> str | None:
        number = phone_in(talk.text)
        if number:
            return number
        if re.search(r"\d{4}", talk.text):
            state.set("falha", ODD_NUMBER)
            return None
        if talk.intent == "negar":
            state.set("falha", ANOTHER_NUMBER)
            return None
        this_one = talk.intent == "afirmar" or _THIS_NUMBER.search(fold(talk.text))
        return phones.canonical(talk.phone) if this_one and talk.phone else None

    async def prepare(self, talk: Talk, state: State) -> None:
        place = place_of(state.get("lugar"))
        if not place.decided:
            return
        if place.served:
            state.set("interesse", True)
        elif state.get("interesse") is False:
            state.set("interrompido", True)
        elif state.get("interesse"):
            # The sales people look first: no plan is promised, and no hour.
            state.set("plano", state.get("plano") or "")
            state.set("horario", state.get("horario") or "")
            if place.point or place.rua:
                state.set("endereco", state.get("endereco") or "")
        if state.get("nome") is None and state.get("identidade") == CONFIRMED:
            customer = await talk.ask(lambda erp: erp.customer(state.get("cliente")))
            state.set("nome", customer.name)
        if place.rua and re.search(r"\d", place.rua) and state.get("endereco") is None:
            state.set("endereco", "")


async def plans_offered(talk: Talk, company: bool) -> list[Plan]:
    """What is offered: to a company its own plans first, then the others."""
    people = await talk.ask(sales.plans_for, company=False)
    return [*(await talk.ask(sales.plans_for, company=True)), *people] if company else list(people)


def choose_plan(text: str, plans: Sequence[Plan]) -> Plan | None:
    """The plan that folded text names: by its speed as a bare number, as the fastest or the cheapest, or none."""
    numbers = {int(n) for n in re.findall(r"(?<![\d.,])\d{3,4}(?![\d.,])", text)}
    named = [plan for plan in plans if plan.mbps in numbers]
    if len({plan.mbps for plan in named}) == 1:
        return named[0]
    if re.search(r"\b(?:giga|gb)\b", text):
        return next((plan for plan in plans if plan.mbps == 1000), None)
    if _FASTEST.search(text):
        return max(plans, key=lambda plan: plan.mbps, default=None)
    return min(plans, key=lambda plan: plan.price, default=None) if _CHEAPEST.search(text) else None


def speeds(talk: Talk) -> list[int]:
    """Every speed named in the message, in Mbps, in order; in a wish for a plan also as a bare number ("de 300 pra 600")."""
    entities = talk.tracker.latest_message.get("entities") or []
    found = [(int(e.get("start") or 0), int(e["value"])) for e in entities if e.get("entity") == "velocidade"]
    if talk.intent in ("alterar_plano", "contratar_internet", "informar", "nlu_fallback", "consultar_planos"):
        taken = {start for start, _ in found}
        bare = re.finditer(r"(?<![\d.,])(?:[1-9]00|1000)(?![\d.,])", talk.text)
        found += [(m.start(), int(m.group())) for m in bare if m.start() not in taken]
    return [mbps for _, mbps in sorted(found)]


def suggest(plans: Sequence[Plan], mbps: int | None, company: bool) -> tuple[Plan, str]:
    """One plan and the name of its reason: `barato`, `proximo`, `empresa`, `extra` (what it adds to the one below)."""
    by_speed = sorted(plans, key=lambda plan: (plan.mbps, plan.price))
    if mbps == 0:
        return min(plans, key=lambda plan: plan.price), "barato"
    if mbps:
        return next((plan for plan in by_speed if plan.mbps >= mbps), by_speed[-1]), "proximo"
    if company:
        own = [plan for plan in plans if plan.for_companies]
        if own:
            return own[0], "empresa"
    richer = [plan for plan in by_speed[1:] if plan.extra]
    return (richer[0], "extra") if richer else (by_speed[0], "barato")


def extra_words(talk: Talk, plan: Plan) -> str:
    """`, com Wi-Fi 6`, or nothing."""
    return talk.words("utter_plano_com", extra=plan.extra) if plan.extra else ""


def read_name(talk: Talk, *, asked: bool) -> str | None:
    """A person's name, where it is asked for or said in so many words."""
    free = talk.intent in ("informar", "nlu_fallback", "fora_do_escopo", "elogiar", "transferir_titularidade")
    free = free or float((talk.tracker.latest_message.get("intent") or {}).get("confidence") or 0) < 0.6
    led = re.search(r"\b(?:meu nome|me chamo)\b", fold(talk.text))
    if not (asked and free and talk.intent not in ("afirmar", "negar")) and not led:
        return None
    if re.search(r"^\W*(?:na |no |a )?(?:rua|r|av|avenida|travessa|quadra|praca)\b|,\s*\d", fold(talk.text)):
        return None  # an address, said one question too late
    return name_in(talk.text)


def name_in(text: str) -> str | None:
    """`meu nome é Ana Souza` → `Ana Souza`; None where the words cannot be a name."""
    text = re.split(r"[\n?;]|,\s*(?=\d)", text.strip())[0]
    folded = fold(text)
    if len(folded) == len(text):
        lead = _NAME_LEAD.match(folded)
        text = text[lead.end() :] if lead else text
        relative = _RELATIVE.match(fold(text))
        text = text[relative.end() :] if relative else text
        again = re.match(r"(?:e|eh|se chama|chama(?:-se)?|o nome (?:dela|dele) e)\s+", fold(text))
        text = text[again.end() :] if again else text
    words = re.findall(r"[^\W\d_]+(?:['.-][^\W\d_]+)*\.?", text)
    if not words or len(words) > 7 or re.search(r"\d", text):
        return None
    if all(fold(word) in _NOT_A_NAME for word in words) or len(fold("".join(words))) < 2:
        return None
    return capitals(" ".join(words))[:80]


def phone_in(text: str) -> str | None:
    """A phone with its area code among other words, in canonical form; None where there is none."""
    found = re.search(r"\+?\d(?:[\s().-]{0,3}\d){9,14}", text)
    number = phones.canonical(found.group()) if found else None
    return number if number and len(number) >= 12 else None


def phone_words(number: str) -> str:
    """`5583991110001` → `(83) 99111-0001`; another country's as it is."""
    if not number.startswith("55") or len(number) not in (12, 13):
        return f"+{number}"
    return f"({number[2:4]}) {number[4:-4]}-{number[-4:]}"


def _address(talk: Talk) -> str | None:
    """Street and number as told; empty when the customer does not say."""
    text = talk.text.strip()
    if _SKIP.search(fold(text)) and not re.search(r"\d", text):
        return "s/n" if re.search(r"s/?n|sem numero|nao tem numero", fold(text)) else ""
    return read_address(talk) or ("" if talk.intent == "negar" else None)


def read_address(talk: Talk) -> str | None:
    """Street and number, or words that can only be an address; two words alone may be a name."""
    text = re.sub(r"\s+", " ", talk.told.strip())[:160]
    numbered = re.search(r"\d|\bs/?n\b|sem numero", fold(text))
    if numbered and talk.intent not in ("pedir_segunda_via", "falar_com_atendente"):
        return text
    street = re.match(
        r"\W*(?:na |no |a )?(?:rua|av|avenida|travessa|sitio|granja|condominio|quadra|praca)\b", fold(text)
    )
    long = talk.intent in ("informar", "nlu_fallback") and len(text.split()) >= 4
    return text if street or long else None


def _time(talk: Talk) -> str | None:
    """When to call, as told; a shift by its name."""
    if talk.entity("horario"):
        return str(talk.entity("horario"))
    if talk.intent in ("perguntar_horario", "falar_com_atendente", "desistir"):
        return None
    text = talk.text.strip()
    if not text:
        shift = talk.entity("turno")
        return {"manha": "de manhã", "tarde": "de tarde"}.get(str(shift)) if shift else None
    if talk.entity("turno", "dia") or _ANY_TIME.search(fold(text)) or re.search(r"\d|noite|almoco|cedo", fold(text)):
        return re.sub(r"\s+", " ", talk.told)[:80]
    if talk.intent == "negar":
        return ""  # none is better than another
    return talk.told[:80] if talk.intent in ("informar", "nlu_fallback") else None
