"""What if and Patching in a browser: presets, a map, and what the address keeps."""

import re
import shutil

import pytest
import torch

import gptviz


@pytest.fixture(scope="module")
def on_board(start_server, models, tmp_path_factory):
    """A server with the model that the presets are about."""
    root = tmp_path_factory.mktemp("board")
    for folder in (gptviz.checkpoints.find_listed("tales"), models / "tiny"):
        shutil.copytree(folder, root / folder.name)
    with start_server(GPTVIZ_CHECKPOINTS=str(root)) as server:
        yield server


def test_a_preset_of_what_if_brings_its_text_its_change_and_what_to_expect(on_board, visit, expect):
    page = visit(on_board).open("/what_if", model="tales")
    page.get_by_role("radio", name="Without the copying head").click()
    expect(page.get_by_label("Your text")).to_have_value(re.compile("Rump$"))
    expect(page.get_by_text("takes the rest of the name with it")).to_be_visible()
    expect(page.get_by_text("el goes from 98")).to_be_visible()
    expect(page).to_have_url(re.compile("head=3"))
    page.reload()
    expect(page.get_by_text("el goes from 98")).to_be_visible()


def test_a_part_that_is_switched_off_shows_the_probabilities_of_a_run_without_it(
    visit, models, expect
):
    visitor = visit()
    page = visitor.open(
        "/what_if", model="tiny", prompt="the cat", change="off", part="mlp", layer=1
    )
    drawn = page.locator(".js-plotly-plot").first
    expect(drawn).to_be_visible()
    bars = drawn.evaluate("(chart) => chart._fullData.map((bar) => Array.from(bar.x, Number))")
    lm = gptviz.load(models / "tiny")
    for shown, edits in zip(bars, ({}, {"h.1.mlp": torch.zeros_like}), strict=True):
        p = lm.trace("the cat", ["logits"], edits).logits[-1].softmax(-1)
        assert shown
        assert all(min(abs(p - x)) < 1e-5 for x in shown)


def test_each_head_in_turn_is_a_map_of_all_heads(visit, expect):
    visitor = visit()
    page = visitor.open("/what_if", model="tiny", prompt="the cat", tab="each-head")
    page.get_by_text("the next token (KL)").click()
    expect(page).to_have_url(re.compile("effect_on=kl"))
    visitor.settle()
    cells = page.locator(".js-plotly-plot").last.evaluate("(chart) => chart.data[0].y.length")
    assert cells == 2


@pytest.mark.thorough
def test_stop_ends_long_work_and_begin_again_does_it_after_all(on_board, visit, expect):
    story = "there was once a king who had a daughter, and she was fair. " * 16
    page = visit(on_board).open("/what_if", model="tales", prompt=story, tab="attention")
    page.get_by_role("tab", name="Each head in turn").click()
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_text("You stopped this.")).to_be_visible()
    page.get_by_role("button", name="Begin again").click()
    expect(page.get_by_text("You stopped this.")).to_have_count(0)
    expect(page.get_by_text("How much the loss of the text")).to_be_visible()


def test_a_preset_of_patching_brings_both_texts_and_what_was_found(on_board, visit, expect):
    page = visit(on_board).open("/patching", model="tales")
    page.get_by_role("radio", name="Whom did the wolf meet?").click()
    expect(page.get_by_label("A second text")).to_have_value(re.compile("met the fox"))
    expect(page.get_by_text("alone restores 79")).to_be_visible()
    page.get_by_text("Each head", exact=True).click()
    expect(page.get_by_text("L4 H3 alone restores 79")).to_be_visible()
    expect(page).to_have_url(re.compile("patched=heads"))


@pytest.mark.thorough
def test_texts_of_unequal_length_say_what_each_word_costs(visit, expect):
    page = visit().open("/patching", model="tiny", prompt="the cat", corrupted="the cats")
    expect(page.get_by_text("7 tokens, the second one 8")).to_be_visible()
    expect(page.get_by_text("cats 5")).to_be_visible()
