"""`gptviz train` makes a model of a text and `gptviz export` a copy of it, or they say why not."""

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import gptviz
from gptviz import checkpoints
from gptviz.cli import main
from gptviz.runs import Run
from gptviz.training.settings import SETTINGS


def test_train_makes_a_folder_that_gptviz_loads(begin, tmp_path, capsys):
    assert main(begin("run", seed=3)) == 0
    shown = capsys.readouterr()
    assert "step 4: validation loss" in shown.out
    assert "nats a token" in shown.out
    assert "12/12" in shown.err, "a progress bar"
    lm = gptviz.load(tmp_path / "run")
    assert (lm.config.n_layer, lm.config.n_head, lm.config.n_embd) == (1, 2, 8)
    assert lm.config.block_size == 8
    assert lm.trace("the cat").logits.shape == (7, lm.config.vocab_size)
    config = Run(tmp_path / "run").config
    assert (config.seed, config.steps, config.batch_size) == (3, 12, 2)


def test_every_option_of_the_command_reaches_the_run(begin, tmp_path, text_file):
    own = {
        "tokenizer": "bpe",
        "bpe_vocab_size": 270,
        "line_start_share": 0.4,
        "copy_steps": 1,
        "repeat_share": 0.5,
        "guide_previous": 0.2,
        "vocab_sample": 100,
        "optimizer": "muon" if hasattr(torch.optim, "Muon") else "adamw",
        "batch_size": 3,
        "accumulation": 2,
        "steps": 2,
        "learning_rate": 0.5,
        "min_learning_rate": 0.25,
        "warmup_steps": 1,
        "decay_steps": 2,
        "schedule": "linear",
        "weight_decay": 0.3,
        "beta1": 0.8,
        "beta2": 0.95,
        "gradient_clip": 0.7,
        "precision": "bfloat16",
        "eval_interval": 2,
        "eval_windows": 1,
        "patience": 3,
        "sample_interval": 2,
        "sample_prompt": "the",
        "sample_tokens": 3,
        "snapshots": 2,
        "detail_interval": 1,
        "seed": 9,
    }
    shape = {
        "n_layer": 2,
        "n_head": 1,
        "n_embd": 4,
        "block_size": 6,
        "norm": "none",
        "position": "sinusoidal",
        "activation": "relu",
        "embd_pdrop": 0.1,
        "attn_pdrop": 0.2,
        "resid_pdrop": 0.3,
        "layer_norm_epsilon": 1e-4,
    }
    flags = {"end_of_text", "qkv_bias", "residual", "tie_weights"}
    parts = {"attention", "mlp"}  # none can be left out where the shortcuts are
    assert {*own, *shape, *flags, *parts, "data"} == set(SETTINGS)
    more = ("--end-of-text", "--no-qkv-bias", "--no-residual", "--no-tie-weights")
    assert main([*begin("run", **own, **shape), *more]) == 0
    config = Run(tmp_path / "run").config
    model = config.model
    assert config.data == str(text_file)
    assert {name: getattr(config, name) for name in own} == own
    assert {name: getattr(model, name) for name in shape} == shape
    assert config.end_of_text
    assert not any((model.qkv_bias, model.residual, model.tie_weights))


