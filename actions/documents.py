"""Invoice PDFs: a signed, short-lived path on the action server, so that no file lies in a talk's history."""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from functools import lru_cache

import jwt
from sanic import Sanic
from sanic.request import Request
from sanic.response import HTTPResponse, raw, text

from actions.talk import erp
from backoffice.errors import BackofficeError, NotFound, Refused

#: The outbox may hold a message back for a day while WhatsApp is away.
LIFETIME_SECONDS = 2 * 24 * 3600


@lru_cache(maxsize=1)
def _secret() -> str:
    """`THEO_SECRET`, or one of this process only: links then die with it, as with a restart."""
    return os.environ.get("THEO_SECRET") or secrets.token_hex(32)


def document_path(invoice_id: str) -> str:
    """The path under which the action server hands out this invoice's PDF."""
    claims = {"invoice": invoice_id, "exp": int(time.time()) + LIFETIME_SECONDS}
    return f"/documents/{jwt.encode(claims, _secret(), algorithm='HS256')}"


def add_route(app: Sanic) -> None:
    """`GET /documents/<token>` → the PDF; 403 for a forged token, 410 for an old one or a paid invoice, 503."""

    @app.get("/documents/<token:str>")
    async def document(_request: Request, token: str) -> HTTPResponse:
        try:
            invoice_id = str(jwt.decode(token, _secret(), algorithms=["HS256"])["invoice"])
            content = await asyncio.to_thread(erp().invoice_pdf, invoice_id)
        except jwt.ExpiredSignatureError:
            return text("expired", status=410)
        except (jwt.InvalidTokenError, KeyError):
            return text("forbidden", status=403)
        except (NotFound, Refused):
            return text("gone", status=410)
        except BackofficeError:
            return text("unavailable", status=503)
        return raw(content, content_type="application/pdf")
