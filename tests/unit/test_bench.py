"""What the measurements of `bench/` make of our data, and how they tell what they found."""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from bench import as_stock, compare_policies
from bench.__main__ import INIT, SAME_TALKS, Goal, Measured, document, goals, goals_table, same_way, talks
from bench.compare_nlu import Examples, put_between
from bench.customers import Times, by_message

STORY = {
    "story": "segunda via",
    "metadata": {"quem": "Marlene"},
    "steps": [
        {"user": "boleto por favor\n", "intent": "pedir_segunda_via"},
        {"action": "segunda_via_form"},
        {"active_loop": "segunda_via_form"},
        {"slot_was_set": [{"requested_slot": "documento"}]},
        {"user": '[123.123.123-87]{"entity": "cpf", "value": "12312312387"}', "intent": "informar"},
        {"user": '/informar{"fatura": "todas"}', "intent": "informar"},
        {"user": "/negar", "intent": "negar"},
    ],
}


# -- our data as Rasa's own components read them ----------------------------------------------------------


def test_a_test_story_becomes_one_to_train_on() -> None:
    assert as_stock.training_story(STORY) == {
        "story": "segunda via",
        "steps": [
            {"intent": "pedir_segunda_via"},
            {"action": "segunda_via_form"},
            {"active_loop": "segunda_via_form"},
            {"slot_was_set": [{"requested_slot": "documento"}]},
            {"intent": "informar", "entities": [{"cpf": "12312312387"}]},
            {"intent": "informar", "entities": [{"fatura": "todas"}]},
            {"intent": "negar"},
        ],
    }


def test_stories_are_named_after_their_files(tmp_path: Path) -> None:
    for subject in ("sales", "billing"):
        (tmp_path / subject).mkdir()
        (tmp_path / subject / "test_feliz.yml").write_text(yaml.safe_dump({"stories": [STORY]}), encoding="utf-8")
    named = [story["story"] for story in as_stock.stories_of(tmp_path)]
    assert named == ["billing/test_feliz: segunda via", "sales/test_feliz: segunda via"]


def test_examples_are_marked_by_our_own_extractor(tmp_path: Path) -> None:
    words = tmp_path / "entities.yml"
    words.write_text(
        'version: "3.1"\nnlu:\n- lookup: aplicativo\n  examples: |\n    - netflix\n'
        "- synonym: netflix\n  examples: |\n    - netflics\n",
        encoding="utf-8",
    )
    texts = ["meu cpf é 529.982.247-25", "a netflics trava com 300 megas", "oi (de novo)", "oi"]
    written = yaml.safe_load(as_stock.marked(Examples(texts, ["informar", "internet_lenta", "saudar", "saudar"]), words))
    examples = {block["intent"]: block["examples"] for block in written["nlu"] if "intent" in block}
    assert examples["informar"] == '- meu cpf é [529.982.247-25]{"entity": "cpf", "value": "52998224725"}\n'
    assert examples["internet_lenta"] == (
        '- a [netflics]{"entity": "aplicativo", "value": "netflix"} trava com '
        '[300 megas]{"entity": "velocidade", "value": "300"}\n'
    )
    assert examples["saudar"] == "- oi\n"


def test_of_entities_that_overlap_the_first_is_marked() -> None:
    def entity(name: str, start: int, end: int) -> dict[str, Any]:
        return {"entity": name, "start": start, "end": end, "value": 7, "extractor": "ours"}

    kept = as_stock.apart([entity("cep", 5, 14), entity("cpf", 0, 8), entity("dia", 8, 10)])
    assert [(one["entity"], one["value"]) for one in kept] == [("cpf", "7"), ("dia", "7")]


def test_the_stock_configuration_is_what_rasa_init_runs() -> None:
    config = as_stock.stock_config(diet_epochs=3)
    epochs = {step["name"]: step.get("epochs") for step in [*config["pipeline"], *config["policies"]]}
    assert epochs == {
        "WhitespaceTokenizer": None, "RegexFeaturizer": None, "LexicalSyntacticFeaturizer": None,
        "CountVectorsFeaturizer": None, "DIETClassifier": 3, "EntitySynonymMapper": None, "ResponseSelector": 100,
        "FallbackClassifier": None, "MemoizationPolicy": None, "RulePolicy": None, "UnexpecTEDIntentPolicy": 100,
        "TEDPolicy": 100,
    }  # fmt: skip


def test_customers_of_the_bench_say_what_our_stories_say() -> None:
    said = talks()
    assert not [text for talk in said for text in talk if text.startswith("/") or "entity" in text]


# -- load and latency -------------------------------------------------------------------------------------


def test_actions_belong_to_the_message_before_them() -> None:
    events = [
        ("action", "action_session_start"), ("session_started", None), ("action", "action_listen"),
        ("user", None), ("action", "segunda_via_form"), ("slot", "requested_slot"), ("action", "action_listen"),
        ("user", None), ("action", "action_listen"),
    ]  # fmt: skip
    assert by_message(events) == [["segunda_via_form"], []]


