"""What the training page shows of a run that really took place."""

import json
import math
import shutil
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from gptviz import disk
from gptviz.disk import append_row
from gptviz.runs import Run
from gptviz.training.record import gradients

STEPS = 30


def sent(app: AppTest) -> dict:
    """What the live chart was told: the header of its message."""
    (chart,) = (e for e in components(app) if e.key.startswith("curves_"))
    message = chart.proto.bytes
    length = int.from_bytes(message[:4], "little")
    return json.loads(message[4 : 4 + length])


def components(app: AppTest) -> list:
    return [element for element in app.main if element.type == "bidi_component"]


def test_a_run_of_the_address_is_shown_with_its_curves(open_page, in_address, root: Path):
    app = open_page(run="My first run")
    loss, rate, norm, speed = sent(app)["panels"]
    assert [line["points"] for line in loss["series"]] == [STEPS, STEPS, 3]
    assert [unit["name"] for unit in loss["units"]] == ["nats a token", "bits a byte", "perplexity"]
    in_bits = loss["units"][1]["factors"]
    assert in_bits == pytest.approx([1 / math.log(2)] * 3), "characters of one byte each"
    assert [line["name"] for line in loss["series"][1:]] == [
        "training, smoothed by 0.9",
        "validation",
    ]
    assert [line["name"] for line in speed["series"]] == [
        "of a step alone",
        "all included, over 50 steps",
    ]
    assert norm["limits"] == {"clip at": 1.0}
    told = Run(root / "My first run").status["baselines"]
    assert loss["limits"] == {
        "blind guess (ln V)": told["uniform"],
        "counting tokens (unigram)": told["unigram"],
        "counting pairs (bigram)": told["bigram"],
    }
    assert [panel["series"][0]["points"] for panel in (rate, norm, speed)] == [STEPS] * 3
    assert "My first run   ✓ done" in app.selectbox(key="run_choice").options
    assert in_address(app) == "My first run"


def test_a_run_that_was_stopped_shows_the_rates_to_come(
    open_page, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    shutil.copytree(trained / "My first run", tmp_path / "longer")
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(tmp_path))
    run = Run(tmp_path / "longer")
    disk.write_json(run.folder / "config.json", {**run.settings, "steps": 40})
    run.update_status({"state": "paused"})
    app = open_page(run="longer")
    _, rate, norm, _ = sent(app)["panels"]
    assert [(line["name"], line["look"]) for line in rate["series"]] == [
        ("learning rate", "line"),
        ("to come", "ahead"),
    ]
    assert rate["series"][1]["points"] == 11, "from step 30 to 40"
    assert len(norm["series"]) == 1


@pytest.mark.usefixtures("root")
def test_the_numbers_behind_the_curves_are_those_of_the_run(open_page, root: Path):
    app = open_page(run="My first run")
    app.toggle(key="metrics_numbers").set_value(True).run()
    table = app.dataframe[0].value
    rows = Run(root / "My first run").metrics
    assert table["train_loss"].tolist() == [row["train_loss"] for row in rows]
    assert table["step"].tolist() == list(range(1, STEPS + 1))


@pytest.mark.usefixtures("root")
def test_samples_come_with_their_steps_the_latest_first(open_page, root: Path):
    app = open_page(run="My first run")
    steps = [e.value for e in app.main.markdown if e.value.startswith("**step")]
    assert steps == [f"**step {step}**" for step in (30, 20, 10, 0)]
    app.toggle(key="memorised_My first run").set_value(False).run()
    rows = disk.rows(root / "My first run" / "samples.jsonl")
    written = [row["prompt"].lstrip("\n") + row["text"] for row in rows]
    shown = [code.value for code in app.main.code]
    assert shown[-len(written) :] == written[::-1]


