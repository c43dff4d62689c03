"""The sampling page, entered through the app."""

import itertools
import json
import re
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import streamlit as st
import torch
from streamlit.testing.v1 import AppTest

import gptviz
from gptviz import checkpoints
from gptviz.analysis.continuations import Tree
from gptviz.model import GPT, GPTConfig
from gptviz.sampling import SamplingSettings, stages
from gptviz.tokenizers import CharacterTokenizer
from gptviz.ui import resources
from gptviz.ui.writing import text

APP = Path(__file__).parents[2] / "app.py"
LETTERS = CharacterTokenizer.from_text(
    " \n:,.'!?*<b>$ABCDEFGHIJKLMNOPQRSTUVWXYZ_acdefghijklmnopqrstuvwxyz"
)
PROMPT = "To be, or not to be"
OFF = {"temperature": 1, "top_k": 0, "top_p": 1, "repetition_penalty": 1}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("models")
    config = GPTConfig(LETTERS.vocab_size, block_size=256, n_layer=2, n_head=2, n_embd=8)
    checkpoints.save(root / "letters", GPT(config, torch.Generator().manual_seed(0)), LETTERS)
    roomy = replace(config, vocab_size=2 * LETTERS.vocab_size)
    checkpoints.save(root / "roomy", GPT(roomy, torch.Generator().manual_seed(0)), LETTERS)
    return root


@pytest.fixture(autouse=True)
def _use(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(models))


def open_sampling(**query: object) -> AppTest:
    app = AppTest.from_file(str(APP), default_timeout=60).switch_page("pages/sampling.py")
    for key, value in {"prompt": PROMPT, **query}.items():
        app.query_params[key] = str(value)
    return checked(app.run())


def checked(app: AppTest) -> AppTest:
    assert not app.exception
    assert not app.error
    return app


def component(app: AppTest, key: str) -> Any:
    return next(e for e in app.main if e.type == "bidi_component" and e.key == key).proto


def settings(app: AppTest) -> dict[str, float]:
    return json.loads(component(app, "explorer").json)["settings"]


def chips(app: AppTest, key: str = "text", row: int = 0) -> list[str]:
    return [chip["piece"] for chip in json.loads(component(app, key).json)["rows"][row]["chips"]]


def press(app: AppTest, label: str, starts: bool = False) -> AppTest:
    matches: Callable[[str], bool] = (
        (lambda text: text.startswith(label)) if starts else (lambda text: text == label)
    )
    return checked(next(b for b in app.button if matches(b.label)).click().run())


def pieces(steps: Any) -> list[str]:
    return [step.token for step in steps]


def test_the_browser_gets_the_logits_that_generation_draws_from():
    app = open_sampling()
    data = component(app, "explorer_logits").bytes
    (length,) = struct.unpack_from("<I", data)
    header = json.loads(data[4 : 4 + length])
    logits = torch.from_numpy(np.frombuffer(data, "<f4", offset=4 + length).copy())
    lm = gptviz.load("letters")
    ids = lm.ids(PROMPT)
    assert header["seen"] == sorted(set(ids))
    assert header["tag"] == json.loads(component(app, "explorer").json)["tag"]
    assert header["pieces"]["3"] == lm.tokenizer.pieces([3])[0]
    chosen = {"temperature": 0.7, "top_k": 9, "top_p": 0.8, "repetition_penalty": 1.2}
    step = next(lm.generate(ids, 1, seed=0, **chosen))
    shown = stages(logits, header["seen"], SamplingSettings(**chosen))[-1].probabilities
    torch.testing.assert_close(shown, step.probabilities, atol=1e-6, rtol=0)


def test_the_url_restores_every_setting_and_the_seed():
    chosen = {"temperature": 0.37, "top_k": 137, "top_p": 0.82, "repetition_penalty": 1.45}
    app = open_sampling(**chosen, seed=11)
    assert settings(app) == chosen
    assert app.number_input(key="seed").value == 11
    for name, value in chosen.items():
        assert app.query_params[name] in (str(value), [str(value)])


