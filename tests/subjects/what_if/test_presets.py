"""What each preset says of the model on board is what that model does."""

import pytest
import torch

import gptviz
from gptviz.subjects.what_if.presets import BY_SLUG, PRESETS
from gptviz.tokenizers import GPT2Tokenizer


@pytest.fixture(scope="module")
def tales():
    return gptviz.load("checkpoints/tales")


def probabilities(lm, slug: str, *tokens: str) -> list[list[float]]:
    """Of next tokens before and after the change, in per cent, from the logits alone."""
    preset = BY_SLUG[slug]
    found = []
    for edits in ({}, preset.change.edits(lm.config)):
        p = lm.trace(preset.prompt, ["logits"], edits).logits[-1].softmax(-1)
        found.append([100 * float(p[GPT2Tokenizer().encode(token)[0]]) for token in tokens])
    return found


def losses(lm, slug: str) -> list[float]:
    preset = BY_SLUG[slug]
    found = []
    for edits in ({}, preset.change.edits(lm.config)):
        trace = lm.trace(preset.prompt, ["logits"], edits)
        target = torch.tensor(trace.ids[1:])
        found.append(float(torch.nn.functional.cross_entropy(trace.logits[:-1], target)))
    return found


def test_the_copying_head_carries_the_rest_of_the_name(tales):
    [[before], [after]] = probabilities(tales, "no-copying", "el")
    assert (round(before), round(after)) == (98, 6)
    assert tales.config.n_layer * tales.config.n_head == 48


def test_without_the_token_before_a_word_is_ended(tales):
    [_, [after]] = probabilities(tales, "no-token-before", "ed")
    assert round(after) == 85


def test_the_last_attention_tells_her_from_him(tales):
    [[her, _], [her_after, him_after]] = probabilities(tales, "her-or-him", " her", " him")
    assert (round(her), round(her_after), round(him_after)) == (57, 18, 48)


def test_without_order_nothing_is_copied(tales):
    [[before], [after]] = probabilities(tales, "no-order", "el")
    assert round(before) == 98
    assert after < 1


def test_without_a_shortcut_the_loss_rises(tales):
    assert [round(loss, 1) for loss in losses(tales, "no-shortcut")] == [1.3, 7.9]


def test_a_look_into_the_future_does_not_help(tales):
    assert [round(loss, 2) for loss in losses(tales, "no-mask")] == [1.29, 1.56]


def test_each_preset_has_such_a_test():
    assert {preset.slug for preset in PRESETS} == {
        *("no-copying", "no-token-before", "her-or-him", "no-order", "no-shortcut", "no-mask")
    }
