"""The code under a picture runs as it stands, and gives the numbers that the page shows."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from gptviz import LanguageModel, checkpoints
from gptviz.app import show
from gptviz.app.code import Code

APP = Path(__file__).parents[2] / "app.py"
PROMPT = "the cat sat on 'the' mat\nthe"
PICTURES = (
    ("app.py", {}),
    *(
        ("pages/attention.py", {"tab": tab, "layer": "1", "head": "1", "position": "4", **more})
        for tab in ("one-head", "lines", "arithmetic", "head-map", "over-heads")
        for more in ({}, {"without_first": "true"}, {"over_heads": "maximum"})
    ),
    *(
        ("pages/attention.py", {"tab": tab, "layer": "1", "head": "1", "position": "4"})
        for tab in ("brings", "any-token", "rollout")
    ),
    ("pages/attention.py", {"tab": "paint", "painted": "SCA"}),
)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory, tiny_lm: LanguageModel) -> Path:
    root = tmp_path_factory.mktemp("models")
    checkpoints.save(root / "tiny", tiny_lm.model, tiny_lm.tokenizer)
    return root


@pytest.fixture
def pictures(models: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[pd.DataFrame, Code]]:
    """The table and the code of every picture that a page draws."""
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(models))
    found: list[tuple[pd.DataFrame, Code]] = []
    draw = show.numbers

    def numbers(frame: pd.DataFrame, key: str, code: Code) -> None:
        found.append((frame, code))
        draw(frame, key, code)

    monkeypatch.setattr(show, "numbers", numbers)
    return found


@pytest.mark.parametrize(("file", "query"), PICTURES)
def test_the_code_of_every_picture_gives_its_numbers(
    pictures: list[tuple[pd.DataFrame, Code]], file: str, query: dict[str, str]
):
    app = AppTest.from_file(str(APP), default_timeout=60)
    if file != APP.name:
        app.switch_page(file)
    app.query_params.update({"model": "tiny", "prompt": PROMPT, **query})
    app.run()
    assert not app.exception
    assert not app.error
    assert pictures
    shown = [element.value for element in app.main.code]
    for table, code in pictures:
        assert code.text.strip() in shown
        made: dict[str, Any] = {}
        exec(compile(code.text, "the code", "exec"), made)
        table = table() if callable(table) else table  # some are made only when opened
        pd.testing.assert_frame_equal(made["table"], table, rtol=1e-4, atol=1e-6)
        file_name, _, line = code.where.partition(" in ")[2].partition(", line ")
        source = (APP.parent / file_name).read_text(encoding="utf-8").splitlines()
        assert source[int(line) - 1].startswith((f"def {code.function.__name__}(", "@"))
