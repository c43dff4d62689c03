"""Power laws beside scipy's, and draws of models beside draws made by hand."""

import numpy as np
import pytest
from scipy.optimize import curve_fit
from scipy.stats import linregress

from gptviz.subjects.scaling import law_analysis
from gptviz.subjects.scaling.law_analysis import PowerLaw, draws, fit, frontier

X = np.geomspace(3e3, 6e5, 8)


def noisy(floor: float, factor: float, exponent: float, seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, 0.01, len(X))
    return floor + factor * X**-exponent + noise


@pytest.mark.parametrize("seed", range(3))
def test_a_line_is_scipy_s(seed):
    y = noisy(0, 4, 0.07, seed)
    law, theirs = fit(X, y, "line"), linregress(np.log(X), np.log(y))
    assert law.floor == 0
    np.testing.assert_allclose(law.exponent, -theirs.slope, rtol=1e-9)
    np.testing.assert_allclose(law.factor, np.exp(theirs.intercept), rtol=1e-9)


@pytest.mark.parametrize(("floor", "exponent"), [(1.0, 0.3), (1.69, 0.34), (0.3, 0.15)])
@pytest.mark.parametrize("seed", range(2))
def test_a_law_with_a_floor_is_scipy_s(floor, exponent, seed):
    y = noisy(floor, 20, exponent, seed)
    law = fit(X, y, "floor")
    theirs, _ = curve_fit(
        lambda x, e, a, b: e + np.exp(a) * x**-b,
        X,
        y,
        (1, 2, 0.3),
        bounds=([0, -9, 0.01], [9, 9, 3]),
    )
    np.testing.assert_allclose(law.exponent, theirs[2], atol=2e-4)
    np.testing.assert_allclose(law.floor, theirs[0], atol=2e-3)
    np.testing.assert_allclose(
        law.at(X), theirs[0] + np.exp(theirs[1]) * X ** -theirs[2], atol=1e-4
    )


def test_a_floor_is_never_below_0():
    y = 3 - 0.1 * np.log(X)  # bends down: the best floor would be far below 0
    law = fit(X, y, "floor")
    assert law.floor == 0
    assert law.factor > 0


@pytest.mark.parametrize("law", ["line", "floor"])
def test_with_an_exponent_given_only_the_rest_is_sought(law):
    y = noisy(1.0, 20, 0.3)
    found = fit(X, y, law, 0.2)
    assert found.exponent == 0.2
    u = X**-0.2
    if law == "line":
        np.testing.assert_allclose(found.factor, np.exp(np.log(y / u).mean()))
    else:
        (factor, floor), *_ = np.linalg.lstsq(np.stack([u, np.ones(8)], 1), y)
        np.testing.assert_allclose((found.factor, found.floor), (factor, floor))


def test_the_law_of_a_paper_is_found_again_in_its_own_points():
    law = PowerLaw(1.69, 406.4, 0.34)  # Hoffmann et al., 2022, with endless text
    sizes = np.geomspace(7e7, 1.6e10, 12)
    found = fit(sizes, law.at(sizes), "floor")
    np.testing.assert_allclose((found.floor, found.exponent), (1.69, 0.34), atol=1e-3)


@pytest.mark.parametrize("law", ["line", "floor"])
def test_too_few_points_and_numbers_that_have_no_logarithm_are_refused(law):
    few = law_analysis.FEWEST[law] - 1
    with pytest.raises(ValueError, match=f"{few} different sizes came, and this law needs"):
        fit(np.append(X[:few], X[0]), np.ones(few + 1), law)
    for wrong in (np.nan, 0.0, -1.0, np.inf):
        with pytest.raises(ValueError, match="numbers above 0"):
            fit(X, np.append(np.ones(7), wrong), law)


def test_the_frontier_is_what_nothing_beats_with_less():
    rng = np.random.default_rng(3)
    x, y = rng.uniform(1, 9, 60), rng.uniform(1, 9, 60)
    kept = [i for i in range(60) if not any((x < x[i]) & (y < y[i]))]
    found_x, found_y = frontier(x, y)
    assert found_x.tolist() == sorted(x[kept])
    assert found_y.tolist() == y[kept][np.argsort(x[kept])].tolist()
    assert [len(part) for part in frontier(x[:0], y[:0])] == [0, 0]


def test_models_are_drawn_with_all_their_points():
    y, model = noisy(0, 4, 0.07), np.arange(8)
    found = draws(X, y, model, "line", seed=5)
    drawn = np.random.default_rng(5).integers(0, 8, (1000, 8))
    kept = [at for at in drawn if len(set(at.tolist())) >= 3]
    assert len(found) == len(kept)
    theirs = [-linregress(np.log(X[at]), np.log(y[at])).slope for at in kept[:50]]
    np.testing.assert_allclose(found[:50, 2], theirs, rtol=1e-8)
    low, high = law_analysis.between(found[:, 2])
    assert low < fit(X, y, "line").exponent < high
    assert 24 <= (found[:, 2] < low).sum() <= 26
    twice = draws(
        np.append(X, X), np.append(y, y + 1), np.append(model, model), "line", frontier, 5
    )
    np.testing.assert_allclose(twice, found)  # the second point of each model lies higher


def test_the_band_is_where_most_laws_lie():
    laws = draws(X, noisy(1, 20, 0.3), np.arange(8), "floor")
    low, high = law_analysis.band(laws, X)
    values = np.array([e + a * X**-b for e, a, b in laws])
    np.testing.assert_allclose(low, np.quantile(values, 0.025, axis=0))
    np.testing.assert_allclose(high, np.quantile(values, 0.975, axis=0))


def test_few_models_are_not_drawn_at_all():
    assert draws(X[:4], X[:4], np.arange(4), "line").shape == (0, 3)
    assert draws(X[:5], X[:5], np.arange(5), "floor").shape == (0, 3)
