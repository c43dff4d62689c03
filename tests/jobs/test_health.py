"""What a curve says about a run: on curves made for one rule, and on runs that were trained."""

from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest

from gptviz.jobs.health import Finding, judge
from gptviz.jobs.worker import work
from gptviz.model import GPTConfig
from gptviz.runs import Run
from gptviz.training.config import TrainingConfig
from gptviz.training.record import gradients, metrics
from gptviz.training.record.gradients import RecordedNorms
from gptviz.training.record.metrics import COLUMNS, PARTS, History

CONFIG = TrainingConfig(GPTConfig(20, 8, 1, 2, 8), "text.txt", steps=600, eval_interval=25)
TEXT = "the cat sat on the mat. a dog ran by the old oak. " * 12
STEPS = np.arange(1, 601)
LEARNING = 1.5 + 2.7 * np.exp(-STEPS / 80)  # as a run goes that learns
NOISE = np.random.default_rng(0).normal(0, 0.05, len(STEPS))


def course(loss, validation=None, norm=0.8, every=25) -> History:
    """A run with these losses; validation has one value a step, of which some are told."""
    norms = np.broadcast_to(norm, len(loss))
    columns = {name: np.full(len(loss), np.nan) for name in (*COLUMNS, *PARTS)}
    columns["step"] = np.arange(1, len(loss) + 1)
    columns["train_loss"], columns["grad_norm"] = np.array(loss, dtype=float), norms
    if validation is not None:
        columns["val_loss"][every - 1 :: every] = np.asarray(validation)[every - 1 :: every]
    return History(columns)


def rules(*arguments, config=CONFIG, **more) -> list[str]:
    return [finding.rule for finding in judge(course(*arguments, **more), config)]


def test_a_curve_that_falls_and_flattens_is_healthy():
    (finding,) = judge(course(LEARNING + NOISE, LEARNING + 0.1), CONFIG)
    assert finding.rule == "healthy"
    assert "fell from 4.1" in finding.evidence
    assert "validation loss was 1.60 at step 600" in finding.evidence


@pytest.mark.parametrize("n", [75, 150, 300, 599])
def test_a_healthy_curve_is_healthy_at_every_length(n):
    assert rules((LEARNING + NOISE)[:n], (LEARNING + 0.1)[:n]) == ["healthy"]


@pytest.mark.parametrize("n", [0, 1, 19, 20, 39, 40, 49])
def test_a_short_curve_is_not_judged(n):
    (finding,) = judge(course((LEARNING + NOISE)[:n]), CONFIG)
    assert finding.rule == "too-early"
    assert f"Steps done: {n}." in finding.evidence
    assert "after 70" in finding.evidence, "not before the warm-up of 50 steps is over"


def test_a_loss_above_its_start_means_too_high_a_rate_even_in_the_first_steps():
    loss = np.array([4.0, 4.4, 6.5, 8.0, 7.0])
    (finding,) = judge(course(loss), CONFIG)
    assert finding.rule == "rate-too-high"
    assert "began at 4.00" in finding.evidence
    assert "8.00 at step 4" in finding.evidence


def test_a_loss_that_rises_again_means_too_high_a_rate():
    loss = LEARNING + NOISE
    loss[300:] += np.linspace(0, 1.5, 300)
    (finding,) = judge(course(loss, loss), CONFIG)
    assert finding.rule == "rate-too-high"
    low, low_step, now = map(float, np.array(finding.evidence.replace(",", "").split())[[6, 9, 12]])
    assert low == pytest.approx(1.57, abs=0.05)
    assert low_step == pytest.approx(300, abs=25)
    assert now > 2.9


def test_spikes_mean_too_high_a_rate_and_one_alone_does_not():
    loss = LEARNING + NOISE
    loss[200] += 2
    assert rules(loss) == ["healthy"]
    loss[[300, 400]] += 2
    (finding,) = judge(course(loss), CONFIG)
    assert finding.rule == "rate-too-high"
    assert "at 3 steps, lately at 201, 301, 401" in finding.evidence


def test_a_loss_that_hardly_moves_means_too_low_a_rate():
    loss = 4.2 - 0.5 * STEPS / 600 + NOISE
    (finding,) = judge(course(loss, norm=4.0), CONFIG)
    assert finding.rule == "rate-too-low"
    assert "In 600 steps" in finding.evidence
    assert "from 4.21 to 3.69" in finding.evidence


