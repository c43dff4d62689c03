"""What only a browser can prove of the attention page: canvases, the keyboard, pointing."""

import re

import pytest

from gptviz import load

PROMPT = "one two three one two"
LONG = "'My name is Rumpelstiltskin,' said the little man. 'Rump"


def open_head(page):
    return page.locator(".heads [aria-pressed=true]")


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


@pytest.mark.parametrize(
    ("scheme", "width", "height"),
    [("light", 1440, 900), ("dark", 1024, 768), ("light", 820, 1180), ("light", 390, 844)],
)
def test_all_heads_and_the_open_one_fit_the_screen(visit, scheme, width, height, expect):
    visitor = visit(color_scheme=scheme, viewport={"width": width, "height": height})
    page = visitor.open("/attention", model="shakespeare", prompt=LONG)
    board = page.get_by_role("group", name=re.compile("Attention patterns of 6 layers × 8 heads"))
    expect(board.get_by_role("button")).to_have_count(48)
    assert ink(board.locator("canvas")) > 0.1
    cell = board.get_by_role("button").first.bounding_box()
    assert min(cell["width"], cell["height"]) >= 22  # with its margin, a pitch of 24
    square = page.get_by_role("group", name=re.compile("Attention pattern of 19 tokens"))
    above, below = board.bounding_box(), square.bounding_box()
    assert below["x"] + below["width"] <= width
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for picture in (page.locator(".heads"), page.locator(".square")):
        assert picture.evaluate("(element) => element.scrollWidth <= element.clientWidth")
    if width >= 1024:
        assert below["x"] > above["x"] + above["width"], "the two stand side by side"
        top = min(above["y"], below["y"])
        assert max(box["y"] + box["height"] for box in (above, below)) - top <= 0.6 * height


def test_the_page_opens_on_the_head_that_finds_the_name_again(visit, expect, models):
    page = visit().open("/attention", model="shakespeare", prompt=LONG)
    trace = load(models / "shakespeare").trace(LONG)
    last = [[row[1:-2].max() for row in trace[f"h.{i}.attn.pattern"][:, -1]] for i in range(6)]
    score, layer, head = max((float(last[i][j]), i, j) for i in range(6) for j in range(8))
    expect(open_head(page)).to_have_accessible_name(f"L{layer} H{head}")
    expect(page.get_by_text("of all heads, it looks hardest")).to_contain_text(
        f"puts {score:.0%} of its attention on 6 “el”, which followed it earlier"
    )


def test_a_chip_finds_a_head_marks_it_and_says_how_much_it_looks_there(visit, expect):
    page = visit().open("/attention", model="shakespeare", prompt="one two three four")
    page.get_by_role("button", name="the token before").click()
    expect(open_head(page)).to_have_accessible_name("L0 H0")
    expect(page.get_by_text("Of all heads, L0 H0 looks most at")).to_contain_text(
        "the token before 100%"
    )
    expect(page).to_have_url(re.compile("layer=0&head=0"))
    expect(page.get_by_role("button", name="the same token, earlier: no repeat")).to_be_disabled()


def test_the_keyboard_reaches_and_chooses_a_head(visit, expect):
    page = visit().open("/attention", model="shakespeare", layer=1, head=1)
    page.get_by_role("button", name="L1 H1").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("button", name="L2 H2")).to_be_focused()
    page.keyboard.press("Enter")
    expect(open_head(page)).to_have_accessible_name("L2 H2")
    expect(page).to_have_url(re.compile("layer=2&head=2"))
    expect(page.get_by_role("button", name="L2 H2")).to_be_focused()


def test_the_keyboard_chooses_a_row_of_the_map_and_pointing_reads_a_weight(visit, expect, models):
    visitor = visit()
    page = visitor.open("/attention", model="shakespeare", prompt=PROMPT, layer=2, head=5)
    pattern = load(models / "shakespeare").trace(PROMPT)["h.2.attn.pattern"][5]
    page.get_by_role("button", name="token 4, ·two: its row").focus()
    page.keyboard.press("ArrowUp")
    most = int(pattern[3].argmax())
    reading = page.locator(".reading")
    expect(reading).to_contain_text("3 ·one looks most at")
    expect(reading).to_contain_text(f"{pattern[3, most]:.3f}")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("position=3"))
    expect(page.get_by_role("button", name="token 3, ·one: its row")).to_be_focused()
    visitor.settle()
    canvas = page.locator(".square canvas")
    cell = canvas.bounding_box()["width"] / 5
    canvas.hover(position={"x": 1.5 * cell, "y": 2.5 * cell})
    expect(reading).to_have_text(f"2 ·three looks at 1 ·two: {pattern[2, 1]:.3f}")
    canvas.hover(position={"x": 4.5 * cell, "y": 2.5 * cell})
    expect(reading).to_have_text("2 ·three cannot see 4 ·two, which comes later")
    canvas.click(position={"x": 0.5 * cell, "y": 1.5 * cell})
    expect(page).to_have_url(re.compile("position=1"))


@pytest.mark.thorough
def test_pointing_at_a_token_shows_its_lines_alone_with_their_weights(visit, models, expect):
    page = visit().open(
        "/attention", model="shakespeare", prompt=PROMPT, layer=2, head=5, tab="lines"
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
    page = visit().open("/attention", model="shakespeare", prompt=PROMPT, tab="lines")
    page.get_by_role("button", name="token 1, ·two: where it looks").click()
    expect(page).to_have_url(re.compile("position=1"))
    expect(page.locator(".lines .chip.chosen").first).to_have_text("1·two")


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("tab", "prompt"), [("lines", LONG), ("one-head", "the king " * 31 + "and I")]
)
def test_the_lines_and_a_long_map_fit_a_phone(visit, tab, prompt):
    visitor = visit(viewport={"width": 390, "height": 844})
    page = visitor.open("/attention", model="shakespeare", prompt=prompt, tab=tab)
    picture = page.locator(".lines, .square")
    assert picture.evaluate("(element) => element.scrollWidth <= element.clientWidth")
