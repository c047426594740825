"""What the documents name exists, and what exists is documented."""

from __future__ import annotations

import ast
import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from scripts import check_data

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("actions", "backoffice", "connectors", "language", "scripts", "simulator")
README, ARCHITECTURE, OPERATION = (ROOT / name for name in ("README.md", "docs/architecture.md", "docs/operacao.md"))
DOCUMENTS = (README, ARCHITECTURE, OPERATION)
#: Rasa and TensorFlow read these; `scripts/run.py` sets them, and nobody needs to.
QUIET = {"RASA_TELEMETRY_ENABLED", "TF_CPP_MIN_LOG_LEVEL", "CUDA_VISIBLE_DEVICES", "SQLALCHEMY_SILENCE_UBER_WARNING"}
#: Names of Theo's own variables, wherever a program's text holds one.
OURS = re.compile(r"(?:THEO|ZAPI|CEP|ERP)_[A-Z_]*[A-Z]|ERP|DATABASE_URL|REDIS_URL|LOG_LEVEL")
#: Made while the programs run; not in a clean clone.
MADE = ("var/", "models/", "results/", ".env", ".venv/", "theo.dump", "copia.db")
#: The beginnings of the roots of this repository: only such words are taken for a path.
ROOTS = {path.name for path in ROOT.iterdir()} | {path.name for path in (ROOT / "docs").iterdir()}


def code() -> Iterator[tuple[Path, ast.Module]]:
    for package in PACKAGES:
        for file in sorted((ROOT / package).rglob("*.py")):
            yield file, ast.parse(file.read_text(encoding="utf-8"))


def text(document: Path) -> str:
    return document.read_text(encoding="utf-8")


# -- variables --------------------------------------------------------------------------------------------


def variables_in_code() -> set[str]:
    """Every name of ours that stands alone in a string, and every constant name asked of the environment."""
    found: set[str] = set()
    for file, module in code():
        if file.name in ("test.py", "check_containers.py"):
            continue  # they name variables to keep them away or to check others, and read none
        for node in ast.walk(module):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and OURS.fullmatch(node.value):
                found.add(node.value)
            found |= set(asked_of_the_environment(node))
    return found - QUIET


def asked_of_the_environment(node: ast.AST) -> Iterator[str]:
    """`environ.get("X")`, `environ["X"]`, `getenv("X")`."""
    if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
        called = ast.unparse(node.func)
        if re.search(r"\benviron(?:ment)?\.(?:get|pop|setdefault)$|\bgetenv$", called):
            yield str(node.args[0].value)
    subscript = isinstance(node, ast.Subscript) and re.search(r"\benviron$", ast.unparse(node.value))
    if subscript and isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        yield str(node.slice.value)


def variables_in_table() -> list[str]:
    return re.findall(r"(?m)^\| `([A-Z][A-Z_]+)` \|", text(OPERATION))


def test_every_variable_that_the_code_reads_is_in_the_table_and_the_other_way_round() -> None:
    assert sorted(variables_in_table()) == sorted(variables_in_code())


def test_the_reader_of_variables_sees_every_way_of_asking() -> None:
    asking = "environ.get('A'); os.environ['B']; os.getenv('C'); self.environ.get('D', ''); other.get('E')"
    found = [name for node in ast.walk(ast.parse(asking)) for name in asked_of_the_environment(node)]
    assert sorted(found) == ["A", "B", "C", "D"]
    assert {"THEO_PORT", "ZAPI_TOKEN", "DATABASE_URL", "ERP", "CEP_VIACEP_URL", "LOG_LEVEL"} <= variables_in_code()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_a_variable_named_in_a_document_is_one(document: Path) -> None:
    known = {*variables_in_code(), *re.findall(r"\$\{(\w+)", text(ROOT / "docker-compose.yml"))}
    assert {name for name in OURS.findall(text(document)) if name not in known} == set()


def test_the_defaults_of_the_table_are_those_of_the_code() -> None:
    from connectors.settings import Settings, ZapiSettings
    from simulator import settings as simulator

    table = dict(re.findall(r"(?m)^\| `([A-Z_]+)` \| `([^`]+)`", text(OPERATION)))
    theo = Settings.from_environ({})
    zapi = ZapiSettings.from_environ(dict.fromkeys(simulator.REQUIRED, "x"))
    assert {
        "DATABASE_URL": theo.database_url,
        "THEO_BURST_SECONDS": str(theo.burst_seconds),
        "THEO_PACE": str(theo.pace),
        "THEO_ACTIONS_URL": theo.actions_url,
        "ZAPI_BASE_URL": zapi.base_url,
        "ZAPI_MENUS": zapi.menus,
        "THEO_WEBHOOK_URL": simulator.DEFAULT_WEBHOOK,
        "THEO_SIMULATOR_PORT": str(simulator.DEFAULT_PORT),
    }.items() <= table.items()
    assert float(table["THEO_TAKEOVER_MINUTES"]) == theo.takeover_minutes


