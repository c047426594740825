"""``python -m simulator``: run until SIGINT or SIGTERM. Exit code 2 when it cannot be started."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys

from aiohttp import web

from simulator.app import create
from simulator.settings import Settings, SettingsError, from_environment

SHUTDOWN_SECONDS = 1.0


async def serve(settings: Settings) -> None:
    """Serve until a signal comes; raises SettingsError when the port cannot be had."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    # No access log: the instance's token is part of every path.
    runner = web.AppRunner(create(settings), access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, settings.host, settings.port).start()
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else str(error)
            raise SettingsError(f"The simulator cannot listen on port {settings.port}: {reason}.") from error
        print(f"Simulador de Z-API: http://{settings.host}:{settings.port}/", flush=True)
        await stop.wait()
    finally:
        await runner.cleanup()


def main() -> int:
    """Read the environment and serve; returns the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        asyncio.run(serve(from_environment(os.environ)))
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
