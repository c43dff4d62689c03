"""Pages that look at a model without attention, MLPs or blocks: they show the rest, or say it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

SHAPES = {
    "bigram": {"n_layer": 0, "position": "none", "norm": "none", "tie_weights": False},
    "bare": {"attention": False},
    "lookers": {"mlp": False},
}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory, save_random: Callable[..., None]) -> Path:
    root = tmp_path_factory.mktemp("models")
    for name, shape in SHAPES.items():
        save_random(root / name, **shape)
    return root


@pytest.mark.parametrize(
    ("page", "model", "query", "told"),
    [
        ("overview", "bigram", {}, "watching changes nothing"),
        ("overview", "bare", {"open": "mlp"}, "the residual stream equals the sum of its parts"),
        ("attention", "bare", {}, "no token looks at another"),
        ("attention", "bigram", {"layer": "3", "open": "mlp"}, "This model has no blocks"),
        ("mlp", "lookers", {}, "This model has no MLP"),
        ("what_if", "bare", {}, "This model has no attention"),
        (
            "layer_norms",
            "bare",
            {"norm": "h.1.ln_2"},
            "`h.1.ln_2` stands before the MLP of layer 1",
        ),
        ("residual", "bigram", {"tab": "lens"}, "embedding = output"),
        ("residual", "bare", {"tab": "added"}, "the MLP of layer"),
        ("residual", "lookers", {"tab": "parts"}, "The parts sum to"),
        ("by_hand", "bigram", {}, "This model has no blocks"),
        ("by_hand", "lookers", {"tab": "gelu"}, "This model has no MLP"),
        (
            "compare",
            "bare",
            {"tab": "attention", "other_model": "lookers"},
            "Only the right model has **L0 H0**",
        ),
        ("compare", "bare", {"tab": "attention", "other_model": "bigram"}, "has no attention"),
        ("compare", "bare", {"other_model": "bigram"}, "layers without attention, the right one"),
        ("anatomy", "lookers", {}, "there is no MLP"),
        ("anatomy", "bigram", {"tab": "weights"}, "There are no layers"),
        ("anatomy", "bare", {"tab": "memory"}, "there are no keys and values"),
        ("positions", "bare", {"tab": "shuffled"}, "This model has no attention"),
        ("dropout", "bigram", {"tab": "places", "drop_at": "attention"}, "has no blocks"),
    ],
)
def test_a_page_shows_what_there_is_and_tells_what_there_is_not(
    open_app: Callable[..., AppTest],
    models: Path,
    monkeypatch: pytest.MonkeyPatch,
    page: str,
    model: str,
    query: dict[str, str],
    told: str,
):
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(models))
    app = open_app(page, model=model, prompt="The king", **query)
    elements = (*app.markdown, *app.caption, *app.error, *app.info)
    words = " ".join(element.value for element in elements).replace("\\", "")
    assert told in words


def test_the_sidebar_says_what_a_model_lacks(
    open_app: Callable[..., AppTest], models: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(models))
    told = [element.value for element in open_app("loss", model="bare").sidebar.caption]
    assert any("layers 2 · no attention · width 8" in words for words in told)
