"""Every request that is opened has a name that its customer can read."""

from __future__ import annotations

import re
from pathlib import Path

from actions.failures import SUBJECT
from actions.forms.support import SUPPORT_INTENTS
from actions.talk import responses

ROOT = Path(__file__).resolve().parents[3]


def test_every_subject_has_its_words():
    code = "\n".join(file.read_text() for folder in ("backoffice", "actions") for file in (ROOT / folder).rglob("*.py"))
    subjects = {*re.findall(r'(?:subject=|NewTicket\()"(\w+)"', code), *SUPPORT_INTENTS, SUBJECT}
    assert {"contestar_fatura", "falar_com_atendente", "trocar_senha_wifi"} < subjects
    missing = {s for s in subjects if f"utter_assunto_{s}" not in responses()}
    assert not missing
