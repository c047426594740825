"""No token and no password in any log of this process, at any level, of whatever library."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

#: Anything shorter would blot out words.
SHORTEST = 6


def secrets_of(environ: Mapping[str, str]) -> set[str]:
    """What must not be logged: tokens, keys, and the passwords inside addresses."""
    found = {environ.get(name, "") for name in ("ZAPI_TOKEN", "ZAPI_CLIENT_TOKEN", "THEO_SECRET")}
    found |= {key.strip() for key in environ.get("THEO_SEAL_KEYS", "").split(",")}
    for name in ("DATABASE_URL", "REDIS_URL"):
        try:
            found.add(str(make_url(environ.get(name, "")).password or ""))
        except (ArgumentError, ValueError):
            continue
    return {secret for secret in found if len(secret) >= SHORTEST}


def install(secrets: Iterable[str]) -> None:
    """From now on every log record of this process has `***` in the place of each secret, errors too."""
    hidden = sorted(secrets, key=len, reverse=True)
    make = logging.getLogRecordFactory()

    def blot(text: str) -> str:
        for secret in hidden:
            text = text.replace(secret, "***")
        return text

    def record(*args: Any, **kwargs: Any) -> logging.LogRecord:
        made = make(*args, **kwargs)
        try:
            text = made.getMessage()
        except (TypeError, ValueError):
            return made  # logging itself tells of wrong arguments
        if any(secret in text for secret in hidden):
            made.msg, made.args = blot(text), ()
        if made.exc_info and made.exc_info[1] is not None:
            error = "".join(traceback.format_exception(*made.exc_info)).rstrip()  # type: ignore[arg-type]
            made.exc_text = blot(error)
        return made

    logging.setLogRecordFactory(record)
