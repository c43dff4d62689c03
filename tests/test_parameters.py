"""Parameters by formula, beside models that PyTorch and transformers make."""

from dataclasses import replace

import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel

from gptviz import parameters
from gptviz.checkpoints.weights import unfilled
from gptviz.config import GPTConfig
from gptviz.model import GPT

TINY = GPTConfig(20, 8, 3, 2, 8)
FAMILY = {  # layers, heads, width → parameters
    (12, 12, 768): 124_439_808,
    (24, 16, 1024): 354_823_168,
    (36, 20, 1280): 774_030_080,
    (48, 25, 1600): 1_557_611_200,
}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"tie_weights": False},
        {"norm": "none"},
        {"norm": "post"},
        {"position": "none"},
        {"position": "sinusoidal", "qkv_bias": False},
        {"n_inner": 12},
    ],
)
def test_each_part_has_the_parameters_of_the_very_model(changes):
    config = replace(TINY, **changes)
    counted = dict.fromkeys(parameters.formulas(config), 0)
    of = {"wte": "token embedding", "wpe": "position embedding", "lm_head": "output layer"}
    for path, parameter in GPT(config).named_parameters():
        names = path.split(".")
        inner = {"attn": "attention", "mlp": "MLP"}.get(names[2] if names[0] == "h" else "")
        counted[of.get(names[0], inner or "layer norms")] += parameter.numel()
    values = parameters.letters(config)
    by_formula = {
        name: formula.all(values) for name, formula in parameters.formulas(config).items()
    }
    assert by_formula == counted
    assert parameters.count(config) == sum(counted.values()) == GPT(config).n_parameters


@pytest.mark.parametrize(("shape", "count"), FAMILY.items())
def test_gpt_2_has_as_many_as_transformers_makes(shape, count):
    layers, heads, width = shape
    with torch.device("meta"):
        model = GPT2LMHeadModel(GPT2Config(n_layer=layers, n_head=heads, n_embd=width))
    assert sum(parameter.numel() for parameter in model.parameters()) == count
    assert parameters.count(GPTConfig(50_257, 1024, layers, heads, width)) == count


@pytest.mark.parametrize(
    ("changes", "count"),
    [
        ({"n_layer": 4, "n_head": 4, "n_embd": 128, "block_size": 256}, 7_259_008),
        ({"n_layer": 6, "n_head": 6, "n_embd": 384, "block_size": 256}, 30_044_544),
        ({"n_layer": 8, "n_head": 8, "n_embd": 512, "block_size": 256}, 51_082_752),
        (
            {"n_layer": 1, "n_head": 4, "n_embd": 512, "norm": "post", "position": "sinusoidal"},
            28_883_968,
        ),
        ({"tie_weights": False}, 163_037_184),
    ],
)
def test_shapes_of_courses_have_their_counts(changes, count):
    assert parameters.count(replace(GPTConfig(), **changes)) == count


def test_a_second_matrix_for_the_output_is_as_large_as_the_first():
    config = replace(GPTConfig(), tie_weights=False)
    values, parts = parameters.letters(config), parameters.formulas(config)
    ends = [parts[name].all(values) for name in ("token embedding", "output layer")]
    assert ends == [38_597_376, 38_597_376]
    assert sum(ends) == 77_194_752


def test_formulas_are_written_with_letters_and_with_numbers():
    config = GPTConfig()
    values = parameters.letters(config)
    attention = parameters.formulas(config)["attention"]
    assert attention.text == "L × (C × 3C + 3C + C × C + C)"
    assert attention.filled(values) == "12 × (768 × 2,304 + 2,304 + 768 × 768 + 768)"
    assert parameters.formulas(config)["layer norms"].filled(values) == "25 × 2 × 768"
    assert parameters.formulas(config)["output layer"].text == ""


def test_a_shape_of_any_size_is_counted_at_once():
    giant = replace(GPTConfig(), n_layer=1_000_000, n_embd=120_000)
    assert parameters.count(giant) > 1e17


def test_a_model_without_memory_imports_no_compiler(python):
    program = (
        "import sys; from gptviz.checkpoints.weights import unfilled; "
        "from gptviz.config import GPTConfig; unfilled(GPTConfig()); "
        "print('torch._dynamo' in sys.modules)"
    )
    assert python(program) == "False\n"
    assert unfilled(GPTConfig()).n_parameters == 124_439_808
