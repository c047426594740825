"""Every gate of `make test` is shown to fail on a broken copy: a gate that cannot fail proves nothing.

The commands are those of `scripts/test.py`. Rasa's run in this process, because loading Rasa is most of
their time.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from scripts import run
from scripts import test as make_test
from scripts.test import Count, Step, execute

ROOT = run.ROOT
GREETING = ROOT / "tests" / "conversations" / "conversation" / "test_feliz.yml"
#: Step of `make test` → the test below that shows it failing.
CANARIES = {
    "lint": "test_lint_sees_a_name_that_does_not_exist",
    "mypy": "test_mypy_sees_a_wrong_type",
    "unit": "test_a_failing_test_fails_its_step",
    "train": "test_training_with_a_broken_domain_fails_and_keeps_the_old_model",
    "data": "test_validation_sees_one_sentence_in_two_intents",
    "stories": "test_stories_with_a_wrong_step_fail",
    "replay": "test_a_story_that_does_not_happen_fails",
    "nlu": "test_understanding_below_its_threshold_fails",
    "integration": "test_a_failing_test_fails_its_step",
    "faults": "test_a_build_that_answers_twice_is_found_out",
    "browser": "test_a_failing_test_fails_its_step",
    "gates": "test_a_failing_test_fails_its_step",
}


def test_every_step_has_a_canary() -> None:
    assert list(CANARIES) == [step.name for step in make_test.steps()]
    assert all(callable(globals()[name]) for name in CANARIES.values())


@pytest.fixture(autouse=True)
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The results of these runs stay out of those of the real one."""
    folder = tmp_path / "results"
    monkeypatch.setattr(make_test, "RESULTS", folder)
    return folder


def shell(code: str) -> list[list[str]]:
    return [[sys.executable, "-c", code]]


# -- the runner -------------------------------------------------------------------------------------------


def test_a_failing_test_fails_its_step(tmp_path: Path) -> None:
    tests = tmp_path / "tests"
    tests.mkdir()
    (tests / "test_one.py").write_text("def test_good(): pass\ndef test_bad(): assert 1 == 2\n")
    outcome = execute(Step("canary", make_test.pytest("canary", str(tests)), lambda: make_test.read_junit("canary")))
    assert not outcome.ok
    assert outcome.count == Count(passed=1, failed=1)
    assert "assert 1 == 2" in outcome.log.read_text()


@pytest.mark.parametrize(
    ("content", "failed"), [("", 1), ("def test_good(): pass\nimport nothing_of_that_name\n", 1), ("x = (\n", 1)]
)
def test_no_test_at_all_fails_the_step(tmp_path: Path, content: str, failed: int) -> None:
    tests = tmp_path / "tests"
    tests.mkdir()
    (tests / "test_one.py").write_text(content)
    outcome = execute(Step("canary", make_test.pytest("canary", str(tests)), lambda: make_test.read_junit("canary")))
    assert not outcome.ok
    assert outcome.count.failed == failed


def test_the_first_failure_stops_and_the_summary_tells(capsys: pytest.CaptureFixture[str]) -> None:
    chosen = [Step("a", shell("")), Step("b", shell("print('what broke'); raise SystemExit(3)")), Step("c", shell(""))]
    assert make_test.run_steps(chosen, keep_going=False) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines[:2]] == [["✓", "a"], ["✗", "b"]]
    assert "    what broke" in lines
    assert "Failed: b. Not run: c." in lines
    assert lines[-1].startswith("===== 1 passed, 1 failed in ")


def test_keep_going_runs_the_rest_and_still_fails(capsys: pytest.CaptureFixture[str]) -> None:
    chosen = [Step("a", shell("raise SystemExit(1)")), Step("b", shell(""))]
    assert make_test.run_steps(chosen, keep_going=True) == 1
    assert capsys.readouterr().out.splitlines()[-1].startswith("===== 1 passed, 1 failed in ")


def test_all_good_is_exit_code_zero(capsys: pytest.CaptureFixture[str]) -> None:
    assert make_test.run_steps([Step("a", shell(""))], keep_going=False) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("===== 1 passed, 0 failed in ")
    assert make_test.run_steps([], keep_going=False) == 1


def test_the_second_command_of_a_step_counts_too() -> None:
    assert not execute(Step("canary", [*shell(""), *shell("raise SystemExit(1)")])).ok


