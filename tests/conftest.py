"""What the tests over the real programs share. A stack takes a while to start, so one serves all ordinary talks."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.integration.addresses import AddressService
    from tests.integration.stack import Stack
    from tests.integration.talk import Talk

# Channel and actions run inside the tests too; a key of the tests' own, which opens nothing else.
os.environ["THEO_SEAL_KEYS"] = "dGVzdHMtb25seS10ZXN0cy1vbmx5LXRlc3RzLW9ubHk="


@pytest.fixture(scope="session")
def address_service() -> Iterator[AddressService]:
    """The ViaCEP that the programs ask."""
    from tests.integration.addresses import AddressService

    with AddressService() as service:
        yield service


@pytest.fixture
def addresses(address_service: AddressService) -> Iterator[AddressService]:
    """The same, up again when the test is over."""
    yield address_service
    address_service.down = False


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory, address_service: AddressService) -> Iterator[Stack]:
    """Action server, Rasa and simulator with the default settings, for the whole run."""
    from tests.integration.stack import Stack

    # BrasilAPI cannot be reached: nothing listens on that port.
    places = {"CEP_VIACEP_URL": address_service.url, "CEP_BRASILAPI_URL": "http://127.0.0.1:9"}
    with Stack(tmp_path_factory.mktemp("stack"), **places) as stack:
        yield stack


@pytest.fixture
def stack(running: Stack) -> Stack:
    """The programs as on the first day: records seeded anew, no conversation, no fault."""
    running.forget_everything()
    return running


@pytest.fixture
def chat(stack: Stack) -> Callable[..., Talk]:
    """`with chat("Marlene") as theo:` opens a chat as that sample customer; `chat()` as a stranger."""
    from tests.integration.talk import open_talk

    def talk(who: str | None = None, *, phone: str | None = None) -> Talk:
        return open_talk(stack, who, phone=phone)

    return talk
