"""`make check-data` on a small set of data: what it finds, and the line it names."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts import check_data

DOMAIN = """\
version: "3.1"

intents:
  - saudar
  - despedir:
      use_entities: []

entities:
  - dia

actions:
  - action_saudar

responses:
  utter_tchau:
    - text: "Tchau!"
  utter_midia_audio:
    - text: "Ainda não ouço áudios."
  utter_erro:
    - text: "Desculpa."
"""
NLU = """\
version: "3.1"

nlu:
  - intent: saudar
    examples: |
      - oi
      - bom dia
  # quem vai embora
  - intent: despedir
    examples: |
      - tchau
      - até [amanhã](dia)
  - synonym: hoje
    examples: |
      - hj
"""
RULES = """\
version: "3.1"

rules:
  - rule: oi
    steps:
      - intent: saudar
      - action: action_saudar
  - rule: tchau
    steps:
      - intent: despedir
      - action: utter_tchau
  - rule: não entendi
    steps:
      - intent: nlu_fallback
      - action: utter_erro
"""
CODE = """\
def say(kind: str) -> str:
    return f"utter_midia_{kind}"
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name, text in {
        "domain.yml": DOMAIN, "data/nlu/a.yml": NLU, "data/rules/a.yml": RULES, "actions/a.py": CODE,
    }.items():  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def errors(tree: Path) -> list[str]:
    return [error.replace(f"{tree}/", "") for error in check_data.check(tree).errors]


def change(tree: Path, file: str, old: str, new: str) -> None:
    text = (tree / file).read_text(encoding="utf-8")
    assert old in text
    (tree / file).write_text(text.replace(old, new), encoding="utf-8")


def test_good_data_has_no_errors_and_no_warnings(tree: Path) -> None:
    report = check_data.check(tree)
    assert report.errors == []
    assert dict(report.warnings) == {}
    assert report.facts == ["4 exemplos em 2 intenções: de 2 (saudar) a 2 (saudar), metade delas com 2 ou mais."]


@pytest.mark.parametrize("text", ["bom dia", "BOM DIA!!", "bóm   dia", "bom [dia](dia)"])
def test_the_same_sentence_in_two_intents_however_it_is_written(tree: Path, text: str) -> None:
    change(tree, "data/nlu/a.yml", "- tchau\n", f"- tchau\n      - {text}\n")
    plain = text.replace("[dia](dia)", "dia")
    assert errors(tree) == [f"data/nlu/a.yml:12: “{plain}” está em despedir e também em saudar (data/nlu/a.yml:7)."]


def test_two_emoji_are_not_the_same_sentence(tree: Path) -> None:
    change(tree, "data/nlu/a.yml", "- bom dia", "- 👋")
    change(tree, "data/nlu/a.yml", "- tchau", "- 😢")
    assert errors(tree) == []


def test_a_repetition_inside_an_intent_is_a_warning(tree: Path) -> None:
    change(tree, "data/nlu/a.yml", "- oi\n", "- oi\n      - Oi!\n")
    report = check_data.check(tree)
    assert report.errors == []
    assert [w.replace(f"{tree}/", "") for w in report.warnings["exemplos repetidos"]] == [
        "data/nlu/a.yml:7: “Oi!” repete data/nlu/a.yml:6, em saudar."
    ]


def test_a_repetition_in_another_file(tree: Path) -> None:
    (tree / "data" / "nlu" / "b.yml").write_text(
        "nlu:\n- intent: despedir\n  examples: |\n    - Oi\n", encoding="utf-8"
    )
    assert errors(tree) == ["data/nlu/b.yml:4: “Oi” está em despedir e também em saudar (data/nlu/a.yml:6)."]


@pytest.mark.parametrize(
    ("file", "old", "new", "error"),
    [
        ("data/nlu/a.yml", "(dia)", "(data)", "data/nlu/a.yml:12: a entidade “data” não existe em domain.yml."),
        (
            "data/nlu/a.yml",
            "[amanhã](dia)",
            '[amanhã]{"entity": "quando", "value": "x"}',
            "data/nlu/a.yml:12: a entidade “quando” não existe em domain.yml.",
        ),
        (
            "data/rules/a.yml",
            "      - intent: despedir\n",
            "",
            "domain.yml:5: a intenção despedir não tem regra: Theo não saberia o que fazer.",
        ),
        (
            "domain.yml",
            "  - saudar\n",
            "  - saudar\n  - elogiar\n",
            "domain.yml:5: a intenção elogiar não tem nenhum exemplo.",
        ),
        (
            "data/rules/a.yml",
            "utter_tchau",
            "utter_adeus",
            "data/rules/a.yml:11: a resposta utter_adeus é usada aqui e não existe em domain.yml.",
        ),
        (
            "actions/a.py",
            'f"utter_midia_{kind}"',
            '"utter_sumiu"',
            "actions/a.py:2: a resposta utter_sumiu é usada aqui e não existe em domain.yml.",
        ),
        (
            "actions/a.py",
            "utter_midia_",
            "utter_foto_",
            "nenhuma resposta de domain.yml começa com utter_foto_, e o código usa uma assim.",
        ),
        (
            "data/rules/a.yml",
            "action_saudar",
            "action_acenar",
            "data/rules/a.yml:7: a ação action_acenar é usada aqui e não existe em domain.yml.",
        ),
    ],
)
def test_names_that_lead_nowhere(tree: Path, file: str, old: str, new: str, error: str) -> None:
    change(tree, file, old, new)
    assert error in errors(tree)


