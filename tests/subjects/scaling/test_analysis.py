"""Sizes, compute and losses of a family, counted once more without gptviz's formulas."""

import numpy as np
import pytest

from gptviz import GPT, GPTConfig, parameters
from gptviz.jobs import worker
from gptviz.runs import Run
from gptviz.subjects.scaling import analysis, by_compute, by_size, ready
from gptviz.subjects.scaling.family import family
from gptviz.subjects.scaling.published_analysis import PUBLISHED, beside, exponents

N, ALL, SIX, COUNTED = (
    "parameters without embeddings",
    "all parameters",
    "6 · N · tokens",
    "counted FLOPs",
)


def multiplied(config: GPTConfig) -> float:
    """FLOPs of training on a token, product by product, in the mean over a context."""
    C, whole = config.n_embd, 0
    for n in range(1, config.block_size + 1):  # tokens that this one looks at
        block = 2 * (C * 3 * C + n * C + n * C + C * C + C * 4 * C + 4 * C * C)
        whole += config.n_layer * block + 2 * C * config.vocab_size
    return 3 * whole / config.block_size


def test_a_family_s_models_differ_in_size_and_rate_alone(text):
    made = family(text)
    first, *others = (config.to_dict() for config in made.values())
    for other in others:
        assert {name for name in first if first[name] != other[name]} <= {
            *("model", "learning_rate", "min_learning_rate")
        }
        shape, own = other["model"], first["model"]
        assert {key for key in own if own[key] != shape[key]} <= {"n_layer", "n_head", "n_embd"}
    sizes = [parameters.without_embeddings(config.model) for config in made.values()]
    assert sizes == sorted(sizes)
    assert len(set(sizes)) == len(made) == 8


def test_runs_become_points(train):
    runs = train(3, 1)
    table = analysis.courses(reversed(runs))
    assert table.columns.tolist() == list(analysis.COLUMNS)
    assert table["model"].unique().tolist() == ["1 × 16", "1 × 24", "1 × 32", "2 × 32"]
    assert table.groupby("model", sort=False).size().tolist() == [4, 4, 4, 1]
    for run, (_, rows) in zip(runs, table.groupby("model", sort=False), strict=True):
        config = run.config.model
        model = GPT(config)
        embeddings = model.wte.weight.numel() + model.wpe.weight.numel()
        last = rows.iloc[-1]
        assert last[ALL] == model.n_parameters
        assert last[N] == model.n_parameters - embeddings
        assert last["tokens"] == last["step"] * 16 * 64
        assert last[SIX] == 6 * last[N] * last["tokens"]
        np.testing.assert_allclose(last[COUNTED], multiplied(config) * last["tokens"])
    assert analysis.ends(table)["model"].tolist() == ["1 × 16", "1 × 24", "1 × 32"]
    assert analysis.courses([]).empty


@pytest.mark.parametrize("counted", ["without", "all"])
def test_losses_by_size_are_those_of_models_that_are_done(train, counted):
    table = analysis.courses(train(4, 1))
    found = by_size(table, counted)
    x = N if counted == "without" else ALL
    assert found.points["model"].tolist() == ["1 × 16", "1 × 24", "1 × 32", "2 × 32"]
    slope, height = np.polyfit(np.log(found.points[x]), np.log(found.points["val_loss"]), 1)
    np.testing.assert_allclose(found.law.exponent, -slope)
    np.testing.assert_allclose(
        found.points["law"], np.exp(height) * found.points[x].to_numpy(float) ** slope
    )
    assert found.n_models == 4


@pytest.mark.parametrize(("counted", "x"), [("six", SIX), ("counted", COUNTED)])
def test_losses_by_compute_are_the_lowest_from_the_smallest_s_end_on(train, counted, x):
    table = analysis.courses(train(4))
    found = by_compute(table, counted)
    shortest = table.loc[table["model"] == "1 × 16", x].max()
    rows = table[table[x] >= shortest].sort_values(x)
    lowest = [
        row.val_loss
        for _, row in rows.iterrows()
        if row.val_loss <= rows[rows[x] <= row[x]].val_loss.min()
    ]
    assert found.points["val_loss"].tolist() == lowest
    assert found.points["model"].iloc[0] == "1 × 16"


@pytest.mark.parametrize(("law", "needed"), [("line", 3), ("floor", 4)])
def test_too_few_models_have_points_and_no_law(train, law, needed):
    table = analysis.courses(train(needed - 1))
    found = by_size(table, "without", law)
    assert found.law is None
    assert len(found.points) == needed - 1
    assert "law" not in found.points
    assert by_size(table[:0], "without", law).points.empty
    assert by_compute(table[:0], "six", law).points.empty