def test_train_reads_a_text_with_the_vocabulary_of_gpt2(begin, tmp_path):
    words = begin("run", tokenizer="gpt2", steps=1)
    assert main(words) == 0
    lm = gptviz.load(tmp_path / "run")
    assert lm.config.vocab_size == 50257
    assert lm.tokenizer.encode(" king") == [5822]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "there is no text file at"),
        ("a folder", "is a folder, and no text that was prepared"),
        (b"\x89PNG\r\n\x1a\n\x00\xff", "is not UTF-8 text: byte 0 cannot be read"),
        (b"", "holds no text; training needs something to read"),
        (b" \n\n \t", "holds no text; training needs something to read"),
        (b"too short by far", "16 tokens are too few: the last tenth must hold one window of 9"),
    ],
)
def test_a_text_that_cannot_be_learned_is_refused_in_one_sentence(
    begin, tmp_path, capsys, content, words
):
    path = tmp_path / "bad.txt"
    if content == "a folder":
        path.mkdir()
    elif content is not None:
        path.write_bytes(content)
    assert main(begin("run", data=path)) == 1
    error = capsys.readouterr().err
    assert error.startswith("gptviz: ")
    assert words in error
    assert error.count("\n") == 1
    assert not (tmp_path / "run").exists(), "no run was begun, so the name is still free"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"n_head": 3}, "n_embd 8 cannot be shared out among 3 heads"),
        ({"steps": 0}, "steps is 0; it must be a whole number, 1 or more"),
        ({"seed": 10**20}, "it must be a whole number from 0 to 4294967295"),
        ({"learning_rate": 0.00001}, "min_learning_rate is 0.0001; it must lie between"),
        ({"dropout": 1.5}, "dropout is 1.5; it must be a number, at least 0 and below 1"),
    ],
)
def test_settings_that_cannot_work_are_refused_in_one_sentence(
    begin, tmp_path, capsys, options, words
):
    assert main(begin("run", **options)) == 1
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", ["file", "file/run"])
def test_a_run_that_can_have_no_folder_is_refused_in_one_sentence(begin, tmp_path, capsys, name):
    (tmp_path / "file").write_text("mine")
    assert main(begin(name)) == 1
    assert capsys.readouterr().err == (
        f"gptviz: {tmp_path / name} cannot be the folder of a run (Not a directory); "
        f"choose another folder\n"
    )
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_export_writes_the_best_checkpoint_in_fewer_bits(begin, tmp_path, capsys, dtype):
    assert main(begin("run")) == 0
    folder = tmp_path / "exported"
    assert main(["export", str(tmp_path / "run"), str(folder), "--dtype", dtype]) == 0
    assert f"parameters as {dtype}" in capsys.readouterr().out
    stored = load_file(folder / "model.safetensors")
    assert {tensor.dtype for tensor in stored.values()} == {getattr(torch, dtype)}
    trained, exported = gptviz.load(tmp_path / "run"), gptviz.load(folder)
    for (name, mine), theirs in zip(
        exported.model.state_dict().items(), trained.model.state_dict().values(), strict=True
    ):
        assert mine.dtype == torch.float32
        assert torch.equal(mine, theirs.to(getattr(torch, dtype)).float()), name
    torch.testing.assert_close(
        exported.trace("the cat").logits, trained.trace("the cat").logits, rtol=0.02, atol=0.02
    )
    assert exported.tokenizer.encode("the cat") == trained.tokenizer.encode("the cat")


def test_export_takes_the_best_checkpoint_and_not_the_last(begin, tmp_path):
    rate = {"learning_rate": 0.3, "min_learning_rate": 0.3, "warmup_steps": 0}
    assert main(begin("run", steps=30, eval_interval=3, **rate)) == 0
    run = Run(tmp_path / "run")
    assert run.status["best_step"] < run.status["last_step"]
    assert main(["export", str(run.folder), str(tmp_path / "exported")]) == 0
    best, _ = checkpoints.read(run.checkpoint(run.status["best_step"]))
    exported, _ = checkpoints.read(tmp_path / "exported")
    assert torch.equal(exported.wte.weight, best.wte.weight)


def test_export_takes_the_counts_of_the_training_text_along(begin, tmp_path):
    assert main(begin("run", steps=2)) == 0
    run, exported, again = (tmp_path / name for name in ("run", "exported", "again"))
    assert main(["export", str(run), str(exported)]) == 0
    assert main(["export", str(exported), str(again)]) == 0
    with np.load(run / "token_counts.npz") as file:
        expected = file["counts"]
    for folder in (exported, again):
        np.testing.assert_array_equal(gptviz.load(folder).token_counts, expected)


def test_export_of_a_model_without_counts_leaves_none_of_an_older_one(begin, tmp_path):
    assert main(begin("run", steps=2)) == 0
    run, exported = tmp_path / "run", tmp_path / "exported"
    assert main(["export", str(run), str(exported)]) == 0
    (run / "token_counts.npz").unlink()
    assert main(["export", str(run), str(exported), "--replace"]) == 0
    assert gptviz.load(exported).token_counts is None


