"""What the connectors read from the environment, in one place."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

DEFAULT_DATABASE_URL = "sqlite:///var/theo.db"
MENU_STYLES = ("text", "list", "buttons")


class SettingsError(ValueError):
    """A variable is missing or cannot be read. The text is one sentence for whoever started Theo."""


@dataclass(frozen=True)
class Settings:
    """Settings of every channel. Seconds are floats, sizes are bytes."""

    database_url: str = field(default=DEFAULT_DATABASE_URL, repr=False)
    redis_url: str | None = field(default=None, repr=False)
    burst_seconds: float = 1.2
    pace: float = 1.0
    takeover_minutes: float = 60.0
    retention_days: float = 90.0
    actions_url: str = "http://127.0.0.1:5055"
    secret: str = field(default="", repr=False)
    """Shared with the action server; without it nothing inside may make Theo speak."""
    stale_minutes: float = 120.0
    """A reply older than this is not sent; 0: however old."""
    messages_per_minute: float = 30.0
    """What one number may send before the rest is set aside; 0: no limit."""

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] = os.environ) -> Settings:
        """Reads the variables named in `docs/operacao.md`. Raises SettingsError."""
        return cls(
            database_url=environ.get("DATABASE_URL") or DEFAULT_DATABASE_URL,
            redis_url=environ.get("REDIS_URL") or None,
            burst_seconds=_seconds(environ, "THEO_BURST_SECONDS", 1.2),
            pace=_seconds(environ, "THEO_PACE", 1.0),
            takeover_minutes=_seconds(environ, "THEO_TAKEOVER_MINUTES", 60.0),
            stale_minutes=_seconds(environ, "THEO_STALE_MINUTES", 120.0),
            messages_per_minute=_seconds(environ, "THEO_MESSAGES_PER_MINUTE", 30.0),
            retention_days=_days(environ, "THEO_RETENTION_DAYS", 90.0),
            actions_url=(environ.get("THEO_ACTIONS_URL") or "http://127.0.0.1:5055").rstrip("/"),
            secret=environ.get("THEO_SECRET") or "",
        )


@dataclass(frozen=True)
class ZapiSettings:
    """Where the Z-API instance is and how it proves itself."""

    instance_id: str
    token: str = field(repr=False)
    client_token: str = field(repr=False)
    base_url: str = "https://api.z-api.io"
    menus: str = "text"

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] = os.environ) -> ZapiSettings:
        """Raises SettingsError naming the first variable that is missing or wrong."""
        required = {}
        for name in ("ZAPI_INSTANCE_ID", "ZAPI_TOKEN", "ZAPI_CLIENT_TOKEN"):
            required[name] = environ.get(name, "").strip()
            if not required[name]:
                raise SettingsError(f"{name} is not set: Theo cannot talk to Z-API without it.")
        menus = environ.get("ZAPI_MENUS") or "text"
        if menus not in MENU_STYLES:
            raise SettingsError(f"ZAPI_MENUS is {menus!r}; it must be one of {', '.join(MENU_STYLES)}.")
        return cls(
            instance_id=required["ZAPI_INSTANCE_ID"],
            token=required["ZAPI_TOKEN"],
            client_token=required["ZAPI_CLIENT_TOKEN"],
            base_url=(environ.get("ZAPI_BASE_URL") or cls.base_url).rstrip("/"),
            menus=menus,
        )


def _days(environ: Mapping[str, str], name: str, default: float) -> float:
    value = _seconds(environ, name, default)
    if value < 1:
        raise SettingsError(f"{name} is {environ[name]!r}; it must be a number of days, one or more.")
    return value


def _seconds(environ: Mapping[str, str], name: str, default: float) -> float:
    text = environ.get(name, "").strip()
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise SettingsError(f"{name} is {text!r}; it must be a number, zero or more.")
    return value
