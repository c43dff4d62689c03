"""Exercises by hand: what is asked follows from what is shown, and the model agrees."""

import math
import re

import numpy as np
import pytest
import torch
from transformers import GPT2LMHeadModel

import gptviz
from gptviz import GPT, GPTConfig, LanguageModel, checkpoints
from gptviz.subjects import by_hand
from gptviz.subjects.by_hand.steps_analysis import Exercise, Step, verdict

PROMPT = "'My name is Rumpelstiltskin,' said the little man. 'Rump"
NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
DRAWS = 50  # of each kind, a position, layer, head and temperature each


def numbers(text: str) -> list[float]:
    """The numbers of a text as somebody reads it, each with the sign that stands before it."""
    return [
        float(found[0].replace(",", "")) * (-1 if "−" in text[: found.start()][-2:] else 1)
        for found in NUMBER.finditer(text)
    ]


def number(text: str) -> float:
    (found,) = numbers(text)
    return found


def with_a_calculator(exercise: Exercise, step: Step) -> float:
    """What comes out of the numbers of a question, by the formulas of the books."""
    given = {name: text for name, text in step.given.items() if NUMBER.search(text)}

    def of(name: str) -> float:
        return number(given[name])

    match exercise.name, step.name:
        case "attention", "fit":
            return sum(numbers(given["sum"]))
        case "attention", "score":
            return of("fit") / of("root")
        case _, "power":
            return math.exp(of("value") - of("largest"))
        case _, "share":
            return of("power") / (of("power") + sum(numbers(given["others"])))
        case "layer-norm", "mean":
            return of("total") / of("n")
        case "layer-norm", "variance":
            return of("squares") / of("n")
        case "layer-norm", "root":
            return math.sqrt(of("variance") + of("epsilon"))
        case "layer-norm", "normalized":
            return (of("x") - of("mean")) / of("root")
        case "layer-norm", "output":
            return of("normalized") * of("gamma") + of("beta")
        case "gelu", "cubed":
            return of("x") + 0.044715 * of("x") ** 3
        case "gelu", "narrowed":
            return 0.7979 * of("inner")
        case "gelu", "tanh":
            return 1 - 2 / (math.exp(2 * of("u")) + 1)
        case "gelu", "result":
            return 0.5 * of("x") * (1 + of("tanh"))
        case "exact", "part":
            return of("x") * of("left")
        case "relu", "kept":
            return max(0.0, of("x"))
        case "softmax", "divided":
            return of("logit") / of("temperature")
        case "cross-entropy", "loss":
            return -math.log(of("p"))
        case "cross-entropy", "mean":
            return (of("loss") + of("others")) / of("n")
        case "cross-entropy", "perplexity":
            return math.exp(of("mean"))
    raise AssertionError(f"nobody told how to calculate {exercise.name}, {step.name}")


def three_digits(value: float) -> str:
    """A result as somebody types it who keeps three digits, with a decimal comma."""
    return np.format_float_positional(value, precision=3, fractional=False).replace(".", ",")


@pytest.fixture(scope="module")
def tales() -> LanguageModel:
    return gptviz.load("tales")


@pytest.fixture(
    scope="module",
    params=["tales", "tiny", "post-norm", "exact", "relu"],
)
def lm(request, tales, tiny_lm) -> LanguageModel:
    """The model on board, one of hardly any numbers, and others with large random ones."""
    if request.param in ("tales", "tiny"):
        return tales if request.param == "tales" else tiny_lm
    more = {
        "post-norm": {"norm": "post"},
        "exact": {"activation": "gelu"},
        "relu": {"activation": "relu"},
    }[request.param]
    config = GPTConfig(tiny_lm.config.vocab_size, block_size=64, n_layer=2, n_head=2, n_embd=48)
    config = GPTConfig(**{**config.__dict__, **more})
    generator = torch.Generator().manual_seed(0)
    model = GPT(config, generator)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.5, generator=generator)
    return LanguageModel(model, tiny_lm.tokenizer, request.param, request.param)


