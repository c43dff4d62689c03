"""What is saved comes back, mapped and not copied, and a change of it shows in its fingerprint."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from gptviz import checkpoints
from gptviz.model import GPTConfig
from gptviz.tokenizers import CharacterTokenizer, GPT2Tokenizer

CONFIG = GPTConfig(vocab_size=7, block_size=8, n_layer=2, n_head=2, n_embd=8)
TOKENIZER = CharacterTokenizer("abcdefg")
IDS = torch.tensor([[1, 2, 3]])


class TestReadAndSave:
    @pytest.mark.parametrize(
        "config",
        [
            CONFIG,
            GPTConfig(7, 8, 1, 1, 4, tie_weights=False, activation="gelu"),
            GPTConfig(7, 8, 1, 1, 4, embd_pdrop=0.0, attn_pdrop=0.2, resid_pdrop=0.3),
            GPTConfig(7, 8, 1, 1, 4, position="sinusoidal", norm="post", qkv_bias=False),
            GPTConfig(7, 8, 1, 1, 4, position="none", norm="none", activation="relu"),
            GPTConfig(7, 8, 1, 1, 4, residual=False),
        ],
    )
    def test_a_model_comes_back_as_it_was_saved(
        self, random_model, config: GPTConfig, tmp_path: Path
    ):
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

    def test_a_model_in_use_survives_a_new_one_in_its_folder(self, random_model, folder: Path):
        model, _ = checkpoints.read(folder)
        expected = random_model()(IDS)
        checkpoints.save(folder, random_model(seed=1), TOKENIZER)
        torch.testing.assert_close(model(IDS), expected, rtol=1e-4, atol=1e-4)

    @pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
    def test_16_bit_weights_take_half_the_room_and_are_read_as_float32(
        self, random_model, dtype, folder: Path
    ):
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

    def test_a_folder_keeps_one_tokenizer_only(self, random_model, folder: Path):
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


class TestFingerprint:
    def test_the_same_folder_has_the_same_one(self, folder: Path):
        assert checkpoints.fingerprint(folder) == checkpoints.fingerprint(folder)

    def test_files_of_one_size_and_time_in_two_folders_have_two(
        self, random_model, folder: Path, tmp_path: Path, monkeypatch
    ):
        other = tmp_path / "other"
        checkpoints.save(other, random_model(seed=1), TOKENIZER)
        for file in (*folder.iterdir(), *other.iterdir()):
            os.utime(file, (1, 1))  # as an archive keeps it: in whole seconds
        assert checkpoints.fingerprint(folder) != checkpoints.fingerprint(other)
        monkeypatch.chdir(folder)
        assert checkpoints.fingerprint(Path()) == checkpoints.fingerprint(folder)

    def test_new_weights_a_new_config_and_a_new_tokenizer_change_it(
        self, change_config, folder: Path
    ):
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
