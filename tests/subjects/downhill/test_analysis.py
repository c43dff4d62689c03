"""Steps of the optimisers, beside the formulas of their papers in NumPy."""

import math
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from gptviz import GPT
from gptviz.runs.curves import BASELINES
from gptviz.subjects import downhill
from gptviz.subjects.downhill import analysis, gpt_analysis

needs_muon = pytest.mark.skipif(
    not hasattr(torch.optim, "Muon"), reason="Muon comes with PyTorch 2.9"
)
SURFACES = ["valley", "bend", "saddle"]


def slope(name: str, p: np.ndarray) -> np.ndarray:
    x, y = p
    if name == "valley":
        return np.array([0.1 * (x - 1), 2 * (y - 1)])
    if name == "bend":
        off = y - x**2 / 6
        return np.array([0.2 * (x - 3) - 2 * off * x / 3, 2 * off])
    return np.array([x * (x**2 - 9) / 45, y])


def height(name: str, p: np.ndarray) -> float:
    x, y = p
    if name == "valley":
        return 0.05 * (x - 1) ** 2 + (y - 1) ** 2
    if name == "bend":
        return 0.1 * (x - 3) ** 2 + (y - x**2 / 6) ** 2
    return (x**2 - 9) ** 2 / 180 + y**2 / 2


def walk(name: str, optimizer: str, rate: float, p: np.ndarray, steps: int) -> np.ndarray:
    """Points (steps + 1, 2) of a path, by the papers' formulas."""
    m = v = np.zeros(2)
    points = [p]
    for t in range(1, steps + 1):
        g = slope(name, p)
        if optimizer == "sgd":
            update = g
        elif optimizer == "momentum":
            m = 0.9 * m + g
            update = m
        else:
            m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
            update = m / (1 - 0.9**t) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
            if optimizer == "adamw":
                update = update + 0.1 * p
        p = p - rate * update
        points.append(p)
    return np.array(points)


@pytest.mark.parametrize("rate", [0.01, 0.3, 0.5, 1.0])
def test_on_x_squared_each_step_multiplies_x_by_one_less_twice_the_rate(rate: float):
    table = downhill.descent("bowl", rate, 2.0)
    x = 2 * (1 - 2 * rate) ** np.arange(21)
    np.testing.assert_allclose(table["x"], x, atol=1e-9)
    np.testing.assert_allclose(table["y"], x**2, atol=1e-9)
    np.testing.assert_allclose(table["slope"], 2 * x, atol=1e-9)


def test_the_first_step_from_3_goes_from_9_down_to_5_76():
    first, second = downhill.descent("bowl", 0.1, 3.0).iloc[:2].to_dict("records")
    assert (first["x"], first["y"], first["slope"]) == (3.0, 9.0, 6.0)
    assert (f"{second['x']:.1f}", f"{second['y']:.2f}") == ("2.4", "5.76")


def test_two_valleys_end_where_the_start_and_the_rate_lead():
    for start, rate in ((2.0, 0.1), (-0.2, 0.1), (2.0, 0.45)):
        x = [start]
        for _ in range(20):
            x.append(x[-1] - rate * (x[-1] ** 3 - 2 * x[-1] + 0.3))
        np.testing.assert_allclose(downhill.descent("two-valleys", rate, start)["x"], x, rtol=1e-6)
    ends = [downhill.descent("two-valleys", 0.1, start) for start in (2.0, -2.0)]
    right, left = (table.iloc[-1] for table in ends)
    assert right["x"] > 1 > -1 > left["x"]
    assert left["y"] < right["y"]
    assert downhill.descent("two-valleys", 0.45, 2.0)["x"].min() < 0, "over the hill between"


def test_a_rate_that_is_too_high_ends_early():
    assert len(downhill.descent("two-valleys", 1.05, 2.2)) < 21
    last = downhill.descent("bowl", 1.05, 2.2)
    assert abs(last["x"].iloc[-1]) > 2.2
    table = downhill.paths("valley", 1.2)
    assert len(table[table["optimizer"] == "sgd"]) < 61


