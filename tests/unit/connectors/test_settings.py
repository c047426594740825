"""What is read from the environment, and the one sentence when it cannot be."""

from __future__ import annotations

import pytest

from connectors.settings import Settings, SettingsError, ZapiSettings

ZAPI = {"ZAPI_INSTANCE_ID": "I", "ZAPI_TOKEN": "T", "ZAPI_CLIENT_TOKEN": "C"}


def test_defaults() -> None:
    assert Settings.from_environ({}) == Settings()
    assert ZapiSettings.from_environ(ZAPI) == ZapiSettings("I", "T", "C")
    assert ZapiSettings.from_environ(ZAPI).base_url == "https://api.z-api.io"


def test_everything_set() -> None:
    read = Settings.from_environ(
        {
            "DATABASE_URL": "postgres://db/theo", "REDIS_URL": "redis://r", "THEO_BURST_SECONDS": "0.5",
            "THEO_PACE": "0", "THEO_TAKEOVER_MINUTES": "5", "THEO_ACTIONS_URL": "http://actions:5055/",
            "THEO_STALE_MINUTES": "30", "THEO_MESSAGES_PER_MINUTE": "12", "THEO_RETENTION_DAYS": "7",
        }
    )  # fmt: skip
    assert read == Settings("postgres://db/theo", "redis://r", 0.5, 0.0, 5.0, 7.0, "http://actions:5055", "", 30.0, 12.0)
    zapi = ZapiSettings.from_environ({**ZAPI, "ZAPI_BASE_URL": "http://127.0.0.1:8090/", "ZAPI_MENUS": "list"})
    assert (zapi.base_url, zapi.menus) == ("http://127.0.0.1:8090", "list")


@pytest.mark.parametrize("name", sorted(ZAPI))
@pytest.mark.parametrize("value", ["", "  ", None])
def test_a_missing_variable_is_named(name: str, value: str | None) -> None:
    environ = {k: v for k, v in {**ZAPI, name: value}.items() if v is not None}
    with pytest.raises(SettingsError, match=f"^{name} is not set"):
        ZapiSettings.from_environ(environ)


def test_an_unknown_menu_style_is_named() -> None:
    with pytest.raises(SettingsError, match="ZAPI_MENUS is 'carousel'; it must be one of text, list, buttons"):
        ZapiSettings.from_environ({**ZAPI, "ZAPI_MENUS": "carousel"})


@pytest.mark.parametrize("name", ["THEO_BURST_SECONDS", "THEO_PACE", "THEO_TAKEOVER_MINUTES"])
@pytest.mark.parametrize("value", ["fast", "-1", "nan", "inf", "1e400"])
def test_a_number_that_is_none_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        Settings.from_environ({name: value})
