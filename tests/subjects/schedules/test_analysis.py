"""The six schedules beside their formulas, and what came of them."""

import math

import numpy as np
import pytest

from gptviz.subjects import schedules

NAMES = ["constant", "linear", "cosine", "stairs", "warmup-linear", "warmup-cosine"]


def formula(name: str, step: int, warmup: int, last: float) -> float:
    """A share of the highest rate, of 200 steps."""
    if name.startswith("warmup-"):
        if step < warmup:
            return (step + 1) / warmup
        done = (step - warmup) / (200 - warmup)
    else:
        done = step / 200
    match name.removeprefix("warmup-"):
        case "constant":
            return 1.0
        case "linear":
            return 1 - (1 - last) * done
        case "cosine":
            return last + (1 - last) * (1 + math.cos(math.pi * done)) / 2
    return max(last, 0.5 ** (step // 40))


@pytest.mark.parametrize(("warmup_share", "last"), [(0.1, 0.1), (0.5, 0.0), (0.02, 1.0)])
def test_the_six_are_their_formulas(warmup_share: float, last: float):
    table = schedules.six(warmup_share, last)
    assert table.columns.tolist() == ["step", *NAMES]
    assert table["step"].tolist() == list(range(1, 201))
    for name in NAMES:
        wanted = [formula(name, step, round(200 * warmup_share), last) for step in range(200)]
        np.testing.assert_allclose(table[name], wanted, atol=1e-12, err_msg=name)


def test_a_long_run_is_drawn_in_few_points_with_the_end_of_its_warm_up():
    table = schedules.rates("linear", 100_000, 1234, 0.5, 0.1)
    assert len(table) <= 401
    assert table["step"].iloc[[0, -1]].tolist() == [1, 100_000]
    top = table[table["step"] == 1234]
    assert top["rate"].tolist() == [0.5]
    after = table[table["step"] > 1234]
    done = (after["step"] - 1 - 1234) / (100_000 - 1234)
    np.testing.assert_allclose(after["rate"], 0.5 - 0.4 * done)
    assert schedules.rates("cosine", 1, 50, 0.5, 0.1)["rate"].tolist() == [0.5 / 50]


def test_a_warm_up_of_100_steps_begins_with_a_hundredth_of_the_rate():
    table = schedules.rates("linear", 300, 100, 1e-3, 1e-4).set_index("step")["rate"]
    assert [f"{table[step]:.5f}" for step in (1, 50, 100)] == ["0.00001", "0.00050", "0.00100"]


def test_six_runs_begin_alike_and_what_falls_ends_lower_than_what_stays():
    told: list[tuple[int, int]] = []
    table = schedules.courses(0.1, 0, lambda done, whole: told.append((done, whole)))
    assert table.columns.tolist() == ["step", *NAMES]
    assert table[NAMES].iloc[0].nunique() == 1
    ends = table[NAMES].tail(20).mean()
    assert (ends.drop("constant") < ends["constant"]).all()
    assert told == [(i * 200, 1200) for i in range(6)]
