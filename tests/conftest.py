"""What the tests over the real programs share. A stack takes a while to start, so one serves all ordinary talks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.integration.stack import Stack
    from tests.integration.talk import Talk


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Action server, Rasa and simulator with the default settings, for the whole run."""
    from tests.integration.stack import Stack

    with Stack(tmp_path_factory.mktemp("stack")) as stack:
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
