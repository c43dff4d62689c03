"""Pictures of runs, of their layers, and of heads that come about."""

import numpy as np
import pandas as pd
import pytest

from gptviz.app.lines import DASHES, logarithmic_ticks, look, plain_numbers
from gptviz.app.theme import PALETTES
from gptviz.runs.compare import Curve
from gptviz.subjects.gradients import figures as layers
from gptviz.subjects.induction import figures as induction
from gptviz.subjects.training import figures as training

X = np.arange(1.0, 401.0)
STEPS = np.array([10, 20, 30])
GROUPS = ("embedding", "h.0.attn", "h.0.mlp", "h.0.norm", "h.1.attn", "ln_f")
NORMS = np.array([[1e-3, 1.0, 10.0, 0.0, 2.0, 1.0]] * 3)
TABLE = pd.DataFrame(
    {
        "rank": [1, 2, None],
        "variant": ["double-rate", "baseline", "half-rate"],
        "best_val_loss": [1.5, 1.75, np.nan],
    }
)


def curve(name: str, level: float) -> Curve:
    loss = np.full(len(X), level)
    return Curve(name, X, loss, X[49::50], loss[49::50] + 0.1)


@pytest.fixture
def scores() -> np.ndarray:
    """Three snapshots of two layers of three heads, of which L1 H2 becomes an induction head."""
    found = np.full((3, 2, 3), 0.05)
    found[2, 1, 2] = 0.9
    return found


def test_each_run_has_a_training_and_a_validation_line_of_one_look():
    figure = training.comparison([curve("a", 2.0), curve("b", 3.0)], "step", "light")
    train_a, val_a, train_b, val_b = figure.data
    assert np.asarray(val_a.y) == pytest.approx([2.1] * 8)
    assert np.asarray(val_b.x).tolist() == X[49::50].tolist()
    assert np.asarray(train_b.y) == pytest.approx([3.0] * len(train_b.y))
    assert len(train_a.x) <= 300
    assert train_a.line.to_plotly_json() == val_a.line.to_plotly_json()
    assert train_a.opacity < val_a.opacity
    assert [trace.showlegend for trace in figure.data] == [False, True, False, True]


@pytest.mark.parametrize("axis", ["step", "tokens", "seconds"])
def test_the_axis_says_what_the_runs_are_laid_over(axis):
    figure = training.comparison([curve("a", 2.0)], axis, "dark")
    assert figure.layout.xaxis.title.text == training.AXES[axis]


def test_what_counting_alone_would_reach_is_a_line_across():
    baselines = {"uniform": 4.36, "bigram": 2.47}
    figure = training.comparison([curve("a", 2.0)], "step", "light", baselines)
    assert [(line.y0, line.y1) for line in figure.layout.shapes] == [(4.36, 4.36), (2.47, 2.47)]
    told = [note.text for note in figure.layout.annotations]
    assert told == ["blind guess (ln V) 4.36", "counting pairs (bigram) 2.47"]


def test_a_run_s_name_is_shown_to_the_letter():
    figure = training.comparison([curve("<b>mine</b> & yours", 2.0)], "step", "light")
    assert figure.data[0].name == "&lt;b&gt;mine&lt;/b&gt; &amp; yours"


def test_twelve_lines_differ_in_colour_or_dash_and_the_first_six_in_both():
    looks = [look(i, "light") for i in range(12)]
    assert len({(line["color"], line["dash"]) for line in looks}) == 12
    assert {line["dash"] for line in looks[:6]} == set(DASHES)
    assert len({line["color"] for line in looks[:6]}) == 6


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ([0.02, 0.9], ["0.01", "0.02", "0.05", "0.1", "0.2", "0.5", "1", "2", "5"]),
        ([3.0, 0.0, np.nan], ["1", "2", "5", "10", "20", "50"]),
        ([0.002, 5000.0], ["0.001", "0.01", "0.1", "1", "10", "100", "1,000", "10,000"]),
        ([0.0, np.inf], ["1", "10"]),
    ],
)
def test_an_axis_that_multiplies_has_round_ticks_around_its_values(values, ticks):
    assert plain_numbers(logarithmic_ticks(np.array(values))) == ticks


def test_the_ranking_has_the_best_variant_on_top_and_marks_the_baseline():
    figure = training.ranking(TABLE, "light")
    (points,) = figure.data
    assert list(points.y) == ["1  twice the rate", "2  baseline"]
    assert np.asarray(points.x).tolist() == [1.5, 1.75]
    assert list(points.text) == ["1.500", "1.750"]
    assert figure.layout.yaxis.autorange == "reversed"
    assert figure.layout.shapes[0].x0 == 1.75


def test_a_ranking_by_bits_a_byte_marks_the_baseline_in_bits_a_byte():
    figure = training.ranking(TABLE.assign(best_bits_per_byte=[2.5, 3.0, np.nan]), "light")
    assert list(figure.data[0].text) == ["2.500", "3.000"]
    assert figure.layout.shapes[0].x0 == 3.0


def test_a_ranking_without_a_loss_is_an_empty_picture():
    assert list(training.ranking(TABLE[2:], "dark").data[0].y) == []


def test_the_map_of_norms_has_a_row_a_group_and_colours_by_the_power_of_ten():
    (heatmap,) = layers.norm_map(NORMS, STEPS, GROUPS, "gradient norm", "light").data
    rows = ["embedding", "L0 attention", "L0 MLP", "L0 norms", "L1 attention", "last norm"]
    assert list(heatmap.y) == rows
    assert np.asarray(heatmap.z)[:, 0][:3] == pytest.approx([-3.0, 0.0, 1.0])
    assert np.isnan(np.asarray(heatmap.z)[3, 0]), "zero has no place on such a scale"
    assert (heatmap.zmin, heatmap.zmax) == (-3.0, 1.0)
    assert list(heatmap.colorbar.ticktext) == ["0.001", "0.01", "0.1", "1", "10"]
    assert np.asarray(heatmap.customdata)[2].tolist() == [10.0] * 3


