"""Every page on every screen: nothing is cut, and the picture stands where one looks first."""

import pytest

from gptviz.app.pages import PAGES

PATHS = {name: "/" if name == "overview" else f"/{name}" for name in PAGES}
# From the narrowest on, for what shrinks late would look cut off. 960 × 600 is a screen of
# 1440 × 900 at a zoom of 150 %.
SCREENS = (
    *((390, 844), (820, 1180), (960, 600), (1024, 768)),
    *((1366, 768), (1440, 900), (1920, 1080)),
)
# Whose first picture may end further down.
BEGINS = ("mlp", "sampling", "what_if", "patching", "compare", "debugging")
# Others are the first that is large.
PICTURES = {"residual": ".st-key-surprise", "by_hand": "[data-testid=stTable]"}
# Of two texts that this model goes on with alike, and where no run is there to be drawn.
WITHOUT = ("glossary", "patching", "training", "build_up")
HEADER = 130  # pixels at most for title, sentence, text and examples; on a phone, without examples

FIND_ALL = """
const main = document.querySelector('[data-testid="stMain"]')
const all = (root) => [...root.querySelectorAll("*")].flatMap(
  (part) => [part, ...(part.shadowRoot ? all(part.shadowRoot) : [])])
const parts = all(main)
const up = (part) => part.parentElement ?? part.getRootNode().host
"""
MEASURE = f"""(own) => {{
  {FIND_ALL}
  // What scrolls by itself, or is meant for screen readers alone, may reach beyond the screen.
  const isApart = (part) => {{
    for (let box = up(part); box && box !== main; box = up(box)) {{
      const own = getComputedStyle(box)
      if (["auto", "scroll"].includes(own.overflowX) || own.clipPath !== "none") return true
    }}
    return false
  }}
  const kinds = "a, button, input, textarea, select, summary, h1, h2, h3, h4, [role=button]"
  const cut = parts
    .filter((part) => part.matches(kinds) && part.checkVisibility() && !isApart(part))
    .map((part) => [part, part.getBoundingClientRect()])
    .filter(([, box]) => box.width > 1 && (box.left < -1 || box.right > innerWidth + 1))
    .map(([part]) => part.ariaLabel ?? part.textContent.slice(0, 40))
  const text = document.querySelector(".st-key-prompt_box")
  const top = document.querySelector(".st-key-page_top").getBoundingClientRect()
  const picture = own ? document.querySelector(own).getBoundingClientRect() : parts
    .filter((part) => part.matches("svg, canvas, .js-plotly-plot, .chips, .dice, .board"))
    .filter((part) => !part.closest(".small"))
    .map((part) => part.getBoundingClientRect())
    .find(({{ width, height }}) => width >= 200 && height >= 40)
  return {{
    tooWide: Math.max(...[document.documentElement, main].map((p) => p.scrollWidth - innerWidth)),
    cut,
    header: top.height,
    text: (text?.getBoundingClientRect().bottom ?? 0) - top.top,
    picture: picture && [picture.top, picture.bottom],
  }}
}}"""


@pytest.mark.parametrize(
    "name",
    [
        name if name in ("overview", "sampling") else pytest.param(name, marks=pytest.mark.thorough)
        for name in PAGES
    ],
)
def test_a_page_fits_on_every_screen(visit, name):
    visitor = visit(viewport=dict(zip(("width", "height"), SCREENS[0], strict=True)))
    page = visitor.open(PATHS[name], model="shakespeare", other_model="tiny")
    faults = []
    for width, height in SCREENS:
        page.set_viewport_size({"width": width, "height": height})
        visitor.settle()
        page.wait_for_function(IS_STILL)
        found = page.evaluate(MEASURE, PICTURES.get(name, ""))
        if found["tooWide"] > 0:
            faults.append(f"{width} × {height}: {found['tooWide']} pixels too wide")
        faults += [f"{width} × {height}: “{part}” is cut off" for part in found["cut"]]
        header = found["text" if width < 640 else "header"]
        if header > HEADER:
            faults.append(f"{width} × {height}: the header takes {header} pixels")
        if width < 1024:
            continue
        if name in WITHOUT:
            continue
        if name in BEGINS:
            found["picture"][1] = found["picture"][0] + 150
        if not 0 <= found["picture"][0] < found["picture"][1] <= height:
            faults.append(f"{width} × {height}: the picture reaches from, to {found['picture']}")
    assert not faults, "\n".join(faults)


# Whether nothing has moved for ten frames: what follows a new width is drawn, a frame or two later.
IS_STILL = f"""() => {{
  {FIND_ALL}
  const now = parts.map((part) => part.getBoundingClientRect().bottom).join()
  globalThis.frames = globalThis.before === now ? globalThis.frames + 1 : 0
  globalThis.before = now
  return globalThis.frames >= 10
}}"""


def sidebar(page):
    return page.get_by_test_id("stSidebar")


def test_on_a_narrow_screen_the_sidebar_opens_for_one_click(visit, expect):
    visitor = visit(viewport={"width": 1024, "height": 768})
    page = visitor.open("/tokens")
    expect(page.get_by_role("link", name="Sampling")).not_to_be_in_viewport()
    page.get_by_test_id("stExpandSidebarButton").click()
    expect(page.get_by_role("link", name="Sampling")).to_be_in_viewport()
    sidebar(page).get_by_role("link", name="Sampling").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sampling")
    expect(sidebar(page).get_by_role("link", name="Sampling")).not_to_be_in_viewport()
    page.set_viewport_size({"width": 1440, "height": 900})
    expect(sidebar(page).get_by_role("link", name="Sampling")).to_be_in_viewport()
    page.set_viewport_size({"width": 1024, "height": 768})
    expect(sidebar(page).get_by_role("link", name="Sampling")).not_to_be_in_viewport()


def test_on_a_wide_screen_the_sidebar_stays_as_it_was_left(visit, expect):
    visitor = visit()
    page = visitor.open("/tokens")
    sidebar(page).get_by_role("link", name="Sampling").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sampling")
    link = sidebar(page).get_by_role("link", name="Tokens")
    expect(link).to_be_in_viewport()
    sidebar(page).hover()
    page.get_by_test_id("stSidebarCollapseButton").get_by_role("button").click()
    expect(link).not_to_be_in_viewport()
    page.reload()
    visitor.settle()
    expect(link).not_to_be_in_viewport()


def test_plotly_s_buttons_stand_above_the_chart(visit, expect):
    page = visit().open("/layer_norms")
    chart = page.locator(".js-plotly-plot").first
    chart.hover()
    expect(chart.locator(".modebar")).to_have_css("opacity", "1")
    buttons, plot = chart.locator(".modebar").bounding_box(), chart.locator(".main-svg").first
    assert buttons["y"] + buttons["height"] <= plot.bounding_box()["y"] + 1
    above = page.locator("[class*=st-key-scroll_]").first.bounding_box()
    assert buttons["y"] >= above["y"] - 1, "what scrolls would cut them off"
