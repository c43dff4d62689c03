"""Settings that a learner starts with one click."""

import itertools
import math
from collections import Counter
from dataclasses import fields
from pathlib import Path

import pytest

from gptviz import parameters
from gptviz.jobs.build_up import SHAPES, STAGES
from gptviz.jobs.failures import FAILURES, LESSON
from gptviz.jobs.presets import DEFAULT, INDUCTION, SIZES
from gptviz.subjects.sharing.pair import PAIR
from gptviz.training import data, repeats
from gptviz.training.config import TrainingConfig
from gptviz.training.record.snapshots import snapshot_steps

PLAYS = Path(data.__file__).parents[1] / "data" / "shakespeare.txt"
BUILT = (*STAGES, *(preset for series in SHAPES.values() for preset in series))


@pytest.fixture
def models(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(tmp_path))
    return tmp_path


def flat(config: TrainingConfig) -> dict:
    values = config.to_dict()
    return {**values.pop("model"), **values}


def test_the_default_run_has_four_layers_of_four_heads_and_reads_characters():
    config = DEFAULT.config("text.txt", vocab_size=65)
    model = config.model
    assert (model.n_layer, model.n_head, model.n_embd, model.block_size) == (4, 4, 128, 64)
    assert (config.batch_size, config.tokenizer) == (12, "char")
    assert DEFAULT in SIZES


def test_the_birth_of_an_induction_head_is_seen_often_by_two_layers_on_a_text_of_repeats(models):
    config = INDUCTION.on(PLAYS)
    assert Path(config.data).is_relative_to(models)
    assert Path(config.data).read_text(encoding="utf-8") == repeats.text()
    assert config.model.n_layer == 2
    seen = snapshot_steps(config.steps, config.snapshots)
    assert sum(400 <= step <= 800 for step in seen) >= 5, "where the heads come about"


def test_sizes_go_from_small_to_large():
    sizes = [parameters.count(size.config("text.txt", vocab_size=65).model) for size in SIZES]
    assert sizes == sorted(sizes)


def test_each_preset_has_a_name_of_its_own_and_settings_that_exist():
    gallery = [part for failure in FAILURES for part in (failure.preset, failure.baseline)]
    presets = list(
        {id(preset): preset for preset in [*SIZES, INDUCTION, *gallery, *PAIR, *BUILT]}.values()
    )
    assert len({preset.name for preset in presets}) == len(presets)
    settings = {field.name for field in fields(TrainingConfig)}
    for preset in presets:
        assert set(preset.settings) <= settings
        assert preset.config("text.txt", vocab_size=65).seed == 0


def test_a_preset_reads_the_vocabulary_of_the_text(models):
    config = DEFAULT.on(PLAYS)
    assert config.model.vocab_size == len(set(PLAYS.read_text(encoding="utf-8")))
    assert Path(config.data) == PLAYS.resolve()
    assert list(models.iterdir()) == [], "the text lies where it lay"


def test_a_preset_with_a_text_of_its_own_keeps_it_beside_the_models(models):
    (preset,) = (f.preset for f in FAILURES if f.preset.name == "too-little-data")
    config = preset.on(PLAYS)
    kept = Path(config.data)
    assert kept.is_relative_to(models)
    assert kept.read_text(encoding="utf-8") == PLAYS.read_text(encoding="utf-8")[:3000]
    assert config.model.vocab_size == len(set(kept.read_text(encoding="utf-8")))


def test_the_gallery_shows_the_ten_well_known_failures():
    assert [failure.title for failure in FAILURES] == [
        "Rate too high",
        "Rate too low",
        "No warm-up",
        "No layer norm",
        "No positions",
        "Too little data",
        "No dropout",
        "One head",
        "Deep with norms after",
        "No shortcuts",
    ]
    for failure in FAILURES:
        assert failure.cause.endswith(".")
        assert failure.look_at.endswith(".")


@pytest.mark.parametrize(
    ("name", "differing"),
    [
        ("rate-too-high", {"learning_rate", "steps"}),
        ("rate-too-low", {"learning_rate", "min_learning_rate", "steps"}),
        ("no-warm-up", {"warmup_steps"}),
        ("no-layer-norm", {"norm"}),
        ("no-positions", {"position"}),
        ("too-little-data", {"data", "vocab_size"}),
        ("no-dropout", {"embd_pdrop", "attn_pdrop", "resid_pdrop"}),
        ("one-head", {"n_head"}),
        ("deep-post-norm", {"norm"}),
        ("no-shortcuts", {"residual"}),
    ],
)
@pytest.mark.usefixtures("models")
def test_a_failure_differs_from_its_baseline_in_its_one_cause(name, differing):
    (failure,) = (failure for failure in FAILURES if failure.preset.name == name)
    bad, good = flat(failure.preset.on(PLAYS)), flat(failure.baseline.on(PLAYS))
    found = {key for key in bad if bad[key] != good[key]}
    if name == "no-dropout":  # both read the same beginning, kept under their own names
        assert Path(bad["data"]).read_text() == Path(good["data"]).read_text()
        found -= {"data"}
    assert found == differing


def test_most_failures_share_one_baseline():
    assert sum(failure.baseline is LESSON for failure in FAILURES) == 5


def test_the_loss_that_the_last_letter_allows_is_the_entropy_of_the_plays_pairs_of_letters():
    (failure,) = (failure for failure in FAILURES if failure.preset.name == "no-positions")
    text = PLAYS.read_text(encoding="utf-8")
    pairs, firsts = Counter(itertools.pairwise(text)), Counter(text[:-1])
    surprise = sum(n * math.log(firsts[pair[0]] / n) for pair, n in pairs.items())
    assert f"lingers near {surprise / (len(text) - 1):.3f}," in failure.look_at