def test_the_published_exponents():
    told = {key: (one.exponent, one.floor) for key, one in PUBLISHED.items()}
    assert told["size", "line"] == (0.076, 0)
    assert told["compute", "line"] == (0.050, 0)
    assert told["size", "floor"] == (0.34, 1.69)
    # Minimise 406.4 ÷ N^0.34 + 410.7 ÷ D^0.28 with 6 N D = C, and see how fast that falls.
    sizes = np.geomspace(1e6, 1e14, 400_001)
    C = np.array([1e18, 1e24])
    best = [(406.4 / sizes**0.34 + 410.7 / (c / 6 / sizes) ** 0.28).min() for c in C]
    falls = np.log(best[0] / best[1]) / np.log(C[1] / C[0])
    np.testing.assert_allclose(told["compute", "floor"][0], falls, rtol=1e-5)


def test_what_ships_is_the_family_trained_to_its_end():
    table, made = ready.courses(), family()
    assert ready.FILE.stat().st_size < 100_000
    assert table.columns.tolist() == list(analysis.COLUMNS)
    ends = analysis.ends(table).set_index("model")
    assert ends.index.tolist() == list(made)
    for name, config in made.items():
        row = ends.loc[name]
        assert row["step"] == row["steps"] == config.steps
        assert row["tokens"] == config.steps * config.tokens_per_step
        assert row[N] == parameters.without_embeddings(config.model)
        assert row[ALL] == parameters.count(config.model)
        np.testing.assert_allclose(row[SIX], 6.0 * row[N] * row["tokens"], rtol=1e-5)
        np.testing.assert_allclose(
            row[COUNTED], multiplied(config.model) * row["tokens"], rtol=1e-5
        )
    assert ends["val_loss"].is_monotonic_decreasing
    assert {"machine", "torch", "minutes"} <= ready.about().keys()
    assert 0 < int(ready.about()["minutes"]) <= 15


def test_the_family_is_trained_where_it_was_interrupted(text, tmp_path, monkeypatch):
    made, worked = dict(list(family(text).items())[:3]), []
    monkeypatch.setattr(ready, "family", lambda seed: made if seed == 0 else {})
    monkeypatch.setattr(worker, "work", lambda run: worked.append(run.name))
    Run.create(tmp_path / "runs" / "1 × 16", made["1 × 16"])
    runs = ready.train(tmp_path / "runs")
    assert worked == [run.name for run in runs] == list(made)
    assert [run.config for run in runs] == list(made.values())


def test_what_ships_is_packed_from_runs(train, tmp_path, monkeypatch):
    runs = train(3)
    for run in runs:
        (run.folder / "metrics.jsonl").write_text(
            (run.folder / "metrics.jsonl").read_text().replace('"lr"', '"seconds": 25.0, "lr"')
        )
    file = tmp_path / "ready.json"
    ready.keep(runs, "a machine", file)
    monkeypatch.setattr(ready, "FILE", file)
    ready.courses.cache_clear()
    try:
        told = ready.courses()
        assert ready.about()["machine"] == "a machine"
        assert ready.about()["minutes"] == "2"  # three runs of 25 seconds
    finally:
        monkeypatch.undo()
        ready.courses.cache_clear()
    own = analysis.courses(runs)
    assert told["model"].tolist() == own["model"].tolist()
    for name in analysis.COLUMNS[1:]:
        np.testing.assert_allclose(told[name].to_numpy(float), own[name].to_numpy(float), rtol=1e-5)


def test_the_exponents_stand_beside_each_other(train):
    read = analysis.courses(train(3, 1))
    found = by_size(read)
    laws = np.array([[0, 1, 0.01 * i] for i in range(101)])
    table = exponents(found.law, laws, "size").set_index("whose")
    assert table.loc["these runs", "exponent"] == found.law.exponent
    np.testing.assert_allclose(table.loc["these runs, low end", "exponent"], 0.025)
    np.testing.assert_allclose(table.loc["these runs, high end", "exponent"], 0.975)
    assert table.loc["Kaplan et al. (2020)"].tolist() == [0.076, 0]
    assert table.loc["Hoffmann et al. (2022)"].tolist() == [0.34, 1.69]
    assert len(exponents(found.law, laws[:0], "size")) == 3
    assert beside(read).iloc[0].tolist() == ["these runs", 3312, 25472, 5 * 1024, 20 * 1024]
