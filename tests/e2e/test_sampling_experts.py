"""The tabs for experts in a browser: what takes long can be stopped, what is wide scrolls alone."""

import re

import pytest

PROMPT = "The king and the queen"
TABS = ("write", "beams", "ranked", "grid", "cache")
SHOWN = {"beams": ("8", "30"), "ranked": ("3", "80"), "cache": ("200",)}
FITS = """() => {
  const main = document.querySelector("[data-testid=stMain]")
  const kinds = "button, input, label, [role=tab]"
  const isApart = (part) => part.closest("[class*=st-key-scroll_], [role=tablist], [class*=dvn-]")
  return main.scrollWidth <= main.clientWidth && [...main.querySelectorAll(kinds)]
    .filter((part) => part.checkVisibility() && !isApart(part))
    .every((part) => part.getBoundingClientRect().right <= innerWidth + 1)
}"""


def whole_text(page):
    return page.locator('.explorer[data-text="whole"]')


def test_a_long_measurement_is_stopped_and_begun_again_beside_a_text_that_follows(visit, expect):
    visitor = visit()
    page = visitor.open("/sampling", prompt=PROMPT, model="shakespeare")
    page.get_by_role("tab", name="Grid of settings").click()
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_text("You stopped this.")).to_be_visible()
    expect(page.locator(".js-plotly-plot")).to_have_count(0)
    page.get_by_role("button", name="creative", exact=True).click()
    expect(page).to_have_url(re.compile(r"temperature=1\.2\b"))
    whole_text(page).wait_for()
    page.get_by_role("button", name="Begin again").click()
    expect(page.get_by_role("button", name="Stop", exact=True)).to_be_visible()


@pytest.mark.thorough
def test_of_a_thousand_tokens_stop_leaves_those_that_were_written(visit, expect):
    visitor = visit()
    page = visitor.open("/sampling", prompt=PROMPT, model="shakespeare", write_length=1000)
    page.get_by_role("button", name="Write", exact=True).click()
    expect(page.get_by_text(re.compile(r"\d\d of 1,000 tokens"))).to_be_visible()
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_text("What could stand at position")).to_be_visible()
    visitor.settle()
    assert 10 <= page.locator(".chips .token").count() < 1000


@pytest.mark.thorough
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("tab", TABS)
def test_each_tab_fits_on_every_screen_and_says_what_its_address_chose(
    visit, expect, tab: str, scheme: str
):
    visitor = visit(color_scheme=scheme)
    chosen = {"beams": 8, "beam_length": 30, "ranked_texts": 3, "ranked_length": 80}
    chosen["cache_length"] = 200
    page = visitor.open("/sampling", prompt=PROMPT, model="tiny", tab=tab, **chosen)
    visitor.settle()
    for value in SHOWN.get(tab, ()):
        expect(
            page.get_by_test_id("stSliderThumbValue").get_by_text(value, exact=True)
        ).to_be_visible()
    for width, height in ((390, 844), (820, 1180), (1024, 768), (1366, 768), (1920, 1080)):
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_function(FITS)