@pytest.mark.parametrize("name", SURFACES)
@pytest.mark.parametrize("rate", [0.01, 0.1])
def test_the_paths_are_those_of_the_papers(name: str, rate: float):
    table = downhill.paths(name, rate)
    for optimizer in ("sgd", "momentum", "adam", "adamw"):
        rows = table[table["optimizer"] == optimizer]
        start = rows[["x", "y"]].iloc[0].to_numpy()
        points = walk(name, optimizer, rate, start, 60)
        np.testing.assert_allclose(rows[["x", "y"]], points, atol=1e-5, err_msg=optimizer)
        heights = [height(name, p) for p in points]
        np.testing.assert_allclose(rows["height"], heights, atol=1e-5)
    assert table.groupby("optimizer")[["x", "y"]].first().nunique().tolist() == [1, 1]


@needs_muon
@pytest.mark.parametrize("name", SURFACES)
def test_muon_s_steps_have_the_direction_of_its_momentum_and_the_length_of_five_rounds(name: str):
    table = downhill.paths(name, 0.1)
    points = table[table["optimizer"] == "muon"][["x", "y"]].to_numpy()
    length = 1.0  # the only singular value of a matrix of one row, once it is normalised
    for _ in range(5):
        length = 3.4445 * length - 4.7750 * length**3 + 2.0315 * length**5
    m = np.zeros(2)
    for before, after in pairwise(points):
        g = slope(name, before)
        m = 0.95 * m + 0.05 * g
        looked_ahead = 0.05 * g + 0.95 * m
        wanted = 0.1 * length * looked_ahead / np.linalg.norm(looked_ahead)
        np.testing.assert_allclose(before - after, wanted, atol=0.1 * 0.03)  # in bfloat16


@pytest.mark.parametrize("name", SURFACES)
def test_a_surface_is_lowest_where_it_says(name: str):
    table = downhill.surface(name)
    wanted = [height(name, p) for p in table[["x", "y"]].to_numpy()]
    np.testing.assert_allclose(table["height"], wanted, atol=1e-12)
    for p in analysis.SURFACES[name].lowest:
        assert height(name, np.array(p)) == 0
        np.testing.assert_allclose(slope(name, np.array(p)), 0, atol=1e-12)
    assert table["height"].min() >= 0


