"""The models that browsers share leave the memory when others take their place."""

import gc
import weakref
from pathlib import Path

import pytest

from gptviz import LanguageModel, checkpoints, kernels
from gptviz.ui import resources
from gptviz.ui.server import _Nowhere


def test_a_large_model_that_is_let_go_of_is_collected_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_lm: LanguageModel
):
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(tmp_path))
    monkeypatch.setattr(resources, "_models", resources._Models(2))
    monkeypatch.setattr(resources, "STEP_BYTES_KEPT", 1)  # so even this model is a large one
    monkeypatch.setattr(kernels, "LARGE", 0)  # whose parts refer to each other
    layers = []
    gc.disable()  # or Python might collect one by chance
    try:
        for name in "abcd":
            checkpoints.save(tmp_path / name, tiny_lm.model, tiny_lm.tokenizer)
            lm = resources.model(name, _Nowhere())
            layers.append(weakref.ref(lm.model.h[0].mlp.c_fc))
            del lm
        assert [layer() is not None for layer in layers] == [False, False, True, True]
    finally:
        gc.enable()
