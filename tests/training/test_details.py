"""What a run measured inside its model, as arrays."""

import json

import numpy as np

from gptviz.training.record import gradients, induction

FIRST = {
    "step": 10,
    "grad_norm": {"embedding": 1.0, "h.0.attn": 2.0},
    "weight_norm": {"embedding": 3.0, "h.0.attn": 4.0},
    "update_ratio": {"embedding": 0.1, "h.0.attn": 0.2},
}
INDUCTION = {"step": 3, "scores": [[0.1, 0.2], [0.3, 0.9]], "loss_first": 4.0, "loss_second": 1.0}


def write(path, *rows) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_layers_are_one_number_a_step_and_group(tmp_path):
    write(tmp_path / "layers.jsonl", FIRST, {**FIRST, "step": 20, "grad_norm": {"h.0.attn": 5.0}})
    found = gradients.read(tmp_path)
    assert found.steps.tolist() == [10, 20]
    assert found.groups == ("embedding", "h.0.attn")
    assert found.values["update_ratio"].tolist() == [[0.1, 0.2], [0.1, 0.2]]
    gradient = found.values["grad_norm"]
    assert gradient[0].tolist() == [1.0, 2.0]
    assert np.isnan(gradient[1, 0])
    assert gradient[1, 1] == 5.0


def test_induction_is_one_number_a_step_layer_and_head(tmp_path):
    write(tmp_path / "induction.jsonl", INDUCTION, {**INDUCTION, "step": 9})
    found = induction.read(tmp_path)
    assert found.scores.shape == (2, 2, 2)
    assert found.scores[1, 1, 1] == 0.9
    assert (found.loss_first.tolist(), found.loss_second.tolist()) == ([4, 4], [1, 1])


def test_a_run_that_measured_nothing_has_nothing_to_show(tmp_path):
    assert gradients.read(tmp_path).groups == ()
    assert len(gradients.read(tmp_path).steps) == 0
    assert induction.read(tmp_path).scores.shape == (0, 0, 0)


def test_rows_without_the_measures_are_passed_over(tmp_path):
    write(tmp_path / "layers.jsonl", {"step": 1}, FIRST)
    write(tmp_path / "induction.jsonl", {"step": 1}, INDUCTION)
    assert gradients.read(tmp_path).steps.tolist() == [10]
    assert induction.read(tmp_path).steps.tolist() == [3]
