"""Pictures to keep: what is downloaded can be opened by itself and shows what the page shows."""

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gptviz.app.theme import PALETTES

SVG = "{http://www.w3.org/2000/svg}"
PROMPT = "To be"
TOKENS = ["T", "o", "·", "b", "e"]
# The page, what is open there, the element of the picture, some of its words, and its file's name.
PICTURES = {
    "path": ("/", {}, ".path", [*TOKENS, "embeddings", "MLP"], "overview-To-be-path"),
    "chips": ("/tokens", {}, ".root", TOKENS, "tokens-To-be-pieces"),
    "heads": (
        "/attention",
        {"layer": 1, "head": 1},
        ".heads",
        ["L0", "H1"],
        "attention-To-be-heads",
    ),
    "square": (
        "/attention",
        {"layer": 1, "head": 1},
        ".square",
        TOKENS,
        "attention-To-be-pattern-L1-H1",
    ),
    "lines": (
        "/attention",
        {"layer": 1, "head": 1, "tab": "lines"},
        ".lines",
        [*TOKENS, "looks (query)"],
        "attention-To-be-lines-L1-H1",
    ),
    "painting": (
        "/attention",
        {"tab": "paint", "painted": "SA"},
        ".painting",
        TOKENS,
        "attention-To-be-painting",
    ),
    "explorer": (
        "/sampling",
        {},
        ".explorer",
        ["top-p", "temperature"],
        "sampling-To-be-explorer",
    ),
    "texts": (
        "/sampling",
        {"tab": "presets"},
        ".columns",
        ["greedy", "creative"],
        "sampling-To-be-texts",
    ),
    "board": ("/residual", {"tab": "lens"}, ".board", TOKENS, "residual-To-be-"),
}
OF_A_RUN = {
    "live chart": ({}, ".chart", ["Loss", "Learning rate"], "training-a-run-curves"),
    "marked text": ({"tab": "samples"}, "pre.text", [], "training-a-run-"),
}


def save(page, picture: str, kind: str, folder: Path) -> tuple[str, Path]:
    """The name that the browser suggests, and the file."""
    root = page.locator(picture).first
    root.hover()
    button = root.locator("xpath=following-sibling::div").get_by_role(
        "button", name=f"Save as {kind}"
    )
    with page.expect_download() as download:
        button.click()
    path = folder / f"picture.{kind.lower()}"
    download.value.save_as(path)
    return download.value.suggested_filename, path


def assert_svg(path: Path, words: list[str], scheme: str) -> None:
    text = path.read_text(encoding="utf-8")
    tree = ElementTree.fromstring(text)
    assert tree.tag == f"{SVG}svg"
    shown = [part.text for part in tree.iter(f"{SVG}text")]
    joined = " ".join(word or "" for word in shown)
    assert [word for word in words if word not in joined] == []
    asked = re.findall(r"""(?:href=|url\()\s*(?:&quot;|["'])?([^"'&)]*)""", text)
    outside = [address for address in asked if not address.startswith(("data:", "#"))]
    assert outside == [], "it would not look the same alone"
    assert "var(--" not in text
    assert "@font-face" in text
    assert tree.find(f"{SVG}rect").get("fill") == PALETTES[scheme].background


def assert_png(path: Path, svg: Path, scheme: str) -> None:
    tree = ElementTree.parse(svg).getroot()
    with Image.open(path) as image:
        pixels = np.asarray(image.convert("RGB"))
    # The page may have moved by a pixel since the other file.
    size = [2 * int(tree.get(name)) for name in ("height", "width")]
    assert list(pixels.shape[:2]) == pytest.approx(size, abs=4)
    paper = tuple(bytes.fromhex(PALETTES[scheme].background[1:]))
    assert tuple(pixels[1, 1]) == paper
    assert (pixels != paper).any(axis=-1).mean() > 0.005, "nothing is drawn"


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.thorough)])
@pytest.mark.parametrize(
    "picture",
    [
        name
        if name in ("path", "heads", "explorer")
        else pytest.param(name, marks=pytest.mark.thorough)
        for name in PICTURES
    ],
)
def test_a_picture_of_a_prompt_is_saved(visit, tmp_path: Path, picture: str, scheme: str):
    path, query, root, words, name = PICTURES[picture]
    page = visit(color_scheme=scheme).open(path, model="tiny", prompt=PROMPT, **query)
    file, svg = save(page, root, "SVG", tmp_path)
    assert file.startswith(f"gptviz-{name}")
    assert file.endswith(".svg")
    assert_svg(svg, words, scheme)
    if picture == "square":
        assert "rotate(-90" in svg.read_text(encoding="utf-8"), "names of columns run upwards"
    file, png = save(page, root, "PNG", tmp_path)
    assert file.startswith(f"gptviz-{name}")
    assert file.endswith(".png")
    assert_png(png, svg, scheme)


@pytest.mark.parametrize(
    "picture", ["live chart", pytest.param("marked text", marks=pytest.mark.thorough)]
)
def test_a_picture_of_a_run_is_saved(visit, tmp_path: Path, picture: str):
    query, root, words, name = OF_A_RUN[picture]
    page = visit().open("/training", run="a-run", **query)
    if picture == "marked text":
        words = page.locator(root).first.inner_text().split()[:3]
    file, svg = save(page, root, "SVG", tmp_path)
    assert file.startswith(f"gptviz-{name}")
    assert_svg(svg, words, "light")
    _, png = save(page, root, "PNG", tmp_path)
    assert_png(png, svg, "light")


def test_a_chart_is_saved_with_its_background(visit, tmp_path: Path):
    query = {"layer": 1, "head": 1, "tab": "arithmetic"}
    page = visit(color_scheme="dark").open("/attention", model="tiny", prompt=PROMPT, **query)
    chart = page.locator(".js-plotly-plot").first
    chart.hover()
    with page.expect_download() as download:
        chart.locator('[data-title="Download plot as a PNG"]').click()
    assert download.value.suggested_filename.startswith("gptviz-attention-To-be-")
    assert download.value.suggested_filename.endswith("-L1-H1.png")
    path = tmp_path / "chart.png"
    download.value.save_as(path)
    with Image.open(path) as image:
        pixels = np.asarray(image.convert("RGB"))
    paper = tuple(bytes.fromhex(PALETTES["dark"].background[1:]))
    assert tuple(pixels[1, 1]) == paper
    assert (pixels != paper).any(axis=-1).mean() > 0.005


def test_the_buttons_can_be_reached_by_the_keyboard_and_cover_nothing(visit, expect):
    page = visit().open("/tokens", model="tiny", prompt=PROMPT)
    root = page.locator(".root").first
    button = page.get_by_role("button", name="Save as SVG").first
    bar = button.locator("xpath=..")
    page.mouse.move(0, 0)
    expect(bar).to_have_css("opacity", "0")
    root.locator(".token").last.focus()
    page.keyboard.press("Tab")
    expect(button).to_be_focused()
    expect(bar).to_have_css("opacity", "1")
    box, picture = button.bounding_box(), root.bounding_box()
    assert box["y"] >= picture["y"] + picture["height"] - 1
    assert box["height"] >= 24
