"""The models that browsers share leave the memory when others take their place."""

import weakref
from pathlib import Path

import pytest
from cachetools import LRUCache

from gptviz import LanguageModel, checkpoints
from gptviz.ui import resources
from gptviz.ui.server import _Nowhere


@pytest.mark.usefixtures("no_collector")
def test_a_model_that_makes_room_for_another_leaves_the_memory_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_lm: LanguageModel
):
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(tmp_path))
    monkeypatch.setattr(resources, "_models", LRUCache(2))
    layers = []
    for name in "abcd":
        checkpoints.save(tmp_path / name, tiny_lm.model, tiny_lm.tokenizer)
        lm = resources.model(name, _Nowhere())
        layers.append(weakref.ref(lm.model.h[0].mlp.c_fc))
        del lm
    assert [layer() is not None for layer in layers] == [False, False, True, True]
