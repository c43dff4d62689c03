"""A word of the field is introduced where it first stands on a page, by its mark."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from gptviz import LanguageModel, checkpoints
from gptviz.app.glossary import TERMS
from gptviz.app.pages import PAGES

ROOT = Path(__file__).parents[2]
# Words that nobody of fifteen years has met, and that no page is about.
FIELD = """
Adam; AdamW; batch norm; distinct-n; entropy; head; KL divergence; Muon; nats; perplexity;
residual stream; seed; SGD; softmax; temperature; top-k
"""
VIEWS = [
    pytest.param(page.name, tab, marks=[pytest.mark.thorough] if i else [])
    for page in PAGES.values()
    if page.name != "glossary"
    for i, tab in enumerate(
        re.findall(r'"([\w-]+)": Tab\(', (ROOT / page.file).read_text("utf-8")) or [""]
    )
]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory, tiny_lm: LanguageModel) -> Path:
    folder = tmp_path_factory.mktemp("models")
    checkpoints.save(folder / "tiny", tiny_lm.model, tiny_lm.tokenizer)
    return folder


def prose(block: Any) -> Iterator[str]:
    """Sentences and captions of a page in the order in which one reads them; no headings."""
    for child in block.children.values():
        if hasattr(child, "children"):
            yield from prose(child)
        elif child.type in ("markdown", "caption"):
            yield re.sub(r"`[^`]*`|<style>.*?</style>", "", child.value, flags=re.DOTALL)


@pytest.mark.parametrize(("page", "tab"), VIEWS)
def test_words_of_the_field_are_introduced_where_they_first_stand(
    open_app: Callable[..., AppTest], models: Path, monkeypatch, page: str, tab: str
):
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(models))
    app = open_app(page, prompt="a cat sat", tab=tab)
    text = "\n".join(prose(app.main))
    late = []
    for name in (" ".join(each.split()) for each in FIELD.split(";")):
        plain = re.sub(r'\]\(glossary#[\w-]+ "[^"]*"\)', lambda mark: "#" * len(mark[0]), text)
        found = re.search(rf"(?<![\w-]){re.escape(name)}s?(?![\w-])", plain, re.IGNORECASE)
        marked = text.find(f"](glossary#{TERMS[name].anchor} ")
        if found and not -1 < marked <= found.end():
            late.append(f"{name}: …{plain[max(0, found.start() - 40) : found.end() + 20]!r}")
    assert not late, "\n".join(late)