@pytest.fixture(scope="module")
def exercises(lm: LanguageModel) -> list[Exercise]:
    """Many exercises of each kind."""
    trace = lm.trace(PROMPT)
    found = []
    for seed in range(DRAWS):
        draw = np.random.default_rng(seed)
        layer, head = int(draw.integers(lm.config.n_layer)), int(draw.integers(lm.config.n_head))
        position = int(draw.integers(1, len(trace.ids)))
        temperature = (0.01, 0.2, 0.8, 1, 1.37, 2)[seed % 6]
        found += [
            by_hand.attention_cell(trace, layer, head, position, seed),
            by_hand.layer_norm(lm, trace, layer, position, seed),
            by_hand.activation(lm, trace, layer, position, seed),
            by_hand.softmax(trace, temperature, position, seed),
            by_hand.cross_entropy(trace, position),
        ]
    return found


def test_each_answer_is_reached_from_the_numbers_shown_and_the_model_agrees(exercises):
    for exercise in exercises:
        for step in exercise.steps:
            case = f"{exercise.tensor}, {step}"
            found = with_a_calculator(exercise, step)
            assert found == pytest.approx(step.answer, rel=1e-9, abs=1e-12), case
            for typed in (three_digits(found), step.shown):
                assert verdict(step, by_hand.typed_number(typed)) == "right", case
            assert verdict(step, step.own) == "right", case


def test_each_step_is_given_what_the_one_before_it_found(exercises):
    for exercise in exercises:
        for before, step in zip(exercise.steps, exercise.steps[1:], strict=False):
            shown = " ".join(step.given.values())
            if (before.name, step.name) != ("mean", "variance"):  # the mean is needed later
                assert before.shown in shown, (before, step)


def test_what_the_model_has_is_what_hugging_face_s_has(tales):
    theirs = GPT2LMHeadModel.from_pretrained(
        checkpoints.find("tales"), attn_implementation="eager", dtype=torch.float32
    ).eval()
    kept: dict[str, torch.Tensor] = {}
    block = theirs.transformer.h[4]
    for name, module in (("ln_1", block.ln_1), ("act", block.mlp.act)):
        module.register_forward_hook(lambda _m, _i, out, name=name: kept.update({name: out[0]}))
    trace = tales.trace(PROMPT)
    with torch.inference_mode():
        out = theirs(torch.tensor([trace.ids]), output_attentions=True)
    log_p = out.logits[0].double().log_softmax(-1)
    nats = -log_p[torch.arange(len(trace.ids) - 1), trace.ids[1:]].numpy()
    position = 7

    def last(exercise: Exercise) -> tuple[float, list[int]]:
        return exercise.steps[-1].own, [int(n) for n in re.findall(r"\d+", exercise.tensor)]

    for seed in range(20):
        value, place = last(by_hand.attention_cell(trace, 4, 3, position, seed))
        assert place[:3] == [4, 3, position]
        assert value == pytest.approx(float(out.attentions[4][0, 3, position, place[3]]), abs=1e-5)
        value, place = last(by_hand.layer_norm(tales, trace, 4, position, seed))
        assert value == pytest.approx(float(kept["ln_1"][position, place[-1]]), abs=1e-4)
        value, place = last(by_hand.activation(tales, trace, 4, position, seed))
        assert value == pytest.approx(float(kept["act"][position, place[-1]]), abs=1e-4)
        value, place = last(by_hand.softmax(trace, 0.7, position, seed))
        p = (out.logits[0, position].double() / 0.7).softmax(-1)
        assert value == pytest.approx(float(p[place[-1]]), abs=1e-5)
    loss, mean, perplexity = by_hand.cross_entropy(trace, position).steps
    assert loss.own == pytest.approx(nats[position - 1], abs=1e-4)
    assert mean.own == pytest.approx(nats.mean(), abs=1e-4)
    assert perplexity.own == pytest.approx(np.exp(nats.mean()), rel=1e-4)


