"""Looking back at a run that really took place, on every page and on the training page's tab."""

import base64
import json
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import plotly.io
import pytest
from streamlit.testing.v1 import AppTest

import gptviz
from gptviz import disk, generation, jobs, language_model
from gptviz.app import run_steps
from gptviz.app.pages import PAGES
from gptviz.runs import Run
from gptviz.subjects.embeddings import analysis as embeddings

PROMPT = "the queen"
STEPS = 30


@pytest.fixture(autouse=True)
def run(finished_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A copy of that run, which the test may change, among the models of the app."""
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(tmp_path / "models"))
    return Run(Path(shutil.copytree(finished_run, tmp_path / "models" / "first")))


@pytest.fixture
def open_page(open_app: Callable[..., AppTest]) -> Callable[..., AppTest]:
    def opened(page: str, **query: object) -> AppTest:
        return open_app(page, **{"model": "first", "prompt": PROMPT, **query})

    return opened


@pytest.fixture
def open_tab(open_page: Callable[..., AppTest]) -> Callable[..., AppTest]:
    def opened(**query: object) -> AppTest:
        app = open_page("training", run="first", tab="time-machine", **query)
        assert not app.error
        return app

    return opened


def move(app: AppTest, step: int) -> AppTest:
    """What the slider does in a browser."""
    app.session_state["step"] = step
    app.run()
    assert not app.exception
    return app


def sent(app: AppTest, key: str) -> Any:
    return next(e for e in app.main if e.type == "bidi_component" and e.key == key).proto


def row(app: AppTest) -> dict[str, Any]:
    """What the slider was told."""
    return json.loads(sent(app, "step_slider").json)


def has_row(app: AppTest) -> bool:
    return any(e.type == "bidi_component" and e.key == "step_slider" for e in app.main)


def pattern_drawn(app: AppTest) -> np.ndarray:
    """The weights of the open head, as square.js draws them."""
    message = sent(app, "pattern").bytes
    (length,) = struct.unpack_from("<I", message)
    tokens = json.loads(message[4 : 4 + length])["tokens"]
    weights = np.zeros((len(tokens), len(tokens)), np.float32)
    seen = np.tril_indices(len(tokens))
    weights[seen] = np.frombuffer(message[4 + length + 3 * 256 :], "<f4")
    return weights


def figures(app: AppTest) -> list[Any]:
    return [plotly.io.from_json(e.proto.spec) for e in app.main if e.type == "plotly_chart"]


def array(data: Any) -> np.ndarray:
    """What Plotly sends as base64, as an array again."""
    values = np.frombuffer(base64.b64decode(data["bdata"]), f"<{data['dtype']}")
    shape = [int(size) for size in data.get("shape", str(len(values))).split(",")]
    return values.reshape(shape)


def in_address(app: AppTest, key: str = "step") -> str | None:
    value = app.query_params.get(key)
    return value[0] if isinstance(value, list) else value


def words(app: AppTest) -> str:
    return " ".join(e.value for e in [*app.caption, *app.markdown]).replace("\\", "")


def at(run: Run, step: int) -> gptviz.LanguageModel:
    return gptviz.load(run.snapshot(step))


@pytest.mark.parametrize("step", [0, STEPS])
def test_attention_shows_the_pattern_of_the_snapshot_that_the_url_names(
    open_page, run: Run, step: int
):
    app = open_page("attention", step=step, layer=1, head=1)
    pattern = at(run, step).trace(PROMPT)["h.1.attn.pattern"][1].numpy()
    np.testing.assert_allclose(pattern_drawn(app), pattern, atol=1e-5)
    assert f"`first@step-{step:06d}`" in words(app)


def test_embeddings_shows_the_vectors_of_the_snapshot(open_page, run: Run):
    app = open_page("embeddings", step=0, vectors="Your tokens")
    vectors = at(run, 0).trace(PROMPT)["wte"]
    cosines = embeddings.cosine_similarity(vectors, vectors).numpy()
    np.testing.assert_allclose(array(figures(app)[0].data[0].z), cosines, atol=1e-6)


def test_sampling_draws_from_the_snapshot(open_page, run: Run):
    message = sent(open_page("sampling", step=0), "explorer_logits").bytes
    logits = np.frombuffer(message[4 + struct.unpack_from("<I", message)[0] :], "<f4")
    lm = at(run, 0)
    expected = generation.next_logits(lm.model, lm.ids(PROMPT)).numpy()
    np.testing.assert_allclose(logits, expected, atol=1e-5)


def test_moving_the_slider_changes_the_picture_and_the_url_and_nothing_else(open_page):
    app = open_page("attention", step=0, layer=1, head=1, position=3)
    before = pattern_drawn(app)
    move(app, STEPS)
    assert np.abs(pattern_drawn(app) - before).max() > 0.01
    assert in_address(app) == str(STEPS)
    chosen = [app.session_state[key] for key in ("layer", "head", "position")]
    assert chosen == [1, 1, 3]
    assert app.session_state["prompt"] == PROMPT


def test_the_slider_has_every_snapshot_and_the_loss_up_to_the_last(open_page, run: Run):
    app = open_page("attention", step=0)
    assert "step 0, kept with 16 bits a number" in words(app)
    told = row(app)
    assert set(run.snapshots) <= set(told["steps"])
    assert told["steps"][0] == told["chosen"] == 0
    assert told["loss"]["x"] == list(range(1, STEPS + 1))
    assert told["loss"]["y"][0] == pytest.approx(run.metrics[0]["train_loss"], abs=1e-3)


def test_without_a_step_the_page_shows_the_best_checkpoint_and_says_which(open_page, run: Run):
    run.update_status({"best_step": 20})
    shutil.copytree(run.snapshot(0), run.checkpoint(20))
    app = open_page("attention", layer=0, head=0)
    pattern = at(run, 0).trace(PROMPT)["h.0.attn.pattern"][0].numpy()
    np.testing.assert_allclose(pattern_drawn(app), pattern, atol=1e-5)
    assert row(app)["chosen"] == 20
    assert "best checkpoint so far, step 20" in words(app)
    assert in_address(move(app, 1)) == "1"
    assert in_address(move(app, 20)) is None


def test_the_step_comes_along_to_every_other_page(open_page):
    app = open_page("overview", step=1)
    for page in PAGES.values():
        if page.name != "overview" and page.top != "nothing":
            app.switch_page(page.file).run()
            assert not app.exception
            assert row(app)["chosen"] == 1
            assert in_address(app) == "1"


@pytest.mark.parametrize("step", ["7", "-1", "1.0", "²", "banana", "<b>", "9" * 5000])
def test_a_step_that_the_run_does_not_have_is_dropped(open_page, step: str):
    app = open_page("attention", step=step)
    assert not app.error
    assert in_address(app) is None
    assert "best checkpoint" in words(app)


def test_a_model_that_is_no_run_has_no_steps(open_page, run: Run):
    shutil.copytree(run.snapshot(0), run.folder.with_name("plain"))
    app = open_page("attention", step=1)
    app.selectbox(key="model").set_value("plain").run()
    assert not app.exception
    assert not has_row(app)
    assert in_address(app) is None


def test_a_run_without_snapshots_shows_its_checkpoint_and_no_slider(open_page, run: Run):
    shutil.rmtree(run.folder / "snapshots")
    app = open_page("attention", step=1)
    assert not app.error
    assert not has_row(app)
    assert pattern_drawn(app).shape


def test_a_run_has_its_state_below_its_name(open_page):
    app = open_page("attention")
    assert app.selectbox(key="model").options == ["first"]
    assert "A training run that is done." in words(app)


def test_the_small_path_leads_to_the_same_step_elsewhere(open_page):
    told = json.loads(sent(open_page("attention", step=1), "path_small").json)
    links = [stage["href"] for stage in told["stages"] if stage["href"]]
    assert links
    assert all("model=first&step=1&prompt=the+queen" in link for link in links)


def test_a_run_that_is_deleted_meanwhile_ends_in_a_sentence_and_another_can_be_chosen(
    open_page, run: Run
):
    shutil.copytree(run.snapshot(0), run.folder.with_name("plain"))
    app = open_page("attention", step=1)
    jobs.delete(run)
    app.run()
    assert not app.exception
    assert "The model 'first' is no longer there" in app.error[0].value.replace("\\", "")
    app.run()
    assert "Choose another one" in app.error[0].value
    app.selectbox(key="model").set_value("plain").run()
    assert not app.exception
    assert not app.error
    assert pattern_drawn(app).shape


def test_a_newer_checkpoint_is_shown_at_the_next_rerun(open_page, run: Run):
    app = open_page("attention", layer=0, head=0)
    for step in (0, 1):
        shutil.copytree(run.snapshot(step), run.checkpoint(100 + step))
        run.update_status({"best_step": 100 + step})
        app.run()
        assert not app.error
        pattern = at(run, step).trace(PROMPT)["h.0.attn.pattern"][0].numpy()
        np.testing.assert_allclose(pattern_drawn(app), pattern, atol=1e-5)


def test_a_checkpoint_that_is_replaced_while_it_is_read_gives_way_to_the_newer_one(
    open_page, run: Run, monkeypatch: pytest.MonkeyPatch
):
    shutil.copytree(run.snapshot(0), run.checkpoint(100))
    run.update_status({"best_step": 100})
    load = language_model.load

    def replaced(name: str) -> gptviz.LanguageModel:
        if run.checkpoint(100).exists():
            shutil.copytree(run.snapshot(1), run.checkpoint(101))
            run.update_status({"best_step": 101})
            shutil.rmtree(run.checkpoint(100))
            return load(run.checkpoint(100))
        return load(name)

    monkeypatch.setattr(language_model, "load", replaced)
    app = open_page("attention", layer=0, head=0)
    assert not app.error
    pattern = at(run, 1).trace(PROMPT)["h.0.attn.pattern"][0].numpy()
    np.testing.assert_allclose(pattern_drawn(app), pattern, atol=1e-5)


def test_many_steps_are_loaded_once_for_all_browsers(
    open_page, run: Run, monkeypatch: pytest.MonkeyPatch
):
    load, loaded = language_model.load, []

    def counted(name: str) -> gptviz.LanguageModel:
        loaded.append(name)
        return load(name)

    monkeypatch.setattr(language_model, "load", counted)
    one, two = open_page("attention", step=0), open_page("attention", step=0)
    for step in run.snapshots * 2:
        move(one, step)
        move(two, step)
    assert sorted(loaded) == [run_steps.name_at(run, step) for step in run.snapshots]


def test_the_tab_shows_the_pictures_of_every_snapshot(open_tab, run: Run):
    app = open_tab(step=0, layer=1, head=1, position=2)
    next_tokens, sheet, neighbours = (figure.data[0] for figure in figures(app))
    steps, lms = run.snapshots, [at(run, step) for step in run.snapshots]
    ids = lms[0].ids(PROMPT)
    cells, which = array(sheet.z), array(sheet.customdata)
    for step, lm in zip(steps, lms, strict=True):
        pattern = lm.trace(PROMPT)["h.1.attn.pattern"][1].numpy()
        there = (which == step) & ~np.isnan(cells)
        assert np.array_equal(cells[there], pattern.ravel())
    last = lms[-1].trace(PROMPT).logits[-1].softmax(-1)
    order = last.argsort(descending=True)[:8].tolist()
    for column, lm in zip(array(next_tokens.z).T, lms, strict=True):
        probabilities = lm.trace(PROMPT).logits[-1].softmax(-1)[order]
        np.testing.assert_allclose(column, probabilities, atol=1e-5)
    nearest = embeddings.nearest(lms[-1], lms[-1].model.wte.weight[ids[2]], 8, {ids[2]})
    for column, lm in zip(array(neighbours.z).T, lms, strict=True):
        cosines = embeddings.vocabulary_cosines(lm, lm.model.wte.weight[ids[2]][None])[0]
        np.testing.assert_allclose(column, cosines[nearest["id"].tolist()], atol=1e-5)


@pytest.mark.parametrize(("step", "written"), [(0, 0), (1, 0), (STEPS, STEPS)])
def test_the_tab_shows_what_the_run_wrote_at_the_step_or_last_before(
    open_tab, run: Run, step: int, written: int
):
    app = open_tab(step=step)
    rows = {row["step"]: row for row in disk.rows(run.folder / "samples.jsonl")}
    assert app.code[-4].value == (rows[written]["prompt"] + rows[written]["text"]).lstrip("\n")
    assert f"`samples.jsonl`, step {written}" in words(app)


def test_the_tab_outlines_the_chosen_step_and_begins_with_the_last(open_tab, run: Run):
    app = open_tab()
    assert row(app)["chosen"] == STEPS
    next_tokens, sheet, _ = figures(app)
    assert next_tokens.layout.shapes[0].x0 == len(run.snapshots) - 1.5
    assert sheet.layout.annotations[-1].text == f"<b>▸ {STEPS}</b>"
    next_tokens, sheet, _ = figures(move(app, 0))
    assert next_tokens.layout.shapes[0].x0 == -0.5
    assert sheet.layout.annotations[0].text == "<b>▸ 0</b>"
    links = [e.proto for e in app.main if e.type == "page_link"]
    assert "model=first&step=0" in [link.query_string for link in links]


def test_the_code_of_each_picture_makes_its_numbers(open_tab, assert_codes_make_the_numbers):
    open_tab(step=1, layer=1, head=0, position=2)
    assert_codes_make_the_numbers({"metrics", "past_next", "past_patterns", "past_neighbours"})


def test_a_text_that_the_run_cannot_read_ends_in_a_sentence_on_the_tab(open_page):
    app = open_page("training", run="first", tab="time-machine", prompt="Δ")
    assert "Δ" in app.error[0].value
    assert row(app)["chosen"] == STEPS


def test_the_tab_says_when_there_is_nothing_to_look_back_at(open_tab, run: Run):
    shutil.rmtree(run.folder / "snapshots")
    assert "something to look back at" in words(open_tab())
    values = json.loads((run.folder / "config.json").read_text(encoding="utf-8"))
    (run.folder / "config.json").write_text(
        json.dumps({**values, "snapshots": 0}), encoding="utf-8"
    )
    assert "keeps no past models" in words(open_tab())
