"""Components on a page of their own: how a drag ends, and what is left of those that are gone."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

import gptviz
from gptviz.app import component

if TYPE_CHECKING:
    from playwright.sync_api import Page

FOLDER = Path(gptviz.__file__).parent
SAMPLING = FOLDER / "subjects" / "sampling"


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
    return Slider(page_with('<div class="steps"></div>', draw=FOLDER / "app/steps/slider.js"))


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


VISITS = """async (promptModule) => {
  const { explorers } = await import(promptModule)
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
  const settings = { temperature: 1, top_k: 0, top_p: 1, repetition_penalty: 1,
    min_p: 0, typical_p: 1, no_repeat_ngram_size: 0 }
  const token = { id: 1, token: "a", text: "a", before: 0.5, probability: 0.5, rank: 1, kept: 3 }
  tell({ tag: "t", settings, seed: 0, prompt: "b", tokens: [token], parting: null, done: true })
  const limits = { temperature: {}, top_k: {}, top_p: {}, repetition_penalty: {} }
  for (let i = 0; i < 20; i++) {
    document.body.innerHTML = "<div class=explorer></div>"
    bring(prompt)
    explore({ tag: "t", presets: {}, limits })
  }
  const drawn = document.querySelectorAll(".row, .word").length
  return { explorers: explorers.size, observers, drawn }
}"""


def test_of_many_visits_to_one_prompt_only_the_last_explorer_is_kept(page_with):
    scripts = {"bring": "logits.js", "tell": "text.js", "explore": "explorer.js"}
    page = page_with("", **{name: SAMPLING / script for name, script in scripts.items()})
    found = page.evaluate(VISITS, component.data_url(SAMPLING / "prompt.js"))
    assert found == {"explorers": 1, "observers": 1, "drawn": 13}


UNPACK = """async ([dom, letters]) => {
  const { unpacked } = await import(dom)
  // Streamlit hands a component its bytes as a part of a longer buffer.
  const message = Uint8Array.from("!" + letters, (letter) => letter.charCodeAt(0)).subarray(1)
  const { header, body } = unpacked(message)
  return [header, [...new Float32Array(body.buffer)]]
}"""


def test_the_browser_unpacks_what_python_packs(page_with):
    header = {"name": 'a "run" </script> 안녕', "sizes": [3, 1]}
    arrays = [np.array([1.5, -2, 1e-30], ">f4"), np.array([np.inf], "<f4")]
    message = component.pack(header, *arrays).decode("latin-1")
    url = component.data_url(FOLDER / "app" / "dom.js")
    found, numbers = page_with("").evaluate(UNPACK, [url, message])
    assert found == header
    assert np.array_equal(np.float32(numbers), np.concatenate(arrays))