@pytest.mark.usefixtures("root")
def test_what_a_sample_has_in_common_with_the_text_is_marked(open_page, words, root: Path):
    app = open_page(run="My first run", tab="samples")
    assert app.toggle(key="memorised_My first run").value, "the text is short"
    marked = [e for e in components(app) if e.key.startswith("sample_")]
    assert len(marked) == 4
    shown = "".join(piece for piece, _ in json.loads(marked[0].proto.json)["pieces"])
    written = disk.rows(root / "My first run" / "samples.jsonl")[-1]
    assert shown == written["prompt"].lstrip("\n") + written["text"]
    assert "% of it stands in passages" in words(app)


@pytest.mark.usefixtures("root")
def test_the_verdict_has_its_evidence(open_page, words):
    app = open_page(run="My first run", tab="health")
    assert "◷ Too early" in words(app)
    assert "Steps done: 30." in words(app)
    shares = app.dataframe[0].value
    assert shares["share"].sum() == pytest.approx(1)


@pytest.mark.usefixtures("root")
def test_norms_of_every_part_and_the_numbers_of_a_parameter_are_drawn(
    open_page, figures, root: Path
):
    app = open_page(run="My first run", tab="gradients", norm_of="updates")
    norms, histogram = figures(app)
    groups = gradients.read(root / "My first run").groups
    assert len([line for line in norms["data"] if line.get("customdata")]) == len(groups)
    assert "usual: about 0.001" in [line["name"] for line in norms["data"]]
    assert [part["name"] for part in histogram["data"]] == ["now", "at the start"]


@pytest.mark.usefixtures("root")
def test_the_parameter_and_its_step_are_in_the_address_and_come_from_it(open_page, figures):
    name = "h.0.attn.c_attn.weight"
    query = {"run": "My first run", "tab": "gradients"}
    app = open_page(**query, parameter=name, parameter_step="0")
    histogram = figures(app)[-1]
    assert [part["name"] for part in histogram["data"]] == ["now"], "the start is now"
    assert name in histogram["layout"]["xaxis"]["title"]["text"]
    app.select_slider(key="parameter_step").set_value(str(STEPS)).run()
    assert "parameter_step" not in app.query_params, "the last one is meant unless chosen"
    assert len(figures(app)[-1]["data"]) == 2
    app = open_page(**query, parameter="no.such", parameter_step="7", norm_of="banana")
    assert not app.error
    assert not {"parameter", "parameter_step", "norm_of"} & set(app.query_params)


@pytest.mark.usefixtures("root")
def test_the_code_of_every_picture_makes_its_numbers(open_page, assert_codes_make_the_numbers):
    name = "h.0.mlp.c_fc.weight"
    app = open_page(
        run="My first run",
        tab="gradients",
        runs_tab="compare",
        norm_of="updates",
        parameter=name,
        compared_by="tokens",
    )
    app.toggle(key="norms_map").set_value(True).run()
    assert_codes_make_the_numbers(
        {"metrics", "norms", "norms_mapped", "parameter_histogram", "comparison"}
    )


@pytest.mark.usefixtures("root")
def test_every_head_has_its_induction_score_and_the_source_is_named(open_page, words, figures):
    app = open_page(run="My first run", tab="induction")
    (birth,) = figures(app)
    assert {"training loss, smoothed by 0.9", "L0 H0", "L0 H1"} <= {
        line["name"] for line in birth["data"]
    }
    assert "Olsson et al., 2022" in words(app)


def test_what_looking_back_is_worth_is_told_as_a_probability(open_page, words, root: Path):
    lines = (root / "My first run" / "induction.jsonl").read_text(encoding="utf-8").splitlines()
    last = json.loads(lines[-1])
    times = math.exp(last["loss_first"] - last["loss_second"])
    assert f"**{times:,.2f} times the probability**" in words(
        open_page(run="My first run", tab="induction")
    )