def test_a_step_that_is_killed_says_so() -> None:
    outcome = execute(Step("canary", shell("import os; os.kill(os.getpid(), 9)")))
    assert outcome.count == Count(failed=1, problem="ended by signal SIGKILL")
    assert not outcome.ok


def test_a_step_that_hangs_is_ended_with_its_children(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(make_test, "STEP_SECONDS", 2)
    told = tmp_path / "child"
    code = (
        "import subprocess, sys, time; child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(99)']);"
        f"open({str(told)!r}, 'w').write(str(child.pid)); time.sleep(99)"
    )
    outcome = execute(Step("canary", shell(code)))
    assert not outcome.ok
    assert "it took more than 2 s" in outcome.log.read_text()
    assert _is_gone(int(told.read_text()))


def _is_gone(pid: int) -> bool:
    """Whether a process ended; one that nobody has waited for yet counts as ended."""
    for _ in range(50):
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.1)
    return False


def test_a_step_beside_the_others_is_waited_for_and_counts(capsys: pytest.CaptureFixture[str]) -> None:
    slow = Step("slow", shell("import time; time.sleep(1); raise SystemExit(1)"), beside=True)
    chosen = [slow, Step("quick", shell("")), Step("last", shell(""), alone=True)]
    assert make_test.run_steps(chosen, keep_going=False) == 1
    assert "Failed: slow. Not run: last." in capsys.readouterr().out
    assert make_test.run_steps([replace(slow, commands=shell("")), *chosen[1:]], keep_going=False) == 0
    assert make_test.run_steps([slow], keep_going=False) == 1


def test_no_setting_of_a_real_theo_reaches_the_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "REDIS_URL", "ZAPI_TOKEN", "THEO_PORT", "ERP_TOKEN", "CEP_VIACEP_URL"):
        monkeypatch.setenv(name, "5005")
    seen = "import os; raise SystemExit(any(v == '5005' for v in os.environ.values()))"
    assert execute(Step("canary", shell(seen))).ok


# -- hostile input ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "old", "new", "test"),
    [
        # A reader that believes that whatever stands there is a text.
        (
            "connectors/zapi/parse.py",
            'return value.replace("\\0", "").encode("utf-8", "ignore").decode() if isinstance(value, str) else ""',
            'return value or ""',
            "connectors/test_hostile_webhook.py::test_every_recorded_body_with_every_change_is_answered[sqlite]",
        ),
        # Sanic as it is: a length that is no number is a 500.
        (
            "connectors/zapi/channel.py",
            '        app.add_signal(_one_clear_length, "http.lifecycle.read_head")\n',
            "",
            "connectors/test_hostile_webhook.py::test_a_call_that_lies_about_its_length[sqlite-a length of letters]",
        ),
        # Two neighbours that want the same letters.
        (
            "backoffice/identity.py",
            r"\s{{0,3}}[/., -]\s{{0,3}}(?P<month>",
            r"\s*[/., -]\s*(?P<month>",
            "test_patterns.py::test_no_pattern_takes_longer_than_its_text[backoffice]",
        ),
        # A slip of one digit in a day of the calendar.
        (
            "language/dates.py",
            "if year in YEARS else None",
            "",
            "test_hostile_input.py::test_any_text_has_days_that_the_calendar_can_reckon_with",
        ),
    ],
    ids=["a guard less", "a length less", "a pattern", "a calendar"],
)
def test_the_hostile_tests_see_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, old: str, new: str, test: str
) -> None:
    for name in ("actions", "backoffice", "connectors", "language", "tests/unit"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "tests/conftest.py"):
        shutil.copy(ROOT / name, tmp_path / name)
    text = (tmp_path / file).read_text(encoding="utf-8")
    assert old in text, "the file changed: this canary breaks nothing any more"
    (tmp_path / file).write_text(text.replace(old, new), encoding="utf-8")
    monkeypatch.setattr(make_test, "ROOT", tmp_path)
    commands = make_test.pytest("canary", f"tests/unit/{test}")
    outcome = execute(Step("canary", commands, lambda: make_test.read_junit("canary")))
    assert not outcome.ok
    assert (outcome.count.failed, outcome.count.passed) == (1, 0), outcome.log.read_text()[-2000:]


# -- lint, types ------------------------------------------------------------------------------------------


