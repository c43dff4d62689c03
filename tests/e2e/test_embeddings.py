"""The embeddings page in a real browser. `visit` also watches requests, console and errors."""

import re

import pytest

TABS = (
    "Your tokens",
    "Neighbours",
    "Word pairs",
    "Analogies",
    "Map",
    "Positions",
    "Two contexts",
)
SCREENS = [
    pytest.param({"viewport": {"width": 1440, "height": 900}, "color_scheme": "light"}, id="large"),
    pytest.param({"viewport": {"width": 1024, "height": 768}, "color_scheme": "dark"}, id="small"),
]
FIGURE = "() => document.querySelector('.js-plotly-plot')?.data?.length > 0"


def drawn(page):
    """What Plotly was given, once the picture is there."""
    page.wait_for_function(FIGURE)
    return page.evaluate(
        """() => {
            const [figure] = document.querySelectorAll('.js-plotly-plot')
            return {title: figure.layout.xaxis?.title?.text, names: figure.data.map(t => t.name)}
        }"""
    )


@pytest.mark.parametrize("screen", SCREENS)
def test_every_tab_ends_in_a_picture_that_fits_the_screen(visit, expect, screen):
    visitor = visit(**screen)
    page = visitor.open("/embeddings")
    for tab in TABS:
        page.get_by_role("tab", name=tab).click()
        expect(page.get_by_role("tab", name=tab)).to_have_attribute("aria-selected", "true")
        visitor.settle()
        chart = page.locator(".js-plotly-plot:visible")
        expect(chart).to_have_count(1)
        right = "(figure) => figure.getBoundingClientRect().right <= window.innerWidth"
        assert chart.evaluate(right)


@pytest.mark.thorough
def test_the_stage_is_chosen_with_the_keyboard_and_kept_in_the_url(visit, expect):
    page = visit().open("/embeddings")
    slider = page.get_by_role("slider", name="Where the vectors are read")
    slider.press("End")
    expect(page.get_by_text("h.5", exact=True)).to_be_attached()
    expect(page).to_have_url(re.compile(r"stage=h\.5"))


@pytest.mark.thorough
def test_a_model_with_fewer_layers_does_not_break_a_deep_stage(visit, expect):
    page = visit().open("/embeddings", stage="h.5", prompt="abc")
    expect(page.get_by_text("h.5", exact=True)).to_be_attached()
    page.get_by_role("combobox", name="Model").click()
    page.get_by_role("option", name="tiny").click()
    expect(page.get_by_text("wte", exact=True)).to_be_attached()


@pytest.mark.thorough
def test_a_link_to_a_map_is_restored_as_it_was(visit):
    page = visit().open("/embeddings", tab="map", map_axes=3, map_common=100)
    page.wait_for_function(FIGURE)
    kinds = "() => document.querySelector('.js-plotly-plot').data.map(trace => trace.type)"
    assert page.evaluate(kinds) == ["scatter3d", "scatter3d"]


def test_while_one_visitor_waits_for_tsne_the_others_go_on(visit, expect):
    busy, other = visit(), visit()
    other.open("/embeddings", prompt="The king and the queen")
    page = busy.page
    page.goto(f"{busy.server.url}/embeddings?tab=map&map_method=t-sne&map_common=300")
    expect(page.get_by_role("progressbar")).to_be_visible()
    other.page.get_by_role("slider", name="Where the vectors are read").press("End")
    expect(other.page.get_by_text("h.5", exact=True)).to_be_attached()
    assert "no meaning" in drawn(page)["title"]
    expect(page.get_by_role("progressbar")).to_have_count(0)


@pytest.mark.thorough
def test_whoever_turns_back_to_pca_need_not_wait_for_tsne(visit, expect):
    visitor = visit()
    page = visitor.page
    page.goto(f"{visitor.server.url}/embeddings?tab=map&map_method=t-sne&map_axes=3&map_common=600")
    expect(page.get_by_role("progressbar")).to_be_visible()
    page.get_by_role("radio", name="PCA").click()
    expect(page.get_by_text("PCA turns the cloud")).to_be_visible()
    expect(page.get_by_role("progressbar")).to_have_count(0)


def test_a_word_that_looks_like_html_stays_a_word(visit, expect):
    page = visit().open("/embeddings", tab="neighbours", word="<i>x</i>")
    expect(page.get_by_text("tokens are shown by the mean")).to_be_visible()
    assert page.locator("i", has_text="x").count() == 0
