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
