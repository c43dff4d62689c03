"""The foot of the sidebar in a browser: theme, presenter, and the address for everybody."""

import io
import re

import pytest
import zxingcpp
from PIL import Image

from gptviz.app.theme import PALETTES

LIGHT, DARK = "rgb(255, 255, 255)", "rgb(14, 17, 23)"


LABEL = ".js-plotly-plot .xtick text"
FITS = """() => {
  const svg = document.querySelector(".js-plotly-plot .main-svg")
  const [chart, room] = [svg, svg.closest(".stElementContainer")]
    .map((part) => part.getBoundingClientRect())
  return chart.width > 0.95 * room.width && chart.right <= room.right + 1
    && chart.bottom <= room.bottom + 1
}"""
IS_TALLER = """([part, height]) =>
  document.querySelector(part)?.getBoundingClientRect().height > height"""


def background(page):
    return page.get_by_test_id("stApp")


def theme(page, name):
    return page.get_by_role("radio", name=name)


def chips(page):
    """The colour of the first token, which Python chooses by the theme that the browser told it."""
    return page.locator(".chips .piece").first


def rgb(colour):
    return "rgb({}, {}, {})".format(*bytes.fromhex(colour.removeprefix("#")))


@pytest.mark.parametrize("system", ["light", pytest.param("dark", marks=pytest.mark.thorough)])
def test_a_theme_is_taken_on_at_once_and_kept_on_every_page_and_after_a_reload(
    visit, expect, system
):
    visitor = visit(color_scheme=system)
    page = visitor.open("/tokens")
    own, other = (LIGHT, DARK) if system == "light" else (DARK, LIGHT)
    name, scheme = ("Dark", "dark") if system == "light" else ("Light", "light")
    expect(background(page)).to_have_css("background-color", own)
    expect(theme(page, "System")).to_be_checked()
    theme(page, name).click()
    expect(background(page)).to_have_css("background-color", other)
    expect(chips(page)).to_have_css("background-color", rgb(PALETTES[scheme].chips[0]))
    page.get_by_test_id("stSidebar").get_by_role("link", name="Attention").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Attention")
    expect(background(page)).to_have_css("background-color", other)
    page.reload()
    visitor.settle()
    expect(background(page)).to_have_css("background-color", other)
    expect(theme(page, name)).to_be_checked()
    theme(page, name).press("ArrowRight")  # dark is followed by system, light by dark
    theme(page, "System").click()
    expect(background(page)).to_have_css("background-color", own)


def test_a_chosen_theme_is_there_from_the_first_moment_and_the_system_s_is_followed(visit, expect):
    visitor = visit(color_scheme="light")
    page = visitor.open("/tokens")
    page.emulate_media(color_scheme="dark")
    expect(background(page)).to_have_css("background-color", DARK)
    expect(chips(page)).to_have_css("background-color", rgb(PALETTES["dark"].chips[0]))
    page.emulate_media(color_scheme="light")
    theme(page, "Dark").click()
    expect(background(page)).to_have_css("background-color", DARK)
    # Without Streamlit's own script, what is left is the moment before it has come.
    empty = {"content_type": "text/javascript", "body": ""}
    page.route("**/static/js/**", lambda route: route.fulfill(**empty))
    page.goto(page.url, wait_until="commit")
    expect(page.locator("html")).to_have_css("background-color", DARK)
    page.unroute_all()
    page.reload()
    visitor.settle()


