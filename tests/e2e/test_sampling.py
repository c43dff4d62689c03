"""The sampling page in a browser: what a drag shows, what it sends, and where a click leads."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg

from gptviz import generation, load
from gptviz.sampling import SamplingSettings, stages

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page, WebSocket

PROMPT = "The king and the queen"
SETTINGS = {"temperature": 0.85, "top_k": 30, "top_p": 0.9, "repetition_penalty": 1.15}


class Traffic:
    """The questions that a page asks its server from now on, and the size of the answers."""

    def __init__(self, page: "Page"):
        self.questions = 0
        self.received: list[int] = []
        page.on("websocket", self._listen)

    def _listen(self, socket: "WebSocket") -> None:
        socket.on("framesent", self._count)
        socket.on("framereceived", lambda frame: self.received.append(len(frame)))

    def _count(self, frame: bytes | str) -> None:
        # Streamlit's browser also says from time to time that it is still there.
        if BackMsg.FromString(frame).WhichOneof("type") == "rerun_script":
            self.questions += 1


def slider(page: "Page", name: str) -> "Locator":
    return page.locator(f'.explorer input[data-name="{name}"]')


def shown(page: "Page", name: str) -> str:
    return slider(page, name).get_attribute("aria-valuetext") or ""


def explorer(page: "Page") -> "Locator":
    return page.locator(".explorer[data-kept]")


def redrawn(page: "Page", more_than: int) -> int:
    """Wait for another redraw; how many there were."""
    page.wait_for_function(
        "([part, n]) => Number(part.dataset.redraws) > n",
        arg=[explorer(page).element_handle(), more_than],
    )
    return int(explorer(page).get_attribute("data-redraws") or 0)


def drag(page: "Page", name: str, to: float, moves: int = 12) -> list[str]:
    """Press on a slider and move it, without letting go; what it showed after each redraw."""
    box = slider(page, name).bounding_box()
    assert box
    y = box["y"] + box["height"] / 2
    start = float(slider(page, name).evaluate("(x) => (x.value - x.min) / (x.max - x.min)"))
    values = []
    page.mouse.move(box["x"] + 8 + start * (box["width"] - 16), y)
    page.mouse.down()
    for i in range(1, moves + 1):
        redraws = int(explorer(page).get_attribute("data-redraws") or 0)
        before = slider(page, name).input_value()
        share = start + (to - start) * i / moves
        page.mouse.move(box["x"] + 8 + share * (box["width"] - 16), y)
        if slider(page, name).input_value() != before:
            redrawn(page, redraws)
        values.append(shown(page, name))
    return values


@pytest.mark.parametrize(
    ("name", "to"),
    [
        ("temperature", 0.1),
        pytest.param("top_k", 0.05, marks=pytest.mark.thorough),
        pytest.param("top_p", 0.3, marks=pytest.mark.thorough),
        pytest.param("repetition_penalty", 0.9, marks=pytest.mark.thorough),
    ],
)
def test_a_drag_redraws_and_sends_nothing_until_it_ends_with_one_message(visit, expect, name, to):
    visitor = visit()
    traffic = Traffic(visitor.page)
    page = visitor.open("/sampling", prompt=PROMPT, model="shakespeare")
    explorer(page).wait_for()
    visitor.settle()
    page.locator('.explorer[data-text="whole"]').wait_for()
    rows = page.locator(".explorer .row .after").all()
    before = [row.bounding_box() for row in rows]
    questions = traffic.questions
    values = drag(page, name, to)
    assert len(set(values)) > 5
    assert [row.bounding_box() for row in rows] != before
    assert traffic.questions == questions
    traffic.received.clear()
    page.mouse.up()
    expect(page).to_have_url(re.compile(rf"[?&]{name}="))
    visitor.settle()
    assert traffic.questions == questions + 1
    assert shown(page, name) == values[-1]
    assert max(traffic.received) < 30_000, "the logits or the script came a second time"


@pytest.mark.thorough
def test_a_key_that_is_held_sends_one_message_when_it_is_let_go(visit, expect):
    visitor = visit()
    traffic = Traffic(visitor.page)
    page = visitor.open("/sampling", prompt=PROMPT, model="shakespeare")
    explorer(page).wait_for()
    slider(page, "temperature").focus()
    questions = traffic.questions
    for _ in range(5):
        page.keyboard.down("ArrowLeft")
    assert traffic.questions == questions
    page.keyboard.up("ArrowLeft")
    expect(page).to_have_url(re.compile(r"temperature=0\.75"))
    visitor.settle()
    assert traffic.questions == questions + 1


def test_a_preset_sets_all_four_sliders_and_the_url(visit, expect):
    page = visit().open("/sampling", prompt=PROMPT, model="shakespeare", top_p=0.5)
    creative = page.get_by_role("button", name="creative", exact=True)
    creative.click()
    expect(creative).to_have_attribute("aria-pressed", "true")
    expect(page).to_have_url(re.compile(r"temperature=1\.2\b"))
    expect(page).to_have_url(re.compile(r"top_k=100\b"))
    assert [shown(page, name) for name in SETTINGS] == ["1.20", "100", "off", "off"]
    page.get_by_role("button", name="greedy", exact=True).click()
    expect(explorer(page)).to_have_attribute("data-kept", "1")
    assert shown(page, "temperature") == "0 (greedy)"


@pytest.mark.thorough
def test_a_deep_link_and_a_reload_restore_the_page(visit, expect):
    page = visit().open("/sampling", prompt=PROMPT, model="shakespeare", seed=12, **SETTINGS)
    for _ in range(2):
        explorer(page).wait_for()
        assert [shown(page, name) for name in SETTINGS] == ["0.85", "30", "0.90", "1.15"]
        expect(page.get_by_role("spinbutton", name="Seed of the dice")).to_have_value("12")
        page.reload()


@pytest.mark.thorough
def test_the_settings_come_along_to_another_page_and_back(visit, expect):
    page = visit().open("/sampling", prompt=PROMPT, model="shakespeare", seed=12, **SETTINGS)
    sidebar = page.get_by_test_id("stSidebar")
    sidebar.get_by_role("link", name="Tokens").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Tokens")
    sidebar.get_by_role("link", name="Sampling").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sampling")
    expect(slider(page, "temperature")).to_have_attribute("aria-valuetext", "0.85")
    assert [shown(page, name) for name in SETTINGS] == ["0.85", "30", "0.90", "1.15"]
    expect(page.get_by_role("spinbutton", name="Seed of the dice")).to_have_value("12")


@pytest.mark.thorough
def test_a_seed_that_is_not_a_number_gives_way_to_one_that_is_chosen(visit, expect):
    page = visit().open("/sampling", prompt=PROMPT, model="tiny", seed="inf")
    seed = page.get_by_role("spinbutton", name="Seed of the dice")
    expect(seed).to_have_value("0")
    expect(page).not_to_have_url(re.compile("seed="))
    seed.fill("12")
    seed.press("Enter")
    expect(page).to_have_url(re.compile(r"seed=12\b"))
    page.reload()
    expect(seed).to_have_value("12")


def test_the_bars_are_the_distribution_that_generate_draws_from(visit, expect, models: Path):
    page = visit().open("/sampling", prompt=PROMPT, model="shakespeare", **SETTINGS)
    explorer(page).wait_for()
    lm = load(models / "shakespeare")
    ids = lm.ids(PROMPT)
    logits = generation.next_logits(lm.model, ids)
    found = stages(logits, ids, SamplingSettings(**SETTINGS))
    rows = page.locator(".explorer .row").all()
    assert len(rows) == 12
    for row in rows:
        token = int(row.get_attribute("data-id") or -1)
        drawn = float(row.get_attribute("data-after") or -1)
        own = float(row.get_attribute("data-before") or -1)
        assert drawn == pytest.approx(float(found[-1].probabilities[token]), abs=1e-5)
        assert own == pytest.approx(float(logits.softmax(-1)[token]), abs=1e-5)
        assert row.locator(".piece").inner_text() == lm.tokenizer.pieces([token])[0]
    page.get_by_text("Rule by rule").click()
    for stage in found[1:]:
        removed = page.locator(f'.explorer tr[data-rule="{stage.name}"]')
        expect(removed).to_have_attribute("data-count", str(int(stage.removed.sum())))
    change = found[0].probabilities.double() - logits.double().softmax(-1)
    lowered, fell, rose = len(set(ids)), int((change < 0).sum()), int((change > 0).sum())
    assert page.locator('tr[data-rule="repetition_penalty"] td').first.inner_text() == (
        f"repetition penalty 1.15: {lowered} scores lowered, so {fell} probabilities fell and "
        f"{rose:,} rose"
    )


@pytest.mark.thorough
def test_another_prompt_and_another_model_bring_other_bars(visit, expect, models: Path):
    page = visit().open("/sampling", prompt=PROMPT, model="shakespeare")
    explorer(page).wait_for()
    lm = load(models / "shakespeare")
    box = page.get_by_label("Your text")
    box.fill("O Romeo, Romeo! wherefore art")
    box.press("Enter")
    likeliest = generation.next_logits(lm.model, lm.ids("O Romeo, Romeo! wherefore art")).argmax()
    first_row = page.locator(".explorer .row").first
    expect(first_row).to_have_attribute("data-id", str(int(likeliest)))
    page.get_by_test_id("stSidebar").get_by_role("combobox").click()
    page.get_by_role("option", name="tiny").click()
    V = load(models / "tiny").config.vocab_size
    expect(page.locator(".explorer .summary")).to_contain_text(f"40 of {V} tokens")


def test_a_token_that_a_rule_removed_names_the_rule(visit, expect):
    page = visit().open("/sampling", prompt=PROMPT, model="shakespeare", top_k=3)
    rows = page.locator(".explorer .row:visible")
    # It is drawn anew whenever a part of it arrives, so one look is not enough.
    expect(rows).to_have_count(12)
    expect(rows.filter(has_text="✕ top-k")).to_have_count(9)


def chips(page: "Page") -> list[str]:
    return page.locator(".token .piece").all_inner_texts()


def test_a_click_on_an_alternative_goes_on_from_there_and_a_branch_leads_back(visit, expect):
    visitor = visit()
    rules = {"temperature": 1, "top_k": 0}
    page = visitor.open("/sampling", prompt="ROMEO: ", model="tiny", seed=3, **rules)
    page.get_by_role("button", name="Write", exact=True).click()
    expect(page.locator(".chips .token")).to_have_count(40)
    first = chips(page)
    page.locator(".chips .token").nth(4).click()
    position = len("ROMEO: ") + 4
    expect(page.get_by_text(f"What could stand at position {position}")).to_be_visible()
    page.locator('[class*="st-key-alternative_"] button:enabled').first.click()
    expect(page.get_by_text("The 2 branches")).to_be_visible()
    visitor.settle()
    second = chips(page)
    assert second[:4] == first[:4]
    assert second[4] != first[4]
    assert len(second) == 45
    page.get_by_role("button", name=f"from position {position}").first.click()
    expect(page.locator(".chips .token")).to_have_count(40)
    assert chips(page) == first


@pytest.mark.parametrize(
    ("scheme", "width", "height"),
    [("light", 1440, 900), ("dark", 1024, 768), ("light", 820, 1180), ("dark", 390, 844)],
)
@pytest.mark.thorough
def test_text_and_sliders_begin_on_the_first_screen_and_nothing_sticks_out(
    visit: Callable, width: int, height: int, scheme: str
):
    viewport = {"width": width, "height": height}
    visitor = visit(viewport=viewport, color_scheme=scheme)
    page = visitor.open("/sampling", prompt=PROMPT, model="shakespeare", **SETTINGS)
    page.locator('.explorer[data-text="whole"]').wait_for()
    visitor.settle()
    page.get_by_text("Rule by rule").click()
    root = explorer(page).bounding_box()
    assert root
    assert root["x"] + root["width"] <= width
    if width >= 1024:
        for part in (page.locator(".explorer .page"), slider(page, "repetition_penalty")):
            box = part.bounding_box()
            assert box
            assert box["y"] + box["height"] <= height
    parts = ".both, .text, .page, .dice, .sliders, .slider, .line, .row, .curve, .rules, .why"
    wide = explorer(page).evaluate(
        "(root, parts) => [...root.querySelectorAll(parts)]"
        ".filter((part) => part.scrollWidth > part.clientWidth + 1).map((part) => part.outerHTML)",
        parts,
    )
    assert wide == []
    sliders = [slider(page, name).bounding_box() for name in SETTINGS]
    assert all(box and box["height"] >= 24 and box["width"] >= 100 for box in sliders)