def test_the_url_restores_length_and_stop_sequences():
    app = AppTest.from_file(str(APP), default_timeout=60).switch_page("pages/sampling.py")
    app.query_params["write_length"] = "9"
    app.query_params["write_stop"] = ["\\n", "zounds"]
    checked(app.run())
    assert app.slider(key="write_length").value == 9
    assert app.multiselect(key="write_stop").value == ["\\n", "zounds"]


def test_without_settings_in_the_url_nothing_is_changed_or_removed():
    assert settings(open_sampling()) == OFF
    assert settings(open_sampling(top_k=0, top_p=1, repetition_penalty=1)) == OFF


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", "banana"),
        ("temperature", "-1"),
        ("temperature", "nan"),
        ("temperature", "99"),
        ("temperature", "1e0"),
        ("temperature", ""),
        ("top_k", "2.5"),
        ("top_k", "-3"),
        ("top_k", "٣"),
        ("top_k", "99999999999999999999"),
        ("top_p", "0"),
        ("top_p", "1.01"),
        ("repetition_penalty", "0.5"),
        ("repetition_penalty", "inf"),
    ],
)
def test_a_bad_value_is_dropped_from_the_url_and_the_others_stay(name: str, value: str):
    good = {"temperature": "0.5", "top_p": "0.9"}
    app = open_sampling(**{**good, name: value})
    assert name not in app.query_params
    expected = {key: float(number) for key, number in good.items() if key != name}
    assert settings(app) == {**OFF, **expected}


@pytest.mark.parametrize("seed", ["-1", "x", "", "99999999999999999999"])
def test_a_bad_seed_is_dropped(seed: str):
    assert open_sampling(seed=seed).number_input(key="seed").value == 0


def test_the_text_is_what_generate_writes_with_these_settings_and_this_seed():
    app = open_sampling(temperature=0.8, top_k=20, top_p=0.9, repetition_penalty=1.2, seed=5)
    press(app, "Write")
    chosen = {"temperature": 0.8, "top_k": 20, "top_p": 0.9, "repetition_penalty": 1.2}
    steps = gptviz.load("letters").generate(PROMPT, 40, **chosen, seed=5)
    assert chips(app) == pieces(steps)


def test_write_again_goes_on_from_the_end():
    app = press(press(open_sampling(seed=5), "Write"), "Write")
    lm = gptviz.load("letters")
    first = [step.id for step in lm.generate(PROMPT, 40, seed=5)]
    ids = [*lm.ids(PROMPT), *first]
    more = [step.id for step in lm.generate(ids, 40, seed=5)]
    assert chips(app) == lm.tokenizer.pieces([*first, *more])


def test_an_alternative_is_gone_on_with_and_the_first_branch_can_be_walked_back_to():
    app = press(open_sampling(seed=2), "Write")
    first = chips(app)
    app.session_state["written"] = len(PROMPT) + 3
    app.run()
    shown = [button for button in app.button if button.key.startswith("alternative_")]
    assert len(shown) == 8
    assert sum(button.disabled for button in shown) == 1
    other = next(button for button in shown if not button.disabled)
    token = LETTERS.pieces([int(other.key.removeprefix("alternative_"))])[0]
    checked(other.click().run())
    second = chips(app)
    assert second[:4] == [*first[:3], token]
    assert len(second) == 44
    assert second != first
    press(app, "from position", starts=True)
    assert chips(app) == first


def test_start_again_forgets_the_tree_and_so_does_another_prompt():
    app = press(open_sampling(), "Write")
    press(app, "Start again")
    assert not [e for e in app.main if e.type == "bidi_component" and e.key == "text"]
    press(app, "Write")
    app.text_area(key="prompt").set_value("ROMEO").run()
    assert not [e for e in app.main if e.type == "bidi_component" and e.key == "text"]


