"""The action server: `python -m actions`. Port `THEO_ACTIONS_PORT` (5055), on `THEO_ACTIONS_HOST` (127.0.0.1)."""

from __future__ import annotations

import logging
import os
import sys

from rasa_sdk.endpoint import create_app

from actions.documents import add_route
from actions.notices import add_watch
from actions.talk import erp


def main() -> int:
    logging.basicConfig(
        level=os.environ.get("LOG_LEVEL", "INFO"), format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )
    try:
        erp()
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    app = create_app("actions", cors_origins=[])
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