def test_a_loss_that_fell_a_little_and_stands_is_stuck():
    loss = 3.3 + 1.1 * np.exp(-STEPS / 15) + NOISE
    (finding,) = judge(course(loss), CONFIG)
    assert finding.rule == "stuck"
    assert "went from 4.3" in finding.evidence
    assert "0.0" in finding.evidence.partition(";")[2]


def test_a_loss_that_never_moved_means_too_low_a_rate():
    assert rules(4.2 + NOISE) == ["rate-too-low"]


def test_a_slow_warm_up_is_no_sign_of_too_low_a_rate():
    loss = 4.2 - 0.5 * STEPS / 600
    assert rules(loss, config=replace(CONFIG, warmup_steps=510)) == ["healthy"]


def test_lessons_in_copying_are_not_judged():
    lessons = np.concatenate([np.linspace(3, 0.3, 100), LEARNING + 4 + NOISE])
    practises = replace(CONFIG, copy_steps=100, steps=700)
    assert rules(lessons) == ["rate-too-high"], "as a curve of the text it would be"
    (finding,) = judge(course(lessons), practises)
    assert finding.rule == "healthy"
    assert "fell from 8." in finding.evidence
    (finding,) = judge(course(lessons[:120]), practises)
    assert finding.rule == "too-early"
    assert "Steps after the lessons in copying: 20." in finding.evidence


def test_validation_that_rises_while_training_falls_is_overfitting():
    validation = LEARNING + 0.1
    validation[300:] += np.linspace(0, 1, 300)
    loss = LEARNING - np.maximum(0, STEPS - 250) / 600 + NOISE
    (finding,) = judge(course(loss, validation), CONFIG)
    assert finding.rule == "overfitting"
    assert "Since step 300" in finding.evidence
    assert "risen from 1.66" in finding.evidence


def test_one_bad_validation_is_no_overfitting():
    validation = LEARNING + 0.1
    validation[-1] += 0.05
    assert rules(LEARNING + NOISE, validation) == ["healthy"]


def test_validation_that_only_flattens_is_no_overfitting():
    assert rules(LEARNING - STEPS / 1000, np.maximum(LEARNING, 2.0)) == ["healthy"]


def test_both_losses_rising_is_no_overfitting():
    loss = LEARNING + NOISE
    loss[300:] += np.linspace(0, 1.5, 300)
    assert "overfitting" not in rules(loss, loss)


def test_gradients_far_beyond_the_limit_on_most_steps_are_told():
    (finding,) = judge(course(LEARNING + NOISE, norm=4.0), CONFIG)
    assert finding.rule == "clipping"
    assert "Of the last 200 gradients 100%" in finding.evidence
    assert "the limit of 1" in finding.evidence
    assert "longer than 4.00" in finding.evidence


def test_clipping_on_a_minority_of_steps_is_healthy():
    norms = np.where(STEPS % 5 < 2, 4.0, 0.5)
    assert rules(LEARNING + NOISE, norm=norms) == ["healthy"]


def test_clipping_is_measured_against_the_run_s_own_limit():
    assert rules(LEARNING, norm=4.0, config=replace(CONFIG, gradient_clip=5.0)) == ["healthy"]


def test_a_run_may_have_two_faults():
    validation = LEARNING + 0.1
    validation[300:] += np.linspace(0, 1, 300)
    found = rules(LEARNING - STEPS / 1000, validation, norm=4.0)
    assert found == ["overfitting", "clipping"]


def measured(shares: dict[str, float], at=range(10, 601, 10), whole=0.9) -> RecordedNorms:
    """The gradients of a run whose parts have these shares; the embedding has the rest."""
    rest = np.sqrt(1 - sum(share**2 for share in shares.values()))
    row = whole * np.array([rest, *shares.values()])
    steps = np.array(at)
    return RecordedNorms(steps, ("embedding", *shares), {"grad_norm": np.tile(row, (len(at), 1))})


HEALTHY_SHARES = {"h.0.attn": 0.06, "h.0.mlp": 0.2, "h.0.norm": 1e-4, "h.1.attn": 0.018}


