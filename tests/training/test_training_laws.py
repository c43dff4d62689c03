"""Training learns as its settings say, and refuses those that cannot work."""

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gptviz.model import GPT, GPTConfig
from gptviz.training.batches import Batch
from gptviz.training.config import TrainingConfig
from gptviz.training.devices import choose_attention, choose_dtype
from gptviz.training.learner import Learner
from gptviz.training.optimizer import decay_groups, learning_rate, new_optimizer
from gptviz.training.process_group import ALONE

law = settings(max_examples=50, deadline=None)

MODEL = GPTConfig(vocab_size=11, block_size=8, n_layer=2, n_head=2, n_embd=8)


def config(**changes) -> TrainingConfig:
    return TrainingConfig(**{"model": MODEL, "data": "text.txt", **changes})


@pytest.mark.parametrize("changes", [{}, {"tie_weights": False}, {"position": "none"}])
def test_matrices_are_decayed_and_vectors_are_not(changes):
    model = GPT(replace(MODEL, **changes))
    matrices, vectors = decay_groups(model, 0.1)
    assert (matrices["weight_decay"], vectors["weight_decay"]) == (0.1, 0.0)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    decayed = {names[id(parameter)] for parameter in matrices["params"]}
    left = {names[id(parameter)] for parameter in vectors["params"]}
    assert decayed | left == set(names.values())
    assert len(matrices["params"]) + len(vectors["params"]) == len(names), "each once"
    assert decayed == {n for n in names.values() if n.endswith("weight") and ".ln_" not in f".{n}"}
    assert all(name.endswith("bias") or "ln_" in name for name in left)


def test_the_optimiser_shrinks_matrices_alone():
    model = GPT(MODEL)
    optimizer = new_optimizer(model, config(weight_decay=0.5, learning_rate=0.1))
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    for name, parameter in model.named_parameters():
        share = 1 - 0.1 * 0.5 if parameter.dim() == 2 else 1
        torch.testing.assert_close(parameter.detach(), share * before[name])


@pytest.mark.parametrize(
    ("step", "rate"),
    [
        (0, 0.1),
        (4, 0.5),
        (9, 1.0),
        (10, 1.0),
        (35, 0.2 + 0.8 * (1 + math.cos(math.pi / 4)) / 2),
        (60, 0.6),
        (110, 0.2),
        (500, 0.2),
    ],
)
def test_the_rate_warms_up_straight_and_falls_along_a_cosine(step, rate):
    schedule = config(steps=110, warmup_steps=10, learning_rate=1.0, min_learning_rate=0.2)
    assert learning_rate(step, schedule) == pytest.approx(rate)


@pytest.mark.parametrize(
    ("kind", "rates"),
    [
        ("linear", [0.1, 1.0, 1.0, 0.8, 0.6, 0.2, 0.2]),
        ("constant", [0.1] + [1.0] * 6),
        ("step", [0.1, 1.0, 1.0, 0.5, 0.25, 0.2, 0.2]),
    ],
)
def test_the_rate_falls_along_a_line_or_in_stairs_or_stays(kind, rates):
    schedule = config(
        steps=110, warmup_steps=10, learning_rate=1.0, min_learning_rate=0.2, schedule=kind
    )
    found = [learning_rate(step, schedule) for step in (0, 9, 10, 35, 60, 110, 500)]
    assert found == pytest.approx(rates)


@pytest.mark.parametrize("kind", ["cosine", "linear", "step", "constant"])
def test_from_decay_steps_on_the_rate_stays(kind):
    short = config(steps=100, warmup_steps=10, schedule=kind)
    long = config(steps=300, warmup_steps=10, schedule=kind, decay_steps=100)
    rates = [learning_rate(step, long) for step in range(300)]
    assert rates[:100] == [learning_rate(step, short) for step in range(100)]
    assert set(rates[100:]) == {learning_rate(100, short)}


