"""What is saved comes back, mapped and not copied, and what is broken is refused in words."""

import json
import os
import pickle
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

import gptviz
from gptviz import checkpoints
from gptviz.model import GPT, GPTConfig
from gptviz.tokenizers import CharacterTokenizer, GPT2Tokenizer

CONFIG = GPTConfig(vocab_size=7, block_size=8, n_layer=2, n_head=2, n_embd=8)
TOKENIZER = CharacterTokenizer("abcdefg")
IDS = torch.tensor([[1, 2, 3]])


@torch.no_grad()
def random_model(config: GPTConfig = CONFIG, seed: int = 0) -> GPT:
    generator = torch.Generator().manual_seed(seed)
    model = GPT(config)
    for parameter in model.parameters():
        parameter.normal_(generator=generator)
    return model.eval()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    checkpoints.save(tmp_path / "model", random_model(), TOKENIZER)
    return tmp_path / "model"


def change_config(folder: Path, **changes: Any) -> None:
    values = json.loads((folder / "config.json").read_text()) | changes
    (folder / "config.json").write_text(json.dumps(values))


def change_tensors(folder: Path, change: Callable[[dict[str, torch.Tensor]], Any]) -> None:
    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors")


def refusal(folder: Path, kind: type[Exception] = ValueError) -> str:
    """The sentence with which a folder is refused."""
    with pytest.raises(kind) as info:
        checkpoints.read(folder)
    sentence = str(info.value)
    assert str(folder) in sentence
    assert "\n" not in sentence
    return sentence


class TestReadAndSave:
    @pytest.mark.parametrize(
        "config",
        [
            CONFIG,
            GPTConfig(7, 8, 1, 1, 4, tie_weights=False, activation="gelu"),
            GPTConfig(7, 8, 1, 1, 4, embd_pdrop=0.0, attn_pdrop=0.2, resid_pdrop=0.3),
            GPTConfig(7, 8, 1, 1, 4, position="sinusoidal", norm="post", qkv_bias=False),
            GPTConfig(7, 8, 1, 1, 4, position="none", norm="none", activation="relu"),
        ],
    )
    def test_a_model_comes_back_as_it_was_saved(self, config: GPTConfig, tmp_path: Path):
        model = random_model(config)
        checkpoints.save(tmp_path, model, TOKENIZER)
        back, tokenizer = checkpoints.read(tmp_path)
        assert back.config == config
        assert back.state_dict().keys() == model.state_dict().keys()
        for name, tensor in model.state_dict().items():
            assert torch.equal(back.state_dict()[name], tensor), name
        assert tokenizer.encode("gab") == [6, 0, 1]

    def test_a_model_is_read_for_looking_and_not_for_learning(self, folder: Path):
        model, _ = checkpoints.read(folder)
        assert not any(module.training for module in model.modules())
        assert not any(parameter.requires_grad for parameter in model.parameters())
        assert {p.dtype for p in model.parameters()} == {torch.float32}

    @pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="asks Linux for its maps")
    def test_float32_weights_are_mapped_from_the_file_and_not_copied(self, folder: Path):
        model, _ = checkpoints.read(folder)
        file = str((folder / "model.safetensors").resolve())
        lines = [line.split() for line in Path("/proc/self/maps").read_text().splitlines()]
        spans = [line[0].split("-") for line in lines if line[-1] == file]
        mapped = [range(int(start, 16), int(end, 16)) for start, end in spans]
        for name, parameter in model.named_parameters():
            assert any(parameter.data_ptr() in span for span in mapped), name
        matrix = model.h[0].mlp.c_fc.weight
        assert matrix.shape == (32, 8)
        assert matrix.t().is_contiguous(), "a matrix must be a view of the file's transpose"

    def test_a_changed_model_leaves_its_file_alone(self, folder: Path):
        before = (folder / "model.safetensors").read_bytes()
        model, _ = checkpoints.read(folder)
        model.wte.weight.add_(1)
        assert (folder / "model.safetensors").read_bytes() == before

    def test_a_model_in_use_survives_a_new_one_in_its_folder(self, folder: Path):
        model, _ = checkpoints.read(folder)
        expected = random_model()(IDS)
        checkpoints.save(folder, random_model(seed=1), TOKENIZER)
        torch.testing.assert_close(model(IDS), expected, rtol=1e-4, atol=1e-4)

    @pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
    def test_16_bit_weights_take_half_the_room_and_are_read_as_float32(self, dtype, folder: Path):
        size = (folder / "model.safetensors").stat().st_size
        checkpoints.save(folder, random_model(), TOKENIZER, dtype)
        assert (folder / "model.safetensors").stat().st_size < 0.8 * size
        model, _ = checkpoints.read(folder)
        assert {p.dtype for p in model.parameters()} == {torch.float32}
        assert torch.equal(model.wte.weight, random_model().wte.weight.to(dtype).float())

    def test_what_is_read_can_be_saved_over_itself(self, folder: Path):
        model, tokenizer = checkpoints.read(folder)
        checkpoints.save(folder, model, tokenizer)
        back, _ = checkpoints.read(folder)
        assert torch.equal(back(IDS), model(IDS))

    def test_everyone_who_may_read_the_config_may_read_the_weights(self, folder: Path):
        modes = {file.stat().st_mode for file in folder.iterdir()}
        assert len(modes) == 1

    def test_a_folder_keeps_one_tokenizer_only(self, folder: Path):
        model = random_model(GPTConfig(50257, 8, 1, 1, 2))
        checkpoints.save(folder, model, GPT2Tokenizer())
        _, tokenizer = checkpoints.read(folder)
        assert isinstance(tokenizer, GPT2Tokenizer)

    def test_looking_into_a_model_imports_nothing_large(self, folder: Path):
        program = (
            "import sys, gptviz.language_model as m; m.load(sys.argv[1]).trace('abc'); "
            "print([n for n in sys.argv[2:] if n in sys.modules])"
        )
        absent = ["transformers", "huggingface_hub", "streamlit", "plotly", "torch._dynamo"]
        command = [sys.executable, "-c", program, str(folder), *absent]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == "[]"


