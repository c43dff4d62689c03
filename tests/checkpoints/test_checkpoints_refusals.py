"""A model folder that lacks something, or holds something else, is refused in words."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

import gptviz
from gptviz import checkpoints
from gptviz.model import GPTConfig
from gptviz.tokenizers import CharacterTokenizer

CONFIG = GPTConfig(vocab_size=7, block_size=8, n_layer=2, n_head=2, n_embd=8)


def change_tensors(folder: Path, change: Callable[[dict[str, torch.Tensor]], Any]) -> None:
    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors")


def test_an_absent_folder(refusal, tmp_path: Path):
    assert "there is no folder" in refusal(tmp_path / "nowhere", FileNotFoundError)


def test_a_folder_without_a_config(refusal, tmp_path: Path):
    assert "holds no config.json" in refusal(tmp_path, FileNotFoundError)


def test_a_folder_without_weights(refusal, folder: Path):
    (folder / "model.safetensors").unlink()
    assert "needs model.safetensors" in refusal(folder, FileNotFoundError)


def test_a_folder_without_a_tokenizer(refusal, folder: Path):
    (folder / "characters.json").unlink()
    (folder / "tokenizer.json").unlink()
    assert "holds no tokenizer" in refusal(folder, FileNotFoundError)


@pytest.mark.parametrize("text", [b"", b'{"model_type": "gp', b"\xff\xfe{}", b"[" * 100_000])
def test_a_config_that_is_no_json(refusal, text: bytes, folder: Path):
    (folder / "config.json").write_bytes(text)
    assert "no valid JSON" in refusal(folder)


def test_a_config_that_is_no_object(refusal, folder: Path):
    (folder / "config.json").write_text("[1, 2]")
    assert "holds a list; it must be a JSON object" in refusal(folder)


@pytest.mark.parametrize("came", ["llama", "gpt_neox", ["gpt2"], 3])
def test_another_architecture(change_config, refusal, came: object, folder: Path):
    change_config(folder, model_type=came)
    assert f"the model_type {came!r}" in refusal(folder)


def test_a_config_that_names_no_architecture(refusal, folder: Path):
    (folder / "config.json").write_text('{"n_layer": 2}')
    assert "no model_type" in refusal(folder)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("scale_attn_weights", "no"),
        ("scale_attn_by_inverse_layer_idx", 1),
        ("add_cross_attention", True),
        ("n_inner", 0),
        ("n_inner", 24.0),
        ("activation_function", "silu"),
        ("activation_function", ["gelu"]),
        ("tie_word_embeddings", "yes"),
        ("n_embd", 9),
        ("n_embd", "8"),
        ("n_layer", -1),
        ("n_layer", 10**12),
        ("n_positions", None),
        ("attn_pdrop", "none"),
        ("layer_norm_epsilon", None),
    ],
)
def test_a_setting_that_cannot_be_computed(
    change_config, refusal, name: str, value: object, folder: Path
):
    change_config(folder, **{name: value})
    sentence = refusal(folder)
    ours = {"n_positions": "block_size", "tie_word_embeddings": "tie_weights"}
    assert ours.get(name, name) in sentence
    assert "above 16777216" in sentence or repr(value).strip("'") in sentence


@pytest.mark.parametrize(
    "changes", [{"reorder_and_upcast_attn": True}, {"n_ctx": 5}, {"scale_attn_weights": True}]
)
def test_but_not_a_setting_that_changes_nothing(change_config, changes: dict, folder: Path):
    change_config(folder, **changes)
    model, _ = checkpoints.read(folder)
    assert model.config == CONFIG


def test_and_not_an_old_config_that_says_little(folder: Path):
    old = {"vocab_size": 7, "n_positions": 8, "n_layer": 2, "n_head": 2, "n_embd": 8}
    old["architectures"] = ["GPT2LMHeadModel"]
    (folder / "config.json").write_text(json.dumps(old))
    model, _ = checkpoints.read(folder)
    assert model.config == CONFIG


def test_a_tensor_of_the_wrong_shape(refusal, folder: Path):
    wrong = {"transformer.h.1.mlp.c_fc.weight": torch.zeros(8, 31)}
    change_tensors(folder, lambda tensors: tensors.update(wrong))
    sentence = refusal(folder)
    assert "h.1.mlp.c_fc.weight" in sentence
    assert "(8, 31)" in sentence
    assert "(8, 32)" in sentence


def test_matrices_that_lie_the_other_way(refusal, folder: Path):
    name = "transformer.h.0.attn.c_attn.weight"
    change_tensors(folder, lambda t: t.update({name: t[name].t().contiguous()}))
    assert re.search(r"c_attn.* \(24, 8\).* \(8, 24\)", refusal(folder))


def test_a_missing_tensor(refusal, folder: Path):
    change_tensors(folder, lambda tensors: tensors.pop("transformer.h.1.ln_2.weight"))
    assert "lack the tensor h.1.ln_2.weight" in refusal(folder)


def test_a_tensor_that_gpt2_does_not_have(refusal, folder: Path):
    extra = {"transformer.h.0.crossattention.q_attn.weight": torch.zeros(8, 8)}
    change_tensors(folder, lambda tensors: tensors.update(extra))
    assert "h.0.crossattention.q_attn.weight" in refusal(folder)


def test_a_tensor_of_whole_numbers(refusal, folder: Path):
    wrong = {"transformer.wte.weight": torch.zeros(7, 8, dtype=torch.int8)}
    change_tensors(folder, lambda tensors: tensors.update(wrong))
    assert re.search(r"wte.weight.* torch.int8", refusal(folder))


@pytest.mark.parametrize("n_layer", [1, 3, 10**7])
def test_another_number_of_layers(change_config, refusal, n_layer: int, folder: Path):
    change_config(folder, n_layer=n_layer)
    assert f"have 2 layers, its config.json says {n_layer}" in refusal(folder)


def test_an_untied_model_without_its_head(change_config, refusal, folder: Path):
    change_config(folder, tie_word_embeddings=False)
    assert "lack the tensor lm_head.weight" in refusal(folder)


def test_tied_weights_that_differ(change_config, refusal, folder: Path):
    head = {"lm_head.weight": torch.zeros(7, 8)}
    change_tensors(folder, lambda tensors: tensors.update(head))
    assert "set tie_word_embeddings to false" in refusal(folder)
    change_config(folder, tie_word_embeddings=False)
    assert checkpoints.read(folder)[0].unembedding.sum() == 0


@pytest.mark.parametrize("keep", [0, 5, 100, -1])
def test_a_file_that_is_cut_off(refusal, keep: int, folder: Path):
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:keep])
    assert "cut off" in refusal(folder)


def test_a_file_of_something_else(refusal, folder: Path):
    (folder / "model.safetensors").write_text("<html>not found</html>" * 9)
    assert "no safetensors file" in refusal(folder)


def test_but_not_a_tokenizer_that_is_smaller(folder: Path):
    CharacterTokenizer("abc").save(folder)
    assert checkpoints.read(folder)[1].vocab_size == 3


@pytest.mark.parametrize("config", [None, "{", "[]"])
def test_loading_what_is_no_model_says_so_in_one_sentence(tmp_path: Path, config: str | None):
    if config is not None:
        (tmp_path / "config.json").write_text(config)
    with pytest.raises((FileNotFoundError, ValueError), match=r"holds|no valid JSON") as error:
        gptviz.load(tmp_path)
    assert "Errno" not in str(error.value)