def test_lint_sees_a_name_that_does_not_exist(tmp_path: Path) -> None:
    bad = tmp_path / "bad.py"
    bad.write_text("print(nothing_of_that_name)\n")
    outcome = execute(Step("canary", make_test.ruff("--config", "pyproject.toml", str(bad))))
    assert not outcome.ok
    assert "F821" in outcome.log.read_text()


def test_mypy_sees_a_wrong_type(tmp_path: Path) -> None:
    bad = tmp_path / "bad.py"
    bad.write_text("def twice(number: int) -> str:\n    return number * 2\n")
    outcome = execute(Step("canary", make_test.mypy(str(bad))))
    assert not outcome.ok
    assert "Incompatible return value type" in outcome.log.read_text()


# -- promises ---------------------------------------------------------------------------------------------


@pytest.mark.timeout(400)
def test_a_theo_that_does_not_seal_fails_the_privacy_test(tmp_path: Path) -> None:
    copy = tmp_path / "theo"
    own = shutil.ignore_patterns(".*", "var", "results", "models", "docs", "__pycache__", "node_modules")
    shutil.copytree(ROOT, copy, ignore=own)
    (copy / "models").mkdir()
    shutil.copy(run.MODEL, copy / "models")
    for file, old, new in (
        ("connectors/zapi/channel.py", "sealer().lock(disarm(message.text[:MAX_CHARACTERS]), \"texto\")", "message.text"),
        ("actions/talk.py", "return value if name.startswith(\"protocolo\") else box.seal_value(value, today)", "return value"),
        ("actions/talk.py", "if isinstance(value, str) and name in SEALED_SLOTS:", "if not SEALED_SLOTS:"),
    ):
        text = (copy / file).read_text(encoding="utf-8")
        assert old in text
        (copy / file).write_text(text.replace(old, new), encoding="utf-8")
    test = [sys.executable, "-m", "pytest", "-q", "-k", "sqlite", "tests/integration/test_privacy.py"]
    found = subprocess.run(test, cwd=copy, capture_output=True, text=True, timeout=380, check=False)
    assert found.returncode == 1, found.stdout[-3000:]
    for leak in ("theo_inbox.content: 529.982.247-25", "theo_inbox.content: 717.273", "events.data: 529.982.247-25"):
        assert leak in found.stdout, (leak, found.stdout[-3000:])


# -- Rasa -------------------------------------------------------------------------------------------------


def rasa(command: list[str], monkeypatch: pytest.MonkeyPatch) -> int:
    """Runs a `python -m rasa …` command in this process; returns its exit code."""
    import rasa.__main__

    assert command[1:3] == ["-m", "rasa"]
    monkeypatch.setattr(sys, "argv", ["rasa", *command[3:]])
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("RASA_TELEMETRY_ENABLED", "false")
    with pytest.raises(SystemExit) as ended:
        rasa.__main__.main()
        raise SystemExit(0)  # as Python ends a program that returns
    return int(ended.value.code or 0)


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    """A folder with the good stories of greeting."""
    assert run.MODEL.exists(), "there is no model: run `make train` first"
    folder = tmp_path / "stories"
    folder.mkdir()
    shutil.copy(GREETING, folder)
    return folder


def test_good_stories_pass_and_are_all_counted(talk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert rasa(make_test.stories(talk, run.MODEL, tmp_path / "out"), monkeypatch) == 0
    count = make_test.read_stories(talk, tmp_path / "out")
    assert (count.failed, count.problem) == (0, "")
    assert count.passed == GREETING.read_text(encoding="utf-8").count("- story:")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("action: utter_elogiar", "action: utter_robo"),  # another answer than Theo's
        ("amei o atendimento", "quero cancelar a internet"),  # words that mean something else
    ],
)
def test_stories_with_a_wrong_step_fail(
    talk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str
) -> None:
    text = (talk / GREETING.name).read_text(encoding="utf-8")
    assert old in text
    (talk / GREETING.name).write_text(text.replace(old, new), encoding="utf-8")
    assert rasa(make_test.stories(talk, run.MODEL, tmp_path / "out"), monkeypatch) != 0
    assert make_test.read_stories(talk, tmp_path / "out").failed


