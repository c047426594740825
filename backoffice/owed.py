"""Requests that could not be written because the records did not answer, kept until they do.

They lie in Theo's own database (`DATABASE_URL`), which is there when a provider's ERP is not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields

import sqlalchemy as sa

from backoffice.database import Database, url_of
from backoffice.erp import Erp
from backoffice.errors import NotFound, Refused
from backoffice.records import NewTicket, Sector

_metadata = sa.MetaData()
_owed = sa.Table(
    "theo_owed_ticket",
    _metadata,
    sa.Column("key", sa.Text, primary_key=True),
    *(sa.Column(part.name, sa.Text) for part in fields(NewTicket)),
)


class OwedTickets:
    """The requests that are still to be written, each once. Thread-safe."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        """Makes the table if it is missing. Raises Unavailable if the database does not answer."""
        self._database = Database(url_of(environ))
        with self._database.write() as tx:
            _metadata.create_all(tx)

    def keep(self, new: NewTicket, key: str) -> None:
        """Keeps a request under its idempotency key; the first one of a key counts. Raises Unavailable."""
        row = {part.name: getattr(new, part.name) for part in fields(NewTicket)}
        with self._database.write() as tx:
            if tx.execute(sa.select(_owed.c.key).where(_owed.c.key == key)).first() is None:
                tx.execute(_owed.insert(), {**row, "sector": new.sector.value, "key": key})

    def settle(self, erp: Erp) -> int:
        """Writes what is owed into the records, and returns how many that were.

        Raises Unavailable as long as the records do not answer; what is not written stays. A customer or a
        contract that the records no longer know is left out of the request, which is written all the same.
        """
        with self._database.read() as tx:
            rows = tx.execute(_owed.select()).all()
        for row in rows:
            try:
                whose = (row.customer_id, row.contract_id)
                erp.open_ticket(NewTicket(row.subject, Sector(row.sector), row.text, *whose), row.key)
            except (NotFound, Refused):
                erp.open_ticket(NewTicket(row.subject, Sector(row.sector), row.text), row.key)
            with self._database.write() as tx:
                tx.execute(_owed.delete().where(_owed.c.key == row.key))
        return len(rows)

    def close(self) -> None:
        """Closes the connections."""
        self._database.close()
