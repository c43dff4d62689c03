"""The pictures of `gptviz.show` in a browser, put into a page as a notebook does it."""

import nbformat
import numpy as np
import pytest

from gptviz import show

TEXT = "one two <b> one </script> two"
# As JupyterLab shows an output: as HTML, whose scripts do not run, and then each script anew.
SHOW = """(html) => {
    const output = document.createElement("div")
    output.innerHTML = html
    document.body.append(output)
    for (const script of output.querySelectorAll("script")) {
        const anew = document.createElement("script")
        for (const { name, value } of script.attributes) anew.setAttribute(name, value)
        anew.textContent = script.textContent
        script.replaceWith(anew)
    }
}"""


@pytest.fixture
def notebook(chromium):
    """A page that nothing may be loaded into and in which nothing may go wrong."""
    context = chromium.new_context(viewport={"width": 1000, "height": 800})
    page = context.new_page()
    wrong: list[str] = []
    page.on("request", lambda request: wrong.append(request.url[:80]))
    page.on("console", lambda message: wrong.append(message.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    yield page
    context.close()
    assert [text for text in wrong if not text.startswith("data:")] == []


def test_the_square_of_a_head_is_drawn_and_read_by_pointing(notebook, tiny_lm, expect):
    trace = tiny_lm.trace(TEXT)
    notebook.evaluate(SHOW, show.heatmap(trace, 1, 0).html)
    pattern = trace["h.1.attn.pattern"][0]
    canvas = notebook.locator("canvas")
    expect(canvas).to_be_visible()
    cell = canvas.bounding_box()["width"] / len(trace.ids)
    canvas.hover(position={"x": 4.5 * cell, "y": 8.5 * cell})
    expect(notebook.locator(".reading")).to_have_text(f"8 < looks at 4 t: {pattern[8, 4]:.3f}")


def test_the_lines_of_a_token_show_their_weights(notebook, tiny_lm):
    trace = tiny_lm.trace(TEXT)
    notebook.evaluate(SHOW, show.lines(trace, 1, 1).html)
    notebook.get_by_role("button", name="token 3, ·: where it looks").hover()
    pattern = trace["h.1.attn.pattern"][1]
    weights = [text for text in notebook.locator(".weight").all_inner_texts() if text]
    assert weights == [f"{weight:.2f}" for weight in pattern[3, :4].tolist()]


def test_a_board_of_cells_is_drawn_and_read_by_pointing(notebook, expect):
    values = np.array([[0.25, 1], [0, 0.5]])
    html = show.cells(values, ["L0", "L1"], ["0 a", "1 b"], ["w", "x", "y", "<i>"]).html
    notebook.evaluate(SHOW, html)
    cells = notebook.locator(".cell")
    expect(cells).to_have_text(["w", "x", "y", "<i>"])
    cells.nth(3).hover()
    expect(notebook.locator(".tip")).to_have_text("L1, 1 b: <i> 0.50")


def test_a_page_s_notebook_holds_what_is_open_when_it_is_asked_for(visit, expect):
    visitor = visit()
    page = visitor.open("/residual", prompt="To be")
    page.get_by_role("tab", name="Lens").click()
    expect(page.locator(".js-plotly-plot")).to_be_visible()
    visitor.settle()
    with page.expect_download() as download:
        page.get_by_role("button", name="Notebook of this page").click()
    assert download.value.suggested_filename == "gptviz-residual-To-be.ipynb"
    book = nbformat.read(download.value.path(), as_version=4)
    nbformat.validate(book)
    codes = [cell.source for cell in book.cells if cell.cell_type == "code"]
    assert [code.splitlines()[-2].partition("(")[0] for code in codes] == [
        "figure = gptviz.show.cells",
        "figure = figures.way_of_token",
    ]


@pytest.mark.thorough
def test_an_output_that_is_shown_twice_is_drawn_twice(notebook, tiny_lm, expect):
    html = show.heads(tiny_lm.trace(TEXT)).html
    notebook.evaluate(SHOW, html)
    notebook.evaluate(SHOW, html)
    expect(notebook.get_by_role("button", name="L1 H1")).to_have_count(2)
    assert notebook.get_by_role("button", name="L1 H1").first.get_attribute("title") == "L1 H1"


def test_the_path_is_drawn_with_its_likeliest_tokens(notebook, tiny_lm, expect):
    trace = tiny_lm.trace("abc abc")
    notebook.evaluate(SHOW, show.path(trace).html)
    likeliest = trace.logits[-1].softmax(-1).max()
    picture = notebook.locator(".path svg").first
    expect(picture).to_be_visible()
    expect(picture).to_contain_text(f"{100 * float(likeliest):.1f}")
