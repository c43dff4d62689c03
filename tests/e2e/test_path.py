"""The path of the prompt in a real browser: on any screen, with a stage open, with a next token."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

import gptviz
from gptviz.app.theme import PALETTES

FOLDER = Path(gptviz.__file__).parent / "app" / "path"
PROMPT = "The king and the queen"  # five tokens of the model that reads plays
LONG = "the king and the queen and the fool " * 9
SIZES = {
    "phone": (390, 844),
    "tablet": (820, 1180),
    "laptop": (1024, 768),
    "wide": (1280, 800),
    "desktop": (1440, 900),
}

# All that can be seen or pressed in the picture, as the browser has laid it out.
BOXES = """(root) => [...root.querySelectorAll("text, rect, image, button, a, polygon, path")].map(
  (part) => {
    const { left, right, top, bottom } = part.getBoundingClientRect()
    return { what: part.textContent || part.className.baseVal, left, right, top, bottom }
  })"""
OVERLAPS = """(root) => {
  const found = []
  const texts = [...root.querySelectorAll("text, .bar > *")].map((text) => [text, text.getBoundingClientRect()])
  for (const [a, one] of texts) for (const [b, two] of texts) {
    const wide = Math.min(one.right, two.right) - Math.max(one.left, two.left)
    const high = Math.min(one.bottom, two.bottom) - Math.max(one.top, two.top)
    if (a !== b && wide > 3 && high > 6) found.push(a.textContent + " on " + b.textContent)
  }
  return found
}"""  # noqa: E501


def boxes(page) -> list[dict[str, Any]]:
    return page.locator(".path").evaluate(BOXES)


def stage(page, name: str):
    return page.get_by_role("button", name=re.compile(f"^(open|close) {name}$"))


def open_overview(visit, size: str = "desktop", **more):
    width, height = SIZES[size]
    settings = {"viewport": {"width": width, "height": height}, **more.pop("settings", {})}
    visitor = visit(**settings)
    page = visitor.open("/", model="shakespeare", **{"prompt": PROMPT, **more})
    page.locator(".path svg").wait_for()
    return visitor, page


@pytest.mark.parametrize(
    "size",
    [size if size == "phone" else pytest.param(size, marks=pytest.mark.thorough) for size in SIZES],
)
def test_nothing_of_the_path_is_cut_on_any_screen_whatever_is_open(visit, size):
    visitor, page = open_overview(visit, size)
    for opened in (None, "embeddings", "attention", "MLP", "final norm", "logits"):
        if opened:
            stage(page, opened).click()
            page.locator(".inside").wait_for()
            visitor.settle()
        width = page.evaluate("innerWidth")
        found = boxes(page)
        outside = [box for box in found if box["left"] < -1 or box["right"] > width + 1]
        assert not outside, (opened, outside)
        assert sum(box["what"].endswith(" %") for box in found) >= 10, opened
        assert page.locator(".path").evaluate(OVERLAPS) == [], opened
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.thorough
@pytest.mark.parametrize(("size", "down"), [("phone", True), ("tablet", True), ("desktop", False)])
def test_the_path_runs_downwards_where_it_is_narrow(visit, size, down):
    _, page = open_overview(visit, size)
    names = ("tokens", "embeddings", "attention", "final norm", "logits", "probabilities")
    places = [page.locator(".stage .name", has_text=name).bounding_box() for name in names]
    key = "y" if down else "x"
    along = [place[key] for place in places]
    assert along == sorted(along)
    assert (places[-1]["y"] > places[0]["y"] + 200) is down


def test_a_stage_opens_by_a_click_and_closes_again_in_three_ways(visit, expect):
    _, page = open_overview(visit)
    inside = page.locator(".inside")
    ways = {
        "embeddings": lambda: page.keyboard.press("Escape"),
        "attention": lambda: page.get_by_role("button", name="close attention, or").click(),
        "logits": lambda: stage(page, "logits").click(),
    }
    for name, close in ways.items():
        stage(page, name).click()
        expect(inside).to_have_count(1)
        expect(page).to_have_url(re.compile(f"open={name}"))
        expect(stage(page, name)).to_have_attribute("aria-expanded", "true")
        left, right = ("tokens", "probabilities")
        room = page.locator(".room").bounding_box()
        before, after = (page.locator(".name", has_text=n).bounding_box() for n in (left, right))
        assert before["x"] < room["x"] < room["x"] + room["width"] <= after["x"] + after["width"]
        close()
        expect(inside).to_have_count(0)
        expect(page).not_to_have_url(re.compile("open="))


@pytest.mark.thorough
def test_escape_in_the_text_box_leaves_the_open_stage_alone(visit, expect):
    visitor, page = open_overview(visit, open="norm")
    page.get_by_label("Your text").press("Escape")
    visitor.settle()
    expect(page.locator(".inside")).to_have_count(1)
    page.get_by_role("heading", level=1).click()
    page.keyboard.press("Escape")
    expect(page.locator(".inside")).to_have_count(0)


def test_a_block_shows_its_real_numbers_and_others_are_a_click_away(visit, expect):
    _, page = open_overview(visit, open="mlp", layer=1, position=3)
    trace = gptviz.load("shakespeare").trace(PROMPT)
    for layer in (1, 4):
        if layer == 4:
            page.get_by_role("button", name="L4").click()
            expect(page).to_have_url(re.compile("layer=4"))
        expect(page.get_by_role("button", name=f"L{layer}")).to_have_attribute(
            "aria-pressed", "true"
        )
        for name in ("ln_1", "attn.q", "attn.v", "attn", "ln_2", "mlp.pre", "mlp.act", "mlp"):
            whole = f"h.{layer}.{name}"
            length = trace[whole][..., 3, :].norm().item()
            part = page.locator(f'.part[data-name="{whole}"]')
            told = float(part.locator(".length").text_content())
            assert told == pytest.approx(length, abs=0.051 if length < 100 else 0.51), whole
    expect(page.get_by_text("one of 6 built alike")).to_be_visible()
    expect(page.locator(".card")).to_have_count(10)


def test_a_click_on_half_of_a_block_opens_that_half_of_that_block(visit, expect):
    _, page = open_overview(visit)
    doors = page.locator(".door")
    expect(doors).to_have_count(12)
    door = doors.nth(5).bounding_box()
    page.mouse.click(door["x"] + door["width"] / 2, door["y"] + 2)
    expect(page).to_have_url(re.compile("open=mlp"))
    expect(page).to_have_url(re.compile("layer=2"))


def test_more_about_it_leads_to_the_page_with_the_same_block(visit, expect):
    _, page = open_overview(visit, open="attention", layer=2)
    page.get_by_role("link", name="More about it: Attention").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Attention")
    expect(page).to_have_url(re.compile("layer=2"))
    page.go_back()
    _, page = open_overview(visit, open="mlp")
    page.locator(".inside").wait_for()
    expect(page.get_by_role("link", name="More about it: MLP")).to_be_visible()


@pytest.mark.parametrize("press", ["click", "Enter"])
def test_a_candidate_is_a_button_that_appends_it(visit, expect, press):
    visitor, page = open_overview(visit)
    candidates = page.get_by_role("button", name=re.compile("^append "))
    expect(candidates).to_have_count(10)
    assert all(box["height"] >= 24 for box in (c.bounding_box() for c in candidates.all()))
    lm = gptviz.load("shakespeare")
    third = lm.trace(PROMPT).logits[-1].topk(3).indices[-1].item()
    token = lm.tokenizer.pieces([third])[0]
    if press == "click":
        candidates.nth(2).click()
    else:
        candidates.nth(2).focus()
        page.keyboard.press("Enter")
    expect(page.get_by_role("button", name=f"choose token 5, {token}")).to_be_visible()
    visitor.settle()


def test_the_stages_open_by_keyboard_and_the_focus_stays(visit, expect):
    _, page = open_overview(visit)
    stage(page, "attention").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".inside")).to_have_count(1)
    expect(stage(page, "attention")).to_be_focused()
    page.get_by_role("button", name="L3").focus()
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="L3")).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("button", name="L3")).to_be_focused()
    page.get_by_role("button", name="close attention, or").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".inside")).to_have_count(0)
    expect(stage(page, "attention")).to_be_focused()


def test_the_small_path_frames_the_page_s_half_of_each_block(visit, expect):
    page = visit().open("/attention", model="shakespeare", prompt=PROMPT)
    places = page.locator(".path.small .place")
    expect(places).to_have_count(6)
    assert [p.get_attribute("data-layer") for p in places.all()] == list("012345")
    framed = [p.bounding_box() for p in places.all()]
    edges = [e.bounding_box()["x"] for e in page.locator(".edge").all()]
    for box, left, right in zip(framed, edges, edges[1:], strict=False):
        assert left <= box["x"] + 1
        assert box["x"] + box["width"] <= (left + right) / 2 + 1, "the other half is the MLP's"
    page = visit().open("/embeddings", model="shakespeare", prompt=PROMPT)
    expect(page.locator(".path.small .place")).to_have_count(1)


def test_tokens_that_are_not_drawn_are_counted_and_a_click_away(visit, expect):
    lm = gptviz.load("shakespeare")
    count = len(lm.tokenizer.encode(LONG))
    for size in ("desktop", "phone"):
        _, page = open_overview(visit, size, prompt=LONG, position=30)
        drawn = page.get_by_role("button", name=re.compile("^choose token"))
        hidden = {}
        for word in ("earlier", "later"):
            text = page.get_by_role("button", name=f"{word} not drawn").text_content()
            hidden[word] = int(re.search(rf"(\d+) {word}", text)[1])
        assert sum(hidden.values()) + drawn.count() == count
        first = int(re.search(r"\d+", drawn.first.get_attribute("aria-label"))[0])
        assert hidden["earlier"] == first
        page.get_by_role("button", name="later not drawn").click()
        expect(page.get_by_role("button", name=f"choose token {first},")).to_have_count(0)


CONTRASTS = """(root) => {
  const brush = document.createElement("canvas").getContext("2d", { willReadFrequently: true })
  const rgb = (colour) => {
    brush.clearRect(0, 0, 1, 1)
    brush.fillStyle = colour
    brush.fillRect(0, 0, 1, 1)
    return [...brush.getImageData(0, 0, 1, 1).data].slice(0, 3)
  }
  const found = {}
  for (const part of root.querySelectorAll("svg *")) {
    const style = getComputedStyle(part)
    const name = `${part.tagName} ${part.className.baseVal}`
    if (part.tagName === "text") found[name] = ["text", rgb(style.fill), 1]
    else if (part.matches(".bar, .attention, .MLP")) found[name] = ["fill", rgb(style.fill), 1]
    else if (part.matches(".ribbon, .thread, .fan, .edge, .room, .outline")) {
      found[name] = ["line", rgb(style.stroke), Number(style.strokeOpacity)]
    }
  }
  return found
}"""


def luminance(rgb) -> float:
    linear = [
        s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in (c / 255 for c in rgb)
    ]
    return sum(a * b for a, b in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.thorough
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_carries_meaning_stands_out_from_the_page(visit, scheme):
    behind = bytes.fromhex(PALETTES[scheme].background[1:])
    colours = {}
    for more in ({}, {"open": "attention"}):
        visitor, page = open_overview(visit, settings={"color_scheme": scheme}, position=2, **more)
        visitor.settle()
        found = page.locator(".path").evaluate(CONTRASTS)
        assert {kind for kind, *_ in found.values()} == {"text", "line", "fill"}
        for name, (kind, rgb, opacity) in found.items():
            seen = [opacity * c + (1 - opacity) * b for c, b in zip(rgb, behind, strict=True)]
            pair = sorted((luminance(seen), luminance(behind)))
            contrast = (pair[1] + 0.05) / (pair[0] + 0.05)
            assert contrast >= (4.5 if kind == "text" else 3), (name, contrast)
        colours |= {name: rgb for name, (_, rgb, _) in found.items()}
    palette = PALETTES[
        scheme
    ]  # whose colours differ for everybody, as tests/app/test_theme.py says
    for name, colour in (
        ("bar", palette.accent),
        ("attention", palette.attn),
        ("MLP", palette.mlp),
    ):
        assert colours[f"rect {name}"] == list(bytes.fromhex(colour[1:])), name


def data(tokens: int, **more: Any) -> dict[str, Any]:
    """As the server sends it, of a text with so many tokens, in a model of four blocks."""
    lanes = min(tokens, 12)
    titles = {
        "tokens": "tokens",
        "embeddings": "embeddings",
        "attention": "attention",
        "mlp": "MLP",
    }
    titles |= {"norm": "final norm", "logits": "logits", "probabilities": "probabilities"}
    row = [1.0] * lanes
    return {
        "size": "large",
        "alt": "The path",
        "stages": [
            {
                "slug": slug,
                "name": name,
                "shape": "7 × 64",
                "here": False,
                "href": None,
                "opens": True,
            }
            for slug, name in titles.items()
        ],
        "tokens": [f"·word{i}" for i in range(lanes)],
        "positions": list(range(tokens - lanes, tokens)),
        "count": tokens,
        "chosen": lanes - 1,
        "stream": [row] * 5,
        "middle": [row] * 4,
        "largest": 1.0,
        "attn": [1.0] * 4,
        "mlp": [2.0] * 4,
        "pattern": [[1 / lanes] * lanes] * 4,
        "top": [{"id": i, "token": f"·t{i}", "probability": 0.08 - i / 200} for i in range(10)],
        "came": None,
        "canAppend": True,
        "open": None,
        **more,
    }


@pytest.fixture
def drawn(page_with):
    """The picture below a head of 130 pixels, on a page of its own."""

    def draw(page, what: dict[str, Any]):
        page.evaluate("(data) => draw(data)", what)
        return page

    def opened(what: dict[str, Any], width: int = 1024, height: int = 768, motion: str = "reduce"):
        html = '<body style="margin: 0"><div style="height: 130px"></div><div class="path"></div>'
        page = page_with(html, draw=FOLDER / "picture.js")
        page.add_style_tag(content=(FOLDER / "picture.css").read_text(encoding="utf-8"))
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(reduced_motion=motion)
        return draw(page, what)

    opened.again = draw
    return opened


@pytest.mark.parametrize(
    "size",
    [
        (1024, 768),
        *(
            pytest.param(size, marks=pytest.mark.thorough)
            for size in ((1366, 768), (1440, 900), (1920, 1080))
        ),
    ],
)
@pytest.mark.parametrize("tokens", [1, 7, 140])
def test_the_whole_picture_stands_on_the_first_screen(drawn, size, tokens):
    page = drawn(data(tokens, came={"token": "·x", "probability": 1e-9, "rank": 900}), *size)
    found = boxes(page)
    assert max(box["bottom"] for box in found) <= size[1]
    assert max(box["bottom"] for box in found) > 130 + 330
    chosen = page.locator(".chip.chosen").bounding_box()
    assert chosen["height"] >= 24
    assert page.locator(".path").evaluate(OVERLAPS) == []


@pytest.mark.thorough
def test_the_picture_takes_the_height_that_a_window_gets(drawn, expect):
    page = drawn(data(140))
    assert page.locator(".chip").count() == 12
    page.set_viewport_size({"width": 1024, "height": 500})
    expect(page.locator(".chip")).to_have_count(8)
    assert max(box["bottom"] for box in boxes(page)) <= 500


@pytest.mark.thorough
def test_bars_are_scaled_to_the_likeliest(drawn):
    page = drawn(data(7))
    widths = [bar.bounding_box()["width"] for bar in page.locator("rect.bar").all()]
    assert widths[4] / widths[0] == pytest.approx(0.06 / 0.08, abs=0.02)
    assert widths[0] > 60


@pytest.mark.parametrize("width", [390, 1024])
def test_the_token_that_really_came_is_marked_wherever_it_ranks(drawn, expect, width):
    page = drawn(data(7, came={"token": "·t2", "probability": 0.07, "rank": 3}), width)
    came = page.locator(".candidate.came")
    expect(page.locator(".candidate")).to_have_count(10)
    expect(came).to_have_count(1)
    expect(came).to_contain_text("·t2")
    page = drawn(data(7, came={"token": "·rare", "probability": 1e-6, "rank": 20_417}), width)
    expect(page.locator(".candidate")).to_have_count(11)
    expect(page.locator(".candidate.came")).to_contain_text("#20417")
    expect(page.locator(".candidate.came")).to_contain_text("<0.001 %")
    expect(page.get_by_text("what really came next")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("^append"))).to_have_count(10)


@pytest.mark.thorough
def test_candidates_are_no_buttons_where_nothing_can_be_appended(drawn, expect):
    page = drawn(data(7, canAppend=False))
    expect(page.locator(".candidate")).to_have_count(10)
    expect(page.get_by_role("button", name=re.compile("^append"))).to_have_count(0)


STOPPED_CLOCK = """() => {
  performance.now = () => 0
  globalThis.requestAnimationFrame = (next) => (globalThis.next = next)
}"""
RIBBON = "() => document.querySelector('.ribbon.chosen').getAttribute('points')"


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_ribbons_grow_calmly_unless_the_system_asks_for_stillness(drawn, motion):
    page = drawn(data(7), motion=motion)
    page.evaluate(STOPPED_CLOCK)
    first = page.evaluate(RIBBON)
    wider = data(7)
    wider["stream"] = [[x * (1 + i) for x in row] for i, row in enumerate(wider["stream"])]
    wider["largest"] = 5.0
    drawn.again(page, wider)
    at_once = page.evaluate(RIBBON)
    assert (at_once == first) is (motion == "no-preference")
    if motion == "reduce":
        return
    page.evaluate("() => next(100)")
    between = page.evaluate(RIBBON)
    page.evaluate("() => next(300)")
    last = page.evaluate(RIBBON)
    assert len({first, between, last}) == 3
    assert json.dumps(wider)  # the same data drawn without motion end in the same picture
    still = drawn(wider, motion="reduce")
    assert still.evaluate(RIBBON) == last


@pytest.mark.parametrize("width", [390, 1024])
def test_vectors_without_a_length_are_drawn_as_the_thinnest_ribbons(drawn, width):
    nothing = data(7, largest=0.0, attn=[0.0] * 4, mlp=[0.0] * 4)
    nothing |= {"stream": [[0.0] * 7] * 5, "middle": [[0.0] * 7] * 4}
    page = drawn(nothing, width)
    assert page.locator(".ribbon").count() >= 3
    assert "NaN" not in page.locator(".path").evaluate("(path) => path.innerHTML")
