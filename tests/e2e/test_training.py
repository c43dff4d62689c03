"""The training page in a browser: a run is started, watched, left, found again and stopped."""

import math
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from gptviz import jobs
from gptviz.disk import append_row
from gptviz.jobs import presets, shipping
from gptviz.runs import LIVING, Run
from gptviz.tokenizers.baselines import SHAKESPEARE

# Nothing goes beyond the side of the screen, and no label is cut.
FITS = """(width) => document.documentElement.scrollWidth <= width &&
  [...document.querySelectorAll("[data-testid=stWidgetLabel] *")].every(
    (part) => part.scrollWidth <= part.clientWidth + 1 || !part.clientWidth) &&
  [...document.querySelectorAll(".stMain button, .stMain label")].every(
    (part) => part.getBoundingClientRect().right <= width || !part.offsetParent)"""
BEYOND = """(parts) => parts.filter((part) =>
  part.getBoundingClientRect().right > part.closest(".panel").getBoundingClientRect().right + 1)
  .map((part) => part.textContent)"""
UNDERLINE = "(link) => getComputedStyle(link.querySelector('p')).textDecorationLine"
FIVE_OR_MORE = re.compile(r"^([5-9]|\d{2,})$")
PATIENCE = 60  # seconds for a process that was asked to stop


@pytest.fixture
def workshop(start_server, tmp_path: Path) -> Iterator:
    """A server with no model and no run; whatever it starts is stopped in the end."""
    (tmp_path / "models").mkdir()
    with start_server(GPTVIZ_CHECKPOINTS=str(tmp_path / "models")) as running:
        yield running
        deadline = time.monotonic() + PATIENCE
        for run in jobs.list_runs(tmp_path / "models"):
            while jobs.state(run) in LIVING and time.monotonic() < deadline:
                jobs.stop(run)
                time.sleep(0.1)
    assert not [run.id for run in jobs.list_runs(tmp_path / "models") if run.is_held]


def losses(page):
    return page.locator('path[data-name="training, each step"]').first


def zoomed(page) -> tuple[float, float]:
    chart = page.locator(".chart")
    return tuple(float(chart.get_attribute(f"data-{end}")) for end in ("from", "to"))


def test_a_run_is_started_watched_left_found_again_stopped_and_looked_into(workshop, visit, expect):
    visitor = visit(workshop)
    page = visitor.open("/training")
    page.get_by_role("button", name="Start").click()
    expect(losses(page)).to_have_attribute("data-points", FIVE_OR_MORE)
    assert "run=Shakespeare+small" in page.url

    sidebar = page.get_by_test_id("stSidebar")
    sidebar.get_by_role("link", name="Tokens").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Tokens")
    sidebar.get_by_role("link", name="Training").click()
    expect(losses(page)).to_have_attribute("data-points", FIVE_OR_MORE)
    before = int(losses(page).get_attribute("data-points") or 0)

    more = re.compile("|".join(map(str, range(before + 1, before + 2000))))
    expect(losses(page)).to_have_attribute("data-points", more)
    page.get_by_role("button", name="■ Stop").click()
    expect(page.get_by_role("button", name="▶ Resume")).to_be_visible()
    expect(page.get_by_test_id("stProgress")).to_contain_text("■ stopped")

    page.get_by_test_id("stMain").get_by_role("link", name="Attention").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Attention")
    expect(sidebar.get_by_text("layers 4 · heads 4 · width 128")).to_be_visible()
    expect(page.get_by_role("button", name="L3 H3")).to_be_visible()


def test_before_the_first_step_the_axes_claim_no_numbers(workshop, visit, expect, tmp_path):
    run = Run.create(tmp_path / "models" / "new", presets.DEFAULT.on(SHAKESPEARE))
    page = visit(workshop).open("/training?run=new")
    waits = page.get_by_text("Its process ended before its first step. Resume lets it begin.")
    expect(waits).to_be_visible()
    tick = page.locator(".panel svg text").first
    expect(tick).to_be_hidden()
    row = {"step": 1, "train_loss": 4.0, "lr": 1e-3, "grad_norm": 2.0, "tokens_per_second": 9.0}
    append_row(run.folder / "metrics.jsonl", row)
    page.reload()
    expect(page.locator(".where")).to_have_text("latest values, step 1")
    expect(tick).to_be_visible()
    to_come = page.locator("path.ahead[data-name]")
    expect(to_come).to_have_attribute("d", re.compile("L"))
    expect(waits).to_be_hidden()


