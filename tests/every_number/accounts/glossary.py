"""The page Glossary: bounds, constants and years, word after word."""

import math

import numpy as np
import torch
from transformers import GPT2Config

from accounts.common import Models, Read

GPT2 = GPT2Config()
HALF = torch.finfo(torch.float16)
FRACTION = -int(math.log2(HALF.eps))  # bits


def formula_of_gelu() -> tuple[str, str]:
    """The two constants as the page writes them, if GPT-2's GELU is the formula with them."""
    x = np.linspace(-4, 4, 99)
    by_hand = 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    theirs = torch.nn.functional.gelu(torch.from_numpy(x), approximate="tanh").numpy()
    assert np.allclose(by_hand, theirs)
    assert GPT2.activation_function == "gelu_new"  # transformers' name of that formula
    return "0.5x(1 + tanh(√(2/π)", "0.044715x³"


# In the order of the alphabet. The name of GPT-2 holds a number, too; years are the sources'.
WORDS: dict[str, tuple] = {
    "Adam": (1, 1, 1, 1, 2015),
    "AdamW": (1, 1, 1, 1, 2019),
    "attention": (2017,),
    "batch norm": (2015,),
    "beam search": (2012,),
    "BPE": (1994, 2016),
    "causal mask": (0, 2017),
    "context": (0,),
    "cosine": (1, 0, -1),
    "cross-entropy": (1948,),
    "distinct-n": (2016,),
    "dropout": (0, 0, 1, 2, 2014),
    "embedding": (2, 2003),
    "entropy": (0, 1948),
    "float16": (
        *(HALF.bits, torch.finfo(torch.float32).bits, 1, HALF.bits - 1 - FRACTION, FRACTION),
        *(math.floor(-math.log10(HALF.eps / 2)), HALF.max, 754, 2008),
    ),
    "GELU": (2, *formula_of_gelu(), 2016),
    "gradient": (1986,),
    "head": (2017,),
    "induction head": (1, 2021, 2022),
    "KL divergence": (0, 0, 1951),
    "layer norm": (0, 1, GPT2.layer_norm_epsilon, 0, 2016),
    "min-p": (2024,),
    "MLP": (2017,),
    "momentum": (0.9, 1964),
    "Muon": (2024,),
    "nats": (math.log(2), 1, 2, 1, 1, 2, 1 / math.log(2)),
    "no-repeat n-grams": (2018,),
    "normalised entropy": (0, 1),
    "pattern": (1,),
    "PCA": (1901,),
    "perplexity": (1977,),
    "position embedding": (2, 2018),
    "power law": (10, 2017, 2020),
    "previous-token head": (1, 2021),
    "probability": (0, 1, 1),
    "query, key, value": (2017,),
    "ReLU": (0, 0, 0, 1, 0, 0, 2010),
    "repetition penalty": (0, 1, 2019),
    "residual stream": (2021,),
    "SGD": (1951,),
    "shortcut": (1, 2016),
    "softmax": (0, 1, 1, 1990),
    "t-SNE": (2008,),
    "temperature": (0, 1, 0, 1985),
    "token": (0, 1),
    "tokenizer": (2,),
    "top-k": (2018,),
    "top-p": (2020,),
    "total variation distance": (0, 1),
    "typical sampling": (2022,),
    "UTF-8": (8,),
    "vanishing gradient": (1994,),
    "vocabulary": (0, 1, GPT2.vocab_size, 2),
    "warm-up": (0, 2017),
    "weight tying": (2017, 2017),
}


def look(read: Read, _: Models) -> None:
    """The whole page, which is one text."""
    numbers = [number for values in WORDS.values() for number in values]
    read("glossary").holds(([("The usual way to correct a model's numbers", *numbers)], {}))


VIEWS = {"words": look}
