"""What only a browser can prove of the attention page: canvases, the keyboard, pointing."""

import re

import pytest

from gptviz import load

PROMPT = "one two three one two"


def slider(page, label):
    return page.get_by_role("slider", name=label)


def ink(canvas):
    """The share of a canvas's pixels whose colour is not that of its top right corner."""
    return canvas.evaluate(
        """(canvas) => {
            const image = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height)
            const pixels = new Uint32Array(image.data.buffer)
            const corner = pixels[canvas.width - 1]
            return pixels.filter((pixel) => pixel !== corner).length / pixels.length
        }"""
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 1024])
def test_all_heads_are_drawn_within_the_first_screen(visit, scheme, width, expect):
    visitor = visit(color_scheme=scheme, viewport={"width": width, "height": 900})
    page = visitor.open("/attention", model="shakespeare")
    board = page.get_by_role("group", name=re.compile("Attention patterns of 6 layers × 8 heads"))
    expect(board.get_by_role("button")).to_have_count(48)
    assert ink(board.locator("canvas")) > 0.1
    box = board.bounding_box()
    assert box["x"] + box["width"] <= width
    if width == 1440:
        assert box["y"] + box["height"] <= 900


def test_the_keyboard_reaches_and_chooses_a_head(visit, expect):
    page = visit().open("/attention", model="shakespeare", layer=1, head=1)
    page.get_by_role("button", name="L1 H1").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("button", name="L2 H2")).to_be_focused()
    page.keyboard.press("Enter")
    expect(slider(page, "Layer")).to_have_value("2")
    expect(slider(page, "Head")).to_have_value("2")
    expect(page.get_by_role("button", name="L2 H2")).to_be_focused()


def test_pointing_at_a_head_shows_it_larger_without_choosing_it(visit, expect):
    page = visit(viewport={"width": 1440, "height": 900}).open("/attention", model="shakespeare")
    expect(page.get_by_role("figure", name="L0 H0")).to_be_visible()
    page.get_by_role("button", name="L5 H7").hover()
    expect(page.get_by_role("figure", name="L5 H7")).to_be_visible()
    expect(slider(page, "Layer")).to_have_value("0")


def test_pointing_at_a_token_shows_its_lines_alone_with_their_weights(visit, models, expect):
    page = visit().open(
        "/attention", model="shakespeare", prompt=PROMPT, layer=2, head=5, details="Lines"
    )
    lines = page.get_by_role("group", name=re.compile("Attention from each of 5 tokens"))
    expect(lines.get_by_role("button")).to_have_count(10)
    everything = ink(lines.locator("canvas"))
    lines.get_by_role("button", name="token 3, ·one: where it looks").hover()
    pattern = load(models / "shakespeare").trace(PROMPT)["h.2.attn.pattern"][5]
    shown = [text for text in lines.locator(".weight").all_inner_texts() if text]
    assert shown == [f"{weight:.2f}" for weight in pattern[3, :4].tolist() if weight >= 0.005]
    assert 0 < ink(lines.locator("canvas")) < everything


def test_a_click_on_a_token_of_the_lines_chooses_it(visit, expect):
    page = visit().open("/attention", model="shakespeare", prompt=PROMPT, details="Lines")
    page.get_by_role("button", name="token 1, ·two: where it looks").click()
    expect(slider(page, "Position")).to_have_value("1")
    expect(page).to_have_url(re.compile("position=1"))


def test_a_heatmap_keeps_room_for_64_labels_and_scrolls_where_the_page_is_narrow(visit, expect):
    visitor = visit(viewport={"width": 1024, "height": 768})
    page = visitor.open("/attention", model="shakespeare", prompt="the king " * 31 + "and I")
    labels = page.locator(".js-plotly-plot .xtick")
    expect(labels).to_have_count(64)
    room = page.locator('[class*="st-key-scroll_pattern"]')
    assert room.evaluate("(element) => element.scrollWidth > element.clientWidth")
    assert page.evaluate("document.documentElement.scrollWidth") <= 1024