# -- commands, paths, words ---------------------------------------------------------------------------------


def targets() -> set[str]:
    return set(re.findall(r"(?m)^([a-z][a-z-]*):", text(ROOT / "Makefile")))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_make_target_exists(document: Path) -> None:
    named = set(re.findall(r"`make ([a-z][a-z-]*)`|(?m:^make ([a-z][a-z-]*))", text(document)))
    assert {a or b for a, b in named} - targets() == set()


def test_readme_shows_the_two_commands_and_ci_runs_the_second() -> None:
    assert re.findall(r"(?m)^make ([a-z-]+)", text(README)) == ["run", "test"]
    assert re.findall(r"(?m)^(?:exec )?make ([a-z-]+)", text(ROOT / ".ci" / "run")) == ["test", "test-long"]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_module_that_is_to_be_run_exists(document: Path) -> None:
    for name in re.findall(r"python -m ([\w.]+)", text(document)):
        assert importlib.util.find_spec(name), name


def paths_in(document: Path) -> set[str]:
    """Links, code and words in code blocks that begin like a path of this repository."""
    written = text(document)
    words = re.findall(r"\]\(([^)#\s]+)", written)
    for block in re.findall(r"```.*?```|`[^`\n]+`", written, re.DOTALL):
        words += re.findall(r"[\w.][\w./-]*", block)
    words += re.findall(r"(?<![\w`/])(?:[a-z]+/)+[\w.-]*\w", written)
    cleaned = {word.removeprefix("./").rstrip(".,") for word in words if not word.startswith("http")}
    return {
        word
        for word in cleaned
        if word.split("/")[0] in ROOTS and ("/" in word or "." in word.strip(".")) and not word.startswith(MADE)
    }


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_path_exists(document: Path) -> None:
    named = paths_in(document)
    assert len(named) >= 6, "the reader of paths finds none any more"
    missing = [
        n
        for n in named
        if not any((base / n).exists() for base in (document.parent, ROOT, ROOT / "connectors" / "zapi"))
    ]
    assert missing == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_inside_a_document_leads_to_a_heading(document: Path) -> None:
    headings = {
        re.sub(r"[^\w\s-]", "", heading.strip().lower()).replace(" ", "-")
        for heading in re.findall(r"(?m)^#+ (.+)$", text(document))
    }
    assert set(re.findall(r"\]\(#([^)]+)\)", text(document))) <= headings


def test_every_log_line_of_the_table_is_written_by_the_code() -> None:
    section = text(OPERATION).split("\n## Registros\n")[1].split("\n## ")[0]
    lines = re.findall(r"(?m)^\| `([^`]+)` \|", section)
    assert len(lines) >= 8
    written = "".join(file.read_text(encoding="utf-8") for file, _ in code())
    assert [line for line in lines if line not in written] == []


def test_the_words_that_give_a_chat_back_are_told() -> None:
    from connectors.takeover import GIVE_BACK

    section = text(OPERATION).split("\n## Quando uma pessoa assume\n")[1].split("\n## ")[0]
    assert [word for word in GIVE_BACK if f"`{word}`" not in section] == []


def test_every_step_of_make_test_is_described() -> None:
    from scripts.test import steps

    described = text(ARCHITECTURE).split("\n## What proves it\n")[1]
    words = {
        "lint": "ruff",
        "unit": "unit tests",
        "train": "the model",
        "data": "validation",
        "stories": "test stories",
    }
    assert [s.name for s in steps() if words.get(s.name, s.name) not in described] == []


# -- the talk -----------------------------------------------------------------------------------------------


def test_every_intent_has_examples_and_a_rule() -> None:
    domain = yaml.safe_load(text(ROOT / "domain.yml"))
    intents = {next(iter(intent)) if isinstance(intent, dict) else intent for intent in domain["intents"]}
    taught = {example.intent for example in check_data.read_examples(ROOT / "data" / "nlu")}
    ruled, _ = check_data.read_rules(ROOT / "data")
    assert len(intents) >= 38
    assert taught == intents
    assert set(ruled) == intents | {check_data.FALLBACK}


def test_stories_cover_every_situation_of_their_subjects() -> None:
    situations = {
        "feliz", "digressao", "correcao", "desistencia", "dado_invalido",
        "troca_de_assunto", "fora_de_escopo", "atendente", "retorno",
    }  # fmt: skip
    for subject in ("billing", "conversation"):
        files = {path.stem.removeprefix("test_") for path in (ROOT / "tests" / "conversations" / subject).glob("*.yml")}
        assert files == situations
