"""What came in: once, in order, in the right conversation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from connectors import inbox
from connectors.errors import without_text
from connectors.messages import DELETE, EDIT, MEDIA, OPERATOR, OPTION, TEXT, Incoming, Option
from connectors.store import Store, conversations, normal_url
from connectors.store import inbox as table
from tests.unit.connectors.fakes import CHANNEL, INSTANCE, LID, OTHER, PHONE, message

OTHER_LID = "70000000000002@lid"
SECRET = "segredo do cliente"


@pytest.fixture
def db(store: Store) -> Iterator[Connection]:
    with store.engine.begin() as connection:
        yield connection


def receive(db: Connection, said: Incoming, now: float = 1000.0) -> str | None:
    return inbox.receive(db, CHANNEL, INSTANCE, said, now)


def waiting(db: Connection, name: str = PHONE) -> list[str]:
    return [row.message.text for row in inbox.waiting(db, name)]


# -- once ---------------------------------------------------------------------------------------------


def test_a_message_waits_until_it_is_answered(db: Connection) -> None:
    assert receive(db, message("oi")) == PHONE
    [row] = inbox.waiting(db, PHONE)
    assert (row.message.text, row.received_at, row.attempts) == ("oi", 1000.0, 0)
    assert inbox.waiting_conversations(db) == [PHONE]
    assert inbox.answered(db, [row.id])
    assert inbox.waiting(db, PHONE) == []
    assert inbox.waiting_conversations(db) == []


def test_the_same_message_at_another_moment_is_a_duplicate(db: Connection) -> None:
    assert receive(db, message("oi", message_id="3EB01", sent_at=1.0)) == PHONE
    assert receive(db, message("oi", message_id="3EB01", sent_at=207.0)) is None
    assert waiting(db) == ["oi"]


def test_it_stays_a_duplicate_after_the_answer(db: Connection) -> None:
    receive(db, message("oi", message_id="3EB01"))
    inbox.answered(db, [row.id for row in inbox.waiting(db, PHONE)])
    assert receive(db, message("oi", message_id="3EB01")) is None
    assert waiting(db) == []


def test_another_instance_or_kind_is_another_message(db: Connection) -> None:
    receive(db, message("oi", message_id="3EB01"))
    assert inbox.receive(db, CHANNEL, "OTHER", message("oi", message_id="3EB01"), 1000.0) == PHONE
    assert receive(db, message("", MEDIA, message_id="3EB01", attachment="imagem")) == PHONE


def test_messages_wait_in_the_order_they_came(db: Connection) -> None:
    for number, phone in enumerate([PHONE, OTHER, PHONE, OTHER, PHONE]):
        # The gateway's clock says otherwise; it is not trusted.
        receive(db, message(str(number), phone=phone, sent_at=100.0 - number))
    assert waiting(db) == ["0", "2", "4"]
    assert waiting(db, OTHER) == ["1", "3"]
    assert inbox.waiting_conversations(db) == [PHONE, OTHER]


def test_somebody_else_took_a_message_meanwhile(db: Connection) -> None:
    receive(db, message("oi"))
    receive(db, message("tudo bem?"))
    ids = [row.id for row in inbox.waiting(db, PHONE)]
    assert inbox.answered(db, ids)
    assert not inbox.answered(db, ids)  # another process
    receive(db, message("alô"))
    [row] = inbox.waiting(db, PHONE)
    inbox.take_over(db, PHONE, 2000.0)  # an attendant
    assert not inbox.answered(db, [row.id])


def test_tries_are_counted(db: Connection) -> None:
    receive(db, message("oi"))
    [row] = inbox.waiting(db, PHONE)
    inbox.count_attempt(db, [row.id])
    inbox.count_attempt(db, [row.id])
    assert inbox.waiting(db, PHONE)[0].attempts == 2


# -- deletions and an attendant's words ---------------------------------------------------------------


def delete(said: Incoming) -> Incoming:
    return message("", DELETE, message_id=said.message_id, reply_to=said.message_id, phone=said.phone)


@pytest.mark.parametrize("kind", [TEXT, MEDIA, OPTION])
def test_a_deleted_message_does_not_wait_any_more(db: Connection, kind: str) -> None:
    said = message("quero cancelar", kind, attachment="imagem" if kind == MEDIA else None)
    receive(db, said)
    receive(db, message("oi"))
    assert receive(db, delete(said)) == PHONE
    assert waiting(db) == ["oi"]


def test_a_deletion_that_came_first(db: Connection) -> None:
    said = message("quero cancelar")
    receive(db, delete(said))
    assert receive(db, said) == PHONE
    assert waiting(db) == []


def test_a_deletion_takes_the_correction_along(db: Connection) -> None:
    said = message("quero cancelar")
    receive(db, said)
    receive(db, message("quero cancelar a visita", EDIT, reply_to=said.message_id))
    receive(db, delete(said))
    assert waiting(db) == []


def test_a_deletion_of_an_answered_message_asks_for_nothing(db: Connection) -> None:
    said = message("oi")
    receive(db, said)
    ids = [row.id for row in inbox.waiting(db, PHONE)]
    inbox.answered(db, ids)
    receive(db, delete(said))
    assert waiting(db) == []
    assert db.execute(sa.select(table.c.state).where(table.c.id == ids[0])).scalar() == "done"


def test_an_attendants_words_are_not_kept(db: Connection) -> None:
    assert receive(db, message("a senha dele é 1234", OPERATOR, message_id="OP1")) == PHONE
    assert receive(db, message("a senha dele é 1234", OPERATOR, message_id="OP1")) is None
    assert waiting(db) == []
    assert "1234" not in str(db.execute(sa.select(table.c.content)).all())


# -- which conversation -------------------------------------------------------------------------------


def named(db: Connection, phone: str, lid: str | None = None) -> str:
    name = receive(db, message(phone=phone, lid=lid))
    assert name is not None
    return name


def about(db: Connection, name: str) -> tuple[str, str | None]:
    found = inbox.conversation(db, name)
    return found.address, found.phone


def test_a_phone_with_and_without_its_ninth_digit_is_one(db: Connection) -> None:
    assert named(db, "558391110001") == PHONE
    assert about(db, PHONE) == ("558391110001", PHONE)  # the answer goes where it came from
    assert named(db, PHONE) == PHONE
    assert about(db, PHONE) == (PHONE, PHONE)


def test_a_lid_known_by_its_phone(db: Connection) -> None:
    assert named(db, PHONE, LID) == PHONE
    assert named(db, LID) == PHONE
    assert about(db, PHONE) == (LID, PHONE)


def test_a_lid_whose_phone_is_told_later(db: Connection) -> None:
    assert named(db, LID, LID) == LID
    assert about(db, LID) == (LID, None)  # never a phone
    assert named(db, PHONE, LID) == LID  # the talk that began goes on
    assert about(db, LID) == (PHONE, PHONE)
    assert named(db, PHONE) == LID
    assert named(db, LID) == LID


def test_two_talks_that_turn_out_to_be_one(db: Connection) -> None:
    assert named(db, LID) == LID
    assert named(db, PHONE) == PHONE
    inbox.set_menu(db, LID, [Option("Sim", "/afirmar")])
    inbox.take_over(db, PHONE, 5000.0)
    inbox.set_menu(db, LID, [Option("Sim", "/afirmar")])
    assert named(db, PHONE, LID) == PHONE
    assert named(db, LID) == PHONE
    merged = inbox.conversation(db, PHONE)
    assert merged.menu == (Option("Sim", "/afirmar"),)
    assert merged.human_until == 5000.0
    assert waiting(db, LID) == ["oi"]  # what waited there is still answered


def test_a_lid_that_moved_to_another_number(db: Connection) -> None:
    assert named(db, PHONE, LID) == PHONE
    inbox.set_menu(db, PHONE, [Option("Sim", "/afirmar")])
    assert named(db, OTHER, LID) == OTHER
    assert about(db, OTHER) == (OTHER, OTHER)
    assert inbox.conversation(db, OTHER).menu == ()  # nothing of the other customer's
    assert named(db, LID) == OTHER
    assert named(db, PHONE) == PHONE
    assert about(db, PHONE) == (PHONE, PHONE)


def test_a_number_with_a_new_lid(db: Connection) -> None:
    assert named(db, PHONE, LID) == PHONE
    assert named(db, PHONE, OTHER_LID) == PHONE
    assert named(db, OTHER_LID) == PHONE
    assert named(db, LID) == LID  # a stranger now


def test_every_address_belongs_to_one_conversation(db: Connection) -> None:
    """Whatever came in which order, no phone and no lid names two conversations."""
    pairs = [(LID, None), (PHONE, None), (OTHER, LID), (PHONE, LID), (LID, None), (PHONE, OTHER_LID), (OTHER, LID)]
    for phone, lid in pairs:
        name = named(db, phone, lid)
        assert about(db, name)[0] == phone
        rows = db.execute(sa.select(conversations)).all()
        for column in ("phone", "lid"):
            known = [value for row in rows if (value := row._mapping[column])]
            assert len(known) == len(set(known)), (phone, lid)


def test_the_menu_is_remembered_and_forgotten(db: Connection) -> None:
    named(db, PHONE)
    options = (Option("Sim, é isso", "/afirmar"), Option("Não", '/informar{"x": "1"}'))
    inbox.set_menu(db, PHONE, options)
    assert inbox.conversation(db, PHONE).menu == options
    inbox.set_menu(db, PHONE, ())
    assert inbox.conversation(db, PHONE).menu == ()


# -- the database -------------------------------------------------------------------------------------


def test_odd_characters_come_back_as_they_were(db: Connection) -> None:
    text = "olá \U0001f600 ção \u0007 \\ \" ' % :x {y}"
    receive(db, message(text))
    assert waiting(db) == [text]


async def test_an_error_in_the_log_names_no_content(store: Store) -> None:
    def fail(db: Connection) -> None:
        db.execute(sa.text("INSERT INTO no_such_table VALUES (:text)"), {"text": SECRET})

    with pytest.raises(sa.exc.SQLAlchemyError) as raised:
        await store.run(fail)
    told = without_text(raised.value)  # PostgreSQL quotes the statement, whatever SQLAlchemy hides
    assert SECRET not in told
    assert told.startswith(type(raised.value).__name__)
    assert "connectors/store.py" in told


async def test_a_failed_function_leaves_nothing_behind(store: Store, rows: Callable[..., list[Any]]) -> None:
    def fail(db: Connection) -> None:
        receive(db, message("oi"))
        raise ValueError("after the insert")

    with pytest.raises(ValueError, match="after the insert"):
        await store.run(fail)
    assert rows(table) == []


def test_heroku_style_addresses() -> None:
    assert normal_url("postgres://u:p@h/db") == "postgresql://u:p@h/db"
    assert normal_url("postgresql://h/db") == "postgresql://h/db"
    assert normal_url("sqlite:///var/theo.db") == "sqlite:///var/theo.db"


# -- more than one number may send ----------------------------------------------------------------------


def test_beyond_the_limit_of_a_minute_is_a_flood(db: Connection) -> None:
    for number in range(5):
        receive(db, message(str(number)), 1000.0 + number)
    assert inbox.is_flood(db, PHONE, 1004.0, 4)
    assert not inbox.is_flood(db, PHONE, 1004.0, 5)
    assert not inbox.is_flood(db, PHONE, 1061.5, 4), "the first two are more than a minute old"
    assert not inbox.is_flood(db, OTHER, 1004.0, 0)


def test_what_is_set_aside_is_kept_does_not_count_and_is_told_once(db: Connection) -> None:
    said = [message(str(number)) for number in range(4)]
    for one in said:
        receive(db, one)
    assert inbox.set_aside(db, PHONE, said[2], 1000.0)
    assert not inbox.set_aside(db, PHONE, said[3], 1001.0)
    assert waiting(db) == ["0", "1"]
    assert not inbox.is_flood(db, PHONE, 1001.0, 2)
    assert receive(db, said[3]) is None, "a repetition of what was set aside is known"
    later = message("muito depois")
    receive(db, later, 2000.0)
    assert inbox.set_aside(db, PHONE, later, 2000.0), "told anew"
    states = [row.state for row in db.execute(sa.select(table.c.state).order_by(table.c.id))]
    assert states == ["new", "new", "surplus", "surplus", "surplus"]