def test_turns_that_went_the_same_way() -> None:
    ours = [[["action_menu"], ["x_form", "action_x"]], [["action_saudar"], []]]
    assert same_way(ours, ours) == 1
    assert same_way(ours, [[["action_menu"], ["x_form"]], [["action_saudar"], []]]) == 0.75
    with pytest.raises(ValueError, match="zip"):
        same_way(ours, ours[:1])


def bot(name: str, rate: float, milliseconds: float, megabytes: float) -> Measured:
    """A bot with one figure of each kind."""
    times = Times(webhook=[milliseconds] * 2, reply=[milliseconds] * int(rate * 10), seconds=10.0)
    return Measured(
        name, start_seconds=10 * milliseconds, megabytes=megabytes, load={16: times}, plain_turn=[milliseconds],
        action_turn=[milliseconds], processor={16: milliseconds}, way=[[["action_menu"], ["x_form", "action_x"]]],
    )  # fmt: skip


def test_each_goal_is_told_beside_each_stock_bot() -> None:
    bots = [
        bot("Theo", 100, 10, 200),
        bot(SAME_TALKS, 10, 100, 1000),
        bot(f"{SAME_TALKS}, 2 workers + Redis", 20, 100, 2000),
        bot(INIT, 50, 20, 300),
    ]
    cells = {goal.what: (goal.cell(SAME_TALKS), goal.cell(INIT), goal.cell("")) for goal in goals(bots)}
    assert cells["turns/s at 16 clients, one process"] == ("10.00 ✓", "2.00 ✗", "–")
    assert cells["turns/s at 16 clients, two workers + Redis"] == ("5.00 ✓", "–", "–")
    assert cells["memory"] == ("0.20 ✓", "0.67 ✗", "–")
    assert cells["p95 of the reply at 16 clients, ms"] == ("–", "–", "10.00 ✓")
    head, *rows = goals_table(bots)
    assert SAME_TALKS in head
    assert INIT in head
    assert all(row.count("|") == head.count("|") for row in rows)


def test_the_results_tell_every_bot_apart() -> None:
    bots = [bot("Theo", 100, 10, 200), bot(SAME_TALKS, 10, 100, 1000), bot(INIT, 50, 20, 300)]
    bots[1].way = [[["action_menu"], ["x_form"]]]
    told = document(bots, argparse.Namespace(seconds=1.0, load_before=0.5)).splitlines()
    assert f"| | Theo | {SAME_TALKS} | {INIT} |" in told
    assert "| actions a turn, each talk once | 1.50 | 1.00 | 1.50 |" in told
    assert "| turns with the same actions as Theo's | – | 50% | – |" in told
    assert sum(line.startswith("| memory |") for line in told) == 1


def test_a_goal_is_met_from_its_own_side() -> None:
    assert Goal("turns/s", 5, True, {INIT: 5.0}).cell(INIT) == "5.00 ✓"
    assert Goal("memory", 0.5, False, {INIT: 0.51}).cell(INIT) == "0.51 ✗"


# -- policies ---------------------------------------------------------------------------------------------


def test_halves_share_no_story_and_leave_none_out() -> None:
    stories = [{"story": str(number)} for number in range(5)]
    training, asked = compare_policies.halves(stories, 0)
    assert (asked, training) == compare_policies.halves(stories, 1)
    assert sorted(s["story"] for s in training + asked) == ["0", "1", "2", "3", "4"]


def test_the_policies_of_a_row() -> None:
    own = yaml.safe_load((as_stock.ROOT / "config.yml").read_text(encoding="utf-8"))["policies"]
    assert compare_policies.policies_of(()) == own
    more = compare_policies.policies_of(("MemoizationPolicy", "TEDPolicy"))
    assert [policy["name"] for policy in more] == ["RulePolicy", "MemoizationPolicy", "TEDPolicy"]
    assert more[0] == own[0]
    assert more[2]["epochs"] == 100


def test_counts_of_both_halves_are_added_up() -> None:
    run = {
        "right": Counter(RulePolicy=8), "wrong": Counter(TEDPolicy=2), "whole": 1, "talks": 2,
        "new": Counter({"not understood": 3, "TEDPolicy": 1}), "milliseconds": 2.0, "training_seconds": 9.0,
        "megabytes": 0.5,
    }  # fmt: skip
    row = compare_policies.table({"rules": [run, run]}).splitlines()[-1]
    assert "| 16 of 20 (80.0%) | 2 of 4 | RulePolicy 16 of 16, TEDPolicy 0 of 4 | 6 of 8 | TEDPolicy 2 | 2.0 | 9 | 0.50 |" in row


def test_a_policy_is_called_by_its_name() -> None:
    assert compare_policies.short("policy_2_TEDPolicy") == "TEDPolicy"
    assert compare_policies.short(None) == "none"


def test_a_table_stands_between_its_marks(tmp_path: Path) -> None:
    document = tmp_path / "modelo.md"
    document.write_text("before <a>old</a> after")
    put_between(document, "<a>", "</a>", "new")
    assert document.read_text() == "before <a>new</a> after"
    with pytest.raises(SystemExit, match="marks"):
        put_between(document, "<b>", "</b>", "new")
