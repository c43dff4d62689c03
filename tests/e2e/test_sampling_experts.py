"""The tabs for experts in a browser: what takes long can be stopped, and the text above goes on."""

import re

import pytest

PROMPT = "The king and the queen"


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
