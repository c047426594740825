"""What is kept out: calls without proof, bodies made to hurt, secrets on their way into a log."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
import yaml
from cryptography.fernet import Fernet

from connectors import redaction, strangers
from connectors.zapi import channel
from connectors.zapi.channel import MAX_DEPTH, _deeper_than
from connectors.zapi.parse import parse
from scripts import run

KEYS = f"{Fernet.generate_key().decode()},{Fernet.generate_key().decode()}"
ENVIRON = {
    "ZAPI_TOKEN": "0123456789ABCDEF01234567", "ZAPI_CLIENT_TOKEN": "Fclienttoken0S", "THEO_SECRET": "segredo-da-casa",
    "THEO_SEAL_KEYS": KEYS, "DATABASE_URL": "postgresql://theo:senha-do-banco@db:5432/theo",
    "REDIS_URL": "redis://:senha-do-redis@r:6379/0",
}  # fmt: skip
HIDDEN = (
    ENVIRON["ZAPI_TOKEN"], ENVIRON["ZAPI_CLIENT_TOKEN"], ENVIRON["THEO_SECRET"], *KEYS.split(","), "senha-do-banco",
    "senha-do-redis",
)  # fmt: skip


@pytest.fixture
def redacted() -> object:
    before = logging.getLogRecordFactory()
    redaction.install(redaction.secrets_of(ENVIRON))
    yield
    logging.setLogRecordFactory(before)


@pytest.mark.parametrize("secret", HIDDEN)
def test_no_secret_gets_into_a_log_by_message_argument_or_error(
    redacted: object, caplog: pytest.LogCaptureFixture, secret: str
) -> None:
    caplog.set_level(logging.DEBUG)
    url = f"https://api.z-api.io/instances/1/token/{secret}/send-text"
    logging.getLogger("urllib3.connectionpool").debug('"POST %s HTTP/1.1" 200', url)
    logging.getLogger("aiohttp.client").error(f"could not reach {url}")
    try:
        raise ConnectionError(f"refused: {url}")
    except ConnectionError:
        logging.getLogger("asyncio").exception("lost")
    logging.getLogger("x").info({"url": url})
    assert len(caplog.records) == 4
    assert secret not in caplog.text
    assert caplog.text.count("/token/***/send-text") == 4


def test_what_is_not_secret_is_logged_as_it_is(redacted: object, caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("x").warning("a turn of %d messages, %s", 3, "ok")
    logging.getLogger("x").warning("100%")
    assert [record.getMessage() for record in caplog.records] == ["a turn of 3 messages, ok", "100%"]


def test_short_or_missing_secrets_blot_nothing_out() -> None:
    assert redaction.secrets_of({"ZAPI_TOKEN": "x", "THEO_SECRET": "", "DATABASE_URL": "::", "REDIS_URL": ""}) == set()


def nested(levels: int) -> object:
    body: object = {"text": "oi"}
    for level in range(levels - 1):
        body = [body, 1] if level % 2 else {"a": body, "b": "c"}
    return body


def test_depth_is_counted_in_objects_and_lists() -> None:
    assert not _deeper_than(nested(MAX_DEPTH), MAX_DEPTH)
    assert _deeper_than(nested(MAX_DEPTH + 1), MAX_DEPTH)
    assert not _deeper_than({"wide": [{"a": 1}] * 10_000}, MAX_DEPTH)


def test_wrong_calls_are_counted_per_address_and_minute() -> None:
    now = [0.0]
    counted = strangers.Strangers(lambda: now[0])
    assert [counted.count("10.0.0.1") for _ in range(3)] == [1, 2, 3]
    assert counted.count("10.0.0.2") == 1
    now[0] = strangers.WINDOW_SECONDS
    assert counted.count("10.0.0.1") == 1


def test_the_addresses_that_are_remembered_are_not_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strangers, "REMEMBERED", 3)
    counted = strangers.Strangers(lambda: 0.0)
    for address in ("a", "b", "c", "a", "d"):
        counted.count(address)
    assert counted.count("b") == 1, "the one heard of longest ago was forgotten"
    assert counted.count("a") == 3


def test_rasa_is_started_without_its_http_api_and_for_no_other_origin() -> None:
    started = [program.command for program in run.programs(simulator=False)]
    image = (run.ROOT / "deploy" / "Dockerfile").read_text()
    for option in ("--enable-api", "--cors", "--debug", "-vv", "--jwt-secret", "--auth-token"):
        assert not any(option in command for command in started)
        assert option not in image
    credentials = yaml.safe_load((run.ROOT / "credentials.yml").read_text())
    assert list(credentials) == ["connectors.zapi.channel.ZapiInput"], "a channel of Rasa's own asks for no proof"


def test_the_header_for_the_action_server_is_in_the_endpoints() -> None:
    endpoints = yaml.safe_load((run.ROOT / "endpoints.yml").read_text())
    assert endpoints["action_endpoint"]["headers"] == {"x-theo-secret": "${THEO_SECRET}"}


def test_nothing_on_the_way_in_can_fetch() -> None:
    """The parser keeps of media only its kind; there is no address left that anybody could ask."""
    message = parse(
        {
            "type": "ReceivedCallback", "phone": "5583988880000", "messageId": "A", "instanceId": "I",
            "image": {"imageUrl": "http://169.254.169.254/latest", "caption": "", "mimeType": "image/jpeg"},
        }
    )  # fmt: skip
    assert "169.254" not in json.dumps(vars(message))
    source = Path(channel.__file__).with_name("parse.py").read_text()
    assert not any(library in source for library in ("aiohttp", "requests", "urllib", "http.client", "socket"))