def test_zoom_units_and_keyboard_stay_as_they_are_while_values_arrive(workshop, visit, expect):
    page = visit(workshop, viewport={"width": 1440, "height": 900}).open("/training")
    measured = re.compile(r"768 tokens a step · about \d")
    expect(page.get_by_test_id("stMain")).to_contain_text(measured)
    page.get_by_role("button", name="Start").click()
    expect(losses(page)).to_have_attribute("data-points", FIVE_OR_MORE)
    blind = page.locator(".panel .entry", has_text="blind guess").locator(".value")
    nats = float(blind.inner_text())
    page.get_by_role("button", name="perplexity").click()
    assert float(blind.inner_text()) == pytest.approx(math.exp(nats), rel=0.01)
    box = page.locator(".panel > svg").first.bounding_box()
    page.mouse.move(box["x"] + 100, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + 300, box["y"] + 120, steps=4)
    page.mouse.up()
    stretch = zoomed(page)
    drawn = int(page.locator(".chart").get_attribute("data-drawn") or 0)
    later = re.compile("|".join(map(str, range(drawn + 3, drawn + 500))))
    expect(page.locator(".chart")).to_have_attribute("data-drawn", later)
    assert zoomed(page) == stretch
    expect(page.get_by_role("button", name="perplexity")).to_have_attribute("aria-pressed", "true")

    page.mouse.dblclick(box["x"] + 200, box["y"] + 100)
    expect(page.get_by_role("button", name="Show everything")).to_be_hidden()
    page.get_by_role("group", name=re.compile("Curves over")).focus()
    page.keyboard.press("Home")
    expect(page.locator(".where")).to_contain_text("values at step 1")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".said")).to_contain_text("values at step 2")
    page.keyboard.press("+")
    expect(page.get_by_role("button", name="Show everything")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".where")).to_contain_text("latest values")


SIZES = [(390, 844), (820, 1180), (1024, 768), (1440, 900)]


@pytest.mark.thorough
def test_the_page_of_a_shipped_run_fits_every_screen(
    workshop, visit, expect, finished_run, tmp_path
):
    finished = Run(Path(shutil.copytree(finished_run, tmp_path / "story")))
    shipping.pack(finished, tmp_path / "models" / "story")
    page = visit(workshop).open("/training")
    expect(losses(page)).to_have_attribute("data-points", "30")
    measured = re.compile(r"768 tokens a step · about \d")
    expect(page.get_by_test_id("stMain")).to_contain_text(measured)  # then the page is at rest
    rare = page.get_by_text("More settings")
    page.get_by_text("Train a new model").click()
    page.get_by_text("All settings").click()
    expect(rare).to_have_count(4)
    for i in range(4):
        expect(rare.nth(i)).to_be_visible()
        rare.nth(i).click()
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_function(FITS, arg=width)
        assert page.locator(".panel .entry").evaluate_all(BEYOND) == []
    for link in page.locator(".st-key-open_elsewhere").get_by_role("link").all():
        assert link.bounding_box()["height"] >= 24
        assert link.evaluate(UNDERLINE) == "underline"


def test_a_run_of_any_name_is_found_again_after_a_reload_and_opens_on_other_pages(
    workshop, visit, expect, finished_run, tmp_path
):
    name = "한국 v1.0+lr #1 50% a&b=c"
    for folder in ("another", name):
        shutil.copytree(finished_run, tmp_path / "models" / folder)
    page = visit(workshop).open("/training", run=name)
    expect(losses(page)).to_have_attribute("data-points", "30")
    page.reload()
    expect(losses(page)).to_have_attribute("data-points", "30")
    page.get_by_test_id("stMain").get_by_role("link", name="Attention").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Attention")
    model = page.get_by_test_id("stSidebar").get_by_role("combobox").first
    expect(model).to_have_value(name)
    page.reload()
    expect(model).to_have_value(name)
    assert urlencode({"model": name}) in page.url
