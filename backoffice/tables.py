"""The tables of the embedded records, all named `erp_…` because the database is shared.

Money is kept in whole cents and moments in UTC without zone, so that both engines keep them exactly.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    inspect,
)
from sqlalchemy.engine import Connection as Transaction

metadata = MetaData()

# An id that counts up; SQLite counts only in INTEGER columns.
_Counter = BigInteger().with_variant(Integer, "sqlite")

company = Table(
    "erp_company",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("settings", Text, nullable=False),  # the `company:` part of the base, as JSON
)

plan = Table(
    "erp_plan",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("name", Text, nullable=False),
    Column("mbps", Integer, nullable=False),
    Column("price_cents", Integer, nullable=False),
    Column("extra", Text),
    Column("for_companies", Boolean, nullable=False),
)

cep_range = Table(
    "erp_cep_range",
    metadata,
    Column("first", String(8), primary_key=True),
    Column("last", String(8), nullable=False),
    Column("neighbourhood", Text, nullable=False),
)

not_served = Table("erp_not_served", metadata, Column("cep", String(8), primary_key=True))

box = Table(
    "erp_box",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("lat", Float, nullable=False),
    Column("lon", Float, nullable=False),
    Column("ports", Integer, nullable=False),
    Column("free", Integer, nullable=False),
)

outage = Table(
    "erp_outage",
    metadata,
    Column("id", _Counter, primary_key=True),
    Column("scope", String(64), nullable=False, index=True),
    Column("neighbourhood", Text, nullable=False),
    Column("since", DateTime, nullable=False),
    Column("cause", Text),
    Column("confirmed", Boolean, nullable=False),
    Column("back_by", DateTime),
    Column("ended_at", DateTime),
)

customer = Table(
    "erp_customer",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("name", Text, nullable=False),
    Column("document", String(14), nullable=False, unique=True),
    Column("birth", Date),
    Column("contact", Text),
)

phone = Table(
    "erp_phone",
    metadata,
    Column("customer_id", ForeignKey("erp_customer.id"), primary_key=True),
    Column("number", String(20), primary_key=True),
    Column("tail", String(8), nullable=False, index=True),  # the last 8 digits
)

contract = Table(
    "erp_contract",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("customer_id", ForeignKey("erp_customer.id"), nullable=False, index=True),
    Column("plan_id", ForeignKey("erp_plan.id"), nullable=False),
    Column("address", Text, nullable=False),
    Column("cep", String(8), nullable=False),
    Column("since", Date, nullable=False),
    Column("status", String(20), nullable=False),
    Column("box", String(64)),
    Column("loyalty_months", Integer, nullable=False),
    Column("due_day", Integer),
    Column("trust_release_used", Date),
    Column("released_until", Date),
    Column("suspended_from", Date),
    Column("suspended_until", Date),
    Column("cancel_on", Date),
    Column("cancel_protocol", String(14)),
    # the connection
    Column("session", String(10), nullable=False),
    Column("rx_dbm", Float),
    Column("last_drop", String(20), nullable=False),
    Column("wifi_managed", Boolean, nullable=False),
    Column("wifi_name", Text),
    Column("wifi_set_at", DateTime),
)

invoice = Table(
    "erp_invoice",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("contract_id", ForeignKey("erp_contract.id"), nullable=False, index=True),
    Column("due", Date, nullable=False),
    Column("amount_cents", Integer, nullable=False),
    Column("paid_on", Date),
    Column("pix", Text),
    Column("line", String(48)),
)

invoice_item = Table(
    "erp_invoice_item",
    metadata,
    Column("invoice_id", ForeignKey("erp_invoice.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("text", Text, nullable=False),
    Column("amount_cents", Integer, nullable=False),
)

ticket = Table(
    "erp_ticket",
    metadata,
    Column("protocol", String(14), primary_key=True),
    Column("customer_id", ForeignKey("erp_customer.id"), index=True),
    Column("contract_id", ForeignKey("erp_contract.id"), index=True),
    Column("subject", Text, nullable=False),
    Column("sector", String(20), nullable=False),
    Column("status", String(20), nullable=False),
    Column("text", Text, nullable=False),
    Column("opened_at", DateTime, nullable=False),
)

visit = Table(
    "erp_visit",
    metadata,
    Column("id", _Counter, primary_key=True),
    Column("protocol", ForeignKey("erp_ticket.protocol"), nullable=False, index=True),
    Column("contract_id", ForeignKey("erp_contract.id"), nullable=False, index=True),
    Column("day", Date, nullable=False),
    Column("shift", String(10), nullable=False),
    Column("status", String(20), nullable=False),
    Index("erp_visit_day", "day", "shift"),
)

lead = Table(
    "erp_lead",
    metadata,
    Column("protocol", String(14), primary_key=True),
    Column("name", Text, nullable=False),
    Column("phone", Text, nullable=False),
    Column("plan_id", ForeignKey("erp_plan.id")),
    Column("cep", Text),
    Column("address", Text),
    Column("lat", Float),
    Column("lon", Float),
    Column("customer_id", ForeignKey("erp_customer.id")),
    Column("note", Text, nullable=False),
    Column("made_at", DateTime, nullable=False),
)

rating = Table(
    "erp_rating",
    metadata,
    Column("protocol", String(14), primary_key=True),
    Column("mark", Integer, nullable=False),
)

notice = Table(
    "erp_notice",
    metadata,
    Column("id", _Counter, primary_key=True),
    Column("outage_id", ForeignKey("erp_outage.id"), nullable=False),
    Column("contract_id", ForeignKey("erp_contract.id"), nullable=False),
    Column("chat", Text, nullable=False),
    Column("sent_at", DateTime),
    UniqueConstraint("outage_id", "contract_id", "chat"),
)

sequence = Table(
    "erp_sequence",
    metadata,
    Column("day", String(8), primary_key=True),  # yyyymmdd
    Column("last", Integer, nullable=False),
)

effect = Table(  # what was done under which key, so that it is not done twice
    "erp_effect",
    metadata,
    Column("kind", String(40), primary_key=True),
    Column("target", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("result", Text, nullable=False),
    Column("made_at", DateTime, nullable=False),
    Index("erp_effect_result", "kind", "result"),
)

failed_identification = Table(
    "erp_failed_identification",
    metadata,
    Column("day", Date, primary_key=True),
    Column("phone", String(64), primary_key=True),
    Column("count", Integer, nullable=False),
)


def check(tx: Transaction) -> None:
    """ValueError if the tables in the database are not these, as after a change of this module."""
    found = inspect(tx)
    for table in metadata.tables.values():
        if {column["name"] for column in found.get_columns(table.name)} != set(table.columns.keys()):
            raise ValueError(
                f"the table {table.name} is of another version; "
                "`python -m backoffice.seed --reset` makes the sample records anew and drops what is there"
            )
