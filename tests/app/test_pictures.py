"""A page's notebook: the code under each of its pictures, which draws it in Jupyter, too."""

import ast
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from streamlit.testing.v1 import AppTest

from gptviz import LanguageModel, checkpoints
from gptviz.app import pictures
from gptviz.app.pages import PAGES

ROOT = Path(__file__).parents[2]
PROMPT = "the cat sat on 'the' mat\nthe"
FINISHED = "finished"
NOT_DRAWN: set[str] = set()  # keys of charts whose code makes the table alone
# Those whose own tests run no code.
DRAWN = (
    *(("attention", {"tab": tab}) for tab in ("arithmetic", "head-map")),
    *(("layer_norms", {"tab": tab}) for tab in ("parameters", "stream", "without")),
    ("tokens", {"tab": "costs"}),
    *(("sampling", {"tab": tab}) for tab in ("draw-many", "stages")),
    *(
        ("embeddings", {"tab": tab, "word": "t", "pairs": "a-b, c-d"})
        for tab in ("your-tokens", "neighbours", "word-pairs", "analogies", "map", "positions")
    ),
    ("embeddings", {"tab": "map", "map_method": "t-sne", "map_axes": "3"}),
    ("embeddings", {"tab": "two-contexts", "other": "a mat"}),
)


@pytest.fixture(scope="module")
def models(
    tmp_path_factory: pytest.TempPathFactory, tiny_lm: LanguageModel, finished_run: Path
) -> Path:
    root = tmp_path_factory.mktemp("models")
    checkpoints.save(root / "tiny", tiny_lm.model, tiny_lm.tokenizer)
    shutil.copytree(finished_run, root / FINISHED)
    return root


@pytest.fixture
def open_page(
    open_app: Callable[..., AppTest], models: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., AppTest]:
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(models))

    def opened(page: str, **query: object) -> AppTest:
        return open_app(page, **{"model": "tiny", "prompt": PROMPT, **query})

    return opened


def written(app: AppTest) -> nbformat.NotebookNode:
    """The notebook of a page, as its button would give it."""
    noted = app.session_state[pictures.NOTED]
    book = nbformat.reads(pictures.notebook("# T", noted.pictures.values()).decode(), as_version=4)
    nbformat.validate(book)
    return book


def test_the_cells_are_the_code_under_each_picture_with_its_sentence(open_page):
    app = open_page("root_d", tab="random")
    _, about, code, more, other = written(app).cells
    shown = [element.value.strip() for element in app.main.code]
    for cell, text in zip((code, other), shown, strict=True):
        assert cell.source.strip() == f"{text}\nfigure"
    assert about.source.startswith("## `softmax(q · k), softmax(q · k / √d)` · 8\n\nMake d larger")
    assert "glossary#" not in more.source, "a word leads nowhere outside of the app"


def test_two_readers_get_the_same_file_and_a_page_without_pictures_says_so(open_page):
    app = open_page("root_d", tab="random")
    assert written(app) == written(open_page("root_d", tab="random"))
    (only,) = written(open_page("tokens", tab="table")).cells
    assert pictures.NOTHING in only.source


def test_each_page_but_the_glossary_has_one_button_and_nothing_is_made_before_it(
    open_page, monkeypatch
):
    def made(*_: object) -> bytes:
        raise AssertionError("nobody has asked for it")

    monkeypatch.setattr(pictures, "notebook", made)
    for name in ("attention", "schedules", "glossary"):
        app = open_page(name)
        buttons = [one for one in app.sidebar if getattr(one, "label", "") == pictures.LABEL]
        assert len(buttons) == PAGES[name].has_code


def test_only_what_is_open_is_in_the_notebook(open_page):
    app = open_page("root_d", tab="text")
    assert list(app.session_state[pictures.NOTED].pictures) == ["text_weights"]


def undrawn(file: Path) -> Iterator[str]:
    """The keys, as they are written, of the charts of a module whose code draws nothing."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    named = {
        target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and ".drawn" in ast.unparse(node.value)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("show.chart", "show.charts"):
            given = {one.arg: ast.unparse(one.value) for one in node.keywords}
            if ".drawn" not in given["code"] and given["code"] not in named:
                yield given["key"].strip("'")


def test_the_code_of_every_chart_ends_in_its_figure():
    """Here a new chart is missed: add `.drawn(figures.its_builder, "table")` to its code."""
    files = sorted((ROOT / "gptviz" / "subjects").rglob("*.py"))
    assert {key for file in files for key in undrawn(file)} == NOT_DRAWN


@pytest.mark.parametrize(("page", "query"), DRAWN)
def test_the_code_of_each_chart_draws_it(
    open_page, assert_codes_make_the_numbers, page: str, query: dict[str, str]
):
    app = open_page(page, layer=1, head=1, position=4, **query)
    assert not app.error
    assert_codes_make_the_numbers(set())


def test_notebooks_of_pages_of_each_kind_run_in_jupyter(open_page, models: Path, tmp_path: Path):
    cells = []
    for page, query in {
        "attention": {"tab": "one-head"},
        "residual": {"tab": "lens"},
        "dropout": {"tab": "places"},
        "schedules": {},
        "training": {"run": FINISHED, "tab": "induction"},
        "compare": {
            "tab": "attention",
            "other_model": "tiny",
            "other_prompt": PROMPT.replace("cat", "dog"),
        },
    }.items():
        book = written(open_page(page, **query))
        assert len(book.cells) > 1, page
        cells += book.cells
    for i, cell in enumerate(cells):
        cell["id"] = f"cell-{i}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT), prepend=os.pathsep)
        patch.setenv("GPTVIZ_CHECKPOINTS", str(models))
        patch.setenv("IPYTHONDIR", str(tmp_path))
        whole = nbformat.v4.new_notebook(cells=cells)
        NotebookClient(
            whole, timeout=120, resources={"metadata": {"path": str(tmp_path)}}
        ).execute()
    shown = []
    for cell in whole.cells:
        if cell.cell_type == "code":
            outputs = [one["data"] for one in cell.outputs if "data" in one]
            assert outputs, cell.source
            shown += outputs
    assert sum("application/vnd.plotly.v1+json" in one for one in shown) >= 5
    drawn = ["<script" in one["text/html"] for one in shown if "text/html" in one]
    assert sum(drawn) >= 3, "a head, the lens and the heads compared are drawn by hand"
