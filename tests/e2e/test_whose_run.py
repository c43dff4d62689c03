"""A class at its browsers: whose run it is, what the teacher may do, and how all come here."""

import io
import re
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import zxingcpp
from PIL import Image

from gptviz import jobs
from gptviz.runs import LIVING

PATIENCE = 60  # seconds for a process that was asked to stop
TEACHER = r"The teacher opens, once: (\S+)"


@pytest.fixture
def classroom(start_server, gptviz, tmp_path: Path) -> Iterator:
    """A class without a model or a run; whatever it starts is stopped in the end."""
    models = tmp_path / "models"
    models.mkdir()
    command = [*gptviz, "--port", "0", "--classroom", "--max-steps", "2000"]
    with start_server(command, GPTVIZ_CHECKPOINTS=str(models)) as running:
        running.wait_for(TEACHER)
        running.link, running.models = running.url, models
        running.url = running.link.partition("/?")[0]
        yield running
        deadline = time.monotonic() + PATIENCE
        for run in jobs.list_runs(models):
            while jobs.state(run) in LIVING and time.monotonic() < deadline:
                jobs.stop(run)
                time.sleep(0.1)


def test_a_run_is_changed_by_its_browser_and_by_the_teacher_s_alone(classroom, visit, expect):
    owner, other, teacher = (visit(classroom) for _ in range(3))
    page = owner.open("/training")
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_role("button", name="■ Stop")).to_be_visible()
    page.get_by_text("Train a new model").click()
    expect(page.get_by_text("and each visitor of this class may have one")).to_be_visible()
    (run,) = jobs.list_runs(classroom.models)
    cookies = [one for one in owner.context.cookies() if one["name"].startswith("gptviz")]
    assert [(cookie["httpOnly"], cookie["sameSite"]) for cookie in cookies] == [(True, "Lax")]
    assert run.owner
    assert run.owner not in cookies[0]["value"]

    page = other.open("/training", run=run.id)
    expect(page.get_by_text("This run: it belongs to another browser.")).to_be_visible()
    expect(page.get_by_role("button", name="Clone settings")).to_be_visible()
    expect(page.get_by_role("button", name="■ Stop")).to_have_count(0)
    # The id of a run's owner is no way in.
    forged = {**cookies[0], "value": run.owner}
    other.context.add_cookies([forged])
    page = other.open("/training", run=run.id)
    expect(page.get_by_text("This run: it belongs to another browser.")).to_be_visible()

    teacher.page.goto(classroom.link.replace("/?", "/training?run=Shakespeare+small&"))
    expect(teacher.page.get_by_role("button", name="■ Stop")).to_be_visible()
    assert "teacher" not in teacher.page.url
    teacher.settle()
    teacher.page.get_by_role("button", name="■ Stop").click()
    expect(teacher.page.get_by_role("button", name="Delete", exact=True)).to_be_visible()
    assert jobs.state(run) == "stopped"
    assert any("A teacher's browser was opened" in line for line in classroom.printed)


def test_the_teacher_shows_a_class_how_to_come_with_one_click(classroom, visit, expect):
    teacher, pupil = visit(classroom), visit(classroom)
    teacher.page.goto(classroom.link.replace("/?", "/training?"))
    link = teacher.page.get_by_role("link", name="Invite a class")
    with teacher.context.expect_page() as opened:
        link.click()
    expect(opened.value.get_by_text("Only this machine can open gptviz")).to_be_visible()
    teacher.settle()
    pupil.open("/training")
    expect(pupil.page.get_by_role("link", name="Invite a class")).to_have_count(0)


@pytest.mark.parametrize("size", [(1440, 900), (1024, 768), (390, 844)])
def test_a_camera_reads_the_projector_s_page_and_so_does_the_last_row(chromium, size):
    from gptviz.app.invitation import Invitation

    page = chromium.new_page()
    page.set_viewport_size({"width": size[0], "height": size[1]})
    url = "http://192.168.178.57:8501"
    page.set_content(Invitation("0.0.0.0", 8501).page([url, "http://10.0.0.2:8501"]))
    shot = np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("L"))
    assert [code.text for code in zxingcpp.read_barcodes(shot)] == [url]
    address, code = page.locator(".address").bounding_box(), page.locator("svg").bounding_box()
    assert address["width"] <= size[0]
    assert address["width"] > 0.7 * size[0]
    assert code["width"] >= 0.6 * min(size)
    assert page.evaluate("document.documentElement.scrollHeight <= innerHeight")
    assert re.search(r"or http://10\.0\.0\.2:8501", page.inner_text("body"))
    page.close()