@pytest.mark.usefixtures("root")
@pytest.mark.parametrize("run_id", ["../../etc/passwd", "<script>alert(1)</script>", "x" * 5000])
def test_a_hostile_run_id_ends_in_a_sentence_and_the_list_is_still_there(open_page, run_id):
    app = open_page(run=run_id)
    assert app.error[0].value.replace("\\", "").startswith("There is no run")
    assert len(app.error[0].value) < 300
    assert app.selectbox(key="run_choice").options == ["My first run   ✓ done"]


@pytest.mark.usefixtures("root")
def test_a_finished_run_offers_no_pause_and_leads_to_other_pages(open_page):
    app = open_page(run="My first run")
    labels = [button.label for button in app.button]
    assert "Clone settings" in labels
    assert not {"‖ Pause", "■ Stop", "▶ Resume"} & set(labels)
    links = [e.proto for e in app.main if e.type == "page_link"]
    assert ":primary[Attention]" in [link.label for link in links]


@pytest.mark.usefixtures("foreign")
def test_a_run_whose_settings_cannot_be_read_has_no_verdict_but_a_sentence(open_page, words):
    app = open_page(run="Foreign", tab="health")
    problem = app.error[0].value.replace("\\", "")
    assert problem.startswith("There is no verdict without the run's settings: ")
    assert "a_setting_of_tomorrow" in problem
    assert "Where the time of a step goes" in words(app)


def test_a_living_run_whose_settings_cannot_be_read_is_shown_all_the_same(open_page, foreign: Run):
    foreign.update_status({"state": "running"})
    with foreign.locked():
        app = open_page(run="Foreign")
    assert "a_setting_of_tomorrow" in app.error[0].value.replace("\\", "")
    assert "■ Stop" in [button.label for button in app.button]


@pytest.mark.usefixtures("spawned")
def test_a_sample_is_held_against_the_text_as_it_is_now(config, open_page, words, tmp_path: Path):
    run = Run.create(tmp_path / "models" / "live", config(tmp_path))
    written = "the king and the queen speak to the fool."
    append_row(run.folder / "samples.jsonl", {"step": 0, "prompt": "\n", "text": written})
    app = open_page(run="live", tab="samples")
    assert "100% of it stands in passages" in words(app)
    (tmp_path / "text.txt").write_text("nothing of the kind. " * 60, encoding="utf-8")
    app.run()
    assert " 0% of it stands in passages" in words(app)


@pytest.mark.usefixtures("root")
def test_what_is_chosen_in_a_closed_tab_is_not_in_the_address_and_is_there_when_it_opens(open_page):
    chosen = {"norm_of": "updates", "compared_by": "tokens", "failure": "one-head"}
    app = open_page(run="My first run", tab="health", runs_tab="list", parameter="wte", **chosen)
    assert not {*chosen, "parameter"} & set(app.query_params)
    app = open_page(run="My first run", tab="gradients", runs_tab="compare", **chosen)
    assert {"norm_of", "compared_by"} <= set(app.query_params)
    assert "failure" not in app.query_params
    app.session_state["tab_title"] = "Samples"
    assert "norm_of" not in app.run().query_params
    app.session_state["tab_title"] = "Gradients"
    app.run()
    assert app.query_params["norm_of"] in ("updates", ["updates"])
    assert app.segmented_control(key="norm_of").value == "updates"


@pytest.mark.usefixtures("root")
def test_a_run_has_one_name_in_lists_addresses_and_past_models(open_app, open_page, in_address):
    name = "My first run"
    app = open_page(runs_tab="list", tab="time-machine", prompt="the king")
    assert in_address(app) == name
    assert app.dataframe[-1].value["run"].tolist() == [name]
    links = [e.proto for e in app.main if e.type == "page_link"]
    assert f"model={name.replace(' ', '+')}" in {link.query_string for link in links}
    app = open_app("attention", model=name, step=STEPS, prompt="the king")
    assert not app.error
    assert app.selectbox(key="model").options == [name]
    assert any(f"`{name}@step-000030`" in caption.value for caption in app.caption)
