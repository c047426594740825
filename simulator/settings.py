"""What the simulator is told through the environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

DEFAULT_PORT = 8090
DEFAULT_WEBHOOK = "http://127.0.0.1:5005/webhooks/zapi/webhook"
REQUIRED = ("ZAPI_INSTANCE_ID", "ZAPI_TOKEN", "ZAPI_CLIENT_TOKEN")


class SettingsError(ValueError):
    """The environment cannot be used; the message is one sentence for the person who starts the program."""


@dataclass(frozen=True)
class Settings:
    """The secrets of the pretended instance and the two addresses.

    ``public_url`` is where others reach this simulator (no slash at the end); the media
    addresses inside webhooks start with it.
    """

    instance_id: str
    token: str
    client_token: str
    webhook_url: str = DEFAULT_WEBHOOK
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    public_url: str = ""

    @property
    def url(self) -> str:
        """The address put into webhooks: ``public_url``, or this machine's own."""
        return self.public_url or f"http://127.0.0.1:{self.port}"


def from_environment(environ: Mapping[str, str]) -> Settings:
    """Read the settings; raise SettingsError naming all that is missing, or the first wrong value."""
    missing = [name for name in REQUIRED if not environ.get(name)]
    if missing:
        raise SettingsError(f"The simulator needs {' and '.join(missing)} in the environment.")
    port = environ.get("THEO_SIMULATOR_PORT") or str(DEFAULT_PORT)
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise SettingsError(f"THEO_SIMULATOR_PORT must be a port number from 1 to 65535, not {port!r}.")
    webhook = environ.get("THEO_WEBHOOK_URL") or DEFAULT_WEBHOOK
    if not webhook.startswith(("http://", "https://")):
        raise SettingsError(f"THEO_WEBHOOK_URL must start with http:// or https://, not {webhook!r}.")
    return Settings(
        instance_id=environ["ZAPI_INSTANCE_ID"],
        token=environ["ZAPI_TOKEN"],
        client_token=environ["ZAPI_CLIENT_TOKEN"],
        webhook_url=webhook,
        host=environ.get("THEO_SIMULATOR_HOST") or "127.0.0.1",
        port=int(port),
        public_url=(environ.get("THEO_SIMULATOR_URL") or "").rstrip("/"),
    )
