"""What the commands teach, what they take from a file, and what they say of runs."""

import os
import re
import shlex
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import gptviz
from gptviz import jobs
from gptviz.app import server
from gptviz.cli import COMMANDS, main, parser, settings
from gptviz.model import GPTConfig
from gptviz.runs import Run
from gptviz.tokenizers import HuggingFaceTokenizer
from gptviz.training import prepare
from gptviz.training.config import TrainingConfig
from gptviz.training.loop import Trainer

TINY = {"n-layer": 1, "n-head": 2, "n-embd": 8, "block-size": 8, "batch-size": 2, "steps": 2}
COLUMNS = ["run", "state", "step", "training loss", "validation loss", "best", "note"]
SHAPE = "n_layer = 1\nn_head = 2\nn_embd = 8\nblock_size = 8\n"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the runs of a test lie."""
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(tmp_path / "checkpoints"))
    return tmp_path / "checkpoints"


USUAL = ("127.0.0.1", 8501, True)


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        ("", USUAL),
        ("app", USUAL),
        ("--port 9000 --no-browser", ("127.0.0.1", 9000, False)),
        ("--port 9000 --no-browser app", ("127.0.0.1", 9000, False)),
        ("app --port 9000 --host 0.0.0.0", ("0.0.0.0", 9000, True)),
        ("--host 0.0.0.0 app --no-browser", ("0.0.0.0", 8501, False)),
        ("--allow-host a.example app --base-path b/", (*USUAL, ["a.example"], "/b")),
    ],
)
def test_options_of_the_app_may_stand_before_its_name(monkeypatch, words, asked):
    served = []

    def serve(host, port, *, open_browser, names, base, limits, listening) -> int:
        assert limits is None
        assert listening is None
        served.append((host, port, open_browser, *([names, base] if names else [])))
        return 0

    monkeypatch.setattr(server, "serve", serve)
    assert main(words.split()) == 0
    assert served == [asked]


@pytest.fixture
def train(root: Path, text_file: Path):
    """Run `gptviz train` with a tiny model; its exit code."""

    def run(name: str, *words: str, **changes: object) -> int:
        pairs = {"data": text_file, **TINY, **changes}
        usual = [word for key, value in pairs.items() for word in (f"--{key}", str(value))]
        return main(["train", "--run", str(root / name), *usual, *words])

    return run


def config_of(folder: Path) -> dict:
    return Run(folder).config.to_dict()


def help_of(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    with pytest.raises(SystemExit) as end:
        main([*words, "--help"])
    assert end.value.code == 0
    return capsys.readouterr().out


# What help teaches


@pytest.mark.parametrize("command", [[], *([name] for name in COMMANDS)])
def test_the_help_of_each_command_names_the_exit_codes(capsys, command):
    told = help_of(capsys, *command)
    assert "0    done, or stopped on request with a checkpoint" in told
    assert "130  ended at once by Ctrl-C" in told


@pytest.mark.parametrize("command", ["train", "resume", "runs", "compare", "prepare"])
def test_the_examples_in_the_help_can_be_typed(capsys, command):
    told = help_of(capsys, command)
    examples = re.findall(r"(?m)^(?:    |  for example: )(gptviz .*)$", told)
    assert examples
    for line in examples:
        parser().parse_args(shlex.split(line)[1:])


def test_the_example_file_in_the_help_is_a_file_of_settings(capsys, tmp_path):
    example = re.search(r"(?ms)same names:\n\n(.*?)\n\n", help_of(capsys, "train"))[1]
    path = tmp_path / "run.toml"
    path.write_text(example)
    assert settings.from_file(path)["data"] == tmp_path / "poems.txt"


# Settings from a file


def test_a_file_gives_the_settings_and_the_command_line_wins(root, text_file, tmp_path):
    path = tmp_path / "run.toml"
    path.write_text(SHAPE + 'steps = 5\nlearning_rate = 1\nbatch-size = 3\nnorm = "none"\n')
    words = ["--config", str(path), "--data", str(text_file), "--steps", "1"]
    assert main(["train", "--run", str(root / "run"), *words]) == 0
    config = config_of(root / "run")
    assert (config["steps"], config["learning_rate"]) == (1, 1.0)
    assert (config["batch_size"], config["model"]["norm"]) == (3, "none")


def test_one_dropout_stands_for_three_of_which_each_can_be_given_itself(tmp_path):
    path = tmp_path / "run.toml"
    path.write_text("dropout = 0.3\nattn_pdrop = 0.2\n")

    def dropouts(*words: str) -> list[float]:
        options = parser().parse_args(["train", "--run", "x", *words])
        chosen = settings.chosen(options, options.config)
        return [chosen[f"{place}_pdrop"] for place in ("embd", "attn", "resid")]

    assert dropouts("--dropout", "0.4") == [0.4, 0.4, 0.4]
    assert dropouts("--dropout", "0.4", "--resid-pdrop", "0") == [0.4, 0.4, 0.0]
    assert dropouts("--config", str(path)) == [0.3, 0.2, 0.3]
    assert dropouts("--config", str(path), "--embd-pdrop", "0.5") == [0.5, 0.2, 0.3]
    assert dropouts("--config", str(path), "--dropout", "0.1") == [0.1, 0.1, 0.1]


def test_a_path_in_a_file_starts_from_the_file(root, text_file, tmp_path):
    path = tmp_path / "run.toml"
    path.write_text(SHAPE + 'steps = 1\ndata = "text.txt"\n')
    assert main(["train", "--run", str(root / "run"), "--config", str(path)]) == 0
    assert config_of(root / "run")["data"] == str(text_file)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("learning_rat = 1", "there is no setting 'learning_rat'; the nearest is learning_rate"),
        ("n-heads = 1", "there is no setting 'n-heads'; the nearest is n_head"),
        ("steps = 0", "steps is 0; it must be a whole number, 1 or more"),
        ('steps = "many"', "steps is 'many'; it must be a whole number"),
        ("steps = 1.5", "steps is 1.5; it must be a whole number"),
        ("steps = true", "steps is True; it must be a whole number"),
        ("dropout = '0.1'", "dropout is '0.1'; it must be a number"),
        ('norm = "batch"', "norm is 'batch'; it must be one of 'pre', 'post', 'none'"),
        ("data = 3", "data is 3; it must be a path"),
        ("steps = ", "is no TOML that can be read"),
        (b"\xff", "is no TOML that can be read"),
        (None, "there is no file"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_in_one_sentence(
    root, tmp_path, capsys, content, words
):
    path = tmp_path / "run.toml"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert main(["train", "--run", str(root / "run"), "--config", str(path)]) == 1
    error = capsys.readouterr().err
    assert words in error
    assert str(path) in error
    assert error.count("\n") == 1
    assert not (root / "run").exists()


@pytest.mark.parametrize("words", [["train"], ["train", "--run", "x", "--steps", "many"], ["fly"]])
def test_what_is_no_command_is_told_with_exit_code_2(words):
    with pytest.raises(SystemExit) as end:
        main(words)
    assert end.value.code == 2


# Training


def test_a_bpe_is_learnt_from_the_text_and_kept_with_the_run(train, root):
    assert train("run", **{"tokenizer": "bpe", "bpe-vocab-size": 270}) == 0
    lm = gptviz.load(root / "run")
    assert isinstance(lm.tokenizer, HuggingFaceTokenizer)
    assert lm.config.vocab_size == lm.tokenizer.vocab_size == 270
    assert len(lm.tokenizer.encode(" the")) == 1
    assert (root / "run" / "tokenizer" / "tokenizer.json").is_file()


def test_a_bpe_that_the_text_cannot_fill_begins_no_run(train, root, capsys):
    assert train("run", **{"tokenizer": "bpe", "bpe-vocab-size": 9000}) == 1
    assert re.search(r"fills a vocabulary of \d+ tokens, not of 9000", capsys.readouterr().err)
    assert not (root / "run").exists()


def test_a_prepared_text_brings_its_tokenizer(train, root, text_file, tmp_path, capsys):
    folder = tmp_path / "prepared"
    assert (
        main(["prepare", str(text_file), str(folder), "--tokenizer", "bpe", "--vocab-size", "270"])
        == 0
    )
    told = capsys.readouterr()
    assert re.search(r"wrote .*prepared: [\d,]+ tokens, \d\.\d\d bytes each; train on it", told.out)
    assert "100%" in told.err, "a progress bar"
    assert train("run", data=folder) == 0
    assert config_of(root / "run")["tokenizer"] == "bpe"
    assert gptviz.load(root / "run").tokenizer.vocab_size == 270
    assert train("other", data=folder, tokenizer="char") == 1
    assert "was prepared with --tokenizer bpe, not char" in capsys.readouterr().err
    assert not (root / "other").exists()


def test_samples_appear_while_it_learns(train, capsys):
    assert (
        train("run", **{"sample-interval": 1, "sample-prompt": "the cat", "sample-tokens": 5}) == 0
    )
    told = capsys.readouterr().out
    assert [f"step {step} writes: the cat" in told for step in (0, 1, 2)] == [True] * 3


def test_a_run_that_is_done_goes_on_only_with_more_steps(train, root, capsys):
    assert train("run") == 0
    assert main(["resume", "run"]) == 0
    assert "is done, so there is nothing to go on with; for more" in capsys.readouterr().out
    steps = len(Run(root / "run").metrics)
    assert main(["resume", "run", "--steps", str(steps)]) == 1
    assert f"run has taken {steps} steps and steps is {steps}" in capsys.readouterr().err
    assert main(["resume", "run", "--steps", str(steps + 3)]) == 0
    run = Run(root / "run")
    assert len(run.metrics) == run.config.steps == steps + 3


def test_patience_that_ran_out_is_told(train, root, capsys):
    changes = {"steps": 40, "eval-interval": 1, "patience": 1, "learning-rate": 3.0}
    assert train("run", **changes) == 0
    told = capsys.readouterr().out
    assert "gptviz: it ends after 1 validations in a row without a new best" in told
    assert "done: it ended early: 1 validations in a row brought no new best, and the best" in told
    main(["runs", str(root)])
    best = Run(root / "run").status["best_step"]
    assert f"ended early, best at step {best}" in capsys.readouterr().out
    assert Run(root / "run").status["stopped_early"]


def test_a_second_ctrl_c_ends_a_run_at_once(train, root, monkeypatch):
    def twice(*_: object) -> float:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        return 1.0

    monkeypatch.setattr(Trainer, "validation_loss", twice)
    assert train("run") == 130
    assert Run(root / "run").checkpoints == []
    monkeypatch.undo()
    assert main(["resume", str(root / "run")]) == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_preparation_leaves_nothing(text_file, tmp_path, monkeypatch, number):
    def interrupted(*_: object) -> Iterator[tuple[np.ndarray, int]]:
        yield np.zeros(5, "<u2"), 5
        assert any(tmp_path.glob("*/*/tokens.bin")), "something is half-written now"
        os.kill(os.getpid(), number)

    monkeypatch.setattr(prepare, "encode", interrupted)
    assert main(["prepare", str(text_file), str(tmp_path / "prepared")]) == 130
    assert [path.name for path in tmp_path.iterdir()] == ["text.txt"]


# Runs, side by side


def test_runs_are_listed_with_state_step_and_losses(train, root, capsys):
    assert main(["runs"]) == 0
    assert "there is no run yet; begin one with: gptviz train" in capsys.readouterr().out
    assert train("slow") == 0
    assert train("fast", **{"steps": 3}) == 0
    jobs.rename(Run(root / "fast"), "안녕 fast")
    capsys.readouterr()
    assert main(["runs"]) == 0
    told = capsys.readouterr().out
    head, first, second = told.splitlines()
    assert head.split() == " ".join(COLUMNS).split()
    assert first.split()[:6] == ["안녕", "fast", "done", "3", "of", "3"]
    assert second.split()[:5] == ["slow", "done", "2", "of", "2"]
    metrics, status = Run(root / "slow").metrics, Run(root / "slow").status
    assert f"{metrics[-1]['train_loss']:.5g}" in second
    assert f"{status['val_loss']:.5g}" in second
    assert main(["runs", str(root / "elsewhere")]) == 0
    assert "there is no run yet" in capsys.readouterr().out


def test_a_run_without_a_step_and_one_that_crashed_are_listed(train, root, text_file, capsys):
    assert train("crashed") == 0
    Run(root / "crashed").update_status({"state": "running"})
    Run.create(root / "new", TrainingConfig(GPTConfig(30, 8, 1, 2, 8), str(text_file)))
    capsys.readouterr()
    assert main(["runs"]) == 0
    told = capsys.readouterr().out
    assert re.search(r"(?m)^ *crashed +crashed +2 of 2", told)
    assert re.search(r"(?m)^ *new +\w+ +0 of 1000 +– +– +– *$", told)


@pytest.mark.parametrize(
    ("waiting", "words"), [(0, "the next to begin"), (2, "2 before it in the queue")]
)
def test_a_run_that_waits_is_listed_with_its_place(
    train, capsys, monkeypatch: pytest.MonkeyPatch, waiting: int, words: str
):
    assert train("slow") == 0
    monkeypatch.setattr(jobs, "state", lambda _: "queued")
    monkeypatch.setattr(jobs, "queue_position", lambda _: waiting)
    capsys.readouterr()
    assert main(["runs"]) == 0
    row = capsys.readouterr().out.splitlines()[1]
    assert row.split()[:2] == ["slow", "queued"]
    assert row.endswith(words)


def test_compare_shows_what_differs_and_what_came_of_it(train, root, tmp_path, capsys):
    assert train("slow", **{"learning-rate": 0.001}) == 0
    assert train("fast", **{"learning-rate": 0.01, "steps": 3}) == 0
    capsys.readouterr()
    path = tmp_path / "table.csv"
    assert main(["compare", "slow", str(root / "fast"), "--csv", str(path)]) == 0
    told = capsys.readouterr().out
    assert told.splitlines()[0].split() == ["slow", "fast"]
    assert re.search(r"(?m)^learning_rate +0\.001 +0\.01$", told)
    assert "batch_size" not in told, "it is the same in both"
    best = [Run(root / name).status["best_val_loss"] for name in ("slow", "fast")]
    assert re.search(rf"(?m)^best validation loss +{best[0]:.5g} +{best[1]:.5g}$", told)
    table = pd.read_csv(path)
    assert list(table["run"]) == ["slow", "fast"]
    assert list(table["best_val_loss"]) == pytest.approx(best)


@pytest.mark.usefixtures("root")
@pytest.mark.parametrize("command", ["resume", "compare"])
def test_who_misspells_a_run_is_told_which_there_are(train, capsys, command):
    assert train("first run") == 0
    assert train("second") == 0
    capsys.readouterr()
    assert main([command, "nix"]) == 1
    told = capsys.readouterr().err
    assert told == "gptviz: there is no run 'nix'; there are: second, first run\n"
    assert main(["compare", "first run", "second"]) == 0


def test_compare_refuses_what_is_no_run(tmp_path, capsys):
    assert main(["compare", "nothing"]) == 1
    assert "there is no run 'nothing'; there are: story" in capsys.readouterr().err
    assert main(["compare", str(tmp_path)]) == 1
    assert "is not a training run" in capsys.readouterr().err
