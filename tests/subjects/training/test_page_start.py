"""A run is started from the training page as its form says, or not at all and with the reason."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager

from gptviz.jobs import pace as measure
from gptviz.runs import Run
from gptviz.subjects.training.estimate_tab import duration
from gptviz.training import data, prepare
from gptviz.training.settings import SETTINGS

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


def test_the_learning_rate_is_drawn_before_start(
    open_page, spawned: list[Run], assert_codes_make_the_numbers
):
    app = open_page()
    app.session_state["new_rate_open"] = True
    app.selectbox(key="new_schedule").set_value("step")
    for name, value in {"steps": 50, "warmup_steps": 0, "learning_rate": 0.016}.items():
        app.number_input(key=f"new_{name}").set_value(value)
    app.run()
    assert not app.exception
    (chart,) = (e for e in app.main if e.type == "bidi_component" and e.key == "new_rate")
    length = int.from_bytes(chart.proto.bytes[:4], "little")
    x, y = np.frombuffer(chart.proto.bytes[4 + length :], "<f4").reshape(2, -1)
    assert x.tolist() == list(range(1, 51))
    stairs = [max(0.016 / 2 ** (step // 10), 1e-4) for step in range(50)]
    np.testing.assert_allclose(y, stairs, rtol=1e-6)
    assert_codes_make_the_numbers({"new_rate"})
    assert not spawned


def test_one_dropout_is_shown_for_three_until_they_differ(open_page, press, spawned: list[Run]):
    app = open_page()
    assert app.number_input(key="new_dropout").value == 0.0
    app.number_input(key="new_dropout").set_value(0.25).run()
    app.number_input(key="new_attn_pdrop").set_value(0.5).run()
    assert app.number_input(key="new_dropout").value is None
    press(app, "Start")
    model = spawned[0].config.model
    assert (model.embd_pdrop, model.attn_pdrop, model.resid_pdrop) == (0.25, 0.5, 0.25)


def test_a_trained_bpe_has_the_size_that_the_form_says(open_page, press, spawned: list[Run]):
    app = open_page()
    app.selectbox(key="new_tokenizer").set_value("bpe").run()
    app.number_input(key="new_bpe_vocab_size").set_value(300).run()
    app.checkbox(key="new_end_of_text").check().run()
    press(app, "Start")
    config = spawned[0].config
    assert (config.tokenizer, config.bpe_vocab_size, config.end_of_text) == ("bpe", 300, True)
    assert config.model.vocab_size == 300


def test_characters_have_no_token_that_ends_a_text(open_page, spawned: list[Run]):
    app = open_page()
    app.checkbox(key="new_end_of_text").check().run()
    assert "has no token <|endoftext|>" in app.error[0].value.replace("\\", "")
    assert app.button(key="start").disabled
    assert not spawned


def test_a_size_sets_all_controls(open_page, press, spawned: list[Run]):
    app = open_page()
    app.selectbox(key="new_size").set_value("tiny").run()
    assert app.number_input(key="new_n_layer").value == 2
    press(app, "Start")
    assert spawned[0].config.model.n_embd == 64


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        (
            "n_head",
            3,
            "“Width” 128 cannot be shared out among 3 heads; choose another that “Heads”",
        ),
        ("min_learning_rate", 0.5, "“Last rate” is 0.5; it must lie between 0 and “Highest rate”"),
        ("copy_steps", 2000, "“Copying lessons” is 2000; it must be below “Steps”, 2000"),
        ("steps", -5, "“Steps” is -5; it must be a whole number, 1 or more"),
        ("beta1", 1.5, "“Beta 1” is 1.5; it must be a number, at least 0 and below 1"),
        ("seed", -1, "“Seed” is -1; it must be a whole number from 0 to 4294967295"),
        ("n_embd", 400_000, "of memory"),
        ("block_size", 500_000, "use a longer text or a “Context” below"),
        ("batch_size", 200_000, "choose a smaller “Batch size” or “Context”"),
    ],
)
def test_settings_that_cannot_work_are_refused_with_the_reason(
    open_page, spawned: list[Run], key: str, value: float, sentence: str
):
    app = open_page()
    app.number_input(key=f"new_{key}").set_value(value).run()
    assert not app.exception
    said = app.error[0].value.replace("\\", "")
    assert sentence in said
    assert not {"_", *(name for name in SETTINGS if "_" in name)} & set(re.findall(r"\w+|_", said))
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
    app.selectbox(key="new_text").set_value("file").run()
    app.file_uploader(key="new_file").set_value(("my text.txt", content, "text/plain")).run()
    assert not app.exception
    assert sentence in app.error[0].value.replace("\\", "")
    assert app.button(key="start").disabled
    assert not spawned


def test_a_pasted_text_is_shown_counted_and_learnt_from(
    open_page, press, words, spawned: list[Run]
):
    app = open_page()
    app.selectbox(key="new_text").set_value("pasted").run()
    assert app.button(key="start").disabled
    app.text_area(key="new_pasted").set_value(TEXT).run()
    assert f"{len(TEXT):,} characters" in words(app)
    press(app, "Start")
    assert Path(spawned[0].config.data).read_text(encoding="utf-8") == TEXT
    assert spawned[0].config.model.vocab_size == len(set(TEXT))


def test_a_text_that_was_sent_can_be_read_again_and_deleted(
    open_page, press, words, spawned: list[Run]
):
    path = data.store(TEXT.encode(), "My poems")
    other = data.store(b"another text " * 400, "My poems")
    app = open_page()
    app.selectbox(key="new_text").set_value(str(path)).run()
    assert f"{len(TEXT):,} characters" in words(app)
    press(app, "Start")
    assert Path(spawned[0].config.data) == path
    app.toggle(key="kept_texts").set_value(True).run()
    assert app.button(key=f"delete_text_{path.stem}").disabled
    app.button(key=f"delete_text_{other.stem}").click().run()
    assert not app.exception
    assert path.is_file()
    assert not other.exists()


@pytest.mark.parametrize("starts", [True, False], ids=["read by a run", "given up"])
def test_a_session_lets_go_of_a_file_that_it_needs_no_more(
    open_page, press, spawned: list[Run], starts: bool, monkeypatch: pytest.MonkeyPatch
):
    held: list[MemoryUploadedFileManager] = []
    add = MemoryUploadedFileManager.add_file

    def noted(manager: MemoryUploadedFileManager, *file: Any) -> None:
        held[:] = [manager]
        add(manager, *file)

    monkeypatch.setattr(MemoryUploadedFileManager, "add_file", noted)
    app = open_page()
    app.selectbox(key="new_text").set_value("file").run()
    app.file_uploader(key="new_file").set_value(("poems.txt", TEXT.encode(), "text/plain")).run()
    assert held[0].get_files("test session id", [app.session_state["new_file_id"]])
    file_id = app.session_state["new_file_id"]
    if starts:
        press(app, "Start")
        assert app.selectbox(key="new_text").value == spawned[0].config.data, "from where it lies"
    else:
        app.selectbox(key="new_text").set_value("plays").run()
    assert not held[0].get_files("test session id", [file_id])


def test_what_was_pasted_is_read_from_where_it_is_kept_once_a_run_reads_it(
    open_page, press, spawned: list[Run]
):
    app = open_page()
    app.selectbox(key="new_text").set_value("pasted").run()
    app.text_area(key="new_pasted").set_value(TEXT).run()
    press(app, "Start")
    assert app.selectbox(key="new_text").value == spawned[0].config.data
    assert "new_pasted" not in app.session_state


def test_the_chosen_text_may_be_deleted_by_somebody_else(open_page):
    path = data.store(TEXT.encode(), "My poems")
    app = open_page()
    app.selectbox(key="new_text").set_value(str(path)).run()
    path.unlink()
    app.run()
    assert not app.exception
    assert app.selectbox(key="new_text").value == "plays"


def test_a_pasted_text_has_a_name(open_page, press, spawned: list[Run]):
    app = open_page()
    app.selectbox(key="new_text").set_value("pasted").run()
    app.text_area(key="new_pasted").set_value(TEXT).run()
    app.text_input(key="new_pasted_name").set_value("My poems").run()
    press(app, "Start")
    assert Path(spawned[0].config.data).name.startswith("My-poems-")


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


def test_samples_that_cannot_begin_as_they_are_to_are_told_before_start(
    open_page, spawned: list[Run]
):
    app = open_page()
    app.text_area(key="new_sample_prompt").set_value("안녕").run()
    told = [error.value.replace("\\", "") for error in app.error]
    assert [each for each in told if "Beginning of samples" in each and "안 (U+C548)" in each]
    assert "Start" not in [button.label for button in app.button if not button.disabled]
    app.text_area(key="new_sample_prompt").set_value("KING").run()
    assert not app.error
    assert not spawned
