"""The sampling page writes what generate writes, branches where one asks, and lets others in."""

import itertools
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import streamlit as st

import gptviz
from gptviz.app import look
from gptviz.subjects.sampling.continuation_analysis import Tree
from gptviz.subjects.sampling.writing import text

PROMPT = "To be, or not to be"
OFF = {"temperature": 1, "top_k": 0}


def test_the_text_is_what_generate_writes_with_these_settings_and_this_seed(
    open_sampling, press, chips, pieces
):
    app = open_sampling(temperature=0.8, top_k=20, top_p=0.9, repetition_penalty=1.2, seed=5)
    press(app, "Write")
    chosen = {"temperature": 0.8, "top_k": 20, "top_p": 0.9, "repetition_penalty": 1.2}
    steps = gptviz.load("letters").generate(PROMPT, 40, **chosen, seed=5)
    assert chips(app) == pieces(steps)


def test_write_again_goes_on_from_the_end(open_sampling, press, chips):
    app = press(press(open_sampling(**OFF, seed=5), "Write"), "Write")
    lm = gptviz.load("letters")
    first = [step.id for step in lm.generate(PROMPT, 40, seed=5)]
    ids = [*lm.ids(PROMPT), *first]
    more = [step.id for step in lm.generate(ids, 40, seed=5)]
    assert chips(app) == lm.tokenizer.pieces([*first, *more])


def test_an_alternative_is_gone_on_with_and_the_first_branch_can_be_walked_back_to(
    open_sampling, checked, press, chips, letters
):
    app = press(open_sampling(seed=2), "Write")
    first = chips(app)
    app.session_state["written"] = len(PROMPT) + 3
    app.run()
    shown = [button for button in app.button if button.key.startswith("alternative_")]
    assert len(shown) == 8
    assert sum(button.disabled for button in shown) == 1
    other = next(button for button in shown if not button.disabled)
    token = letters.pieces([int(other.key.removeprefix("alternative_"))])[0]
    checked(other.click().run())
    second = chips(app)
    assert second[:4] == [*first[:3], token]
    assert len(second) == 44
    assert second != first
    press(app, "from position", starts=True)
    assert chips(app) == first


def test_start_again_forgets_the_tree_and_so_does_another_prompt(open_sampling, press):
    app = press(open_sampling(), "Write")
    press(app, "Start again")
    assert not [e for e in app.main if e.type == "bidi_component" and e.key == "text"]
    press(app, "Write")
    app.session_state["prompt"] = "ROMEO"
    app.run()
    assert not [e for e in app.main if e.type == "bidi_component" and e.key == "text"]


def test_a_text_that_other_settings_wrote_is_told_from_one_that_those_above_write(
    open_sampling, press, choose
):
    def told(app) -> bool:
        return any("Not all of this was written" in one.value for one in app.caption)

    app = press(open_sampling(), "Write")
    assert not told(app)
    assert told(choose(app, temperature=1.5))
    assert told(press(app, "Write"))  # goes on, with both
    assert not told(press(press(app, "Start again"), "Write"))


def test_a_click_on_a_text_that_a_restart_of_the_server_took_is_answered(open_sampling):
    app = open_sampling()
    assert not app.info
    del app.session_state["tree"]
    app.session_state["written"] = len(PROMPT) + 3  # all that a new server hears of
    app.run()
    assert "The server was started anew" in app.info[0].value
    app.run()
    assert not app.info


