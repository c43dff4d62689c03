"""The training page, entered through the app, on a run that really took place."""

import json
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
from streamlit.testing.v1 import AppTest

from gptviz.model import GPTConfig
from gptviz.tokenizers import CharacterTokenizer
from gptviz.training import details, jobs, jsonl, measure, prepare, repeats
from gptviz.training.config import TrainingConfig
from gptviz.training.measure import Pace
from gptviz.training.runs import LIVING, Run, State
from gptviz.training.worker import work
from gptviz.ui.training_estimate import duration
from gptviz.ui.training_live import look_again

APP = Path(__file__).parents[2] / "app.py"
TEXT = "the king and the queen speak to the fool. " * 60
STEPS = 30


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of models with one run of 30 steps; only read."""
    root = tmp_path_factory.mktemp("trained")
    slot = tmp_path_factory.mktemp("slot")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GPTVIZ_SLOT", str(slot))
        work(Run.create(root / "first-run", config(root), "My first run"))
    return root


@pytest.fixture(autouse=True)
def _pace(monkeypatch: pytest.MonkeyPatch) -> None:
    """A step takes a tenth of a second, and nobody measures it."""
    monkeypatch.setattr(measure, "known", lambda config: Pace(0.1, 10**9, at_least=False))


@pytest.fixture
def root(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(trained))
    monkeypatch.setenv("GPTVIZ_SLOT", str(tmp_path / "slot"))
    return trained


@pytest.fixture
def spawned(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Run]:
    """Runs that the page has started; nothing trains them. Runs lie in a folder of their own."""
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(tmp_path / "models"))
    monkeypatch.setenv("GPTVIZ_SLOT", str(tmp_path / "slot"))
    found: list[Run] = []
    monkeypatch.setattr(jobs, "_spawn", found.append)
    return found


def config(folder: Path) -> TrainingConfig:
    text = folder / "text.txt"
    text.write_text(TEXT, encoding="utf-8")
    vocab_size = CharacterTokenizer.from_text(TEXT).vocab_size
    model = GPTConfig(vocab_size, block_size=16, n_layer=1, n_head=2, n_embd=8, attention="fused")
    return TrainingConfig(
        model,
        str(text),
        tokenizer="char",
        batch_size=4,
        steps=STEPS,
        warmup_steps=5,
        eval_interval=10,
        eval_windows=4,
        precision="float32",
        sample_interval=10,
        sample_tokens=20,
        snapshots=3,
    )


def open_page(**query: str) -> AppTest:
    app = AppTest.from_file(str(APP), default_timeout=60).switch_page("pages/training.py")
    for key, value in query.items():
        app.query_params[key] = value
    app.run()
    assert not app.exception
    return app


def sent(app: AppTest) -> dict:
    """What the live chart was told: the header of its message."""
    (chart,) = (e for e in components(app) if e.key.startswith("curves_"))
    message = chart.proto.bytes
    length = int.from_bytes(message[:4], "little")
    return json.loads(message[4 : 4 + length])


def components(app: AppTest) -> list:
    return [element for element in app.main if element.type == "bidi_component"]


def in_address(app: AppTest) -> str:
    value = app.query_params["run"]
    return value if isinstance(value, str) else value[0]


def words(app: AppTest) -> str:
    progress = [bar.proto.text for bar in app.main.get("progress")]
    said = [element.value for element in [*app.main.markdown, *app.main.caption]]
    return " ".join([*progress, *said]).replace("\\", "")


def figures(app: AppTest) -> list[dict]:
    return [json.loads(chart.proto.spec) for chart in app.main.get("plotly_chart")]


def press(app: AppTest, label: str) -> AppTest:
    (button,) = (b for b in app.button if b.label == label)
    button.click().run()
    assert not app.exception
    return app


@pytest.mark.usefixtures("root")
def test_a_run_of_the_address_is_shown_with_its_curves():
    app = open_page(run="first-run")
    loss, rate, norm, speed = sent(app)["panels"]
    assert [line["points"] for line in loss["series"]] == [STEPS, STEPS, 3]
    assert [unit["name"] for unit in loss["units"]] == ["nats a token", "bits a byte", "perplexity"]
    assert norm["limits"] == {"clip at": 1.0}
    assert [panel["series"][0]["points"] for panel in (rate, norm, speed)] == [STEPS] * 3
    assert "My first run   ✓ done" in app.selectbox(key="run_choice").options
    assert in_address(app) == "first-run"


@pytest.mark.usefixtures("root")
def test_the_numbers_behind_the_curves_are_those_of_the_run(root: Path):
    app = open_page(run="first-run")
    app.toggle(key="metrics_numbers").set_value(True).run()
    table = app.dataframe[0].value
    rows = Run(root / "first-run").metrics
    assert table["train_loss"].tolist() == [row["train_loss"] for row in rows]
    assert table["step"].tolist() == list(range(1, STEPS + 1))


@pytest.mark.usefixtures("root")
def test_samples_come_with_their_steps_the_latest_first(root: Path):
    app = open_page(run="first-run")
    steps = [e.value for e in app.main.markdown if e.value.startswith("**step")]
    assert steps == [f"**step {step}**" for step in (30, 20, 10, 0)]
    app.toggle(key="memorised_first-run").set_value(False).run()
    rows = jsonl.rows(root / "first-run" / "samples.jsonl")
    written = [row["prompt"].lstrip("\n") + row["text"] for row in rows]
    shown = [code.value for code in app.main.code]
    assert shown[-len(written) :] == written[::-1]


@pytest.mark.usefixtures("root")
def test_the_verdict_has_its_evidence():
    app = open_page(run="first-run", about_run="Health")
    assert "too early" in words(app)
    assert "30 steps are done" in words(app)
    shares = app.dataframe[0].value
    assert shares["share"].sum() == pytest.approx(1)


@pytest.mark.usefixtures("root")
@pytest.mark.parametrize("run_id", ["../../etc/passwd", "<script>alert(1)</script>", "x" * 5000])
def test_a_hostile_run_id_ends_in_a_sentence_and_the_list_is_still_there(run_id):
    app = open_page(run=run_id)
    assert app.error[0].value.replace("\\", "").startswith("There is no run")
    assert len(app.error[0].value) < 300
    assert app.selectbox(key="run_choice").options == ["My first run   ✓ done"]


@pytest.mark.usefixtures("root")
def test_a_finished_run_offers_no_pause_and_leads_to_other_pages():
    app = open_page(run="first-run")
    labels = [button.label for button in app.button]
    assert "Clone settings" in labels
    assert not {"‖ Pause", "■ Stop", "▶ Resume"} & set(labels)
    links = [e.proto for e in app.main if e.type == "page_link"]
    assert "Attention" in [link.label for link in links]


def test_who_only_presses_start_gets_the_small_character_model(spawned: list[Run]):
    app = press(open_page(), "Start")
    (run,) = spawned
    model = run.config.model
    assert (model.n_layer, model.n_embd, run.config.tokenizer) == (4, 128, "char")
    assert run.config.sample_interval == 100
    assert Path(run.config.data).name == "shakespeare.txt"
    assert in_address(app) == run.id
    assert app.selectbox(key="run_choice").value == run.id


def test_before_start_the_page_states_what_the_run_needs(spawned: list[Run]):
    app = open_page()
    assert "**811,520** parameters" in words(app)
    assert "**768** tokens a step" in words(app)
    assert "of memory" in words(app)
    assert "about **3 min**" in words(app)
    app.number_input(key="new_batch_size").set_value(24).run()
    assert "**1,536** tokens a step" in words(app)
    assert not spawned


def test_settings_of_the_form_are_those_of_the_run(spawned: list[Run]):
    app = open_page()
    for key, value in {"n_layer": 2, "learning_rate": 0.003, "steps": 70, "dropout": 0.25}.items():
        app.number_input(key=f"new_{key}").set_value(value)
    app.selectbox(key="new_schedule").set_value("linear")
    press(app.run(), "Start")
    config = spawned[0].config
    assert (config.model.n_layer, config.learning_rate, config.steps) == (2, 0.003, 70)
    assert config.schedule == "linear"
    assert config.model.attn_pdrop == config.model.embd_pdrop == config.model.resid_pdrop == 0.25


def test_a_size_sets_all_controls(spawned: list[Run]):
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
    spawned: list[Run], key: str, value: float, sentence: str
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
        (b"", "holds no text"),
        (b"\x89PNG\x00\x01 abc", "cannot be read"),
        ("é".encode("latin-1") * 2000, "is not UTF-8"),
        (b"too short", "tokens are too few"),
        (b"a" * 50_000_001, "at most 50 MB"),
    ],
    ids=["empty", "binary", "latin-1", "short", "huge"],
)
def test_a_text_that_cannot_be_learnt_from_ends_in_a_sentence(
    spawned: list[Run], content: bytes, sentence: str
):
    app = open_page()
    app.selectbox(key="new_text").set_value("A text file").run()
    app.file_uploader(key="new_file").set_value(("my text.txt", content, "text/plain")).run()
    assert not app.exception
    assert sentence in app.error[0].value.replace("\\", "")
    assert app.button(key="start").disabled
    assert not spawned


def test_a_pasted_text_is_shown_counted_and_learnt_from(spawned: list[Run]):
    app = open_page()
    app.selectbox(key="new_text").set_value("A pasted text").run()
    assert app.button(key="start").disabled
    app.text_area(key="new_pasted").set_value(TEXT).run()
    assert f"{len(TEXT):,} characters" in words(app)
    press(app, "Start")
    assert Path(spawned[0].config.data).read_text(encoding="utf-8") == TEXT
    assert spawned[0].config.model.vocab_size == len(set(TEXT))


def test_two_sessions_that_press_start_at_once_get_a_run_each(spawned: list[Run]):
    one, two = open_page(), open_page()
    press(one, "Start")
    press(two, "Start")
    first, second = spawned
    assert first.id != second.id
    assert in_address(one) == first.id
    assert in_address(two) == second.id


def test_a_measurement_does_not_slow_the_first_steps_of_a_run(
    spawned: list[Run], monkeypatch: pytest.MonkeyPatch
):
    began: list[int] = []
    monkeypatch.setattr(measure, "cancel", lambda: began.append(len(spawned)))
    press(open_page(), "Start")
    assert began == [0], "it is broken off before the run begins"


def test_a_second_click_on_start_at_once_is_the_same_click(spawned: list[Run]):
    press(press(open_page(), "Start"), "Start")
    assert len(spawned) == 1


def test_a_clone_has_every_setting_of_its_model(spawned: list[Run], tmp_path: Path):
    odd = config(tmp_path)
    odd = replace(odd, beta2=0.95, model=replace(odd.model, norm="post", attn_pdrop=0.3))
    Run.create(tmp_path / "models" / "odd", odd)
    app = press(open_page(run="odd"), "Clone settings")
    assert app.selectbox(key="run_choice").value is None
    assert app.number_input(key="new_steps").value == STEPS
    press(app, "Start")
    assert spawned[0].config == odd


def test_a_clone_reads_the_prepared_text_again(spawned: list[Run], tmp_path: Path):
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


def test_a_run_is_renamed_and_deleted_after_a_question(spawned: list[Run], tmp_path: Path):
    run = Run.create(tmp_path / "models" / "old", config(tmp_path), "old")
    run.update_status({"state": "stopped"})
    app = open_page(run="old")
    app.text_input(key="name_old").set_value("<b>new</b>").run()
    press(app, "Save the name")
    assert run.name == "<b>new</b>"
    assert "Delete **<b>new</b>**" in words(app)
    press(app, "Delete for good")
    assert not run.folder.exists()
    assert not spawned
    assert "There is no run yet" in words(app)


@pytest.mark.usefixtures("spawned")
def test_a_run_without_a_process_is_shown_as_crashed_and_can_be_resumed(tmp_path: Path):
    run = Run.create(tmp_path / "models" / "lost", config(tmp_path), "lost")
    run.update_status({"state": "running", "last_step": 20})
    app = open_page(run="lost")
    assert app.selectbox(key="run_choice").options == ["lost   ⚠ crashed"]
    assert "Resume goes on from step 20" in words(app)
    assert "▶ Resume" in [button.label for button in app.button]


@pytest.mark.usefixtures("spawned")
def test_a_failed_run_says_why(tmp_path: Path):
    run = Run.create(tmp_path / "models" / "broken", config(tmp_path), "broken")
    run.update_status({"state": "failed", "error": "the loss is nan after 7 steps"})
    app = open_page(run="broken")
    assert "The loss is nan after 7 steps" in app.error[0].value.replace("\\", "")


@pytest.mark.usefixtures("spawned")
def test_a_run_that_waits_says_how_many_are_before_it(tmp_path: Path):
    run = Run.create(tmp_path / "models" / "waiting", config(tmp_path), "waiting")
    run.update_status({"state": "queued", "queued_at": 1.0})
    with run.locked():
        app = open_page(run="waiting")
        assert app.selectbox(key="run_choice").options == ["waiting   ◷ queued, 0 before it"]
        press(app, "■ Stop")
    assert run.control["command"] == "stop"


@pytest.mark.usefixtures("spawned")
def test_the_learning_rate_of_a_run_can_be_changed_while_it_runs(tmp_path: Path):
    run = Run.create(tmp_path / "models" / "live", config(tmp_path), "live")
    run.update_status({"state": "running"})
    with run.locked():
        app = open_page(run="live")
        app.number_input(key="rate_live").set_value(0.0005).run()
        press(app, "Change")
    assert run.control["learning_rate"] == 0.0005


@pytest.mark.usefixtures("root")
def test_what_a_sample_has_in_common_with_the_text_is_marked(root: Path):
    app = open_page(run="first-run", about_run="Samples")
    assert app.toggle(key="memorised_first-run").value, "the text is short"
    marked = [e for e in components(app) if e.key.startswith("sample_")]
    assert len(marked) == 4
    shown = "".join(piece for piece, _ in json.loads(marked[0].proto.json))
    written = jsonl.rows(root / "first-run" / "samples.jsonl")[-1]
    assert shown == written["prompt"].lstrip("\n") + written["text"]
    assert "% of it stands in passages" in words(app)


@pytest.mark.usefixtures("root")
def test_norms_of_every_part_and_the_numbers_of_a_parameter_are_drawn(root: Path):
    app = open_page(run="first-run", about_run="Gradients", measure="updates")
    norms, histogram = figures(app)
    groups = details.layers(root / "first-run").groups
    assert len([line for line in norms["data"] if line.get("customdata")]) == len(groups)
    assert "usual: about 0.001" in [line["name"] for line in norms["data"]]
    assert [part["name"] for part in histogram["data"]] == ["now", "at the start"]


@pytest.mark.usefixtures("root")
def test_every_head_has_its_induction_score_and_the_source_is_named():
    app = open_page(run="first-run", about_run="Induction heads")
    (birth,) = figures(app)
    assert {"training loss", "L0 H0", "L0 H1"} <= {line["name"] for line in birth["data"]}
    assert "Olsson et al., 2022" in words(app)


@pytest.mark.usefixtures("root")
def test_runs_are_compared_over_steps_tokens_or_time():
    app = open_page(run="first-run", many_runs="Compare")
    (chart,) = figures(app)
    assert chart["layout"]["xaxis"]["title"]["text"] == "step"
    app.selectbox(key="compared_by").set_value("tokens").run()
    (chart,) = figures(app)
    assert chart["layout"]["xaxis"]["title"]["text"] == "tokens read"
    assert app.dataframe[-1].value["run"].tolist() == ["My first run"]


def test_an_experiment_queues_a_run_for_each_variant(spawned: list[Run]):
    app = open_page(many_runs="Experiments")
    app.multiselect(key="variants").set_value(["baseline", "double rate"]).run()
    press(app, "Queue them")
    baseline, double = (run.config for run in spawned)
    assert double == replace(
        baseline,
        learning_rate=2 * baseline.learning_rate,
        min_learning_rate=2 * baseline.min_learning_rate,
    )
    assert app.dataframe[0].value["variant"].tolist() == ["baseline", "double rate"]


def test_a_failure_is_run_beside_a_run_that_goes_well(spawned: list[Run]):
    app = open_page(many_runs="Failure gallery")
    app.pills(key="failure").set_value("No positions").run()
    assert "which ones came before" in words(app)
    press(app, "Run it beside one that goes well")
    failure, well = (run.config for run in spawned)
    assert failure == replace(well, model=replace(well.model, position="none"))
    (chart,) = figures(app)
    assert {"No positions", "As it should be"} <= {line["name"] for line in chart["data"]}


@pytest.mark.parametrize("state", get_args(State))
def test_only_a_run_that_lives_is_looked_at_again_and_again(state: State):
    assert (look_again(state) is not None) == (state in LIVING)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(4.4, "4 s"), (89, "89 s"), (170, "3 min"), (5400, "90 min"), (9000, "2 h 30 min")],
)
def test_a_time_is_told_in_words(seconds: float, words: str):
    assert duration(seconds) == words


def test_the_induction_lesson_is_one_click_away(spawned: list[Run]):
    app = press(open_page(many_runs="Induction lesson"), "Run it")
    (run,) = spawned
    assert run.config.model.n_layer == 2
    text = Path(run.config.data).read_text(encoding="utf-8")
    assert text.startswith(repeats.text(len(text))[:1000])
    assert app.selectbox(key="run_choice").value == run.id
    assert "Run it again" in [button.label for button in app.button]
