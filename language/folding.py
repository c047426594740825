"""WhatsApp typing folded to plain words: accents, abbreviations, stretched letters, emoji."""

from __future__ import annotations

import re
import unicodedata

from language.sealed import KINDS, TOKEN

#: What people type → the word they mean, after folding.
SHORT_FORMS = {
    "vc": "voce", "vcs": "voces", "ce": "voce", "ceis": "voces", "oce": "voce", "tb": "tambem", "tbm": "tambem",
    "q": "que", "oq": "o que", "oque": "o que", "pq": "porque", "pqp": "raiva", "n": "nao", "nn": "nao",
    "naum": "nao", "num": "nao", "nop": "nao", "s": "sim", "ss": "sim", "sn": "sim", "blz": "beleza",
    "obg": "obrigado", "obgd": "obrigado", "obgda": "obrigado", "brigado": "obrigado", "brigada": "obrigado",
    "obrigada": "obrigado", "vlw": "valeu", "flw": "falou", "pfv": "por favor", "pf": "por favor",
    "pfvr": "por favor", "pfavor": "por favor", "net": "internet", "inter": "internet", "qto": "quanto",
    "qnto": "quanto", "qt": "quanto", "qnt": "quanto", "qdo": "quando", "qnd": "quando", "hj": "hoje",
    "amh": "amanha", "amn": "amanha", "msm": "mesmo", "dps": "depois", "mt": "muito", "mto": "muito",
    "mta": "muita", "td": "tudo", "tds": "todos", "cmg": "comigo", "ctg": "contigo", "ngm": "ninguem",
    "eh": "e", "ta": "esta", "to": "estou", "tava": "estava", "tao": "estao", "tamo": "estamos", "so": "so",
    "agr": "agora", "hrs": "horas", "hr": "hora", "min": "minuto", "msg": "mensagem", "zap": "whatsapp",
    "wpp": "whatsapp", "whats": "whatsapp", "cel": "celular", "tel": "telefone", "end": "endereco",
    "pgto": "pagamento", "pagto": "pagamento", "pgt": "pagamento", "venc": "vencimento", "bl": "boleto",
    "bom": "bom", "bjs": "beijos", "tmj": "valeu", "sdd": "saudade", "aki": "aqui", "ki": "aqui",
    "kd": "cade", "eai": "e ai", "iae": "e ai", "bd": "bom dia", "bt": "boa tarde", "bn": "boa noite",
    "dnv": "de novo", "nd": "nada", "smp": "sempre", "vdd": "verdade", "ctz": "certeza", "crtz": "certeza",
    "pra": "para", "pro": "para o", "prum": "para um", "ne": "ne", "wi-fi": "wifi", "uai-fai": "wifi",
    "uaifai": "wifi", "waifai": "wifi", "wiffi": "wifi",
}  # fmt: skip

#: Emoji that carry meaning → a word of their own.
EMOJI = {
    "👍": "emojisim", "👌": "emojisim", "✅": "emojisim", "👎": "emojinao", "❌": "emojinao", "🙏": "emojiobrigado",
    "👋": "emojioi", "❤": "emojiamor", "😍": "emojiamor", "🥰": "emojiamor", "👏": "emojiamor", "😡": "emojiraiva",
    "🤬": "emojiraiva", "😠": "emojiraiva", "💩": "emojiraiva", "🔴": "vermelha", "🟢": "verde",
}  # fmt: skip

_STRETCHED = re.compile(r"([a-z])\1{2,}")


def strip_accents(text: str) -> str:
    """`Ação` → `Acao`; also drops emoji skin tones and variation marks."""
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(c for c in decomposed if not unicodedata.combining(c))


def fold(text: str) -> str:
    """Lower case without accents."""
    return strip_accents(text.lower())


_TOKEN = re.compile(r"\d[\d.\-/]*\d|\w+|[^\w\s]")


def fold_tokens(text: str) -> list[str]:
    """A message as the model counts it: words, numbers and signs, folded one by one."""
    return " ".join(fold_word(token) for token in _TOKEN.findall(text)).split()


def fold_word(word: str) -> str:
    """One token as the model counts it: `Obgdaaa` → `obrigado`, `qntooo` → `quanto`, `58037-120` → `0cep`.

    The text itself, its offsets and its entities stay as typed.
    """
    sealed = TOKEN.fullmatch(word)
    if sealed:
        return KINDS[sealed.group(1)]
    emoji = next((name for mark, name in EMOJI.items() if mark in word), None)
    if emoji:
        return emoji
    folded = strip_accents(word.lower())
    digits = re.sub(r"[.\-/]", "", folded)
    if digits.isdigit():
        return _shape(digits)
    folded = _STRETCHED.sub(r"\1", folded)
    return SHORT_FORMS.get(folded, folded)


def _shape(digits: str) -> str:
    """Numbers by what they can be: which digits they are says nothing about the intent."""
    return {11: "0cpf", 14: "0cnpj", 8: "0cep"}.get(len(digits), f"0n{min(len(digits), 4)}")
