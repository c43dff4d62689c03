"""Whatever a model folder holds, it is read or refused in words."""

import json
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file

import gptviz
from gptviz import checkpoints
from gptviz.model import GPT, GPTConfig
from gptviz.tokenizers import CharacterTokenizer

CONFIG = GPTConfig(vocab_size=5, block_size=4, n_layer=1, n_head=1, n_embd=2)
quick = settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(2**70),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=4,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    model = GPT(CONFIG, torch.Generator().manual_seed(0))
    checkpoints.save(tmp_path, model, CharacterTokenizer("abcde"))
    return tmp_path


def assert_read_or_refused_in_words(folder: Path) -> None:
    refusal = None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model, _ = checkpoints.read(folder)
    except (ValueError, FileNotFoundError) as error:
        refusal = str(error)
    if refusal is None:
        assert model(torch.tensor([[0]])).shape == (1, 1, model.config.vocab_size)
    else:
        assert str(folder) in refusal


@quick
@given(data=st.data())
def test_any_setting_may_hold_anything(folder: Path, data: st.DataObject):
    path = folder / "config.json"
    whole = path.read_text()
    values = json.loads(whole)
    name = data.draw(st.sampled_from([*values, "n_inner", "scale_attn_weights", "position"]))
    values[name] = data.draw(anything)
    path.write_text(json.dumps(values))
    assert_read_or_refused_in_words(folder)
    path.write_text(whole)


@quick
@given(st.binary(max_size=64))
def test_a_config_may_hold_any_bytes(folder: Path, content: bytes):
    path = folder / "config.json"
    whole = path.read_bytes()
    path.write_bytes(content)
    assert_read_or_refused_in_words(folder)
    path.write_bytes(whole)


@quick
@given(
    name=st.sampled_from(["model.safetensors", "pytorch_model.bin", "characters.json"]),
    place=st.floats(0, 1, exclude_max=True),
    byte=st.integers(0, 255),
    cut=st.booleans(),
)
def test_any_byte_may_be_wrong_and_any_file_cut_off(
    folder: Path, name: str, place: float, byte: int, cut: bool
):
    weights = folder / "model.safetensors"
    kept = weights.read_bytes()
    if name == "pytorch_model.bin":
        torch.save(load_file(weights), folder / name)
        weights.unlink()
    whole = (folder / name).read_bytes()
    position = int(place * len(whole))
    (folder / name).write_bytes(
        whole[:position] if cut else whole[:position] + bytes([byte]) + whole[position + 1 :]
    )
    assert_read_or_refused_in_words(folder)
    (folder / name).write_bytes(whole)
    weights.write_bytes(kept)


@quick
@given(
    wrong=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=3),
    kept=st.floats(0, 1),
)
def test_a_model_opens_whatever_is_wrong_with_its_token_counts(folder: Path, wrong, kept: float):
    model, tokenizer = checkpoints.read(folder)
    counts = np.arange(5) * 100
    checkpoints.save(folder, model, tokenizer, token_counts=counts)
    path = folder / "token_counts.npz"
    content = bytearray(path.read_bytes())
    for place, byte in wrong:
        content[int(place * len(content))] = byte
    path.write_bytes(content[: round(kept * len(content))])
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        found = gptviz.load(folder).token_counts
    if found is None:
        assert [str(path) in str(warning.message) for warning in told] == [True]
    else:
        assert found.shape == (5,)