def vanished(*arguments, loss=LEARNING + NOISE, **more) -> list[Finding]:
    return judge(course(loss), CONFIG, False, measured(*arguments, **more))


def test_a_part_with_next_to_no_gradient_is_told():
    (finding,) = vanished(HEALTHY_SHARES | {"h.0.mlp": 1e-7})
    assert finding.rule == "vanishing"
    assert "In the last 20 measurements 1 of 3 attentions and MLPs" in finding.evidence
    assert "h.0.mlp had 1 part in 10,000,000." in finding.evidence


def test_the_smallest_gradients_of_runs_that_learn_have_not_vanished():
    (finding,) = vanished(HEALTHY_SHARES)
    assert finding.rule == "healthy"


def test_a_gradient_of_0_has_vanished_even_if_all_are_0():
    (finding,) = vanished({"h.0.attn": 0.0, "h.0.mlp": 0.5})
    assert "h.0.attn had nothing." in finding.evidence
    (finding,) = vanished(HEALTHY_SHARES, whole=0.0)
    assert "3 of 3 attentions and MLPs" in finding.evidence


def test_gradients_of_long_ago_and_too_few_measurements_say_nothing():
    gone = HEALTHY_SHARES | {"h.0.mlp": 0.0}
    for at in ((), (590, 600), range(10, 400, 10)):
        assert [finding.rule for finding in vanished(gone, at=at)] == ["healthy"]


def test_a_run_that_stands_is_told_that_its_gradients_vanish():
    stands = 3.3 + 1.1 * np.exp(-STEPS / 15) + NOISE
    found = vanished(HEALTHY_SHARES | {"h.0.mlp": 1e-9}, loss=stands)
    assert [finding.rule for finding in found] == ["stuck", "vanishing"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Train a tiny model on a text with these settings; what the rules say."""
    folder = tmp_path_factory.mktemp("health")

    def verdict(
        name: str, text: str = TEXT, n_embd: int = 16, shape: dict | None = None, **changes
    ):
        data = folder / f"{name}.txt"
        data.write_text(text, encoding="utf-8")
        characters = len(set(data.read_text(encoding="utf-8")))
        model = GPTConfig(characters, 8, 1, 2, n_embd, 0.0, 0.0, 0.0)
        model = replace(model, **(shape or {}))
        settings = {"steps": 160, "warmup_steps": 20, "eval_interval": 40, "learning_rate": 0.01}
        settings |= {"precision": "float32", "tokenizer": "char", "batch_size": 8}
        settings |= {"snapshots": 0, "detail_interval": 0, **changes}
        run = Run.create(folder / name, TrainingConfig(model=model, data=str(data), **settings))
        with suppress(ValueError):  # which the run's status remembers
            work(run)
        diverged, layers = run.status.get("diverged", False), gradients.read(run.folder)
        found = judge(metrics.read(run.folder), run.config, diverged, layers)
        return {finding.rule for finding in found}

    return verdict


def test_a_run_that_learns_is_healthy(trained):
    assert trained("healthy", detail_interval=10) == {"healthy"}


def test_a_run_with_a_rate_far_too_high_is_found_out(trained):
    assert trained("high", learning_rate=3.0) == {"rate-too-high"}


def test_a_run_whose_loss_is_no_longer_a_number_is_found_out(trained):
    assert trained("diverged", learning_rate=1e30, warmup_steps=0) == {"rate-too-high"}


def test_a_run_with_a_rate_far_too_low_is_found_out(trained):
    rate = {"learning_rate": 1e-5, "min_learning_rate": 1e-5}
    assert trained("low", **rate) == {"rate-too-low"}


def test_a_run_with_too_little_text_is_found_to_overfit(trained):
    letters = np.random.default_rng(0).choice(list("abcdefgh"), 200)
    found = trained("little", "".join(letters), n_embd=32, eval_interval=20)
    assert "overfitting" in found


def test_a_run_with_a_tight_limit_is_found_to_be_clipped(trained):
    assert "clipping" in trained("clipped", gradient_clip=0.05)


def test_a_run_of_many_layers_without_shortcuts_is_found_to_have_no_gradients(trained):
    deep = {"n_layer": 6, "residual": False}
    found = trained("deep", shape=deep, detail_interval=10, steps=130)
    assert found == {"stuck", "vanishing"}
