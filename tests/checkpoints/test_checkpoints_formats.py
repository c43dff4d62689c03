"""Weights in several files or in a pickle are read whole, and no code in them is run."""

import json
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from gptviz import checkpoints

IDS = torch.tensor([[1, 2, 3]])


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

    def test_a_model_in_several_files_is_read_whole(self, random_model, shards: Path):
        model, _ = checkpoints.read(shards)
        expected = random_model()(IDS)
        torch.testing.assert_close(model(IDS), expected, rtol=1e-4, atol=1e-4)

    def test_a_part_that_is_missing_is_named(self, refusal, shards: Path):
        (shards / "part-1.safetensors").unlink()
        assert "part-1.safetensors is missing" in refusal(shards, FileNotFoundError)

    @pytest.mark.parametrize("name", ["../part-0.safetensors", "/etc/passwd", "", 3])
    def test_a_part_in_another_folder_is_refused(self, refusal, name: object, shards: Path):
        index = {"weight_map": {"wte.weight": name}}
        (shards / "model.safetensors.index.json").write_text(json.dumps(index))
        assert "must be a file in the same folder" in refusal(shards)

    @pytest.mark.parametrize("index", ["{}", '{"weight_map": []}', '{"weight_map": {}}'])
    def test_an_index_that_names_nothing_is_refused(self, refusal, index: str, shards: Path):
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

    def test_a_pickle_of_tensors_is_read(self, random_model, pickled: Path):
        model, _ = checkpoints.read(pickled)
        expected = random_model()(IDS)
        torch.testing.assert_close(model(IDS), expected, rtol=1e-4, atol=1e-4)

    @pytest.mark.parametrize("save", [torch.save, lambda o, p: p.write_bytes(pickle.dumps(o))])
    def test_code_in_a_pickle_is_not_run(self, refusal, save, pickled: Path, tmp_path: Path):
        save({"wte.weight": Mine(tmp_path / "mine")}, pickled / "pytorch_model.bin")
        assert "holds code, which gptviz never runs" in refusal(pickled)
        assert not (tmp_path / "mine").exists()

    def test_a_pickle_from_before_2020_is_read(self, random_model, pickled: Path):
        tensors = torch.load(pickled / "pytorch_model.bin", weights_only=True)
        torch.save(tensors, pickled / "pytorch_model.bin", _use_new_zipfile_serialization=False)
        model, _ = checkpoints.read(pickled)
        expected = random_model()(IDS)
        torch.testing.assert_close(model(IDS), expected, rtol=1e-4, atol=1e-4)

    @pytest.mark.parametrize("held", [[1], "text", None, {"a": 1}, {1: torch.zeros(1)}])
    def test_a_pickle_of_something_else_is_refused(self, refusal, held: object, pickled: Path):
        torch.save(held, pickled / "pytorch_model.bin")
        assert "use this model's model.safetensors" in refusal(pickled)

    @pytest.mark.parametrize("keep", [0, 100, -30])
    def test_a_pickle_that_is_cut_off_is_refused(self, refusal, keep: int, pickled: Path):
        file = pickled / "pytorch_model.bin"
        file.write_bytes(file.read_bytes()[:keep])
        assert "cut off" in refusal(pickled)