def test_intents_that_domain_or_data_lack(tree: Path) -> None:
    change(tree, "data/nlu/a.yml", "intent: despedir", "intent: partir")
    change(tree, "data/rules/a.yml", "intent: despedir", "intent: partir")
    assert errors(tree) == [
        "data/nlu/a.yml:11: a intenção partir não existe em domain.yml.",
        "domain.yml:5: a intenção despedir não tem nenhum exemplo.",
        "domain.yml:5: a intenção despedir não tem regra: Theo não saberia o que fazer.",
        "data/rules/a.yml:10: a regra fala da intenção partir, que não existe em domain.yml.",
    ]


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ("      - tchau", "      tchau", "data/nlu/a.yml:11: “tchau” não começa com “- ” alinhado aos outros exemplos"),
        ("      - bom dia", "        - bom dia", "data/nlu/a.yml:7: “- bom dia” não começa com “- ” alinhado"),
        ("      - hj", "      hj", "data/nlu/a.yml:15: “hj” não começa com “- ”"),
        ("      - bom dia", "  - bom dia", "data/nlu/a.yml:7: “bom dia” está fora do lugar"),
        ("despedir\n    examples: |", "despedir\n    examples:", "data/nlu/a.yml:10: falta o | depois de “examples:”."),
    ],
)
def test_examples_that_rasa_would_leave_out(tree: Path, old: str, new: str, error: str) -> None:
    change(tree, "data/nlu/a.yml", old, new)
    assert any(found.startswith(error) for found in errors(tree)), errors(tree)


@pytest.mark.parametrize(
    ("file", "old", "new", "error"),
    [
        ("data/nlu/a.yml", "      - oi\n", "\t- oi\n", "data/nlu/a.yml:6: há uma tabulação"),
        ("data/nlu/a.yml", "      - oi\n", "- oi\n", "data/nlu/a.yml:6: o recuo desta linha"),
        ("domain.yml", '"Tchau!"', "Tchau: até mais!", "domain.yml:16: há um “:” no meio do texto"),
        ("domain.yml", '"Tchau!"', '"Tchau!', "domain.yml:18: o recuo desta linha"),
        ("domain.yml", '"Desculpa."', '"Desculpa.', "domain.yml:21: abriu aspas e não fechou."),
        ("domain.yml", "  utter_erro:", "  utter_tchau:", "domain.yml:19: utter_tchau já está escrito na linha 15;"),
    ],
)
def test_what_rasa_cannot_read_is_told_with_its_line(
    tree: Path, capsys: pytest.CaptureFixture[str], file: str, old: str, new: str, error: str
) -> None:
    change(tree, file, old, new)
    assert check_data.main(["--pasta", str(tree)]) == 1
    assert capsys.readouterr().err.replace(f"{tree}/", "").startswith(f"✗ Não consegui ler os dados: {error}")


def test_what_a_form_asks_by_itself_is_used(tree: Path) -> None:
    question = '  utter_ask_nome:\n    - text: "Qual é o seu nome?"\nforms:\n  nome_form:\n    required_slots: [nome]\n'
    with (tree / "domain.yml").open("a", encoding="utf-8") as file:
        file.write(question)
    assert dict(check_data.check(tree).warnings) == {}
    change(tree, "domain.yml", "[nome]", "[idade]")
    assert check_data.check(tree).warnings["respostas que nada usa"] == [f"{tree}/domain.yml:21: utter_ask_nome"]


def test_an_unused_response_is_a_warning(tree: Path) -> None:
    change(tree, "domain.yml", "  utter_erro:", '  utter_velha:\n    - text: "?"\n  utter_erro:')
    assert check_data.check(tree).warnings["respostas que nada usa"] == [f"{tree}/domain.yml:19: utter_velha"]


def test_a_line_of_the_thesaurus_that_cannot_be_read(tree: Path) -> None:
    ideas = tree / "data" / "nlu" / "conceitos.txt"
    ideas.write_text("pagar: pag* grana\nboleto bolet*\n", encoding="utf-8")
    assert check_data.check(tree).errors == [f"{ideas}:2: esperava “ideia: palavra palavra*” e veio “boleto bolet*”"]


def test_intents_out_of_balance(tree: Path) -> None:
    many = "".join(f"      - oi, aqui é o número {n}\n" for n in range(20))
    change(tree, "data/nlu/a.yml", "      - bom dia\n", f"      - bom dia\n{many}")
    assert check_data.check(tree).warnings["intenções desequilibradas"] == [
        "despedir tem 2 exemplos, poucos perto da mediana (12)."
    ]


def test_the_exit_code_says_whether_there_is_an_error(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check_data.main(["--pasta", str(tree)]) == 0
    assert capsys.readouterr().out.endswith("0 erros, 0 avisos. Nada impede o treino.\n")
    change(tree, "data/nlu/a.yml", "- tchau", "- oi")
    assert check_data.main(["--pasta", str(tree)]) == 1
    assert "✗" in capsys.readouterr().out


def test_a_file_that_is_no_yaml_is_told_in_one_sentence(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change(tree, "data/nlu/a.yml", "nlu:", "nlu: [")
    assert check_data.main(["--pasta", str(tree)]) == 1
    assert capsys.readouterr().err.startswith("✗ Não consegui ler os dados:")
