"""A run is started from the training page as its form says, or not at all and with the reason."""

from dataclasses import replace
from pathlib import Path

import pytest

from gptviz.training import measure, prepare
from gptviz.training.runs import Run
from gptviz.ui.training_estimate import duration

TEXT = "the king and the queen speak to the fool. " * 60


def test_who_only_presses_start_gets_the_small_character_model(
    open_page, press, in_address, spawned: list[Run]
):
    app = press(open_page(), "Start")
    (run,) = spawned
    model = run.config.model
    assert (model.n_layer, model.n_embd, run.config.tokenizer) == (4, 128, "char")
    assert run.config.sample_interval == 100
    assert Path(run.config.data).name == "shakespeare.txt"
    assert in_address(app) == run.id
    assert app.selectbox(key="run_choice").value == run.id


def test_before_start_the_page_states_what_the_run_needs(open_page, words, spawned: list[Run]):
    app = open_page()
    assert "**811,520** parameters" in words(app)
    assert "**768** tokens a step" in words(app)
    assert "of memory" in words(app)
    assert "about **3 min**" in words(app)
    app.number_input(key="new_batch_size").set_value(24).run()
    assert "**1,536** tokens a step" in words(app)
    assert not spawned


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(4.4, "4 s"), (89, "89 s"), (170, "3 min"), (5400, "90 min"), (9000, "2 h 30 min")],
)
def test_a_time_is_told_in_words(seconds: float, words: str):
    assert duration(seconds) == words


def test_settings_of_the_form_are_those_of_the_run(open_page, press, spawned: list[Run]):
    app = open_page()
    for key, value in {"n_layer": 2, "learning_rate": 0.003, "steps": 70, "dropout": 0.25}.items():
        app.number_input(key=f"new_{key}").set_value(value)
    app.selectbox(key="new_schedule").set_value("linear")
    press(app.run(), "Start")
    config = spawned[0].config
    assert (config.model.n_layer, config.learning_rate, config.steps) == (2, 0.003, 70)
    assert config.schedule == "linear"
    assert config.model.attn_pdrop == config.model.embd_pdrop == config.model.resid_pdrop == 0.25


def test_a_size_sets_all_controls(open_page, press, spawned: list[Run]):
    app = open_page()
    app.selectbox(key="new_size").set_value("Tiny").run()
    assert app.number_input(key="new_n_layer").value == 2
    press(app, "Start")
    assert spawned[0].config.model.n_embd == 64


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("n_head", 3, "cannot be shared out among 3 heads"),
        ("min_learning_rate", 0.5, "must lie between 0 and learning_rate"),
        ("n_embd", 400_000, "of memory"),
        ("block_size", 500_000, "tokens are too few"),
    ],
)
def test_settings_that_cannot_work_are_refused_with_the_reason(
    open_page, spawned: list[Run], key: str, value: float, sentence: str
):
    app = open_page()
    app.number_input(key=f"new_{key}").set_value(value).run()
    assert not app.exception
    assert sentence in app.error[0].value.replace("\\", "")
    assert app.button(key="start").disabled
    assert not spawned


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "The text holds no text"),
        (b"\x89PNG\x00\x01 abc", "cannot be read"),
        ("é".encode("latin-1") * 2000, "is not UTF-8"),
        (b"too short", "tokens are too few"),
        (b"a" * 50_000_001, "at most 50 MB"),
    ],
    ids=["empty", "binary", "latin-1", "short", "huge"],
)
def test_a_text_that_cannot_be_learnt_from_ends_in_a_sentence(
    open_page, spawned: list[Run], content: bytes, sentence: str
):
    app = open_page()
    app.selectbox(key="new_text").set_value("A text file").run()
    app.file_uploader(key="new_file").set_value(("my text.txt", content, "text/plain")).run()
    assert not app.exception
    assert sentence in app.error[0].value.replace("\\", "")
    assert app.button(key="start").disabled
    assert not spawned


def test_a_pasted_text_is_shown_counted_and_learnt_from(
    open_page, press, words, spawned: list[Run]
):
    app = open_page()
    app.selectbox(key="new_text").set_value("A pasted text").run()
    assert app.button(key="start").disabled
    app.text_area(key="new_pasted").set_value(TEXT).run()
    assert f"{len(TEXT):,} characters" in words(app)
    press(app, "Start")
    assert Path(spawned[0].config.data).read_text(encoding="utf-8") == TEXT
    assert spawned[0].config.model.vocab_size == len(set(TEXT))


def test_two_sessions_that_press_start_at_once_get_a_run_each(
    open_page, press, in_address, spawned: list[Run]
):
    one, two = open_page(), open_page()
    press(one, "Start")
    press(two, "Start")
    first, second = spawned
    assert first.id != second.id
    assert in_address(one) == first.id
    assert in_address(two) == second.id


def test_a_second_click_on_start_at_once_is_the_same_click(open_page, press, spawned: list[Run]):
    press(press(open_page(), "Start"), "Start")
    assert len(spawned) == 1


def test_a_measurement_does_not_slow_the_first_steps_of_a_run(
    open_page, press, spawned: list[Run], monkeypatch: pytest.MonkeyPatch
):
    began: list[int] = []
    monkeypatch.setattr(measure, "cancel", lambda: began.append(len(spawned)))
    press(open_page(), "Start")
    assert began == [1], "once the run is there, and so no other one begins"


def test_a_clone_has_every_setting_of_its_model(
    config, open_page, press, spawned: list[Run], tmp_path: Path
):
    odd = config(tmp_path)
    odd = replace(odd, beta2=0.95, model=replace(odd.model, norm="post", attn_pdrop=0.3))
    Run.create(tmp_path / "models" / "odd", odd)
    app = press(open_page(run="odd"), "Clone settings")
    assert app.selectbox(key="run_choice").value is None
    assert app.number_input(key="new_steps").value == odd.steps
    press(app, "Start")
    assert spawned[0].config == odd


def test_a_text_that_has_changed_is_looked_at_anew(
    config, open_page, press, words, spawned: list[Run], tmp_path: Path
):
    Run.create(tmp_path / "models" / "first", config(tmp_path))
    app = press(open_page(run="first"), "Clone settings")
    assert f"{len(TEXT):,} characters" in words(app)
    (tmp_path / "text.txt").write_text("a longer text: " + TEXT, encoding="utf-8")
    app.run()
    assert f"{len(TEXT) + 15:,} characters" in words(app)
    press(app, "Start")
    assert spawned[0].config.model.vocab_size == len(set("a longer text: " + TEXT))


def test_a_clone_reads_the_prepared_text_again(
    config, open_page, press, words, spawned: list[Run], tmp_path: Path
):
    text = tmp_path / "long.txt"
    text.write_text(TEXT, encoding="utf-8")
    prepare.prepare(text, tmp_path / "prepared", "char")
    first = replace(config(tmp_path), data=str(tmp_path / "prepared"))
    Run.create(tmp_path / "models" / "first", first)
    app = press(open_page(run="first"), "Clone settings")
    assert f"{len(TEXT):,} characters" in words(app)
    app.selectbox(key="new_tokenizer").set_value("gpt2").run()
    problem = app.error[0].value.replace("\\", "")
    assert "was prepared with the tokenizer char, not gpt2; choose that one" in problem
    app.selectbox(key="new_tokenizer").set_value("char").run()
    press(app, "Start")
    assert spawned[0].config == first