def test_a_full_tree_says_so_and_writes_no_more(
    open_sampling, press, chips, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("gptviz.subjects.sampling.continuation_analysis.MOST_NODES", 50)
    app = press(press(open_sampling(), "Write"), "Write")
    assert len(chips(app)) == 50
    app.run()
    assert "no room for more" in app.info[0].value
    assert next(b for b in app.button if b.key == "write").disabled


def test_writing_ends_after_a_stop_sequence(open_sampling, press, chips):
    app = open_sampling(**OFF, seed=1)
    text = "".join(step.token for step in gptviz.load("letters").generate(PROMPT, 40, seed=1))
    stop = next(sign for sign in text[5:] if sign.isalnum())
    app.multiselect(key="write_stop").set_value([stop]).run()
    press(app, "Write")
    assert "".join(chips(app)) == text[: text.index(stop) + 1]


def test_the_processor_is_free_between_two_tokens(
    open_sampling, press, monkeypatch: pytest.MonkeyPatch
):
    turns = []
    real_slot = look.slot

    @contextmanager
    def counted(long: bool = False) -> Iterator[None]:
        with real_slot(long):
            turns.append("taken")
            yield
        turns.append("free")

    app = open_sampling()
    monkeypatch.setattr(look, "slot", counted)
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
        with look.slot():  # whoever rests has given it back
            self.now += seconds
        self.rests.append(seconds)


def test_the_writer_rests_twice_as_long_as_each_token_took(
    open_sampling, press, monkeypatch: pytest.MonkeyPatch
):
    app = open_sampling()
    clock = Clock()
    monkeypatch.setattr("gptviz.subjects.sampling.writing.time", clock)
    press(app, "Write")
    assert clock.rests == pytest.approx([0.04] * 40)


def test_the_text_is_sent_at_most_ten_times_a_second(
    open_sampling, press, monkeypatch: pytest.MonkeyPatch
):
    app = open_sampling()
    clock = Clock()
    sent = []

    def told(view: Any, tree: Tree) -> str:
        sent.append(clock.now)
        return text(view, tree)

    monkeypatch.setattr("gptviz.subjects.sampling.writing.time", clock)
    monkeypatch.setattr("gptviz.subjects.sampling.writing.text", told)
    press(app, "Write")
    assert 10 < len(sent) <= 10 * clock.now + 1
    assert all(later - earlier >= 0.09 for earlier, later in itertools.pairwise(sent))


def test_what_was_written_before_stop_stays_and_can_be_gone_on_with(
    open_sampling, checked, press, chips, monkeypatch: pytest.MonkeyPatch
):
    whole = chips(press(open_sampling(seed=6), "Write"))
    app = open_sampling(seed=6)
    real_slot = look.slot
    tokens = itertools.count()

    @contextmanager
    def interrupted(long: bool = False) -> Iterator[None]:
        if next(tokens) == 7:
            st.stop()  # a click on Stop ends the run at such a place
        with real_slot(long):
            yield

    monkeypatch.setattr(look, "slot", interrupted)
    press(app, "Write")
    monkeypatch.setattr(look, "slot", real_slot)
    assert chips(checked(app.run())) == whole[:7]
    assert len(chips(press(app, "Write"))) == 47


def test_a_run_that_another_click_has_overtaken_adds_nothing_to_the_other_branch(
    open_sampling, checked, press, chips, monkeypatch: pytest.MonkeyPatch
):
    app = open_sampling(seed=6)
    real_slot = look.slot
    tokens = itertools.count()
    chosen = []

    @contextmanager
    def overtaken(long: bool = False) -> Iterator[None]:
        with real_slot(long):
            yield
            if next(tokens) == 7:  # a click on an alternative, while the model computes a token
                tree = st.session_state["tree"][1]
                there = {node.id for node in tree.path[3].parent.children.values()}
                other = next(a for a in tree.path[3].parent.alternatives if a.id not in there)
                tree.choose(3, other.id)
                chosen.append(other.token)

    monkeypatch.setattr(look, "slot", overtaken)
    press(app, "Write")
    monkeypatch.setattr(look, "slot", real_slot)
    shown = chips(checked(app.run()))
    assert len(shown) == 4
    assert shown[3:] == chosen


def test_text_of_the_model_is_never_markdown(open_sampling, press):
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


def test_an_id_that_only_the_model_knows_is_written_with_its_number(
    open_sampling, checked, press, chips, pieces, letters
):
    app = press(open_sampling(model="roomy", **OFF, seed=1), "Write")
    steps = list(gptviz.load("roomy").generate(PROMPT, 40, seed=1))
    unknown = [step.id for step in steps if step.id >= letters.vocab_size]
    assert 0 < len(unknown) < 40
    assert chips(app) == pieces(steps)
    app.toggle(key="plain_text").set_value(True).run()
    shown = next(code.value for code in checked(app).code if code.value.startswith(PROMPT))
    assert [int(number) for number in re.findall(r"⟨(\d+)⟩", shown)] == unknown
    open_sampling(model="roomy", tab="two-settings")
    open_sampling(model="roomy", tab="draw-many")
    open_sampling(model="roomy", tab="stages")


def test_a_session_keeps_no_tensors(open_sampling, press):
    app = press(open_sampling(), "Write")
    kept = app.session_state["tree"][1]
    assert isinstance(kept, Tree)
    for node in kept.path:
        values = [value for alternative in node.alternatives for value in alternative]
        assert {type(value) for value in values} <= {int, float, str}
