"""Components on a page of their own: how a drag ends, and what is left of those that are gone."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gptviz.ui import components

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

FOLDER = Path(components.__file__).parent
DRAW = """async (js) => {
  const module = await import(URL.createObjectURL(new Blob([js], { type: "text/javascript" })))
  globalThis.draw = (data, parentElement = document.body) =>
    module.default({ data, parentElement, setTriggerValue: () => {} })
}"""


@pytest.fixture
def page_with(chromium: "Browser") -> Iterator[Callable[..., "Page"]]:
    """A page with some HTML, on which a component's files are ready to `draw`."""
    pages: list[Page] = []

    def made(html: str, *names: str, more: str = "") -> "Page":
        pages.append(chromium.new_page())
        pages[-1].set_content(html)
        files = [(FOLDER / name).read_text(encoding="utf-8") for name in names]
        pages[-1].evaluate(DRAW, "".join(files) + more)
        return pages[-1]

    yield made
    for page in pages:
        page.close()


class Slider:
    """The slider over six steps, of which the page shows one."""

    def __init__(self, page: "Page"):
        self.page = page
        self.show(20)
        self.box = page.locator("input").bounding_box()

    def show(self, step: int) -> None:
        """What the server does when the page shows a step."""
        self.page.evaluate(
            """(chosen) => draw({
              steps: [0, 10, 20, 30, 40, 50], chosen, loss: { x: [1, 50], y: [3, 2] }, colour: "red"
            })""",
            step,
        )

    def move(self, index: int) -> None:
        x = self.box["x"] + 8 + (self.box["width"] - 16) * index / 5
        self.page.mouse.move(x, self.box["y"] + self.box["height"] / 2, steps=8)


@pytest.fixture
def slider(page_with: Callable[..., "Page"]) -> Slider:
    return Slider(page_with('<div class="steps"></div>', "step_slider.js"))


def test_a_drag_that_comes_back_to_where_it_began_leaves_the_slider_with_the_page(slider, expect):
    told = slider.page.locator(".where")
    slider.move(2)
    slider.page.mouse.down()
    slider.move(4)
    expect(told).to_have_text("step 40")
    slider.show(50)
    expect(told).to_have_text("step 40")
    slider.move(2)
    slider.page.mouse.up()
    expect(told).to_have_text("step 50")
    slider.show(10)
    expect(told).to_have_text("step 10")


@pytest.mark.parametrize("end", ["pointercancel", "blur"])
def test_a_drag_that_is_broken_off_leaves_the_slider_with_the_page(slider, expect, end: str):
    slider.move(2)
    slider.page.mouse.down()
    slider.move(4)
    slider.page.locator("input").dispatch_event(end)
    slider.show(30)
    expect(slider.page.locator(".where")).to_have_text("step 30")


VISITS = """() => {
  let observers = 0
  const Plain = ResizeObserver
  globalThis.ResizeObserver = class extends Plain {
    observe(part) {
      observers++
      super.observe(part)
    }
    disconnect() {
      observers--
      super.disconnect()
    }
  }
  const header = new TextEncoder().encode(JSON.stringify({ tag: "t", seen: [0], pieces: {} }))
  const logits = new Uint8Array(new Float32Array([1, 2, 3]).buffer)
  const prompt = new Uint8Array([header.length, 0, 0, 0, ...header, ...logits])
  const settings = { temperature: 1, top_k: 0, top_p: 1, repetition_penalty: 1 }
  const limits = { temperature: {}, top_k: {}, top_p: {}, repetition_penalty: {} }
  for (let i = 0; i < 20; i++) {
    document.body.innerHTML = "<div class=explorer></div>"
    draw(prompt)
    draw({ tag: "t", settings, presets: {}, limits })
  }
  return { explorers: explorers.size, observers, drawn: document.querySelectorAll(".row").length }
}"""


def test_of_many_visits_to_one_prompt_only_the_last_explorer_is_kept(page_with):
    names = ("sampling_stages.js", "sampling_pictures.js", "sampling_explorer.js")
    page = page_with("", *names, more="\nglobalThis.explorers = explorers")
    assert page.evaluate(VISITS) == {"explorers": 1, "observers": 1, "drawn": 12}
