"""A program that `gptviz export` wrote gives gptviz's logits where gptviz is not."""

import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import util
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from numpy.testing import assert_allclose

from gptviz import checkpoints
from gptviz.checkpoints import programs
from gptviz.cli import main
from gptviz.language_model import load
from gptviz.model import GPT, GPTConfig
from gptviz.tokenizers import CharacterTokenizer, GPT2Tokenizer, Tokenizer

CHARACTERS = CharacterTokenizer("abcdefgnO h")
Program = Callable[[np.ndarray], np.ndarray]
MODELS: dict[str, dict[str, Any]] = {
    "tied": {"n_layer": 2, "n_head": 3, "n_embd": 12},
    "odd": {
        "n_layer": 1,
        "n_head": 1,
        "n_embd": 6,
        "n_inner": 7,
        "tie_weights": False,
        "activation": "relu",
        "position": "sinusoidal",
        "norm": "post",
        "qkv_bias": False,
        "scale_attn_by_inverse_layer_idx": True,
    },
    "bare": {
        "n_layer": 2,
        "n_head": 1,
        "n_embd": 5,
        "position": "none",
        "norm": "none",
        "residual": False,
        "activation": "gelu",
        "block_size": 1,
    },
    "blind": {"n_layer": 1, "n_head": 1, "n_embd": 4, "attention": False},
}


def model(vocab_size: int = 11, **shape: Any) -> GPT:
    """A model whose every weight matters."""
    shape = {"block_size": 16, **shape}
    made = GPT(GPTConfig(vocab_size, **shape), torch.Generator().manual_seed(0))
    generator = torch.Generator().manual_seed(1)
    for parameter in made.parameters():
        parameter.data.normal_(std=0.3, generator=generator)
    return made.eval().requires_grad_(False)


def opened(folder: Path, kind: programs.Format) -> Program:
    file = folder / programs.FILES[kind]
    if kind == "torch":
        program = torch.export.load(file).module()
        return lambda ids: program(torch.from_numpy(ids)).numpy()
    session = onnxruntime.InferenceSession(file)
    return lambda ids: session.run(["logits"], {"ids": ids})[0]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("tied", "torch"),
        ("odd", "torch"),
        ("bare", "torch"),
        ("blind", "torch"),
        ("tied", "onnx"),
        ("odd", "onnx"),
    ],
)
def test_a_program_gives_the_logits_of_the_model_for_texts_of_any_length(
    tmp_path: Path, name: str, kind: programs.Format
):
    saved = model(**MODELS[name])
    checkpoints.save(tmp_path / "model", saved, CHARACTERS)
    assert main(["export", str(tmp_path / "model"), str(tmp_path / "out"), "--format", kind]) == 0
    run, context = opened(tmp_path / "out", kind), saved.config.block_size
    random = np.random.default_rng(0)
    for n_texts in (1, 3):
        for length in sorted({1, min(7, context), context}):
            ids = random.integers(0, 11, (n_texts, length))
            expected = saved(torch.from_numpy(ids)).numpy()
            assert np.ptp(expected) > 0.1, "or all would be equal"
            assert_allclose(run(ids), expected, atol=1e-3)


KOREAN = CharacterTokenizer(' \n"\\옛날호랑이')


@pytest.mark.parametrize(
    ("tokenizer", "context", "text"),
    [
        (CHARACTERS, 16, "Once"),
        (GPT2Tokenizer(), 16, "Once"),
        (CHARACTERS, 3, CHARACTERS.characters[0]),
        (KOREAN, 16, '"'),
        (CharacterTokenizer("\\옛"), 1, "\\"),
    ],
    ids=["letters", "gpt2", "short", "korean", "backslash"],
)
def test_the_printed_lines_run_the_program_without_gptviz(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    tokenizer: Tokenizer,
    context: int,
    text: str,
):
    saved = model(tokenizer.vocab_size, block_size=context, n_layer=1, n_head=1, n_embd=4)
    checkpoints.save(tmp_path / "model", saved, tokenizer)
    folder = tmp_path / 'the "new" one'
    assert main(["export", str(tmp_path / "model"), str(folder), "--format", "torch"]) == 0
    told = capsys.readouterr().out
    assert f"model.pt2 reads texts of 1 to {context} tokens" in told
    lines = told.partition("\n\n")[2].strip().splitlines()
    assert len(lines) <= 6
    assert not any("gptviz" in line.partition(str(tmp_path))[0] for line in lines)
    found: dict[str, Any] = {}
    exec("\n".join(lines), found)
    expected = load(tmp_path / "model").trace(text).logits
    assert_allclose(found["logits"][0].numpy(), expected.numpy(), atol=1e-3)


