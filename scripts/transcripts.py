"""Writes `docs/conversas.md`: one real talk for each service, played against the running programs.

`make conversas`. The customers are those of the sample base; nothing in the file is typed by hand.
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

from tests.integration.stack import Stack
from tests.integration.talk import open_talk

OUT = Path(__file__).resolve().parent.parent / "docs" / "conversas.md"
#: (title, sample customer or None for a stranger, what they type)
TALKS: tuple[tuple[str, str | None, tuple[str, ...]], ...] = (
    ("Segunda via da conta", "Marlene", ("oi, manda meu boleto", "123.123.123-87", "brigada viu", "10")),
    ("Desbloqueio recusado, com o motivo", "Wagner", ("libera minha net em confiança", "135.792.468-28", "não, valeu")),
    ("Sem internet: o sinal não chega", "Caio", ("caiu tudo aqui, luz vermelha", "101.202.303-64", "3", "sim", "vlw")),
    ("Sem internet: falha no bairro", "Edivaldo", ("sem net desde cedo", "717.273.747-46", "quero")),
    ("Internet lenta", "Rafael", ("minha net ta uma carroça, ja reiniciei", "900.800.700-27", "pertinho melhora")),
    (
        "Contratar internet",
        None,
        ("boa tarde queria colocar internet em casa", "58037-120", "3", "Rua das Hortênsias, 80", "Bia Teste", "sim", "de tarde"),
    ),
    ("Saber se atende", None, ("vcs atendem no 58322-000?", "não, obrigado")),
    ("Cancelar", "Otávio", ("quero cancelar a internet", "414.243.444-68", "5", "sim")),
    ("Mudar de plano", "Marlene", ("quero aumentar minha velocidade", "123.123.123-87", "600 mega", "sim")),
    (
        "Passar para outro titular",
        "Severina",
        ("passa o contrato pro nome da minha filha", "555.666.777-20", "Joana Alves Pereira", "101.202.303-64", "83 98877-6655", "sim"),
    ),
    ("Dois pedidos de uma vez", "Caio", ("manda o boleto e tô sem internet", "101.202.303-64", "de manhã", "sim", "sim")),
    ("Falar com uma pessoa", None, ("quero falar com atendente",)),
)


def main() -> int:
    """Plays every talk on a fresh stack and writes the page."""
    parts = [
        "# Conversas de verdade\n",
        "Cada conversa abaixo foi tirada de uma execução (`make conversas`), com os clientes de exemplo. "
        "Os códigos de pagamento aparecem encurtados.\n",
    ]
    with tempfile.TemporaryDirectory() as folder, Stack(Path(folder)) as stack:
        for title, who, lines in TALKS:
            stack.forget_everything()
            talk = open_talk(stack, who)
            for line in lines:
                talk.ouve(line)
            parts.append(f"## {title}\n\n{_page(stack, talk.phone)}")
    OUT.write_text("\n".join(parts), encoding="utf-8")
    print(f"{OUT.relative_to(OUT.parent.parent)}: {len(TALKS)} conversas")
    return 0


def _page(stack: Stack, phone: str) -> str:
    names = {"customer": "👤", "theo": "🤖", "operator": "🧑‍💼"}
    lines = []
    for message in stack.simulator.messages(phone):
        text = message.get("text") or ""
        if message["kind"] == "document":
            text = f"📎 {message.get('file_name')}"
        text = re.sub(r"\b(\S{24})\S{16,}\b", r"\1…", text)
        lines.append(f"> {names[message['from']]} " + text.replace("\n", "  \n> ") + "\n>")
    return "\n".join(lines).rstrip(">\n") + "\n"


if __name__ == "__main__":
    sys.exit(main())
