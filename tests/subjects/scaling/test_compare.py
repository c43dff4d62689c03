"""Compare, on the page Training: runs of several sizes have their losses over these."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from gptviz import GPT
from gptviz.disk import append_row
from gptviz.runs import Run
from gptviz.subjects.training import analysis


@pytest.mark.parametrize("are_alike", [True, False])
def test_runs_of_three_sizes_that_read_the_same_lie_on_a_line(
    open_app: Callable[..., AppTest],
    assert_codes_make_the_numbers,
    train,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    are_alike: bool,
):
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(tmp_path / "models"))
    runs = train(3)
    for i, run in enumerate(runs):
        run.update_status({"baselines": {"uniform": 4.0 + (0 if are_alike else i)}})
    app = open_app("training", run=runs[0].id, runs_tab="compare")
    app.multiselect(key="compared").set_value([run.id for run in reversed(runs)]).run()
    assert not app.exception
    drawn = {chart.key: json.loads(chart.proto.spec) for chart in app.get("plotly_chart")}
    assert ("comparison_by_size" in drawn) is are_alike
    if not are_alike:
        return
    assert drawn["comparison_by_size"]["data"][1]["text"] == [run.name for run in runs]
    sizes = []
    for run in runs:
        model = GPT(run.config.model)
        embeddings = model.wte.weight.numel() + model.wpe.weight.numel()
        sizes.append(model.n_parameters - embeddings)
    lowest = [min(row["val_loss"] for row in run.metrics if "val_loss" in row) for run in runs]
    slope = np.polyfit(np.log(sizes), np.log(lowest), 1)[0]
    told = " ".join(text.value for text in app.markdown)
    assert f"leave {10**slope:.1%} of the loss" in told
    assert_codes_make_the_numbers({"comparison_by_size"})


def test_what_has_no_place_on_axes_that_multiply_is_left_out(train, tmp_path: Path):
    runs = train(2, 1)
    (runs[0].folder / "metrics.jsonl").write_text('{"step": 1, "val_loss": Infinity}\n')
    shape = replace(runs[0].config.model, n_layer=0, norm="none")
    bare = Run.create(tmp_path / "bare", replace(runs[0].config, model=shape))
    append_row(bare.folder / "metrics.jsonl", {"step": 1, "train_loss": 3.0, "val_loss": 3.0})
    table = analysis.by_size([*runs, bare])
    assert table["run"].tolist() == [runs[1].name, runs[2].name]
