"""The text beside the sliders, in a browser: it follows them, and says why each token is there."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gptviz import load
from gptviz.sampling import SamplingSettings, stages

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

PROMPT = "The king and the queen"


def words(page: "Page") -> "Locator":
    return page.locator(".explorer .word")


def ids_of(page: "Page") -> list[int]:
    return [int(word.get_attribute("data-id") or -1) for word in words(page).all()]


def whole(page: "Page") -> "Locator":
    return page.locator('.explorer[data-text="whole"]')


def status(page: "Page") -> "Locator":
    return page.locator(".explorer .status")


def slider(page: "Page", name: str) -> "Locator":
    return page.locator(f'.explorer input[data-name="{name}"]')


@pytest.fixture
def generated(models: Path):
    """The ids that generate writes."""
    lm = load(models / "shakespeare")
    return lambda **settings: [step.id for step in lm.generate(PROMPT, 40, **settings)]


def test_the_text_follows_a_slider_as_soon_as_it_is_let_go(visit, expect, generated):
    page = visit().open("/sampling", prompt=PROMPT, model="shakespeare")
    whole(page).wait_for()
    before = generated(temperature=0.8, top_k=40, seed=0)
    assert ids_of(page) == before
    expect(status(page)).to_have_text("Written with temperature 0.80, top-k 40, dice 0")
    slider(page, "temperature").focus()
    for _ in range(30):
        page.keyboard.down("ArrowRight")
    # As long as it is not let go, the text says that it is of other settings, and looks so.
    expect(page.locator('.explorer[data-text="old"] .prose.old')).to_be_visible()
    expect(status(page)).to_have_text(
        "Let go, and the text is written anew. This one: temperature 0.80, top-k 40, dice 0"
    )
    page.keyboard.up("ArrowRight")
    expect(status(page)).to_contain_text("Written with temperature 1.10, top-k 40, dice 0")
    after = generated(temperature=1.1, top_k=40, seed=0)
    assert ids_of(page) == after
    parting = next(i for i in range(40) if before[i] != after[i])
    marked = [i for i, word in enumerate(words(page).all()) if "parting" in _class(word)]
    assert marked == [parting]
    assert "later" in _class(words(page).nth(parting + 1))
    places = words(page).evaluate_all(
        "(words) => words.map((word) => word.getClientRects()[0]).map(({ x, y }) => `${x} ${y}`)"
    )
    assert len(set(places)) == 40, "no word stands on another"
    expect(status(page)).to_contain_text("outlined: the first token that differs")


def _class(word: "Locator") -> str:
    return word.get_attribute("class") or ""


def test_no_text_ever_stands_beside_settings_that_did_not_make_it(visit, expect, generated):
    page = visit().open("/sampling", prompt=PROMPT, model="shakespeare")
    whole(page).wait_for()
    # At each change of the page: which settings the sliders show, and which words stand there.
    page.evaluate(
        """() => {
          const root = document.querySelector(".explorer") ?? [...document.querySelectorAll("*")]
            .map((part) => part.shadowRoot?.querySelector(".explorer")).find(Boolean)
          globalThis.seen = []
          const note = () => seen.push([
            root.dataset.text,
            root.querySelector('[data-name="temperature"]').value,
            [...root.querySelectorAll(".word")].map((word) => Number(word.dataset.id)),
          ])
          new MutationObserver(note).observe(root, { attributes: true, subtree: true })
        }"""
    )
    for preset in ("greedy", "creative", "conservative", "balanced"):
        page.get_by_role("button", name=preset, exact=True).click()
    expect(status(page)).to_contain_text("Written with temperature 0.80, top-k 40, dice 0")
    made = {
        "0": generated(temperature=0, seed=0),
        "0.5": generated(temperature=0.5, top_k=20, seed=0),
        "0.8": generated(temperature=0.8, top_k=40, seed=0),
        "1.2": generated(temperature=1.2, top_k=100, seed=0),
    }
    seen = page.evaluate("seen")
    shown = [(temperature, ids) for state, temperature, ids in seen if state != "old"]
    assert shown
    for temperature, ids in shown:
        assert ids == made[temperature][: len(ids)]


@pytest.mark.thorough
def test_other_dice_write_another_text_and_the_seed_leads_back(visit, expect, generated):
    page = visit().open("/sampling", prompt=PROMPT, model="shakespeare")
    whole(page).wait_for()
    page.get_by_role("button", name="Throw other dice").click()
    expect(page).to_have_url(re.compile(r"seed=1\b"))
    expect(status(page)).to_contain_text("Written with temperature 0.80, top-k 40, dice 1")
    assert ids_of(page) == generated(temperature=0.8, top_k=40, seed=1)
    seed = page.get_by_role("spinbutton", name="Seed of the dice")
    expect(seed).to_have_value("1")
    seed.fill("0")
    seed.press("Enter")
    expect(status(page)).to_contain_text("Written with temperature 0.80, top-k 40, dice 0")
    assert ids_of(page) == generated(temperature=0.8, top_k=40, seed=0)


def test_a_touch_of_a_word_or_a_bar_says_why_by_the_name_of_the_rule(visit, expect, models: Path):
    page = visit(has_touch=True).open("/sampling", prompt=PROMPT, model="shakespeare", top_k=5)
    whole(page).wait_for()
    lm = load(models / "shakespeare")
    settings = SamplingSettings(temperature=0.8, top_k=5)
    chances = stages(lm.next_logits(PROMPT), lm.ids(PROMPT), settings)[-1].probabilities
    first = ids_of(page)[0]
    rank = chances.argsort(descending=True).tolist().index(first) + 1
    words(page).first.tap()
    expect(page.locator(".prose .why")).to_contain_text(
        f"kept: rank {rank} of 5, probability {100 * float(chances[first]):.1f} % after "
        f"temperature 0.80, top-k 5"
    )
    bars, why = page.locator(".explorer .row"), page.locator(".bars .why")
    bars.nth(6).tap()
    expect(why).to_contain_text("top-k 5 removed it: it ranks 7th.")
    bars.first.hover()
    expect(why).to_contain_text("kept: rank 1 of 5, probability")
    bars.first.focus()
    for _ in range(5):
        page.keyboard.press("ArrowDown")
    expect(why).to_contain_text("top-k 5 removed it: it ranks 6th.")
    page.get_by_role("button", name="greedy", exact=True).click()
    expect(why).to_contain_text("temperature 0 (greedy) removed it: it ranks 6th")


@pytest.mark.thorough
def test_arrow_keys_go_from_word_to_word(visit, expect):
    page = visit().open("/sampling", prompt=PROMPT, model="shakespeare")
    whole(page).wait_for()
    words(page).first.focus()
    why = page.locator(".prose .why")
    first = why.inner_text()
    page.keyboard.press("ArrowRight")
    expect(words(page).nth(1)).to_be_focused()
    expect(why).not_to_have_text(first)
    expect(page.locator('.word[tabindex="0"]')).to_have_count(1)


@pytest.mark.thorough
def test_five_temperatures_are_five_columns_from_one_to_many_words(visit, expect, generated):
    page = visit().open("/sampling", prompt=PROMPT, model="shakespeare", tab="temperatures")
    columns = page.locator(".columns .column")
    expect(columns).to_have_count(5)
    for column, temperature in zip(columns.all(), (0, 0.5, 0.8, 1.0, 1.5), strict=True):
        ids = [int(word.get_attribute("data-id")) for word in column.locator(".word").all()]
        assert ids == generated(temperature=temperature, top_k=40, seed=0)
    columns.nth(1).locator(".word").first.hover()
    expect(columns.nth(1).locator(".why")).to_contain_text("after temperature 0.50, top-k 40")
    expect(columns.nth(0).locator(".why")).to_have_text("")


@pytest.mark.thorough
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_can_be_read_on_every_tint(visit, scheme: str):
    page = visit(color_scheme=scheme).open("/sampling", prompt=PROMPT, model="shakespeare")
    whole(page).wait_for()
    ratios = page.locator(".explorer").evaluate(
        """(root) => {
          const paint = document.createElement("canvas").getContext("2d")
          const rgb = (colour) => {
            paint.fillStyle = colour
            paint.fillRect(0, 0, 1, 1)
            return [...paint.getImageData(0, 0, 1, 1).data.slice(0, 3)]
          }
          const light = (colour) => {
            const linear = (x) => (x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4)
            const [r, g, b] = rgb(colour).map((x) => linear(x / 255))
            return 0.2126 * r + 0.7152 * g + 0.0722 * b
          }
          const ratio = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)
          const page = light(getComputedStyle(document.querySelector(".stApp")).backgroundColor)
          const word = root.querySelector(".word")
          word.style.setProperty("--share", "100%")
          const dark = getComputedStyle(word)
          const ink = light(dark.color)
          return [
            ratio(ink, light(dark.backgroundColor)),
            ratio(light(getComputedStyle(root.querySelector(".given")).color), page),
          ]
        }"""
    )
    assert min(ratios) >= 4.5, ratios