def test_the_presenter_hides_what_only_explains_and_enlarges_the_rest(visit, expect):
    visitor = visit(viewport={"width": 1440, "height": 900}, color_scheme="light")
    page = visitor.open("/embeddings", model="shakespeare", prompt="the king and the queen")
    theme(page, "Dark").click()
    expect(background(page)).to_have_css("background-color", DARK)
    title = page.get_by_role("heading", level=1)
    caption = page.get_by_test_id("stMain").get_by_test_id("stCaptionContainer").first
    expect(caption).to_be_visible()
    expect(page.locator(LABEL).first).to_have_css("fill", rgb(PALETTES["dark"].text))
    before = {part: page.locator(part).first.bounding_box()["height"] for part in ("h1", LABEL)}
    page.get_by_test_id("stSidebar").get_by_text("Presenter").click()
    leave = page.get_by_role("button", name="Leave presenter")
    expect(leave).to_be_in_viewport()
    expect(page.get_by_test_id("stSidebar")).to_be_hidden()
    expect(caption).to_be_hidden()
    expect(background(page)).to_have_css("background-color", DARK)
    for part, height in before.items():
        page.wait_for_function(IS_TALLER, arg=[part, 1.25 * height])
    page.wait_for_function(FITS)
    page.get_by_role("link", name="attention").click()
    expect(title).to_have_text("Attention")
    expect(leave).to_be_in_viewport()
    page.reload()
    visitor.settle()
    assert "present=1" in page.url
    leave.click()
    expect(page.get_by_test_id("stSidebar")).to_be_visible()
    expect(leave).to_have_count(0)
    assert "present" not in page.url


def test_escape_leaves_the_presenter_but_not_out_of_a_text(visit, expect):
    visitor = visit()
    page = visitor.open("/tokens", present=1)
    leave = page.get_by_role("button", name="Leave presenter")
    page.get_by_label("Your text").press("Escape")
    visitor.settle()
    expect(leave).to_be_visible()
    leave.focus()
    page.keyboard.press("Escape")
    expect(leave).to_have_count(0)
    expect(page.get_by_test_id("stSidebar")).to_be_visible()


@pytest.mark.thorough
def test_a_chart_tells_the_point_under_the_mouse_in_the_presenter_too(visit, expect):
    page = visit(viewport={"width": 1440, "height": 900}).open(
        "/embeddings", model="shakespeare", prompt="the king and the queen", present=1
    )
    plot = page.locator(".js-plotly-plot .nsewdrag").first
    box = plot.bounding_box()
    plot.hover(position={"x": 0.9 * box["width"], "y": 10})
    # The first row and the last column: the first token against the last.
    expect(page.locator(".js-plotly-plot .hoverlayer").first).to_contain_text("0 the4 ·queen")


def test_everybody_can_open_the_address_that_is_shown(visit, expect):
    visitor = visit()
    page = visitor.open("/attention", model="shakespeare", prompt="the king", layer=2, present=1)
    leave = page.get_by_role("button", name="Leave presenter")
    expect(leave).to_be_visible()
    page.keyboard.press("Escape")
    expect(leave).to_have_count(0)
    visitor.context.grant_permissions(["clipboard-read"])
    page.get_by_role("button", name="Show everybody this").click()
    shown = page.get_by_role("dialog")
    expect(shown).to_contain_text("Only this machine can open this address")
    address = shown.locator("a.address")
    url = address.inner_text()
    assert address.get_attribute("href") == url
    shown.get_by_role("button", name="Copy").click()
    expect(shown.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == url
    picture = Image.open(io.BytesIO(shown.get_by_role("img", name="QR code").screenshot()))
    assert [code.text for code in zxingcpp.read_barcodes(picture)] == [url]
    pupil = visit()
    pupil.page.goto(url)
    pupil.settle()
    expect(pupil.page.get_by_role("heading", level=1)).to_have_text("Attention")
    expect(pupil.page.get_by_label("Your text")).to_have_value("the king")
    expect(pupil.page).to_have_url(re.compile(r"\blayer=2\b"))


@pytest.mark.thorough
def test_a_long_text_says_why_there_is_no_qr_code(visit, expect):
    page = visit().open("/tokens", model="shakespeare", prompt="안녕 " * 170)
    page.get_by_role("button", name="Show everybody this").click()
    shown = page.get_by_role("dialog")
    expect(shown).to_contain_text("more than a QR code holds")
    expect(shown.get_by_role("img")).to_have_count(0)
    expect(shown.locator("a.address")).to_be_visible()