def test_stories_that_rasa_skips_without_a_word_fail(talk: Path, tmp_path: Path) -> None:
    assert make_test.read_stories(talk, tmp_path / "nothing").problem == "Rasa wrote no report"
    out = tmp_path / "out"
    out.mkdir()
    (out / "story_report.json").write_text('{"conversation_accuracy": {"correct": 1, "total": 1}}')
    assert make_test.read_stories(talk, out).problem.endswith("stories are written and 1 were run")
    (talk / GREETING.name).rename(talk / "feliz.yml")
    assert make_test.read_stories(talk, out).problem == "Rasa only reads test_*.yml, so it skips feliz.yml"


def test_a_story_that_does_not_happen_fails(tmp_path: Path) -> None:
    """`rasa test` believes this one: it does not know what a form asks."""
    folder = tmp_path / "stories"
    folder.mkdir()
    for name in ("conftest.py", "test_replay.py"):
        shutil.copy(ROOT / "tests" / "conversations" / name, folder)
    text = (ROOT / "tests" / "conversations" / "billing" / "test_desistencia.yml").read_text(encoding="utf-8")
    assert "requested_slot: relato" in text
    (folder / "test_bad.yml").write_text(
        text.replace("requested_slot: relato", "requested_slot: confirma"), encoding="utf-8"
    )
    outcome = execute(Step("canary", make_test.pytest("canary", str(folder)), lambda: make_test.read_junit("canary")))
    assert not outcome.ok
    assert outcome.count.failed == 1, outcome.log.read_text()[-2000:]
    assert outcome.count.passed > 0


def test_understanding_below_its_threshold_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from tests.nlu import evaluate

    messages = tmp_path / "messages"
    messages.mkdir()
    (messages / "wrong.yml").write_text(
        'version: "3.1"\nnlu:\n- intent: saudar\n  examples: |\n    - oi\n    - bom dia\n    - cancela minha internet\n',
        encoding="utf-8",
    )
    command = make_test.understanding("--messages", str(messages), "--out", str(tmp_path / "out"))
    assert command[1:3] == ["-m", evaluate.__name__]
    monkeypatch.setattr(sys, "argv", command[2:])
    assert evaluate.main() == 1
    assert "✗ Abaixo do mínimo: intencoes: 66.7%" in capsys.readouterr().out


def test_understanding_without_messages_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.nlu import evaluate

    monkeypatch.setattr(sys, "argv", ["evaluate", "--messages", str(tmp_path), "--out", str(tmp_path)])
    assert evaluate.main() != 0


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ROOT / "data", tmp_path / "data"))


@pytest.mark.filterwarnings("ignore:The utterance")
def test_validation_sees_one_sentence_in_two_intents(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (data / "nlu" / "again.yml").write_text(
        'version: "3.1"\nnlu:\n- intent: despedir\n  examples: |\n    - atendente\n', encoding="utf-8"
    )
    with pytest.warns(UserWarning, match="'atendente'"):
        assert rasa(make_test.validate(ROOT / "domain.yml", data), monkeypatch) != 0


def test_training_with_a_broken_domain_fails_and_keeps_the_old_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(ROOT / "data", tmp_path / "data")
    shutil.copy(ROOT / "config.yml", tmp_path)
    (tmp_path / "language").symlink_to(ROOT / "language")
    domain = (ROOT / "domain.yml").read_text(encoding="utf-8")
    (tmp_path / "domain.yml").write_text(domain.replace("intents:", "intents: nenhuma\nde_antes:", 1), encoding="utf-8")
    model = tmp_path / "models" / "theo.tar.gz"
    model.parent.mkdir()
    model.write_bytes(b"the model of yesterday")
    os.utime(model, (1, 1))
    monkeypatch.setattr(run, "ROOT", tmp_path)
    monkeypatch.setattr(run, "MODEL", model)
    monkeypatch.setattr(run, "LOGS", tmp_path / "log")
    monkeypatch.setattr(sys, "argv", ["run", "--train-only"])
    assert run.main() == 1
    assert capsys.readouterr().err.startswith("✗ Training failed: ")
    assert model.read_bytes() == b"the model of yesterday"


# -- faults -----------------------------------------------------------------------------------------------


@pytest.mark.timeout(180)
def test_a_build_that_answers_twice_is_found_out() -> None:
    """The real programs of a copy in which the inbox does not know a repetition."""
    from tests.faults import broken

    assert broken.found_out("a repetition is known", count=4)