class TestRefusals:
    def test_an_absent_folder(self, tmp_path: Path):
        assert "there is no folder" in refusal(tmp_path / "nowhere", FileNotFoundError)

    def test_a_folder_without_a_config(self, tmp_path: Path):
        assert "holds no config.json" in refusal(tmp_path, FileNotFoundError)

    def test_a_folder_without_weights(self, folder: Path):
        (folder / "model.safetensors").unlink()
        assert "needs model.safetensors" in refusal(folder, FileNotFoundError)

    def test_a_folder_without_a_tokenizer(self, folder: Path):
        (folder / "characters.json").unlink()
        assert "holds no tokenizer" in refusal(folder, FileNotFoundError)

    @pytest.mark.parametrize("text", [b"", b'{"model_type": "gp', b"\xff\xfe{}", b"[" * 100_000])
    def test_a_config_that_is_no_json(self, text: bytes, folder: Path):
        (folder / "config.json").write_bytes(text)
        assert "no valid JSON" in refusal(folder)

    def test_a_config_that_is_no_object(self, folder: Path):
        (folder / "config.json").write_text("[1, 2]")
        assert "holds a list; it must be a JSON object" in refusal(folder)

    @pytest.mark.parametrize("came", ["llama", "gpt_neox", ["gpt2"], 3])
    def test_another_architecture(self, came: object, folder: Path):
        change_config(folder, model_type=came)
        assert f"the model_type {came!r}" in refusal(folder)

    def test_a_config_that_names_no_architecture(self, folder: Path):
        (folder / "config.json").write_text('{"n_layer": 2}')
        assert "no model_type" in refusal(folder)

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("scale_attn_weights", False),
            ("scale_attn_by_inverse_layer_idx", True),
            ("reorder_and_upcast_attn", True),
            ("add_cross_attention", True),
            ("n_inner", 24),
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
    def test_a_setting_that_cannot_be_computed(self, name: str, value: object, folder: Path):
        change_config(folder, **{name: value})
        sentence = refusal(folder)
        ours = {"n_positions": "block_size", "tie_word_embeddings": "tie_weights"}
        assert ours.get(name, name) in sentence
        assert "above 16777216" in sentence or repr(value).strip("'") in sentence

    @pytest.mark.parametrize(
        "changes", [{"n_inner": 32}, {"n_ctx": 5}, {"scale_attn_weights": True}]
    )
    def test_but_not_a_setting_that_changes_nothing(self, changes: dict, folder: Path):
        change_config(folder, **changes)
        model, _ = checkpoints.read(folder)
        assert model.config == CONFIG

    def test_and_not_an_old_config_that_says_little(self, folder: Path):
        old = {"vocab_size": 7, "n_positions": 8, "n_layer": 2, "n_head": 2, "n_embd": 8}
        old["architectures"] = ["GPT2LMHeadModel"]
        (folder / "config.json").write_text(json.dumps(old))
        model, _ = checkpoints.read(folder)
        assert model.config == CONFIG

    def test_a_tensor_of_the_wrong_shape(self, folder: Path):
        wrong = {"transformer.h.1.mlp.c_fc.weight": torch.zeros(8, 31)}
        change_tensors(folder, lambda tensors: tensors.update(wrong))
        sentence = refusal(folder)
        assert "h.1.mlp.c_fc.weight" in sentence
        assert "(8, 31)" in sentence
        assert "(8, 32)" in sentence

    def test_matrices_that_lie_the_other_way(self, folder: Path):
        name = "transformer.h.0.attn.c_attn.weight"
        change_tensors(folder, lambda t: t.update({name: t[name].t().contiguous()}))
        assert re.search(r"c_attn.* \(24, 8\).* \(8, 24\)", refusal(folder))

    def test_a_missing_tensor(self, folder: Path):
        change_tensors(folder, lambda tensors: tensors.pop("transformer.h.1.ln_2.bias"))
        assert "lack the tensor h.1.ln_2.bias" in refusal(folder)

    def test_a_tensor_that_gpt2_does_not_have(self, folder: Path):
        extra = {"transformer.h.0.crossattention.q_attn.weight": torch.zeros(8, 8)}
        change_tensors(folder, lambda tensors: tensors.update(extra))
        assert "h.0.crossattention.q_attn.weight" in refusal(folder)

    def test_a_tensor_of_whole_numbers(self, folder: Path):
        wrong = {"transformer.wte.weight": torch.zeros(7, 8, dtype=torch.int8)}
        change_tensors(folder, lambda tensors: tensors.update(wrong))
        assert re.search(r"wte.weight.* torch.int8", refusal(folder))

    @pytest.mark.parametrize("n_layer", [1, 3, 10**7])
    def test_another_number_of_layers(self, n_layer: int, folder: Path):
        change_config(folder, n_layer=n_layer)
        assert f"have 2 layers, its config.json says {n_layer}" in refusal(folder)

    def test_an_untied_model_without_its_head(self, folder: Path):
        change_config(folder, tie_word_embeddings=False)
        assert "lack the tensor lm_head.weight" in refusal(folder)

    def test_tied_weights_that_differ(self, folder: Path):
        head = {"lm_head.weight": torch.zeros(7, 8)}
        change_tensors(folder, lambda tensors: tensors.update(head))
        assert "set tie_word_embeddings to false" in refusal(folder)
        change_config(folder, tie_word_embeddings=False)
        assert checkpoints.read(folder)[0].unembedding.sum() == 0

    @pytest.mark.parametrize("keep", [0, 5, 100, -1])
    def test_a_file_that_is_cut_off(self, keep: int, folder: Path):
        file = folder / "model.safetensors"
        file.write_bytes(file.read_bytes()[:keep])
        assert "cut off" in refusal(folder)

    def test_a_file_of_something_else(self, folder: Path):
        pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n"
        (folder / "model.safetensors").write_text(pointer)
        assert "no safetensors file" in refusal(folder)

    def test_a_tokenizer_that_is_larger_than_the_model(self, folder: Path):
        CharacterTokenizer("abcdefgh").save(folder)
        assert "has 8 tokens, its model 7" in refusal(folder)

    def test_but_not_one_that_is_smaller(self, folder: Path):
        CharacterTokenizer("abc").save(folder)
        assert checkpoints.read(folder)[1].vocab_size == 3