def test_a_run_passes_its_text_as_often_as_it_reads_that_many_tokens():
    usual = config(steps=100, batch_size=6, accumulation=2)
    read = 100 * 6 * 2 * usual.model.block_size
    assert usual.passes(read) == 1
    assert usual.passes(read // 4) == 4
    assert usual.passes(read, steps=50) == 0.5
    practising = config(steps=100, batch_size=6, accumulation=2, copy_steps=20, repeat_share=0.5)
    assert practising.passes(read) == pytest.approx(0.8 * 0.5)
    assert practising.passes(read, steps=10) == 0


def test_stairs_halve_the_rate_after_each_fifth():
    schedule = config(
        steps=100, warmup_steps=0, learning_rate=1.0, min_learning_rate=0.0, schedule="step"
    )
    found = [learning_rate(step, schedule) for step in range(100)]
    assert found == [1 / 2 ** (step // 20) for step in range(100)]


@law
@given(
    steps=st.integers(1, 60),
    warmup_steps=st.integers(0, 80),
    minimum=st.sampled_from([0.0, 0.3]),
    kind=st.sampled_from(["cosine", "linear", "step", "constant"]),
)
def test_the_rate_rises_then_falls_and_stays_within_its_bounds(steps, warmup_steps, minimum, kind):
    schedule = config(
        steps=steps,
        warmup_steps=warmup_steps,
        learning_rate=1.0,
        min_learning_rate=minimum,
        schedule=kind,
    )
    rates = [learning_rate(step, schedule) for step in range(steps)]
    assert all(0 < rate <= 1 for rate in rates)
    assert rates[:warmup_steps] == sorted(rates[:warmup_steps])
    falling = rates[warmup_steps:]
    assert falling == sorted(falling, reverse=True)
    assert all(rate >= minimum for rate in falling)


@pytest.mark.parametrize("device", ["cpu", "cuda", "mps"])
def test_a_precision_that_is_named_is_the_one_that_is_used(device):
    for name in ("float32", "bfloat16"):
        dtype = choose_dtype(name, torch.device(device), config(precision=name))
        assert dtype == getattr(torch, name)


def test_by_itself_training_chooses_bfloat16_only_where_it_pays():
    assert choose_dtype("auto", torch.device("mps"), config()) == torch.float32
    on_gpu = choose_dtype("auto", torch.device("cuda"), config())
    assert on_gpu == (torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32)
    on_processor = choose_dtype("auto", torch.device("cpu"), config())
    assert on_processor in (torch.float32, torch.bfloat16)


@pytest.mark.parametrize(
    ("device", "dtype", "block_size", "chosen"),
    [
        ("cpu", torch.bfloat16, 256, "explicit"),
        ("cpu", torch.bfloat16, 257, "fused"),
        ("cpu", torch.float32, 64, "fused"),
        ("cuda", torch.bfloat16, 64, "fused"),
    ],
)
def test_attention_is_not_fused_where_that_is_slow(device, dtype, block_size, chosen):
    model = replace(MODEL, block_size=block_size)
    assert choose_attention(config(model=model), torch.device(device), dtype) == chosen


def test_a_model_learns_the_same_whichever_attention_is_chosen():
    model = replace(MODEL, embd_pdrop=0, attn_pdrop=0, resid_pdrop=0)
    cpu = torch.device("cpu")
    learners = [
        Learner(config(model=model), cpu, d, ALONE) for d in (torch.float32, torch.bfloat16)
    ]
    chosen = [{block.attn.attention for block in learner.model.h} for learner in learners]
    assert chosen == [{"fused"}, {"explicit"}]
    batch = Batch(torch.arange(8).view(1, 8), torch.arange(1, 9).view(1, 8))
    for _ in range(3):
        expected, found = (learner.gradient([batch], seed=0) for learner in learners)
        assert found == pytest.approx(expected, rel=1e-2)
        for learner in learners:
            learner.update(0.01)


@pytest.mark.parametrize(
    ("nonsense", "words"),
    [
        ({"batch_size": 0}, "batch_size is 0; it must be a whole number, 1 or more"),
        ({"accumulation": 0}, "accumulation is 0; it must be a whole number, 1 or more"),
        ({"steps": 0}, "steps is 0; it must be a whole number, 1 or more"),
        ({"steps": 2**53}, f"steps is {2**53}; it must be at most {2**53 - 1}"),
        ({"steps": 1.5}, "steps is 1.5; it must be a whole number, 1 or more"),
        ({"warmup_steps": -1}, "warmup_steps is -1; it must be a whole number, 0 or more"),
        ({"eval_interval": 0}, "eval_interval is 0; it must be"),
        ({"eval_windows": 0}, "eval_windows is 0; it must be"),
        ({"seed": -1}, "seed is -1; it must be a whole number from 0 to 4294967295"),
        ({"seed": 2**40}, f"seed is {2**40}; it must be a whole number from 0 to 4294967295"),
        ({"learning_rate": 0.0}, "learning_rate is 0.0; it must be a number above 0"),
        ({"learning_rate": math.nan}, "learning_rate is nan; it must be a number above 0"),
        ({"learning_rate": "fast"}, "learning_rate is 'fast'; it must be a number above 0"),
        ({"gradient_clip": 0}, "gradient_clip is 0; it must be a number above 0"),
        ({"min_learning_rate": 1.0}, "min_learning_rate is 1.0; it must lie between 0 and"),
        ({"weight_decay": -0.1}, "weight_decay is -0.1; it must be a number, 0 or more"),
        ({"weight_decay": math.nan}, "weight_decay is nan"),
        ({"beta1": 1.0}, "beta1 is 1.0; it must be a number, at least 0 and below 1"),
        ({"beta2": -0.1}, "beta2 is -0.1; it must be a number, at least 0 and below 1"),
        ({"tokenizer": "words"}, "tokenizer is 'words'; it must be one of 'char', 'bpe', 'gpt2'"),
        (
            {"schedule": "steps"},
            "schedule is 'steps'; it must be one of 'cosine', 'lin",
        ),
        ({"patience": -1}, "patience is -1; it must be a whole number, 0 or more"),
        ({"bpe_vocab_size": 256}, "bpe_vocab_size is 256; it must be a whole number, 257 or more"),
        ({"sample_interval": -1}, "sample_interval is -1; it must be a whole number, 0 or more"),
        ({"sample_tokens": 0}, "sample_tokens is 0; it must be a whole number, 1 or more"),
        ({"sample_prompt": ""}, "sample_prompt is ''; it must be a text of at least one letter"),
        ({"snapshots": -1}, "snapshots is -1; it must be a whole number from 0 to 100"),
        ({"snapshots": 101}, "snapshots is 101; it must be a whole number from 0 to 100"),
        ({"detail_interval": 0.5}, "detail_interval is 0.5; it must be a whole number, 0 or more"),
        ({"precision": "float64"}, "precision is 'float64'; it must be one of 'auto', 'float32'"),
    ],
)
def test_settings_that_cannot_work_are_refused_in_words(nonsense, words):
    with pytest.raises(ValueError) as error:  # noqa: PT011 - the message is compared
        config(**nonsense)
    assert words in str(error.value)


def test_settings_go_to_a_file_and_come_back():
    whole = config(steps=7, learning_rate=0.5, precision="float32", seed=3)
    assert TrainingConfig.from_dict(whole.to_dict()) == whole
    for broken in ({}, {"model": 3}, [], {"model": {}}):
        with pytest.raises(ValueError, match="these are not the settings of a training run"):
            TrainingConfig.from_dict(broken)
    model = whole.to_dict()["model"]
    newer = {**whole.to_dict(), "wings": 2, "model": {**model, "legs": 4}}
    with pytest.raises(ValueError, match="this gptviz knows no setting wings, legs; take the"):
        TrainingConfig.from_dict(newer)


def test_a_step_learns_from_so_many_tokens():
    assert config(batch_size=3, accumulation=2).tokens_per_step == 3 * 2 * 8
