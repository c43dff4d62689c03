"""Laws of patching: nothing restores nothing, everything restores all."""

import pytest
import torch

from gptviz import measures
from gptviz.subjects.patching import analysis as patching

CLEAN, CORRUPTED = "the cat sat", "the dog ran"
A_B = measures.logit_difference(10, 20)


def test_patching_everything_gives_the_clean_run(tiny_lm):
    # After the last block, the last position is all that the answer is read from.
    found = patching.patch(tiny_lm, CLEAN, CORRUPTED, "h.*", A_B)
    assert found.shape == (2, len(CLEAN))
    assert found[-1, -1] == pytest.approx(1, abs=1e-5)
    assert found[-1, :-1].tolist() == pytest.approx([0] * (len(CLEAN) - 1), abs=1e-5)


def test_a_patch_before_the_prompts_part_restores_nothing(tiny_lm):
    found = patching.patch(tiny_lm, CLEAN, CORRUPTED, "h.*", A_B)
    assert found[:, :4].abs().max() < 1e-5  # both begin with "the "


def test_a_patch_at_a_position_changes_nothing_before_it(tiny_lm):
    source = tiny_lm.trace(CLEAN)["h.0"]

    def patched(x):
        x[6] = source[6]
        return x

    usual, changed = tiny_lm.trace(CORRUPTED), tiny_lm.trace(CORRUPTED, edits={"h.0": patched})
    assert torch.equal(usual.logits[:6], changed.logits[:6])
    assert not torch.equal(usual.logits[6:], changed.logits[6:])


def test_prompts_of_different_lengths_are_explained(tiny_lm):
    with pytest.raises(ValueError, match=r"has 3 tokens and the corrupted one 4; patching needs"):
        patching.patch(tiny_lm, "cat", "cats", "h.*", A_B)


def test_equal_prompts_leave_nothing_to_restore(tiny_lm):
    with pytest.raises(ValueError, match="nothing that a patch could restore"):
        patching.patch(tiny_lm, CLEAN, CLEAN, "h.*", A_B)


def test_a_measure_that_is_no_number_is_refused(tiny_lm):
    with pytest.raises(ValueError, match="the measure is nan in the clean run"):
        patching.patch(tiny_lm, CLEAN, CORRUPTED, "h.*", lambda logits: logits.sum() * torch.nan)


def test_the_loss_is_that_of_the_clean_text(tiny_lm):
    found = patching.patch(tiny_lm, CLEAN, CORRUPTED, "h.*", "loss")
    ids = tiny_lm.ids(CLEAN)
    by_hand = patching.patch(tiny_lm, CLEAN, CORRUPTED, "h.*", measures.loss(ids))
    assert torch.equal(found, by_hand)
    assert found.isfinite().all()


def test_what_cannot_be_patched_is_refused(tiny_lm):
    with pytest.raises(ValueError, match=r"'wte' cannot be patched; choose h\.\*"):
        patching.patch(tiny_lm, CLEAN, CORRUPTED, "wte", A_B)


def test_progress_counts_all_patches(tiny_lm):
    told: list[tuple[int, int]] = []
    patching.patch(tiny_lm, CLEAN, CORRUPTED, "h.*", A_B, lambda *done: told.append(done))
    assert told == [(0, 22), (11, 22)]