class TestShards:
    @pytest.fixture
    def shards(self, folder: Path) -> Path:
        tensors = load_file(folder / "model.safetensors")
        names = sorted(tensors)
        files = {name: f"part-{i % 3}.safetensors" for i, name in enumerate(names)}
        for part in set(files.values()):
            save_file({n: tensors[n] for n in names if files[n] == part}, folder / part)
        (folder / "model.safetensors").unlink()
        index = {"metadata": {"total_size": 0}, "weight_map": files}
        (folder / "model.safetensors.index.json").write_text(json.dumps(index))
        return folder

    def test_a_model_in_several_files_is_read_whole(self, shards: Path):
        model, _ = checkpoints.read(shards)
        expected = random_model()(IDS)
        torch.testing.assert_close(model(IDS), expected, rtol=1e-4, atol=1e-4)

    def test_a_part_that_is_missing_is_named(self, shards: Path):
        (shards / "part-1.safetensors").unlink()
        assert "part-1.safetensors is missing" in refusal(shards, FileNotFoundError)

    @pytest.mark.parametrize("name", ["../part-0.safetensors", "/etc/passwd", "", 3])
    def test_a_part_in_another_folder_is_refused(self, name: object, shards: Path):
        index = {"weight_map": {"wte.weight": name}}
        (shards / "model.safetensors.index.json").write_text(json.dumps(index))
        assert "must be a file in the same folder" in refusal(shards)

    @pytest.mark.parametrize("index", ["{}", '{"weight_map": []}', '{"weight_map": {}}'])
    def test_an_index_that_names_nothing_is_refused(self, index: str, shards: Path):
        (shards / "model.safetensors.index.json").write_text(index)
        assert "names no files" in refusal(shards)


