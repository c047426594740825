"""The action server: `python -m actions`. Port `THEO_ACTIONS_PORT` (5055), on `THEO_ACTIONS_HOST` (127.0.0.1)."""

from __future__ import annotations

import hmac
import logging
import os
import sys

from rasa_sdk.endpoint import create_app
from sanic import Sanic
from sanic.request import Request
from sanic.response import HTTPResponse, json

from actions.documents import add_route
from actions.notices import add_watch
from actions.talk import erp
from language.sealed import sealer


def guard(app: Sanic, secret: str) -> None:
    """Every action needs the header `x-theo-secret`; documents have signed links, and `/health` tells nothing."""

    @app.middleware("request")
    async def refuse_strangers(request: Request) -> HTTPResponse | None:
        if request.path == "/health" or request.path.startswith("/documents/"):
            return None
        told = request.headers.get("x-theo-secret", "")
        if hmac.compare_digest(told.encode(errors="surrogateescape"), secret.encode()):
            return None
        return json({"error": "wrong or missing x-theo-secret"}, status=401)


def main() -> int:
    logging.basicConfig(
        level=os.environ.get("LOG_LEVEL", "INFO"), format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )
    try:
        if not os.environ.get("THEO_SECRET"):
            raise ValueError("THEO_SECRET is not set: Theo and the action server would not know each other.")
        sealer()
        erp()
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    app = create_app("actions", cors_origins=[])
    guard(app, os.environ["THEO_SECRET"])
    add_route(app)
    add_watch(app)
    host, port = (
        os.environ.get("THEO_ACTIONS_HOST", "127.0.0.1"),
        int(os.environ.get("THEO_ACTIONS_PORT", "5055")),
    )
    app.run(host, port, workers=1, access_log=False, motd=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