@pytest.mark.parametrize("norms", [np.zeros((3, 6)), np.ones((3, 6)), np.full((3, 6), np.nan)])
def test_a_map_without_any_spread_still_has_a_scale(norms):
    (heatmap,) = layers.norm_map(norms, STEPS, GROUPS, "gradient norm", "light").data
    assert heatmap.zmin < heatmap.zmax


def test_lines_of_one_kind_look_alike_and_later_layers_are_paler():
    figure = layers.by_group(NORMS, STEPS, GROUPS, "gradient norm", "light")
    by_group = dict(zip(GROUPS, figure.data, strict=True))
    first, second = by_group["h.0.attn"], by_group["h.1.attn"]
    assert first.name == second.name == "attention"
    assert first.line.to_plotly_json() == second.line.to_plotly_json()
    assert first.opacity == 1.0 > second.opacity > 0.3
    assert (first.showlegend, second.showlegend) == (True, False)
    assert len({(line.line.color, line.line.dash) for line in figure.data}) == 5
    assert np.asarray(second.y).tolist() == [2.0] * 3
    assert list(by_group["h.0.norm"].y) == [], "zero has no place on an axis that multiplies"
    assert figure.layout.yaxis.type == "log"
    assert list(figure.layout.yaxis.ticktext) == ["0.001", "0.01", "0.1", "1", "10"]


def test_norms_that_lie_close_together_have_ticks_between_powers_of_ten():
    figure = layers.by_group(np.full((3, 6), 3.0), STEPS, GROUPS, "gradient norm", "light")
    assert {"2", "5"} <= set(figure.layout.yaxis.ticktext)


def test_the_update_ratio_is_drawn_beside_what_is_usual():
    figure = layers.by_group(NORMS, STEPS, GROUPS, "update ÷ weight", "light", usual=1e-3)
    usual = figure.data[-1]
    assert "0.001" in usual.name
    assert (list(usual.x), list(usual.y)) == ([10, 30], [1e-3, 1e-3])


def test_a_run_that_has_measured_nothing_is_an_empty_picture():
    empty = np.empty((0, 0))
    assert not layers.by_group(empty, STEPS[:0], (), "gradient norm", "light").data
    (heatmap,) = layers.norm_map(empty, STEPS[:0], (), "gradient norm", "light").data
    assert np.asarray(heatmap.z).size == 0


def test_norms_without_their_steps_or_groups_are_refused():
    for draw in (layers.norm_map, layers.by_group):
        with pytest.raises(ValueError, match="5 labels came for 6 groups"):
            draw(NORMS, STEPS, GROUPS[:5], "gradient norm", "light")
        with pytest.raises(ValueError, match="2 steps came for 3 rows"):
            draw(NORMS, STEPS[:2], GROUPS, "gradient norm", "light")


def test_a_histogram_compares_a_parameter_with_its_start_in_the_same_bins():
    now, start = np.array([0.0, 0.0, 1.0, 4.0, np.nan]), np.array([0.0, 0.0, 0.0, 0.0])
    bars, line = layers.histogram(now, "h.0.attn.c_attn.weight", "light", start).data
    assert np.array_equal(bars.x, line.x)
    assert np.sum(bars.y) == pytest.approx(1)
    assert bars.y[0] == 0.5
    assert np.max(line.y) == 1.0
    assert line.line.dash == "dash"


def test_a_parameter_of_a_single_number_has_a_histogram():
    (bars,) = layers.histogram(np.ones(3), "ln_f.weight", "dark").data
    assert np.max(bars.y) == 1.0


def test_loss_and_scores_share_one_axis_of_steps_that_multiplies(scores):
    figure = induction.birth(scores, np.array([0, 10, 100]), (X, 4 - X / 400), "light")
    loss, *heads = figure.data
    assert loss.name == "training loss, smoothed by 0.9"
    assert figure.layout.xaxis.type == figure.layout.xaxis2.type == "log"
    assert figure.layout.xaxis.matches == "x2"
    assert len(heads) == 6
    assert list(heads[0].x) == [10, 100], "step 0 has no place on such an axis"
    assert tuple(figure.layout.yaxis2.range) == (0, 1.02)


def test_the_best_heads_are_named_and_told_apart_by_dash(scores):
    figure = induction.birth(scores, np.array([0, 10, 100]), (X, X), "light")
    named = [trace for trace in figure.data[1:] if trace.showlegend]
    assert len(named) == induction.NAMED_HEADS
    assert "L1 H2" in {trace.name for trace in named}
    assert len({trace.line.dash for trace in named}) == len(named)
    others = [trace for trace in figure.data[1:] if not trace.showlegend]
    assert {trace.line.color for trace in others} == {PALETTES["light"].muted}


def test_before_the_first_snapshot_the_loss_stands_alone():
    figure = induction.birth(np.empty((0, 0, 0)), STEPS[:0], (X[:0], X[:0]), "light")
    assert [trace.name for trace in figure.data] == ["training loss, smoothed by 0.9"]


def test_scores_without_their_steps_are_refused(scores):
    with pytest.raises(ValueError, match="2 steps came for 3 rows of scores"):
        induction.birth(scores, STEPS[:2], (X, X), "light")
