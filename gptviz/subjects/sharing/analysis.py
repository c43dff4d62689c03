"""A logit as the product of two vectors, and what a matrix of its own for them would cost."""

from dataclasses import dataclass, replace

import pandas as pd
import torch

from gptviz import parameters
from gptviz.activations import Trace
from gptviz.config import GPTConfig
from gptviz.language_model import LanguageModel
from gptviz.subjects.anatomy import memory_analysis

SHARED, OWN = "shared", "its own"


@dataclass(frozen=True, eq=False)
class Logit:
    """How one logit comes about: what the network made of a position, times a token's vector."""

    table: pd.DataFrame  # a row a dimension, the largest product first
    total: float  # of all products
    recorded: float  # the logit of the run
    lengths: tuple[float, float]  # of the two vectors
    cosine: float  # of the two; 0 where one has no length
    to_embedding: float  # cosine of the token's vector with the one that it is read as


@torch.inference_mode()
def logit(lm: LanguageModel, trace: Trace, position: int, token: int) -> Logit:
    """The products whose sum is logits[position, token].

    The table has the columns dimension, output (ln_f at the position), token (the row of the
    output layer's matrix) and product. Where the matrix is shared (Press and Wolf, 2017, Using the
    Output Embedding to Improve Language Models), that row is also what the token is read as.
    """
    output = trace["ln_f"][position].double()
    row, read = (matrix[token].double() for matrix in (lm.model.unembedding, lm.model.wte.weight))
    products = output * row
    order = products.abs().argsort(descending=True, stable=True)
    table = pd.DataFrame(
        {
            "dimension": order.numpy(),
            "output": output[order].numpy(),
            "token": row[order].numpy(),
            "product": products[order].numpy(),
        }
    )
    return Logit(
        table,
        float(products.sum()),
        float(trace.logits[position, token]),
        (float(output.norm()), float(row.norm())),
        float(torch.cosine_similarity(output, row, dim=0)),
        float(torch.cosine_similarity(row, read, dim=0)),
    )


def likeliest(lm: LanguageModel, trace: Trace, position: int, n: int = 20) -> pd.DataFrame:
    """The tokens with the largest logits after a position: token, id, logit."""
    logits = trace.logits[position, : lm.tokenizer.vocab_size]
    top = logits.topk(min(n, len(logits)))
    ids = top.indices.tolist()
    return pd.DataFrame(
        {"token": lm.tokenizer.pieces(ids), "id": ids, "logit": top.values.double().numpy()}
    )


def costs(config: GPTConfig) -> pd.DataFrame:
    """What a shape takes with a shared matrix and with one of its own, a row each.

    Columns: matrix, parameters, V × C (of them, in the output layer alone), MiB (all parameters in
    32 bits), training MiB (with a gradient and two running means for each).
    """
    rows = []
    for matrix, is_tied in ((SHARED, True), (OWN, False)):
        shape = replace(config, tie_weights=is_tied)
        layer = parameters.formulas(shape)["output layer"].all(parameters.letters(shape))
        needed = memory_analysis.training(shape)
        kept = needed.weights + needed.gradients + needed.optimizer
        rows.append((matrix, parameters.count(shape), layer, needed.weights / 2**20, kept / 2**20))
    return pd.DataFrame(rows, columns=["matrix", "parameters", "V × C", "MiB", "training MiB"])
