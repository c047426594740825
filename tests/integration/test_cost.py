"""What the running programs cost."""

from __future__ import annotations

from pathlib import Path

from tests.integration.stack import Stack


def test_theo_runs_without_tensorflow(stack: Stack) -> None:
    """Rasa loads it in every process; `connectors/rasa_lean.py` does not let it."""
    stack.simulator.say("5583988777001", {"kind": "text", "text": "oi"})
    stack.wait_until_answered("5583988777001")
    mapped = Path(f"/proc/{stack.pid('theo')}/maps").read_text()
    assert "httptools" in mapped  # it is the right process
    assert "tensorflow" not in mapped
    assert "jaxlib" not in mapped