def test_the_table_of_products_adds_up_to_the_first_answer(tales):
    made = by_hand.attention_cell(tales.trace(PROMPT), 2, 1, 9, 0)
    column = made.given["q × k"]
    assert sum(number(text) for text in column) == pytest.approx(made.steps[0].answer)
    q, k = (made.given[name].iloc[0] for name in ("q", "k"))
    assert number(q) * number(k) == pytest.approx(number(column.iloc[0]), rel=1e-3)
    assert made.given["dimension"].iloc[-1] == "the other 28"


def test_a_seed_draws_the_same_again_and_others_draw_others(tales):
    trace = tales.trace(PROMPT)
    tensors = [by_hand.layer_norm(tales, trace, 1, 5, seed).tensor for seed in range(20)]
    assert tensors == [by_hand.layer_norm(tales, trace, 1, 5, seed).tensor for seed in range(20)]
    assert len(set(tensors)) > 10


def test_a_token_that_looks_only_at_itself_has_all_its_attention(tales):
    *_, share = by_hand.attention_cell(tales.trace(PROMPT), 0, 0, 0, 0).steps
    assert (share.answer, share.own) == (1, 1)


def test_a_model_without_norms_has_none_to_calculate(tiny_lm):
    config = GPTConfig(**{**tiny_lm.config.__dict__, "norm": "none"})
    bare = LanguageModel(GPT(config), tiny_lm.tokenizer, "bare", "bare")
    with pytest.raises(ValueError, match="has no layer norm"):
        by_hand.layer_norm(bare, bare.trace("the cat"), 0, 1, 0)


def test_the_first_token_has_no_loss(tales):
    with pytest.raises(ValueError, match="choose a later position"):
        by_hand.cross_entropy(tales.trace(PROMPT), 0)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("0.312", 0.312),
        ("0,312", 0.312),
        (" −1,5 ", -1.5),
        ("-.5", -0.5),
        ("+3", 3),
        ("31 %", 0.31),
        ("1e-3", 0.001),
        ("3.", 3),
    ],
)
def test_a_number_is_understood_as_it_is_typed(text, meant):
    assert by_hand.typed_number(text) == pytest.approx(meant)


@pytest.mark.parametrize(
    "text", ["", "abc", "1,234.5", "1/3", "nan", "inf", "²", "٣", "--1", "1e999", "9" * 5000, "%"]
)
def test_what_is_no_number_is_none(text):
    assert by_hand.typed_number(text) is None


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (2.0, "right"),
        (1.985, "right"),
        (2.05, "near"),
        (-2.0, "sign"),
        (20.0, "ten times"),
        (0.2, "ten times"),
        (2.5, "wrong"),
        (0.0, "wrong"),
    ],
)
def test_the_likeliest_mistake_is_told(typed, said):
    assert verdict(Step("any", {}, answer=2.0, own=2.0), typed) == said


def test_a_forgotten_division_by_the_root_of_d_does_not_pass(tales):
    trace = tales.trace(PROMPT)
    for seed in range(DRAWS):
        fit, score, *_ = by_hand.attention_cell(trace, seed % 6, seed % 8, 9, seed).steps
        if abs(fit.answer) > 0.1:
            assert verdict(score, fit.answer) != "right"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (12.3456, "12.346"),
        (-0.0421234, "−0.04212"),
        (0.0, "0.000"),
        (-1e-15, "0.000000000000"),
        (1234.5, "1234.500"),
        (0.5, "0.5000"),
    ],
)
def test_a_number_is_written_with_three_decimals_or_four_digits(value, text):
    assert by_hand.written(value) == text


def test_what_is_no_number_is_not_written():
    with pytest.raises(ValueError, match="NaN"):
        by_hand.written(math.nan)
