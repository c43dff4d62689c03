"""`gptviz anatomy`: what it prints of published shapes and of models on this machine."""

import json
from pathlib import Path

import pytest

from gptviz import LanguageModel, checkpoints
from gptviz.cli import main


@pytest.fixture(autouse=True)
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_lm: LanguageModel) -> Path:
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(tmp_path))
    checkpoints.save(tmp_path / "mine", tiny_lm.model, tiny_lm.tokenizer)
    return tmp_path


def printed(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["anatomy", *words]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "count"),
    [
        (["gpt2"], 124_439_808),
        (["gpt2-medium"], 354_823_168),
        (["gpt2-large"], 774_030_080),
        (["gpt2-xl"], 1_557_611_200),
        (["gpt2", "--no-tie-weights", "--no-qkv-bias"], 163_009_536),
        (["gpt2", "--n-layer", "24", "--n-head", "16", "--n-embd", "1024"], 354_823_168),
        (["gpt2", "--position", "none"], 124_439_808 - 1024 * 768),
    ],
)
def test_json_has_the_published_counts(capsys, words, count):
    found = json.loads(printed(capsys, *words, "--json"))
    assert found["parameters"] == count
    assert sum(part["parameters"] for part in found["parts"]) == count
    assert found["sizes"][0]["bytes"] == 4 * count


def test_the_same_is_printed_as_tables(capsys):
    told = printed(capsys, "gpt2", "--no-tie-weights", "--no-qkv-bias")
    assert "163,009,536 parameters, 124,412,160 without an output layer of its own" in told
    for number in ("2,360,064", "4,722,432", "621.83", "50,257 × 768"):
        assert number in told


@pytest.mark.parametrize("name", ["mine", "path"])
def test_a_model_on_this_machine_is_found_by_its_name_and_its_folder(capsys, models, tiny_lm, name):
    where = str(models / "mine") if name == "path" else name
    found = json.loads(printed(capsys, where, "--json", "--measure"))
    assert found["parameters"] == tiny_lm.model.n_parameters
    assert found["measured"]["tokens_written_per_second"] > 0
    assert "tokens a second" in printed(capsys, where, "--measure")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["gpt5"], "there is no model 'gpt5'; published shapes are gpt2, gpt2-medium"),
        (["gpt2", "--n-head", "7"], "cannot be shared out among 7 heads"),
        (["gpt3-175b", "--measure"], "its weights alone would take 698.4 GB"),
    ],
)
def test_what_cannot_be_counted_or_measured_ends_in_a_sentence(capsys, words, told):
    assert main(["anatomy", *words]) == 1
    assert told in capsys.readouterr().err
