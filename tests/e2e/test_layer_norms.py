"""What only a browser can prove of the layer norms page: drawn pictures, reloads, deep links."""

import re
from itertools import pairwise

import pytest

from gptviz import load

PROMPT = "The king and the queen"

# The data as Plotly has unpacked them; chart.data holds them packed.
DRAWN = """(chart) => chart._fullData.map(({ type, name, x, y }) => ({
  type, name, x: Array.from(x), y: Array.from(y)
}))"""
TEXTS = """(chart) => [...chart.querySelectorAll(".annotation-text")].map((element) => {
  const { left, right } = element.getBoundingClientRect()
  return { left, right }
})"""


def charts(page):
    return page.locator(".js-plotly-plot")


def choose(page, label, option):
    page.get_by_role("combobox", name=re.compile(label)).click()
    page.get_by_role("option", name=option, exact=True).click()


@pytest.mark.parametrize(("scheme", "width", "height"), [("light", 1440, 900), ("dark", 1024, 768)])
def test_the_vector_is_drawn_before_and_after_with_room_for_its_numbers(
    visit, scheme, width, height, expect
):
    visitor = visit(color_scheme=scheme, viewport={"width": width, "height": height})
    page = visitor.open("/layer_norms", model="shakespeare", norm="h.0.ln_2")
    expect(charts(page)).to_have_count(1)
    expect(charts(page).locator(".annotation-text")).to_have_count(3)
    titles = charts(page).evaluate(TEXTS)
    assert all(a["right"] < b["left"] for a, b in pairwise(titles))
    box = charts(page).bounding_box()
    assert titles[-1]["right"] <= box["x"] + box["width"] <= width
    assert box["y"] + box["height"] <= 900 + (0 if width == 1440 else 100)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.thorough
def test_the_very_first_request_may_name_a_norm_a_token_and_a_tab(
    fresh_server, models, visit, expect
):
    page = visit(fresh_server).open(
        "/layer_norms",
        model="shakespeare",
        prompt=PROMPT,
        norm="h.2.ln_1",
        position=1,
        tab="without",
    )
    expect(page.get_by_text("h.1[1] → h.2.ln_1[1]")).to_be_attached()
    expect(charts(page)).to_have_count(3)
    lm = load(models / "shakespeare")
    trace = lm.trace(PROMPT)
    without = lm.trace(PROMPT, edits={"h.2.ln_1": lambda _: trace["h.1"]})
    before, after = charts(page).nth(1).evaluate(DRAWN)
    assert before["y"][-1] == pytest.approx(float(trace["h.5"][1].norm()), rel=1e-3)
    assert after["y"][-1] == pytest.approx(float(without["h.5"][1].norm()), rel=1e-3)
    assert (before["name"], after["name"]) == ("with the norm", "without it")


def test_marks_below_the_bars_are_the_numbers_of_the_run(visit, models, expect):
    page = visit().open(
        "/layer_norms", model="shakespeare", prompt=PROMPT, norm="h.3.ln_2", position=2
    )
    expect(charts(page)).to_have_count(1)
    trace = load(models / "shakespeare").trace(PROMPT)
    marks = [drawn["x"] for drawn in charts(page).evaluate(DRAWN) if drawn["type"] == "scatter"]
    assert marks[0] == pytest.approx(trace["h.3.resid_mid"][2].tolist(), rel=1e-3, abs=1e-4)
    assert marks[2] == pytest.approx(trace["h.3.ln_2"][2].tolist(), rel=1e-3, abs=1e-4)


@pytest.mark.thorough
def test_a_smaller_model_takes_over_with_the_same_kind_of_norm(visit, expect):
    page = visit().open("/layer_norms", model="shakespeare", norm="h.5.ln_1")
    expect(page.get_by_text("→ h.5.ln_1[")).to_be_attached()
    choose(page, "Model", "tiny")
    expect(page.get_by_text("→ h.1.ln_1[")).to_be_attached()
    expect(page).to_have_url(re.compile(r"norm=h\.1\.ln_1"))


@pytest.mark.thorough
def test_a_reload_keeps_norm_and_tab(visit, expect):
    page = visit().open("/layer_norms", model="shakespeare", prompt=PROMPT)
    choose(page, "Layer norm", "h.1.ln_2")
    expect(page.get_by_text("→ h.1.ln_2[")).to_be_attached()
    page.get_by_role("tab", name="The stream").click()
    expect(charts(page)).to_have_count(3)
    page.reload()
    expect(page.get_by_text("→ h.1.ln_2[")).to_be_attached()
    expect(charts(page)).to_have_count(3)


@pytest.mark.thorough
def test_the_final_norm_in_the_path_leads_here(visit, expect):
    page = visit().open("/", model="shakespeare", prompt=PROMPT)
    page.get_by_role("button", name=re.compile("final norm")).click()
    page.get_by_role("link", name="More about it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Layer norms")
    expect(page.get_by_text(re.compile(r"h\.5\[\d\] → ln_f\["))).to_be_attached()
    expect(page.get_by_label("Your text")).to_have_value(PROMPT)


@pytest.mark.thorough
def test_a_long_prompt_keeps_room_for_the_labels_of_its_tokens(visit, expect):
    visitor = visit(viewport={"width": 1024, "height": 768})
    page = visitor.open(
        "/layer_norms",
        model="shakespeare",
        prompt="the king " * 60,
        norm="h.0.ln_2",
        tab="without",
    )
    expect(charts(page)).to_have_count(3)
    expect(charts(page).nth(2).locator(".xtick")).to_have_count(61)
    room = page.locator('[class*="st-key-scroll_divergences"]')
    assert room.evaluate("(element) => element.scrollWidth > element.clientWidth")
    assert page.evaluate("document.documentElement.scrollWidth") <= 1024
