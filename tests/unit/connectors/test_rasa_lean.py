"""Rasa without TensorFlow. Each test is a process of its own, since what is imported stays.

When `test_rasa_imports_tensorflow_always` fails, a newer Rasa has mended the matter, and `rasa_lean.py` can go.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

#: All that a running Theo imports before it loads its model.
RUNNING = "import rasa.__main__, rasa.core.run, rasa.core.policies.rule_policy, connectors.zapi.channel\n"
TRAINING = "import rasa.model_training, rasa.graph_components.validators.default_recipe_validator\n"
HEAVY = ("tensorflow", "keras", "jax", "matplotlib", "tensorflow_hub")


def python(code: str) -> Any:
    """Runs the code, which prints one line of JSON last, and returns what it printed."""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def heavy_after(code: str) -> list[str]:
    found: list[str] = python(f"{code}\nimport json, sys\nprint(json.dumps([m for m in {HEAVY} if m in sys.modules]))")
    return found


def lean(code: str) -> str:
    return f"from connectors import rasa_lean\nrasa_lean.apply()\n{code}"


def test_rasa_imports_tensorflow_always() -> None:
    assert "tensorflow" in heavy_after(RUNNING)


def test_ours_nothing_that_is_not_used() -> None:
    assert heavy_after(lean(RUNNING)) == []


def test_nor_to_train() -> None:
    assert heavy_after(lean(TRAINING + "import rasa.engine.recipes.default_components\n")) == []


def test_what_is_used_is_loaded() -> None:
    assert python(
        lean(
            RUNNING
            + """
import json, sys
import rasa.server
from rasa.nlu.classifiers.diet_classifier import DIETClassifier
from rasa.nlu.selectors.response_selector import ResponseSelector
before = [isinstance(3, DIETClassifier), issubclass(int, DIETClassifier), "tensorflow" in sys.modules]
default = DIETClassifier.get_default_config()["epochs"]  # asked through the empty module
import rasa.nlu.selectors.response_selector as real
after = [issubclass(real.ResponseSelector, DIETClassifier), issubclass(int, DIETClassifier)]
try:
    rasa.server.test(None)  # a coroutine function of `rasa.core.test`, imported by name long ago
    coroutine = "none"
except TypeError as error:
    coroutine = str(error)
print(json.dumps([before, default, after, "tensorflow" in sys.modules, coroutine]))
"""
        )
    ) == [[False, False, False], 300, [True, False], True, "test() missing 1 required positional argument: 'agent'"]


def test_a_pipeline_may_name_what_was_left_out() -> None:
    assert python(
        lean(
            """
import json
import rasa.__main__
rasa.__main__.main = lambda: None
rasa_lean.main()
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
try:
    DefaultV1Recipe._from_registry("NoSuchComponent")
    unknown = "found"
except Exception as error:
    unknown = type(error).__name__
print(json.dumps([unknown, DefaultV1Recipe._from_registry("DIETClassifier").clazz.__name__]))
"""
        )
    ) == ["InvalidConfigException", "DIETClassifier"]
