"""What an exercise says: its introduction, and of each step the question and the result."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from gptviz.app.glossary import term
from gptviz.subjects.by_hand.steps_analysis import Verdict


@dataclass(frozen=True)
class Words:
    """A step in words; numbers in braces are those that it is given, and {answer} its result."""

    question: str
    found: str


INTRODUCTIONS: Mapping[str, str] = MappingProxyType(
    {
        "attention": "How much does token {query_at} “{query}” look at token {key_at} “{key}”? "
        f"In layer {{layer}}, {term('head')} {{head}}, {term('attention')} gives that a number "
        "from 0 to 1. Find it.",
        "layer-norm": "Token {at} “{token}” is a long list of numbers. "
        f"The {term('layer norm')} of layer {{layer}} brings them to one scale before attention "
        "reads them. Do it for one of them.",
        "gelu": "Hidden unit {unit} of layer {layer} has a value for token {at} “{token}”. "
        f"{term('GELU')} decides how much of it goes on.",
        "exact": "Hidden unit {unit} of layer {layer} has a value for token {at} “{token}”. "
        f"{term('GELU')} decides how much of it goes on.",
        "relu": "Hidden unit {unit} of layer {layer} has a value for token {at} “{token}”. "
        "ReLU decides how much of it goes on.",
        "softmax": "How likely is “{token}” as the token after {at} “{after}”, at "
        f"{term('temperature')} {{temperature}}? The model has a score for it, the logit; "
        f"{term('softmax')} makes a {term('probability')} of it.",
        "cross-entropy": "How wrong was the model about token {at} “{token}”, given the ones "
        f"before it? That number is the {term('loss')}: training makes it small.",
    }
)

_POWER = Words(
    "Softmax, first half: of all these numbers the largest is {largest}. Take it away, which "
    "changes no share and keeps the next numbers small, and raise e to what is left, with the key "
    "eˣ or exp: e to the power of ({value} − {largest})",
    "e to the power of ({value} − {largest}) = **{answer}**",
)
_SHARE = Words(
    "Softmax, second half: its share of the sum of all. The others, made alike, have {others}; "
    "the last number stands for all the rest together. {power} ÷ ({power} + {others})",
    "{power} ÷ ({power} + {others}) = **{answer}**",
)

STEPS: Mapping[tuple[str, str], Words] = MappingProxyType(
    {
        ("attention", "fit"): Words(
            "q is what the one token looks for, k what the other offers. They were multiplied "
            "number by number already, as the table shows; add up its last column: {sum}",
            "q·k = {sum} = **{answer}**",
        ),
        ("attention", "score"): Words(
            "Divide by √d, so that the result stays small however many numbers q and k have; here "
            "d is {d}: {fit} ÷ {root}",
            "score = {fit} ÷ √{d} = {fit} ÷ {root} = **{answer}**",
        ),
        ("attention", "power"): _POWER,
        ("attention", "share"): _SHARE,
        ("layer-norm", "mean"): Words(
            "The {n} numbers add up to {total}. What is their mean? {total} ÷ {n}",
            "mean = {total} ÷ {n} = **{answer}**",
        ),
        ("layer-norm", "variance"): Words(
            "Take the mean away from each number, square what is left, and add up: that makes "
            "{squares}. The variance is the mean of these squares: {squares} ÷ {n}",
            "variance = {squares} ÷ {n} = **{answer}**",
        ),
        ("layer-norm", "root"): Words(
            "How far do the numbers usually lie from their mean? A tiny ε, here {epsilon}, keeps "
            "everybody from dividing by 0: √({variance} + {epsilon})",
            "√({variance} + {epsilon}) = **{answer}**",
        ),
        ("layer-norm", "normalized"): Words(
            "Number {entry} of the list is {x}. Take the mean away and divide: "
            "({x} − {mean}) ÷ {root}",
            "({x} − {mean}) ÷ {root} = **{answer}**",
        ),
        ("layer-norm", "output"): Words(
            "Last, what the model has learnt for this place of the list: times γ, plus β. "
            "{normalized} × {gamma} + {beta}",
            "{normalized} × {gamma} + {beta} = **{answer}**",
        ),
        ("gelu", "cubed"): Words(
            "The value x is {x}. Begin with x + 0.044715 × x × x × x",
            "x + 0.044715 x³ = **{answer}**, with x = {x}",
        ),
        ("gelu", "narrowed"): Words(
            "Times √(2 ÷ π), which is 0.7979: 0.7979 × {inner}",
            "u = 0.7979 × {inner} = **{answer}**",
        ),
        ("gelu", "tanh"): Words(
            "The key tanh bends it to a number between −1 and 1. If yours has no such key: "
            "tanh u = 1 − 2 ÷ (e to the power of (2 × u) + 1). So what is tanh of {u}?",
            "tanh of {u} = **{answer}**",
        ),
        ("gelu", "result"): Words(
            "And half of that, times x: 0.5 × {x} × (1 + {tanh})",
            "GELU = 0.5 × {x} × (1 + {tanh}) = **{answer}**",
        ),
        ("exact", "part"): Words(
            "The value x is {x}. Of a bell curve around 0, a part of {left} lies left of it; so "
            "much of x goes on: {x} × {left}",
            "GELU = {x} × {left} = **{answer}**",
        ),
        ("relu", "kept"): Words(
            "The value is {x}. What is above 0 goes on as it is; of the rest nothing does, so 0.",
            "ReLU of {x} = **{answer}**",
        ),
        ("softmax", "divided"): Words(
            "Divide the logit by the temperature: {logit} ÷ {temperature}",
            "{logit} ÷ {temperature} = **{answer}**",
        ),
        ("softmax", "power"): _POWER,
        ("softmax", "share"): _SHARE,
        ("cross-entropy", "loss"): Words(
            "The model gave this token a probability of {p}. The loss is −ln of that, with the "
            "key ln: the less likely, the larger. −ln {p}",
            "loss = −ln {p} = **{answer}** nats",
        ),
        ("cross-entropy", "mean"): Words(
            "The loss of a text is the mean of all its tokens but the first. The other {n_others} "
            "have {others} together: ({loss} + {others}) ÷ {n}",
            "loss of the text = ({loss} + {others}) ÷ {n} = **{answer}** nats",
        ),
        ("cross-entropy", "perplexity"): Words(
            "Among how many tokens would one have to guess blindly to be as unsure? That is the "
            "perplexity, e to the power of the loss: e to the power of {mean}",
            "perplexity = e to the power of {mean} = **{answer}**",
        ),
    }
)

SAID: Mapping[Verdict, str] = MappingProxyType(
    {
        "near": "Close. You rounded too early: take all the digits that stand here.",
        "sign": "The number is right, its sign is not.",
        "ten times": "The digits are right. Look at the decimal point again.",
        "wrong": "Not yet. Calculate once more what the step says, with brackets where they stand.",
    }
)
NO_NUMBER = "That is no number. Type digits, as 0.312, −1.5 or 31 %."
