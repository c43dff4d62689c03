"""One batch learnt by heart: beside transformers, and with each mistake built in."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import GPT2LMHeadModel

from gptviz import GPT, checkpoints
from gptviz.subjects import debugging
from gptviz.subjects.debugging import batch_analysis, sentences
from gptviz.subjects.debugging.batch_analysis import Case, Course, begin, further
from gptviz.tokenizers import CharacterTokenizer

ROWS = debugging.of_prompt([9, 4, 4, 7, 9, 4, 7, 7, 7, 9, 2, 4])


def test_a_prompt_is_a_batch_of_one_row_with_ids_from_0_on():
    assert ROWS == ((3, 1, 1, 2, 3, 1, 2, 2, 2, 3, 0, 1),)
    assert len(debugging.of_prompt(range(100))[0]) == batch_analysis.LONGEST + 1
    with pytest.raises(ValueError, match="a batch needs a token to guess, and 1 token came"):
        debugging.of_prompt([5])


def test_windows_of_the_plays_are_a_batch():
    text = (Path(batch_analysis.SHAKESPEARE)).read_text(encoding="utf-8")[: batch_analysis.READ]
    characters = sorted(set(text))
    rows = debugging.of_plays(3)
    starts = torch.randint(len(text) - 32, (8,), generator=torch.Generator().manual_seed(3))
    windows = [text[start : start + 33] for start in starts.tolist()]
    there = sorted(set("".join(windows)), key=characters.index)
    assert ["".join(there[i] for i in row) for row in rows] == windows


def test_the_least_loss_is_what_equal_beginnings_leave():
    assert batch_analysis.least(((0, 1, 2), (2, 1, 0))) == 0
    # Two of three windows that begin with 0 go on with 1, and one with 2: 6 tokens are guessed.
    nats = -2 * math.log(2 / 3) - math.log(1 / 3)
    assert batch_analysis.least(((0, 1, 1), (0, 1, 1), (0, 2, 1))) == pytest.approx(nats / 6)


def test_counting_alone_leaves_the_entropy_of_the_targets():
    p = np.array([1, 4, 4, 2]) / 11  # how often 0, 1, 2 and 3 are targets
    assert batch_analysis.counting(ROWS) == pytest.approx(-(p * np.log(p)).sum())


def test_the_losses_are_those_of_transformers_and_pytorch_s_adamw(tmp_path):
    course = further(begin(Case(ROWS, seed=5)), 8)
    model = GPT(course.model.config, torch.Generator().manual_seed(5))
    checkpoints.save(tmp_path, model, CharacterTokenizer(list("abcd")))
    theirs = GPT2LMHeadModel.from_pretrained(tmp_path).train()
    optimizer = torch.optim.AdamW(theirs.parameters(), lr=3e-3, betas=(0.9, 0.99), weight_decay=0.0)
    ids, losses, norms = torch.tensor(ROWS), [], []
    for _ in range(8):
        with torch.enable_grad():
            logits = theirs(ids[:, :-1]).logits[0]
            loss = torch.nn.functional.cross_entropy(logits, ids[0, 1:])
            loss.backward()
        losses.append(loss.item())
        norms.append(torch.nn.utils.clip_grad_norm_(theirs.parameters(), 1.0).item())
        optimizer.step()
        optimizer.zero_grad()
    np.testing.assert_allclose(course.losses, losses, rtol=2e-3)
    np.testing.assert_allclose(course.norms, norms, rtol=5e-3)


def test_step_by_step_is_the_same_as_at_once_and_what_was_stays():
    first = further(begin(Case(ROWS)), 3)
    before = [p.clone() for p in first.model.parameters()]
    second = further(first, 4)
    assert all(map(torch.equal, before, first.model.parameters()))
    assert first.step == 3
    table = debugging.overfit(ROWS, steps=7)
    assert table["step"].tolist() == [*range(1, 8)]
    assert table["loss"].tolist() == list(second.losses)


@pytest.fixture(scope="module")
def learnt() -> Course:
    return further(begin(Case(ROWS)), batch_analysis.MOST_STEPS)


def test_without_a_mistake_it_is_learnt_and_ends_there(learnt):
    assert learnt.is_learnt
    assert learnt.is_over
    assert learnt.step < 60
    assert further(learnt).step == learnt.step
    told = sentences.of_course(learnt)
    assert told.startswith(f"✅ Step {learnt.step}: the loss went from 1.")
    assert "It knows the batch by heart" in told


@pytest.mark.parametrize(
    ("fault", "steps", "holds"),
    [
        ("rate-too-low", 30, lambda losses: losses[0] - 0.2 < losses[-1] < losses[0]),
        ("rate-too-high", 20, lambda losses: max(losses) > losses[0] + 2),
        ("no-step", 5, lambda losses: len(set(losses)) == 1),
        ("other-targets", 40, lambda losses: abs(losses[-1] - 1.24) < 0.1),
        ("no-shortcuts", 40, lambda losses: abs(losses[-1] - 1.24) < 0.1),
        ("not-shifted", 60, lambda losses: losses[-1] < 0.05),
    ],
)
def test_each_mistake_shows_in_the_losses(fault, steps, holds):
    course = further(begin(Case(ROWS, fault)), steps)
    assert holds(course.losses), course.losses
    assert course.is_learnt is (fault == "not-shifted")


def ended(fault: str, losses: np.ndarray) -> str:
    """What is told of a course that ends with these losses."""
    model = begin(Case(ROWS, fault)).model
    losses = tuple(losses.tolist())
    return sentences.of_course(
        Course(Case(ROWS, fault), len(losses), losses, (0.5,) * len(losses), model)
    )


@pytest.mark.parametrize(
    ("losses", "told"),
    [
        (np.full(200, 1.5), "The loss is the same to the last digit in every step"),
        (np.linspace(1.5, 1.4, 200), "Rate too low: In 200 steps the training loss went from"),
        (np.linspace(1.5, 9, 200), "Rate too high: The training loss began at 1"),
        (1.24 + 0.3 * np.exp(-np.arange(200) / 5), "which is what counting the tokens"),
        (np.array([1.5, 8.0, math.nan]), "Rate too high: It ended, for its loss"),
    ],
    ids=["still", "slow", "climbs", "counts", "nan"],
)
def test_what_it_means_if_it_has_not_learnt(losses, told):
    words = ended("nothing", losses).replace("\\", "")
    assert words.startswith("⚠ Step")
    assert "**It has not learnt its batch.** Text and size cannot be to blame" in words
    assert told in words


def test_a_test_that_is_passed_for_the_wrong_reason_is_told():
    assert "This test does not find every mistake." in ended("not-shifted", np.array([1.4, 0.01]))


def test_while_it_goes_on_there_is_no_verdict():
    words = ended("nothing", np.array([1.4, 1.2]))
    assert words == ("Step 2: the loss went from 1.400 to **1.200**; the least possible is 0.000.")