class Mine:
    """What runs a program when it is unpickled."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self) -> tuple:
        return (Path.touch, (self.path,))


class TestPickles:
    @pytest.fixture
    def pickled(self, folder: Path) -> Path:
        torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
        (folder / "model.safetensors").unlink()
        return folder

    def test_a_pickle_of_tensors_is_read(self, pickled: Path):
        model, _ = checkpoints.read(pickled)
        expected = random_model()(IDS)
        torch.testing.assert_close(model(IDS), expected, rtol=1e-4, atol=1e-4)

    @pytest.mark.parametrize("save", [torch.save, lambda o, p: p.write_bytes(pickle.dumps(o))])
    def test_code_in_a_pickle_is_not_run(self, save, pickled: Path, tmp_path: Path):
        save({"wte.weight": Mine(tmp_path / "mine")}, pickled / "pytorch_model.bin")
        assert "holds code, which gptviz never runs" in refusal(pickled)
        assert not (tmp_path / "mine").exists()

    def test_a_pickle_of_an_old_format_is_refused(self, pickled: Path):
        torch.save({}, pickled / "pytorch_model.bin", _use_new_zipfile_serialization=False)
        assert "of an old format" in refusal(pickled)

    @pytest.mark.parametrize("held", [[1], "text", None, {"a": 1}, {1: torch.zeros(1)}])
    def test_a_pickle_of_something_else_is_refused(self, held: object, pickled: Path):
        torch.save(held, pickled / "pytorch_model.bin")
        assert "use this model's model.safetensors" in refusal(pickled)

    @pytest.mark.parametrize("keep", [0, 100, -30])
    def test_a_pickle_that_is_cut_off_is_refused(self, keep: int, pickled: Path):
        file = pickled / "pytorch_model.bin"
        file.write_bytes(file.read_bytes()[:keep])
        assert "cut off" in refusal(pickled)


class TestFingerprint:
    def test_the_same_folder_has_the_same_one(self, folder: Path):
        assert checkpoints.fingerprint(folder) == checkpoints.fingerprint(folder)

    def test_new_weights_a_new_config_and_a_new_tokenizer_change_it(self, folder: Path):
        seen = {checkpoints.fingerprint(folder)}
        os.utime(folder / "model.safetensors", ns=(1, 1))  # as if it had been written then
        seen.add(checkpoints.fingerprint(folder))
        change_config(folder, attn_pdrop=0.3)
        seen.add(checkpoints.fingerprint(folder))
        CharacterTokenizer("abc").save(folder)
        seen.add(checkpoints.fingerprint(folder))
        assert len(seen) == 4

    def test_a_folder_without_a_model_has_none(self, tmp_path: Path):
        with pytest.raises(FileNotFoundError):
            checkpoints.fingerprint(tmp_path)

    def test_a_text_beside_the_model_does_not_change_it(self, folder: Path):
        before = checkpoints.fingerprint(folder)
        (folder / "README.md").write_text("A card.")
        assert checkpoints.fingerprint(folder) == before


@pytest.mark.parametrize("config", [None, "{", "[]"])
def test_loading_what_is_no_model_says_so_in_one_sentence(tmp_path: Path, config: str | None):
    if config is not None:
        (tmp_path / "config.json").write_text(config)
    with pytest.raises((FileNotFoundError, ValueError), match=r"holds|no valid JSON") as error:
        gptviz.load(tmp_path)
    assert "Errno" not in str(error.value)
