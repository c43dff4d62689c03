"""Compare in a browser: what the address keeps, a preset, and a click on a head."""

import re
import shutil

import pytest

import gptviz


@pytest.fixture(scope="module")
def on_board(start_server, models, tmp_path_factory):
    """A server with the models that the presets are about."""
    root = tmp_path_factory.mktemp("board")
    for name in ("tales", "story"):
        shutil.copytree(gptviz.checkpoints.root() / name, root / name)
    shutil.copytree(models / "shakespeare", root / "shakespeare")
    with start_server(GPTVIZ_CHECKPOINTS=str(root)) as server:
        yield server


def test_the_address_brings_both_sides_back(visit, models, expect):
    visitor = visit()
    page = visitor.open("/compare", model="shakespeare", prompt="The king")
    page.get_by_label("Text on the right").fill("The queen")
    page.get_by_label("Text on the right").press("Enter")
    page.get_by_role("combobox", name="Model on the right").click()
    page.get_by_role("option", name="shakespeare").click()
    expect(page.get_by_text("Both texts have 2 tokens, one of which differs")).to_be_visible()
    expect(page).to_have_url(re.compile("other_model=shakespeare"))
    expect(page).to_have_url(re.compile("other_prompt=The(%20|[+])queen"))
    page.reload()
    expect(page.get_by_text("Both texts have 2 tokens, one of which differs")).to_be_visible()
    expect(page.get_by_label("Text on the right")).to_have_value("The queen")
    visitor.settle()
    bars = page.locator(".js-plotly-plot").first.evaluate(
        "(chart) => chart._fullData.map((bar) => Array.from(bar.x, Number))"
    )
    lm = gptviz.load(models / "shakespeare")
    for shown, text in zip(bars, ("The king", "The queen"), strict=True):
        p = lm.trace(text, ["logits"]).logits[-1].softmax(-1)
        assert shown
        assert all(float((p - x).abs().min()) < 1e-5 for x in shown)


def test_a_preset_brings_a_run_s_two_steps_and_opens_its_tab(on_board, visit, expect):
    page = visit(on_board).open("/compare")
    page.get_by_role("radio", name="A head is born").click()
    expect(page.get_by_label("Your text")).to_have_value(re.compile("^the king and"))
    expect(page.get_by_text("becomes an induction head")).to_be_visible()
    expect(page.get_by_text("L2 H3 differs most where 9")).to_be_visible()
    expect(page.get_by_role("tab", name="Attention")).to_have_attribute("aria-selected", "true")
    for part in ("model=story", "step=258", "other_step=787", "tab=attention", "layer=2", "head=3"):
        expect(page).to_have_url(re.compile(part))
    page.reload()
    expect(page.get_by_text("L2 H3 differs most where 9")).to_be_visible()
    page.get_by_role("radio", name="The king or the queen").click()
    expect(page.get_by_text("the last layer makes it 50")).to_be_visible()
    expect(page.get_by_text("They part in row L5")).to_be_visible()
    expect(page.get_by_label("Text on the right")).to_have_value("The queen said that")


def test_a_click_on_a_head_shows_its_patterns_on_both_sides(visit, expect):
    visitor = visit()
    right = {"other_model": "tiny", "other_prompt": "the dog"}
    page = visitor.open("/compare", model="tiny", prompt="the cat", **right)
    page.get_by_role("tab", name="Attention").click()
    page.get_by_role("button", name="L1 H0: largest difference").click()
    expect(page).to_have_url(re.compile("layer=1"))
    expect(page.get_by_text(re.compile(r"^L1 H0 "))).to_be_visible()
    visitor.settle()
    expect(page.locator(".js-plotly-plot")).to_have_count(3)


def test_a_cell_of_one_text_alone_chooses_a_layer_and_no_place_of_the_other(visit, expect):
    right = {"other_model": "tiny", "other_prompt": "the horse"}
    page = visit().open("/compare", model="tiny", prompt="the cat", tab="lens", **right)
    page.get_by_text("After every token").click()
    expect(page.get_by_text("Side by side only")).to_be_visible()
    page.get_by_role("button", name="L0, after 8 e").click()
    expect(page.get_by_text("What they would say in row “L0”")).to_be_visible()
    expect(page).to_have_url(re.compile("lens_stage=h.0"))
    assert "position=" not in page.url
