"""Whatever stands in the address for a choice, no page ends in a traceback."""

import shutil
from pathlib import Path

import pytest

from gptviz import LanguageModel, checkpoints

CHOICES = (
    *("layer", "head", "position", "norm", "stage", "step", "seed"),
    *("temperature", "top_k", "top_p", "repetition_penalty", "b_temperature", "b_top_k"),
    *("min_p", "typical_p", "no_repeat_ngram_size", "b_no_repeat_ngram_size"),
    *("beams", "beam_length", "ranked_length", "ranked_by", "grid_by", "grid_measure", "format"),
    *("write_length", "draws", "map_method", "map_axes", "map_common", "shared_token"),
    *("measure", "norm_of", "over_heads", "without_first", "failure", "painted"),
    *("other_model", "other_step", "lens_of", "lens_stage"),
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
    ("overview", {}),
    ("tokens", {}),
    ("embeddings", {"tab": "your-tokens"}),
    ("embeddings", {"tab": "map"}),
    ("embeddings", {"tab": "two-contexts"}),
    ("attention", {"tab": "head-map"}),
    ("attention", {"tab": "over-heads"}),
    ("attention", {"tab": "paint"}),
    ("layer_norms", {}),
    ("sampling", {"tab": "two-settings"}),
    ("sampling", {"tab": "draw-many"}),
    ("sampling", {"tab": "beams"}),
    ("sampling", {"tab": "ranked"}),
    ("compare", {"tab": "attention"}),
    ("compare", {"tab": "lens"}),
    ("compare", {"tab": "next", "model": "a-run", "other_model": "a-run"}),
    ("training", {"run": "a-run", "tab": "gradients"}),
    ("training", {"run": "a-run", "tab": "time-machine"}),
    ("training", {"runs_tab": "failures"}),
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
@pytest.mark.parametrize(("page", "query"), PLACES)
def test_what_is_no_choice_is_passed_over(
    open_app,
    models: Path,
    monkeypatch: pytest.MonkeyPatch,
    page: str,
    query: dict[str, str],
    value: str,
):
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(models))
    model = {"model": "tiny", "prompt": "the king"}
    app = open_app(page, **{**dict.fromkeys(CHOICES, value), **model, **query})
    assert not app.error