def test_a_full_tree_says_so_and_writes_no_more(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("gptviz.analysis.continuations.MOST_NODES", 50)
    app = press(press(open_sampling(), "Write"), "Write")
    assert len(chips(app)) == 50
    app.run()
    assert "no room for more" in app.info[0].value
    assert next(b for b in app.button if b.key == "write").disabled


def test_writing_ends_after_a_stop_sequence():
    app = open_sampling(seed=1)
    text = "".join(step.token for step in gptviz.load("letters").generate(PROMPT, 40, seed=1))
    stop = next(sign for sign in text[5:] if sign.isalnum())
    app.multiselect(key="write_stop").set_value([stop]).run()
    press(app, "Write")
    assert "".join(chips(app)) == text[: text.index(stop) + 1]


def test_the_processor_is_free_between_two_tokens(monkeypatch: pytest.MonkeyPatch):
    turns = []
    real_slot = resources.slot

    @contextmanager
    def counted(waiting: Any) -> Iterator[None]:
        with real_slot(waiting):
            turns.append("taken")
            yield
        turns.append("free")

    app = open_sampling()
    monkeypatch.setattr(resources, "slot", counted)
    press(app, "Write")
    assert turns == ["taken", "free"] * 41  # the last turn finds that nothing is left to write


class Clock:
    """A clock on which every look takes 20 ms, and which nobody waits for."""

    def __init__(self):
        self.now = 0.0
        self.rests: list[float] = []

    def monotonic(self) -> float:
        self.now += 0.02
        return self.now

    def sleep(self, seconds: float) -> None:
        assert not resources._turns, "whoever rests has given the processor back"
        self.now += seconds
        self.rests.append(seconds)


def test_whoever_writes_rests_twice_as_long_as_each_token_took(monkeypatch: pytest.MonkeyPatch):
    app = open_sampling()
    clock = Clock()
    monkeypatch.setattr("gptviz.ui.writing.time", clock)
    press(app, "Write")
    assert clock.rests == pytest.approx([0.04] * 40)


def test_the_text_is_sent_at_most_ten_times_a_second(monkeypatch: pytest.MonkeyPatch):
    app = open_sampling()
    clock = Clock()
    sent = []

    def told(view: Any, tree: Tree) -> str:
        sent.append(clock.now)
        return text(view, tree)

    monkeypatch.setattr("gptviz.ui.writing.time", clock)
    monkeypatch.setattr("gptviz.ui.writing.text", told)
    press(app, "Write")
    assert 10 < len(sent) <= 10 * clock.now + 1
    assert all(later - earlier >= 0.09 for earlier, later in itertools.pairwise(sent))


def test_what_was_written_before_stop_stays_and_can_be_gone_on_with(
    monkeypatch: pytest.MonkeyPatch,
):
    whole = chips(press(open_sampling(seed=6), "Write"))
    app = open_sampling(seed=6)
    real_slot = resources.slot
    tokens = itertools.count()

    @contextmanager
    def interrupted(waiting: Any) -> Iterator[None]:
        if next(tokens) == 7:
            st.stop()  # a click on Stop ends the run at such a place
        with real_slot(waiting):
            yield

    monkeypatch.setattr(resources, "slot", interrupted)
    press(app, "Write")
    monkeypatch.setattr(resources, "slot", real_slot)
    assert chips(checked(app.run())) == whole[:7]
    assert len(chips(press(app, "Write"))) == 47


def test_two_settings_throw_the_same_dice_and_the_first_difference_is_marked():
    app = open_sampling(
        details="Two settings", temperature=0.6, seed=4, b_temperature=1.4, b_top_k=0
    )
    press(app, "Write both")
    lm = gptviz.load("letters")
    one = pieces(lm.generate(PROMPT, 40, temperature=0.6, seed=4))
    other = pieces(lm.generate(PROMPT, 40, temperature=1.4, seed=4))
    assert (chips(app, "compared", 0), chips(app, "compared", 1)) == (one, other)
    parting = next(i for i in range(40) if one[i] != other[i])
    for row in json.loads(component(app, "compared").json)["rows"]:
        assert [i for i, chip in enumerate(row["chips"]) if chip["marked"]] == [parting]
    assert any(f"position {len(PROMPT) + parting}" in e.value for e in app.main.caption)


def test_the_same_settings_write_the_same_text_twice():
    app = open_sampling(details="Two settings", temperature=0.8, top_k=40, seed=4)
    press(app, "Write both")
    assert chips(app, "compared", 0) == chips(app, "compared", 1)
    assert any("the two texts are the same" in e.value for e in app.main.caption)


def test_a_comparison_of_other_settings_is_not_shown_for_these():
    app = press(open_sampling(details="Two settings"), "Write both")
    app.number_input(key="seed").set_value(9).run()
    assert not [e for e in checked(app).main if e.type == "bidi_component" and e.key == "compared"]


def test_draws_are_counted_beside_their_probabilities():
    app = open_sampling(details="Draw many", top_k=5, seed=3)
    app.toggle(key="drawn_numbers").set_value(True).run()
    table = checked(app).dataframe[0].value
    assert table["count"].sum() == 300
    lm = gptviz.load("letters")
    expected = next(lm.generate(PROMPT, 1, top_k=5, seed=0)).probabilities.topk(5)
    assert table["id"].tolist()[:5] == expected.indices.tolist()
    assert table["probability"].tolist()[:5] == pytest.approx(expected.values.tolist())


def test_the_numbers_behind_the_explorer_count_the_whole_vocabulary():
    app = open_sampling(top_k=10, top_p=0.5)
    app.toggle(key="explorer_numbers").set_value(True).run()
    rules, tokens = (element.value for element in checked(app).dataframe[:2])
    assert rules["tokens"].sum() == LETTERS.vocab_size
    assert rules["probability"].sum() == pytest.approx(1)
    kept = rules.set_index("rule").loc["kept", "tokens"]
    assert (tokens["removed by"] == "").sum() == kept


def test_stage_by_stage_shows_what_each_rule_leaves_over():
    app = open_sampling(details="Stage by stage", temperature=0)
    app.toggle(key="stages_numbers").set_value(True).run()
    table = checked(app).dataframe[0].value
    assert table["top_p"].tolist()[:2] == [1, 0]
    assert table["removed by"].tolist()[:2] == ["", "temperature"]


def test_nothing_is_written_or_drawn_before_its_tab_is_opened():
    app = open_sampling()
    assert not app.get("plotly_chart")
    assert not [e for e in app.main if e.type == "bidi_component" and e.key in ("text", "compared")]


def test_text_of_the_model_is_never_markdown():
    tree_text = "**b** $x$"
    app = open_sampling(prompt=tree_text)
    app.slider(key="write_length").set_value(100).run()
    press(app, "Write")
    shown = " ".join(e.value for e in [*app.markdown, *app.caption])
    assert tree_text not in shown
    for button in app.button:
        if button.key.startswith(("alternative_", "branch_")):
            assert not set("*$<") & set(
                button.label.replace("\\*", "").replace("\\$", "").replace("\\<", "")
            )


def test_an_id_that_only_the_model_knows_is_written_with_its_number():
    app = press(open_sampling(model="roomy", seed=1), "Write")
    steps = list(gptviz.load("roomy").generate(PROMPT, 40, seed=1))
    unknown = [step.id for step in steps if step.id >= LETTERS.vocab_size]
    assert 0 < len(unknown) < 40
    assert chips(app) == pieces(steps)
    app.toggle(key="plain_text").set_value(True).run()
    shown = checked(app).code[0].value
    assert [int(number) for number in re.findall(r"⟨(\d+)⟩", shown)] == unknown
    press(open_sampling(model="roomy", details="Two settings"), "Write both")
    open_sampling(model="roomy", details="Draw many")
    open_sampling(model="roomy", details="Stage by stage")


def test_a_session_keeps_no_tensors():
    app = press(open_sampling(), "Write")
    kept = app.session_state["tree"][1]
    assert isinstance(kept, Tree)
    for node in kept.path:
        values = [value for alternative in node.alternatives for value in alternative]
        assert {type(value) for value in values} <= {int, float, str}
