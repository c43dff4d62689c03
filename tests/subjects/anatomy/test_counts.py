"""What a shape takes, beside transformers, PyTorch's own counter of operations, and real caches."""

from dataclasses import replace

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import GPT2Config, GPT2LMHeadModel

from gptviz import anatomy, parameters
from gptviz.checkpoints.weights import unfilled
from gptviz.config import GPTConfig
from gptviz.jobs import estimate
from gptviz.subjects.anatomy import work_analysis
from gptviz.training.config import TrainingConfig

TINY = GPTConfig(20, 8, 3, 2, 8)
SMALL = GPTConfig()
UNTIED = replace(SMALL, qkv_bias=False, tie_weights=False)


def test_gpt_2_small_untied_and_without_biases_has_the_numbers_of_the_book():
    table = anatomy.parts(UNTIED).set_index("part")
    assert table["parameters"].sum() == 163_009_536
    assert anatomy.without_output_layer(UNTIED) == 124_412_160
    assert table.loc["attention", "one"] == 2_360_064
    assert table.loc["MLP", "one"] == 4_722_432
    assert table.loc["output layer", "filled"] == "50,257 × 768"
    assert table["share"].sum() == pytest.approx(1)


def test_a_part_without_parameters_says_why():
    table = anatomy.parts(SMALL).set_index("part")
    assert table.loc["output layer", "parameters"] == 0
    assert table.loc["output layer", "formula"] == "the token embedding, used again"
    assert anatomy.without_output_layer(SMALL) == 124_439_808


def test_sizes_are_told_in_millions_and_in_powers_of_two():
    table = anatomy.sizes(UNTIED).set_index("bits")
    assert f"{table.loc[32, 'MiB']:.2f}" == "621.83"
    assert table["bytes"].tolist() == [4 * 163_009_536, 2 * 163_009_536, 163_009_536]
    assert table.loc[16, "MB"] == pytest.approx(326.019072)


def test_the_largest_gpt_3_is_counted_as_transformers_makes_it():
    config = anatomy.PUBLISHED["gpt3-175b"].config
    with torch.device("meta"):
        model = GPT2LMHeadModel(GPT2Config(n_positions=2048, n_layer=96, n_head=96, n_embd=12_288))
    assert parameters.count(config) == sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize("model", anatomy.PUBLISHED.values(), ids=anatomy.PUBLISHED)
def test_a_published_size_is_about_what_its_paper_says(model):
    assert parameters.count(model.config) == pytest.approx(model.said * 1e6, rel=0.08)


def test_the_family_has_a_row_for_each_model_and_one_for_another_shape():
    table = anatomy.family(TINY, "mine")
    assert table["model"].tolist()[:2] == ["mine", "GPT-2 Small"]
    assert len(table) == 1 + len(anatomy.PUBLISHED) == 1 + len(anatomy.family())
    assert table["published"].isna().tolist() == [True] + [False] * 12


def test_the_key_value_cache_is_that_of_the_model_and_of_transformers():
    ours = unfilled(TINY).new_cache()
    n_bytes = sum(layer.keys.nbytes + layer.values.nbytes for layer in ours)
    assert anatomy.cache(TINY) == n_bytes
    theirs = GPT2LMHeadModel(
        GPT2Config(vocab_size=20, n_positions=8, n_layer=3, n_head=2, n_embd=8)
    ).eval()
    with torch.inference_mode():
        kept = theirs(torch.arange(8)[None], use_cache=True).past_key_values
    assert n_bytes == sum(
        part.nbytes for layer in kept.layers for part in (layer.keys, layer.values)
    )


def test_the_memory_of_training_is_what_the_form_of_the_page_training_tells():
    table = anatomy.memory(TINY).set_index(["use", "holds"])["MB"]
    told = estimate.memory(TrainingConfig(TINY, "any", batch_size=1))
    for holds in ("weights", "gradients", "optimizer", "activations", "logits"):
        assert table["training", holds] * 1e6 == pytest.approx(getattr(told, holds))
    assert table["writing", "weights"] * 1e6 == pytest.approx(4 * parameters.count(TINY))


@pytest.mark.parametrize("shape", [TINY, replace(SMALL, block_size=64), UNTIED])
def test_the_operations_of_a_text_are_those_that_pytorch_counts(shape):
    n = min(shape.block_size, 16)
    with torch.device("meta"):
        model = GPT2LMHeadModel(
            GPT2Config(
                vocab_size=shape.vocab_size,
                n_positions=shape.block_size,
                n_layer=shape.n_layer,
                n_head=shape.n_head,
                n_embd=shape.n_embd,
                attn_implementation="eager",
            )
        )
        ids = torch.zeros(1, n, dtype=torch.long)
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        model(ids)
    # Every row of its patterns is as long as the text.
    assert n * anatomy.flops(shape, n) == counter.get_total_flops()


def test_only_looking_back_takes_more_for_a_later_token():
    first, last = anatomy.work(SMALL, 1), anatomy.work(SMALL, 1024)
    grown = last["FLOPs"] != first["FLOPs"]
    assert last["part"][grown].tolist() == ["scores", "weighted sum"]
    assert anatomy.ends(SMALL)["token"].unique().tolist() == ["token 1", "token 1,024"]
    with pytest.raises(ValueError, match="looks at 1 to 1,024 tokens"):
        anatomy.work(SMALL, 1025)


@pytest.mark.parametrize("changes", [{}, {"block_size": 1}, {"tie_weights": False}])
def test_a_small_shape_is_measured_here_and_tells_how_far_it_is(changes):
    steps = []
    config = replace(TINY, **changes)
    found = anatomy.measure(config, lambda done, whole: steps.append((done, whole)))
    assert [done for done, _ in steps] == list(range(steps[0][1]))
    assert found.n_read == config.block_size
    table = anatomy.comparison(config, found)
    assert table["measured"].tolist() == [found.forward, found.token]
    assert (table[["predicted", "measured"]] > 0).all(axis=None)


def test_a_prediction_is_the_longer_of_calculating_and_bringing_the_weights():
    found = anatomy.Measured(8, 1.0, 1.0, flops_per_second=1e3, bytes_per_second=1e9)
    slow = anatomy.comparison(TINY, found)["predicted"]
    assert slow.tolist() == [8 * anatomy.flops(TINY, 8) / 1e3, anatomy.flops(TINY, 8) / 1e3]
    found = replace(found, flops_per_second=1e12, bytes_per_second=10.0)
    met = 4 * (parameters.count(TINY) - 8 * 8)  # all but the positions, of which one row is read
    assert anatomy.comparison(TINY, found)["predicted"].tolist() == [met / 10] * 2


def test_what_would_not_fit_is_refused_before_anything_is_made(monkeypatch):
    monkeypatch.setattr(work_analysis, "unfilled", None)
    with pytest.raises(ValueError, match=r"would take 698\.4 GB"):
        anatomy.measure(anatomy.PUBLISHED["gpt3-175b"].config)
    with pytest.raises(ValueError, match="1,000 layers take too long"):
        anatomy.measure(replace(TINY, n_layer=1000))
    monkeypatch.setattr(estimate, "available_memory", lambda: 1_000)
    with pytest.raises(ValueError, match=r"and 0\.0 GB are free here"):
        anatomy.measure(TINY)
