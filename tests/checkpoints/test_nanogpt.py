"""nanoGPT's checkpoints become model folders: the same logits, and no code of a file runs."""

import pickle
from pathlib import Path

import pytest
import torch

import gptviz
from gptviz import cli
from gptviz.model import GPT, GPTConfig

SIZES = {"vocab_size": 5, "block_size": 8, "n_layer": 2, "n_head": 2, "n_embd": 8}


def checkpoint(folder: Path, bias: bool, prefix: str = "_orig_mod.") -> GPT:
    """Write a ckpt.pt as nanoGPT's train.py does; the model that it holds."""
    config = GPTConfig(**SIZES, activation="gelu")
    model = GPT(config, torch.Generator().manual_seed(0)).eval()
    tensors = {f"{prefix}transformer.{name}": t for name, t in model.state_dict().items()}
    if not bias:
        tensors = {name: t for name, t in tensors.items() if not name.endswith(".bias")}
    tensors[f"{prefix}lm_head.weight"] = model.wte.weight.detach()
    arguments = SIZES | {"bias": bias, "dropout": 0.1}
    content = {"model": tensors, "model_args": arguments, "iter_num": 3, "config": {"a": "b"}}
    torch.save(
        content | {"optimizer": {"state": {}}, "best_val_loss": torch.tensor(1.0)},
        folder / "ckpt.pt",
    )
    return model


@pytest.mark.parametrize("bias", [True, False])
def test_a_checkpoint_becomes_a_folder_with_its_logits(bias: bool, tmp_path: Path):
    model = checkpoint(tmp_path, bias)
    letters = dict(enumerate("abcde"))
    (tmp_path / "meta.pkl").write_bytes(pickle.dumps({"vocab_size": 5, "itos": letters}))
    assert cli.main(["import", str(tmp_path / "ckpt.pt"), str(tmp_path / "new")]) == 0
    lm = gptviz.load(tmp_path / "new")
    ids = torch.tensor([[0, 3, 2]])
    torch.testing.assert_close(lm.model(ids), model(ids))
    assert lm.tokenizer.encode("bad") == [1, 0, 3]


def test_without_names_of_its_tokens_it_is_told_where_they_are(tmp_path: Path, capsys):
    checkpoint(tmp_path, bias=True)
    assert cli.main(["import", str(tmp_path / "ckpt.pt"), str(tmp_path / "new")]) == 1
    assert "give it with --meta" in capsys.readouterr().err


class Mine:
    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self) -> tuple:
        return (Path.touch, (self.path,))


@pytest.mark.parametrize("name", ["ckpt.pt", "meta.pkl"])
def test_no_code_of_a_file_runs(name: str, tmp_path: Path, capsys):
    checkpoint(tmp_path, bias=True)
    content = {"itos": Mine(tmp_path / "mine")}
    (tmp_path / name).write_bytes(pickle.dumps(content))
    assert cli.main(["import", str(tmp_path / "ckpt.pt"), str(tmp_path / "new")]) == 1
    assert "code" in capsys.readouterr().err
    assert not (tmp_path / "mine").exists()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_an_export_never_writes_infinity(dtype: str, tmp_path: Path, capsys):
    model = checkpoint(tmp_path, bias=True)
    (tmp_path / "meta.pkl").write_bytes(pickle.dumps({"itos": dict(enumerate("abcde"))}))
    path = tmp_path / "ckpt.pt"
    content = torch.load(path)
    content["model"]["_orig_mod.transformer.wte.weight"][0, 0] = 1e5
    torch.save(content, path)
    assert cli.main(["import", str(path), str(tmp_path / "new")]) == 0
    code = cli.main(["export", str(tmp_path / "new"), str(tmp_path / "half"), "--dtype", dtype])
    assert code == (dtype == "float16")
    if dtype == "float16":
        assert "wte.weight holds 100,000, which float16 cannot" in capsys.readouterr().err
        assert not (tmp_path / "half").exists()
    assert model.config.n_layer == 2
