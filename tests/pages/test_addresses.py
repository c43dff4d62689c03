"""Whatever stands in the address for a choice, no page ends in a traceback."""

import shutil
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from gptviz import LanguageModel, checkpoints

APP = Path(__file__).parents[2] / "app.py"
CHOICES = (
    *("layer", "head", "position", "norm", "stage", "step", "seed"),
    *("temperature", "top_k", "top_p", "repetition_penalty", "b_temperature", "b_top_k"),
    *("write_length", "draws", "map_method", "map_axes", "map_common", "shared_token"),
    *("measure", "over_heads", "without_first", "failure"),
)
VALUES = {
    "many digits": "9" * 5000,
    "below zero": "-1",
    "letters": "abc",
    "a small two": "²",
    "an Arabic three": "٣",
    "infinity": "inf",
    "nothing": "",
}
PLACES = (
    ("app.py", {}),
    ("pages/tokens.py", {}),
    ("pages/embeddings.py", {"vectors": "Your tokens"}),
    ("pages/embeddings.py", {"vectors": "Map"}),
    ("pages/embeddings.py", {"vectors": "Two contexts"}),
    ("pages/attention.py", {"details": "Map of heads"}),
    ("pages/attention.py", {"details": "Mean and maximum"}),
    ("pages/layer_norms.py", {}),
    ("pages/sampling.py", {"details": "Two settings"}),
    ("pages/sampling.py", {"details": "Draw many"}),
    ("pages/training.py", {"run": "a-run", "about_run": "Gradients"}),
    ("pages/training.py", {"run": "a-run", "about_run": "Time machine"}),
    ("pages/training.py", {"many_runs": "Failure gallery"}),
)


@pytest.fixture(scope="module")
def models(
    tmp_path_factory: pytest.TempPathFactory, tiny_lm: LanguageModel, finished_run: Path
) -> Path:
    root = tmp_path_factory.mktemp("models")
    checkpoints.save(root / "tiny", tiny_lm.model, tiny_lm.tokenizer)
    shutil.copytree(finished_run, root / "a-run")
    return root


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
@pytest.mark.parametrize(("file", "query"), PLACES)
def test_what_is_no_choice_is_passed_over(
    models: Path, monkeypatch: pytest.MonkeyPatch, file: str, query: dict[str, str], value: str
):
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(models))
    app = AppTest.from_file(str(APP), default_timeout=60)
    if file != APP.name:
        app.switch_page(file)
    model = {"model": "tiny", "prompt": "the king"}
    app.query_params.update({**dict.fromkeys(CHOICES, value), **model, **query})
    app.run()
    assert not app.exception
    assert not app.error
