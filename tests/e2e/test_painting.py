"""Painting a pattern with a pointer, a finger and the keyboard, and what it does to the address."""

import re

import pytest

from gptviz import attention, load

PROMPT = "one two three one two"
BEST = re.compile(r"L\d H\d looks most like your painting")


def square(page, row, column):
    tokens = ["one", "·two", "·three", "·one", "·two"]
    name = f"{row} {tokens[row]} looks at {column} {tokens[column]}"
    return page.get_by_role("button", name=name, exact=True)


def middle(page, row, column):
    box = square(page, row, column).bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def painted(page):
    return page.locator(".painting .square[aria-pressed=true]")


def drag(page, *squares):
    """Press on the first one, move over the others, and let go."""
    page.mouse.move(*middle(page, *squares[0]))
    page.mouse.down()
    for one in squares[1:]:
        page.mouse.move(*middle(page, *one))
    page.mouse.up()


@pytest.fixture
def open_board(visit):
    def opened(**more):
        settings = more.pop("settings", {})
        visitor = visit(**settings)
        page = visitor.open("/attention", model="shakespeare", prompt=PROMPT, tab="paint", **more)
        square(page, 4, 0).wait_for()
        return page

    return opened


def test_a_drag_paints_all_on_its_way_and_the_best_head_is_named(open_board, expect, models):
    page = open_board()
    expect(page.locator(".reading").first).to_have_text("Nothing is painted yet")
    drag(page, (1, 0), (4, 3))  # in one leap, along the token before
    expect(painted(page)).to_have_count(4)
    trace = load(models / "shakespeare").trace(PROMPT)
    best = attention.find_heads(trace)["previous token"]
    expect(page.get_by_text(BEST)).to_contain_text(f"L{best.layer} H{best.head}")
    expect(page.get_by_text(BEST)).to_contain_text(f"{best.score:.0%} of its attention")
    before = page.get_by_role("button", name="the token before", exact=True).last
    expect(before).to_have_attribute("aria-pressed", "true")
    drag(page, (2, 1), (3, 2))  # begins on paint, and so takes away
    expect(painted(page)).to_have_count(2)
    expect(page.get_by_text("2 squares are painted")).to_be_visible()


def test_a_painting_stands_in_the_address_and_comes_back_from_there(open_board, visit, expect):
    page = open_board()
    page.get_by_role("button", name="the first token", exact=True).last.click()
    expect(page.get_by_text(BEST)).to_be_visible()
    expect(page).to_have_url(re.compile("painted=UiA"))
    other = visit()
    other.page.goto(page.url)
    expect(painted(other.page)).to_have_count(4)
    for row in range(1, 5):
        expect(square(other.page, row, 0)).to_have_attribute("aria-pressed", "true")
    other.page.get_by_role("button", name="Clear", exact=True).click()
    expect(other.page.get_by_text("Where should a head look?")).to_be_visible()
    expect(other.page).not_to_have_url(re.compile("painted="))


def test_the_keyboard_paints_and_stays_where_it_was(open_board, expect):
    page = open_board()
    square(page, 0, 0).focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowRight", "ArrowRight", "ArrowRight"):
        page.keyboard.press(key)  # the last one leads to a token that comes later
    expect(square(page, 2, 2)).to_be_focused()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Space")
    expect(page.get_by_text(BEST)).to_be_visible()
    expect(square(page, 2, 1)).to_have_attribute("aria-pressed", "true")
    expect(square(page, 2, 1)).to_be_focused()
    page.keyboard.press("Space")
    expect(page.get_by_text("Where should a head look?")).to_be_visible()
    expect(square(page, 2, 1)).to_be_focused()


def test_a_finger_paints_and_what_is_broken_off_leaves_no_paint(open_board, expect):
    page = open_board(settings={"has_touch": True, "viewport": {"width": 390, "height": 844}})
    square(page, 3, 1).scroll_into_view_if_needed()
    square(page, 3, 1).tap()
    expect(page.get_by_text(BEST)).to_be_visible()
    expect(painted(page)).to_have_count(1)
    touch = page.context.new_cdp_session(page)
    for end, count in (("touchCancel", 1), ("touchEnd", 4)):
        points = [dict(zip("xy", middle(page, row, 0), strict=True)) for row in (2, 3, 4)]
        touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": points[:1]})
        for point in points[1:]:
            touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [point]})
        expect(painted(page)).to_have_count(4)
        touch.send("Input.dispatchTouchEvent", {"type": end, "touchPoints": []})
        expect(painted(page)).to_have_count(count)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_click_on_the_map_opens_a_head(open_board, expect):
    page = open_board(painted="SA", layer=0, head=0)
    map_of_heads = page.get_by_role("group", name=re.compile("Painted share of 6 layers × 8 heads"))
    map_of_heads.get_by_role("button", name=re.compile("^L2 H5: ")).click()
    expect(page).to_have_url(re.compile("layer=2&head=5|head=5.*layer=2"))
    expect(page.locator(".heads [aria-pressed=true]")).to_have_accessible_name("L2 H5")


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (1024, 768), (390, 844)])
def test_all_tabs_are_seen_on_a_wide_screen_and_can_be_come_to_on_others(
    visit, expect, width, height
):
    page = visit(viewport={"width": width, "height": height}).open("/attention", model="tiny")
    tabs = page.get_by_role("tablist").get_by_role("tab")
    expect(tabs).to_have_count(9)
    if width < 1440:
        tabs.last.click()
        expect(tabs.last).to_have_attribute("aria-selected", "true")
        page.get_by_role("tablist").evaluate("(row) => row.scrollTo(row.scrollWidth, 0)")
    row, last = page.get_by_role("tablist").bounding_box(), tabs.last.bounding_box()
    assert row["x"] + row["width"] <= width
    assert last["x"] + last["width"] <= row["x"] + row["width"] + 1