def test_export_over_something_that_is_there_says_what_and_waits_for_replace(
    begin, tmp_path, capsys
):
    assert main(begin("run", steps=2)) == 0
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    export = ["export", str(tmp_path / "run"), str(tmp_path / "mine")]
    capsys.readouterr()
    assert main(export) == 1
    assert capsys.readouterr().err.startswith(
        f"gptviz: {tmp_path}/mine already holds notes.txt; write --replace to put the model in"
    )
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["notes.txt"]
    assert main([*export, "--replace"]) == 0
    assert (tmp_path / "mine" / "notes.txt").read_text() == "mine", "what is no model's stays"
    assert main(export) == 1
    assert "already holds characters.json, config.json, model.safetensors, " in (
        capsys.readouterr().err
    )
    assert gptviz.load(tmp_path / "mine").tokenizer.encode("the cat")
    (tmp_path / "empty").mkdir()
    assert main([*export[:2], str(tmp_path / "empty")]) == 0


def test_export_refuses_counts_that_are_broken(begin, tmp_path, capsys):
    assert main(begin("run", steps=2)) == 0
    (tmp_path / "run" / "token_counts.npz").write_bytes(b"")
    capsys.readouterr()
    assert main(["export", str(tmp_path / "run"), str(tmp_path / "exported")]) == 1
    assert capsys.readouterr().err == (
        f"gptviz: {tmp_path}/run/token_counts.npz is cut off or holds no array named counts; "
        f"copy it again, or remove it\n"
    )
    assert not (tmp_path / "exported").exists()


def test_export_refuses_what_it_cannot_read_or_would_destroy(begin, tmp_path, capsys):
    assert main(begin("run", steps=2)) == 0
    assert main(["export", str(tmp_path / "run"), str(tmp_path / "run")]) == 1
    assert "is a training run; choose another folder" in capsys.readouterr().err
    assert Run(tmp_path / "run").status["state"] == "done"
    (tmp_path / "empty").mkdir()
    assert main(["export", str(tmp_path / "empty"), str(tmp_path / "new")]) == 1
    error = capsys.readouterr().err
    assert error.startswith("gptviz: ")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("place", ["option", "file"])
def test_samples_cannot_begin_with_letters_that_the_text_lacks(begin, tmp_path, capsys, place):
    words = begin("run", sample_interval=4)
    if place == "option":
        words += ["--sample-prompt", "the 안"]
    else:
        (tmp_path / "run.toml").write_text('sample_prompt = "the 안"', encoding="utf-8")
        words += ["--config", str(tmp_path / "run.toml")]
    assert main(words) == 1
    assert capsys.readouterr().err == (
        "gptviz: sample_prompt cannot begin the samples: the character 안 (U+C548) is not among "
        "the 18 characters that this tokenizer knows; leave it out, or train with a BPE, which "
        "can write any text\n"
    )
    assert not (tmp_path / "run").exists()
    assert main([*words, "--sample-interval", "0"]) == 0, "it writes no samples"


def test_samples_of_a_text_without_line_breaks_begin_by_themselves(begin):
    assert main(begin("run", sample_interval=4)) == 0
    assert main(begin("bpe", sample_interval=4, tokenizer="bpe", bpe_vocab_size=260)) == 0


@pytest.mark.parametrize("number", [1e5, -7e4, float("inf")])
def test_export_refuses_a_number_that_the_type_has_no_room_for(begin, tmp_path, capsys, number):
    assert main(begin("run", steps=2)) == 0
    lm = gptviz.load(tmp_path / "run")
    with torch.no_grad():
        lm.model.h[0].mlp.c_fc.weight[0, 0] = number
    checkpoints.save(tmp_path / "large", lm.model, lm.tokenizer)
    assert abs(number) > np.finfo(np.float16).max
    capsys.readouterr()
    words = ["export", str(tmp_path / "large"), str(tmp_path / "out")]
    assert main([*words, "--dtype", "float16"]) == 1
    told = capsys.readouterr().err
    assert told.startswith("gptviz: h.0.mlp.c_fc.weight holds ")
    assert not (tmp_path / "out").exists()
    assert main([*words, "--dtype", "bfloat16"]) == (1 if np.isinf(number) else 0)