def test_without_muon_the_others_are_there(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delattr(torch.optim, "Muon", raising=False)
    found = downhill.paths("valley", 0.1)["optimizer"].unique().tolist()
    assert found == ["sgd", "momentum", "adam", "adamw"]


def test_adam_s_numbers_are_those_of_the_paper():
    gradients, beta1, beta2 = (0.5, -3.0, 0.0, 1e-3), 0.8, 0.95
    m = v = 0.0
    for t, (row, g) in enumerate(
        zip(
            downhill.adam_steps(gradients, beta1, beta2).itertuples(index=False),
            gradients,
            strict=True,
        ),
        start=1,
    ):
        m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g * g
        m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
        update, raw = m_hat / (math.sqrt(v_hat) + 1e-8), m / (math.sqrt(v) + 1e-8)
        assert tuple(row) == pytest.approx((t, g, m, v, m_hat, v_hat, update, raw), rel=1e-9)


@pytest.mark.parametrize("gradient", [1e-3, 0.5, -200.0])
def test_adam_s_first_step_is_the_rate_however_large_the_gradient(gradient: float):
    first = downhill.adam_steps((gradient,)).iloc[0]
    assert first["update"] == pytest.approx(math.copysign(1, gradient), abs=1e-4)
    assert downhill.adam_steps((0.0, 0.0))["update"].tolist() == [0, 0]


def by_hand(seed: int, rate: float) -> list[float]:
    """The losses of the tiny GPT with SGD, whose arithmetic stands here."""
    generator = torch.Generator().manual_seed(seed)
    model = GPT(gpt_analysis.MODEL, generator)
    ids = torch.from_numpy(gpt_analysis._ids().astype(np.int64))
    losses = []
    for _ in range(gpt_analysis.STEPS):
        starts = torch.randint(len(ids) - 16, (16,), generator=generator)
        windows = torch.stack([ids[start : start + 17] for start in starts])
        loss = F.cross_entropy(model(windows[:, :-1]).flatten(0, 1), windows[:, 1:].flatten())
        gradients = torch.autograd.grad(loss, list(model.parameters()))
        length = math.sqrt(sum(float(g.square().sum()) for g in gradients))
        with torch.no_grad():
            for p, g in zip(model.parameters(), gradients, strict=True):
                p -= rate * (g / max(1, length) + (0.1 * p if p.dim() == 2 else 0))
        losses.append(loss.item())
    return losses


def test_all_optimizers_begin_with_the_same_gpt_and_sgd_is_its_formula():
    told: list[tuple[int, int]] = []
    table = downhill.courses(1.0, 3, lambda done, whole: told.append((done, whole)))
    names = analysis.available()
    assert table[names].iloc[0].nunique() == 1
    assert table[names].iloc[0].mean() == pytest.approx(math.log(78), abs=0.2)
    assert table["sgd"].tolist() == pytest.approx(by_hand(3, 0.5), abs=2e-3)
    assert (table[names].iloc[-1] < table[names].iloc[0] - 0.4).all()
    steps = gpt_analysis.STEPS
    assert told == [(i * steps, len(names) * steps) for i in range(len(names))]


def test_the_lines_across_are_what_counting_the_text_of_the_batches_comes_to():
    ids = gpt_analysis._ids().tolist()
    counts, pairs = Counter(ids), Counter(pairwise(ids))
    n, V = len(ids), gpt_analysis.MODEL.vocab_size
    alone = {letter: (counts[letter] + 1) / (n + V) for letter in range(V)}
    kinds, followed = Counter(a for a, _ in pairs), Counter(ids[:-1])
    unigram = sum(-math.log(alone[b]) for b in ids[1:]) / (n - 1)
    bigram = sum(
        -math.log((pairs[a, b] + kinds[a] * alone[b]) / (followed[a] + kinds[a]))
        for a, b in pairwise(ids)
    ) / (n - 1)
    assert [*gpt_analysis.guesses().values()] == pytest.approx([math.log(V), unigram, bigram])
    assert [*gpt_analysis.guesses()] == [*BASELINES.values()]


def test_a_course_that_diverges_has_no_number_there():
    assert np.isfinite(downhill.courses(1.0, 0)).all(axis=None)
    table = downhill.courses(1e6, 0)
    assert (table.drop(columns="step").max() > 100).any() or table.isna().any(axis=None)


@pytest.mark.parametrize("optimizer", ["adamw", "sgd", pytest.param("muon", marks=needs_muon)])
@pytest.mark.parametrize("decay", [0.0, 0.3])
def test_matrices_lose_the_same_share_at_each_step_and_vectors_none(optimizer: str, decay: float):
    table = downhill.shrunk(optimizer, decay)
    is_matrix = table["parameter"].str.contains(r"w[tp]e|c_\w+\.weight")
    assert table["decayed"].tolist() == (is_matrix & (decay > 0)).tolist()
    share = (1 - 0.001 * decay) ** 100
    np.testing.assert_allclose(table["left"], np.where(is_matrix, share, 1), rtol=1e-4)
    assert table["numbers"].sum() == GPT(gpt_analysis.MODEL).n_parameters


def test_momentum_adds_up_decay_and_adam_makes_its_strength_hardly_count():
    w, b = 1.0, 0.0
    for _ in range(100):
        b = 0.9 * b + 0.1 * w
        w -= 0.001 * b
    table = downhill.shrunk("momentum", 0.1)
    np.testing.assert_allclose(table[table["decayed"]]["left"], w, rtol=1e-4)
    weak, strong = (downhill.shrunk("adam", decay) for decay in (0.01, 1.0))
    np.testing.assert_allclose(weak["left"], strong["left"], rtol=0.02)
    assert (weak[weak["decayed"]]["left"] < 0.3).all()
