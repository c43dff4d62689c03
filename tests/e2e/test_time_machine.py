"""What only a browser can prove of the slider over a run's steps: moving it, and Play."""

import re

import pytest

PROMPT = "the queen"
PATTERN = """[...document.querySelectorAll("*")]
    .map(({ shadowRoot }) => shadowRoot?.querySelector(".square canvas"))
    .find(Boolean)?.toDataURL()"""


def steps(page):
    return page.get_by_role("slider", name="Training step")


def shown(page, step):
    """The page once it shows a step, as far as the address and the row tell."""
    page.locator(f'.steps[data-step="{step}"]').wait_for()
    page.wait_for_url(re.compile(rf"[?&]step={step}(&|$)"))


def left(page, step):
    """The page once it no longer shows a step: while it plays, none stays for long."""
    page.locator(f'.steps:not([data-step="{step}"])').wait_for()


def test_the_slider_changes_the_picture_and_nothing_on_the_page_moves(visit, expect):
    visitor = visit(viewport={"width": 1024, "height": 768})
    page = visitor.open("/attention", model="a-run", prompt=PROMPT, layer=1, head=1, step=30)
    board = page.get_by_role("group", name=re.compile("Attention patterns"))
    expect(page.locator(".square canvas")).to_be_visible()
    place, end = board.bounding_box(), page.evaluate(PATTERN)
    steps(page).focus()
    page.keyboard.press("Home")
    shown(page, 0)
    visitor.settle()
    page.wait_for_function(f"(end) => ![undefined, end].includes({PATTERN})", arg=end)
    assert board.bounding_box() == place
    expect(steps(page)).to_be_focused()
    expect(page.get_by_role("button", name="L1 H1")).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_label("Your text")).to_have_value(PROMPT)
    expect(page.get_by_text("step 0: untrained")).to_be_visible()
    page.keyboard.press("End")
    shown(page, 30)
    page.wait_for_function(f"(end) => {PATTERN} === end", arg=end)


@pytest.mark.parametrize(
    "path",
    [
        "/attention",
        pytest.param("/sampling", marks=pytest.mark.thorough),
        pytest.param("/training", marks=pytest.mark.thorough),
    ],
)
def test_play_goes_through_the_steps_and_ends_at_the_last(visit, expect, path):
    query = {"run": "a-run", "tab": "time-machine"} if path == "/training" else {"model": "a-run"}
    page = visit().open(path, prompt=PROMPT, step=3, **query)
    play = page.get_by_role("button", name="Play")
    play.click()
    expect(page.get_by_role("button", name="■ Stop")).to_be_visible()
    shown(page, 30)
    expect(play).to_be_visible()
    play.click()
    left(page, 30)


def test_play_can_be_stopped(visit, expect):
    visitor = visit()
    visitor.page.clock.install()
    page = visitor.open("/attention", model="a-run", prompt=PROMPT, step=0)
    page.get_by_role("button", name="Play").click()
    left(page, 0)
    page.get_by_role("button", name="■ Stop").click()
    visitor.settle()
    stopped = steps(page).input_value()
    page.clock.fast_forward(60_000)
    visitor.settle()
    expect(steps(page)).to_have_value(stopped)
    expect(page.get_by_role("button", name="Play")).to_be_visible()