def test_the_lines_for_onnx_run_it(tmp_path: Path):
    saved = model(**MODELS["tied"])
    programs.save(tmp_path / "out", saved, CHARACTERS, "onnx")
    found: dict[str, Any] = {}
    exec(programs.lines(tmp_path / "out", "onnx"), found)
    expected = saved(torch.tensor([CHARACTERS.encode("Once")])).numpy()
    assert_allclose(found["logits"], expected, atol=1e-3)
    names = [one.shape for one in (*found["model"].get_inputs(), *found["model"].get_outputs())]
    assert names == [["texts", "tokens"], ["texts", "tokens", 11]]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a model and of its program."""
    folder = tmp_path_factory.mktemp("written")
    saved = model(n_layer=1, n_head=1, n_embd=64)
    checkpoints.save(folder / "model", saved, CHARACTERS)
    programs.save(folder / "out", saved, CHARACTERS, "torch")
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


@contextmanager
def no_file_larger_than(limit: int) -> Iterator[None]:
    """The kernel refuses to write more, as it does on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("kind", ["torch", "onnx"])
def test_a_full_disk_leaves_the_old_program_and_is_told_in_words(
    written: Path, kind: programs.Format
):
    before = contents(written / "out")
    new = model(n_embd=64, n_head=1, n_layer=1)
    words = r"could not be written .* allow larger files or choose"
    with pytest.raises(OSError, match=words), no_file_larger_than(20_000):
        programs.save(written / "out", new, CHARACTERS, kind)
    assert contents(written / "out") == before
    assert sorted(path.name for path in written.iterdir()) == ["model", "out"]


DIE = """
import os, sys
from gptviz.checkpoints import programs
programs.flush = lambda path: os.kill(os.getpid(), 9)
from gptviz.cli import main
main(["export", *sys.argv[1:], "--format", "torch", "--replace"])
"""


def test_a_killed_process_leaves_the_old_program_and_the_next_one_tidies_up(written: Path):
    before = contents(written / "out")
    words = [str(written / "model"), str(written / "out")]
    assert subprocess.run([sys.executable, "-c", DIE, *words], check=False).returncode == -9
    assert contents(written / "out") == before
    assert len(list(written.iterdir())) == 3, "what it had begun lies beside it"
    assert main(["export", *words, "--format", "torch", "--replace"]) == 0
    assert sorted(path.name for path in written.iterdir()) == ["model", "out"]


def test_what_a_program_cannot_be_is_refused_before_anything_is_made(
    written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    def refused(*words: str) -> str:
        assert main(["export", str(written / "model"), *words]) == 1
        return capsys.readouterr().err

    out, taken = str(tmp_path / "new"), tmp_path / "taken"
    assert "so leave --dtype out" in refused(out, "--format", "torch", "--dtype", "float16")
    taken.mkdir()
    (taken / "letter.txt").write_text("mine")
    assert "already holds letter.txt" in refused(str(taken), "--format", "torch")
    told = refused(str(taken), "--format", "torch", "--replace")
    assert "holds other files than a program" in told
    told = refused(str(taken / "letter.txt"), "--format", "torch", "--replace")
    assert "is a file; name a folder" in told
    assert (taken / "letter.txt").read_text() == "mine"

    def without(name: str) -> object:
        return None if name == "onnxscript" else util.find_spec(name)

    monkeypatch.setattr(programs, "find_spec", without)
    assert refused(out, "--format", "onnx") == (
        "gptviz: to write ONNX, PyTorch needs onnxscript, not installed here; write `pip install "
        "onnx onnxscript` and try again, or choose --format torch, which needs nothing more\n"
    )
    assert not Path(out).exists()
