"""Rasa's command line without TensorFlow: `python -m connectors.rasa_lean run …` is `python -m rasa run …`.

Rasa imports TensorFlow, scikit-learn and matplotlib in every process, through modules that only its neural
components and its evaluation use. Here these modules are empty until something of theirs is really used;
then they are loaded as ever, so that `rasa test`, or a `config.yml` with DIET in it, still works.

Measured on 2 cores: ready in 4.0 s instead of 7.8 s, 218 MB instead of 599 MB.
`tests/unit/connectors/test_rasa_lean.py` fails when TensorFlow comes back, or when a newer Rasa has no need of this.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.abc
import importlib.machinery
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

#: Modules that are loaded when first used. Whoever imports names from them takes classes and functions only.
LATER = (
    "rasa.core.policies.ted_policy",
    "rasa.core.policies.unexpected_intent_policy",
    "rasa.core.test",
    "rasa.nlu.classifiers.diet_classifier",
    "rasa.nlu.featurizers.dense_featurizer.convert_featurizer",
    "rasa.nlu.featurizers.dense_featurizer.lm_featurizer",
    "rasa.nlu.selectors.response_selector",
    "rasa.nlu.test",
    "rasa.utils.tensorflow.model_data",
    "rasa.utils.tensorflow.model_data_utils",
    "rasa.utils.train_utils",
)


class _Name(type):
    """A class or function of a module that is not loaded yet: calling it, or asking for an attribute, loads it."""

    def _real(cls) -> Any:
        return getattr(_load(cls.__module__), cls.__name__)

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        return cls._real()(*args, **kwargs)

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(cls._real(), name)

    def __instancecheck__(cls, instance: Any) -> bool:
        return _is_loaded(cls.__module__) and isinstance(instance, cls._real())  # not loaded: it has no instances

    def __subclasscheck__(cls, other: type) -> bool:
        if other is cls:
            return True
        return _is_loaded(cls.__module__) and issubclass(other, cls._real())


class _Module(ModuleType):
    """A module that is not loaded yet."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        found = _Name(name, (), {"__module__": self.__name__})
        setattr(self, name, found)
        return found


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Answers an import of these modules with an empty one."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = frozenset(names)

    def find_spec(self, name: str, path: Any, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        return importlib.machinery.ModuleSpec(name, self) if name in self.names else None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        return _Module(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """There is nothing to run yet."""


def apply() -> None:
    """Defers what is not imported yet. Comes before the first import of Rasa's."""
    sys.meta_path.insert(0, _Finder([name for name in LATER if name not in sys.modules]))


def _is_loaded(name: str) -> bool:
    return isinstance(sys.modules.get(name), ModuleType) and not isinstance(sys.modules[name], _Module)


def _load(name: str) -> ModuleType:
    """The real module. All others are loaded with it: they inherit from each other's classes."""
    if not _is_loaded(name):
        sys.meta_path[:] = [one for one in sys.meta_path if not isinstance(one, _Finder)]
        ours = [one for one in LATER if not _is_loaded(one)]
        for one in ours:
            if sys.modules.pop(one, None) is not None:
                parent, _, child = one.rpartition(".")
                with contextlib.suppress(AttributeError):
                    delattr(sys.modules[parent], child)
        for one in ours:
            importlib.import_module(one)
    return importlib.import_module(name)


def main() -> None:
    """Rasa's own command line."""
    apply()
    import rasa.__main__
    from rasa.engine.recipes.default_recipe import DefaultV1Recipe
    from rasa.shared.exceptions import InvalidConfigException

    known = DefaultV1Recipe._from_registry.__func__

    def from_registry(cls: Any, name: str) -> Any:
        """A component registers itself when its module is run."""
        try:
            return known(cls, name)
        except InvalidConfigException:
            _load("rasa.nlu.classifiers.diet_classifier")
            return known(cls, name)

    DefaultV1Recipe._from_registry = classmethod(from_registry)
    rasa.__main__.main()


if __name__ == "__main__":
    main()
