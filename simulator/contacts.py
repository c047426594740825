"""The people whose phone the page can be, from ``contacts.yml``."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import yaml

FILE = Path(__file__).with_name("contacts.yml")


@dataclass(frozen=True)
class Contact:
    """One person: ``phone`` as in webhooks, ``about`` one sentence, ``document`` the CPF/CNPJ to type."""

    phone: str
    name: str
    about: str
    document: str

    def as_json(self) -> dict[str, str]:
        """The four fields by name."""
        return asdict(self)


@dataclass(frozen=True)
class Company:
    """The business whose number is connected to the gateway."""

    name: str
    assistant: str
    phone: str


@dataclass(frozen=True)
class Directory:
    """The company and everyone who may write to it."""

    company: Company
    contacts: tuple[Contact, ...]

    def find(self, phone: str) -> Contact:
        """The contact with this phone, or a nameless one for a number that is not in the file."""
        for contact in self.contacts:
            if contact.phone == phone:
                return contact
        return Contact(phone, phone, "Número fora da lista de exemplos.", "")


def load(path: Path = FILE) -> Directory:
    """Read the file; raises OSError, yaml.YAMLError or TypeError/KeyError when it is broken."""
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    return Directory(
        company=Company(**content["company"]),
        contacts=tuple(Contact(**entry) for entry in content["contacts"]),
    )
