"""The page Anatomy: formulas by hand, and models of transformers that take no memory."""

import math
from functools import partial
from typing import Any

import numpy as np
import torch
from scipy.stats import norm as normal
from torch.utils.flop_counter import FlopCounterMode
from transformers import GPT2Config, GPT2LMHeadModel

from accounts.common import Expected, Models, Read, numbered, ticks
from accounts.reference import Reference

# Radford et al. (2019), table 2, and Brown et al. (2020), table 2.1: layers, heads, width, context,
# and millions of parameters as the papers say.
FAMILY = {
    "GPT-2 Small": (12, 12, 768, 1024, 117),
    "GPT-2 Medium": (24, 16, 1024, 1024, 345),
    "GPT-2 Large": (36, 20, 1280, 1024, 762),
    "GPT-2 XL": (48, 25, 1600, 1024, 1542),
    "GPT-3 Small": (12, 12, 768, 2048, 125),
    "GPT-3 Medium": (24, 16, 1024, 2048, 350),
    "GPT-3 Large": (24, 16, 1536, 2048, 760),
    "GPT-3 XL": (24, 16, 2048, 2048, 1_300),
    "GPT-3 2.7B": (32, 32, 2560, 2048, 2_700),
    "GPT-3 6.7B": (32, 32, 4096, 2048, 6_700),
    "GPT-3 13B": (40, 40, 5120, 2048, 13_000),
    "GPT-3 175B": (96, 96, 12_288, 2048, 175_000),
}
TENSOR = "h.1.mlp.c_fc.weight"
BINS = 80
MIB = 2**20
FORMULAS = (
    "V × C",
    "T × C",
    "L × (C × 3C + 3C + C × C + C)",
    "L × (C × D + D + D × C + C)",
    "(2L + 1) × 2 × C",
)


def count(config: GPT2Config) -> int:
    """The parameters of a model of transformers, which is not made."""
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in GPT2LMHeadModel(config).parameters())


def numbers(ref: Reference) -> dict[str, int]:
    """How many parameters there are in each part, by the names of transformers."""
    found = dict.fromkeys(("wte", "wpe", "attn", "mlp", "ln"), 0)
    for name, parameter in ref.theirs.named_parameters():
        found[next(part for part in found if part in name)] += parameter.numel()
    return found


def parts(ref: Reference) -> Expected:
    L, C, V, T = ref.L, ref.C, ref.V, ref.context
    own = [*numbers(ref).values(), 0]  # the output layer is the embedding
    whole = sum(own)
    ones = [own[0], own[1], own[2] // L, own[3] // L, own[4] // (2 * L + 1), 0]
    filled = [
        (V, C),
        (T, C),
        (L, C, 3 * C, 3 * C, C, C, C),
        (L, C, 4 * C, 4 * C, 4 * C, C, C),
        (2 * L + 1, 2, C),
        (0,),
    ]
    assert [math.prod(filled[i]) for i in (0, 1, 4)] == [own[i] for i in (0, 1, 4)]
    for i, (layers, a, b, bias, c, d, last) in ((i, filled[i]) for i in (2, 3)):
        assert layers * (a * b + bias + c * d + last) == own[i]
    bits = (32, 16, 8)
    sizes = [n // 8 * whole for n in bits]
    rows = [(*values, n) for values, n in zip(filled, own, strict=True)]
    rows[4] = (1, 2, *rows[4])  # "(2L + 1) × 2 × C" is written beside it
    shown = {
        "parts.0.customdata": [*filled],
        "parts.0.text": [short(n) + ((n / whole,) if n else ()) for n in own],
        "parts.0.x": own,
        "parts_table.formula": numbered(FORMULAS),
        "parts_table.filled": [*filled],
        "parts_table.one": ones,
        "parts_table.parameters": own,
        "parts_table.share": [n / whole for n in own],
        "sizes_table.bits": [*bits],
        "sizes_table.bytes": sizes,
        "sizes_table.MB": [n / 1e6 for n in sizes],
        "sizes_table.MiB": [n / MIB for n in sizes],
    }
    said = [
        ("In each layer, attention has", whole, ones[2], ones[3], ones[3] / ones[2]),
        ("Each bar is how many numbers", whole),
        ("| part | formula | in numbers", *(n for row in rows for n in row), whole),
        ("L layers, C width", 4),
        ("| a number in | MB | MiB", *(x for n in bits for x in room(n, whole))),
        ("A number of {} bits takes", 32, 32 // 8, 16, 8, len(bits), "2²⁰", MIB),
    ]
    return said, shown


def room(bits: int, whole: int) -> tuple[int, float, float]:
    """Bits a number, and the millions of bytes and MiB of so many numbers."""
    return bits, bits * whole / 8e6, bits * whole / 8 / MIB


def short(number: float) -> tuple:
    """A count in three digits and its suffix, as parts of a label."""
    for size, suffix in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return (f"{number / size:.3g}{suffix}",)
    return (number,)


def family(ref: Reference) -> Expected:
    own = (ref.L, ref.H, ref.C, ref.context, math.nan)
    shapes = np.array([own, *FAMILY.values()])
    counts = [count(ref.theirs.config)]
    for layers, heads, width, context, _ in FAMILY.values():
        sizes = {"n_head": heads, "n_embd": width, "n_positions": context}
        one, two = (count(GPT2Config(n_layer=n, **sizes)) for n in (1, 2))
        counts.append(one + (layers - 1) * (two - one))
    assert 24 * 128 != 2048 == 16 * 128
    assert 40 * 128 == 5120 != 5140
    shown = {
        "family.0.customdata": [(n,) for n in counts],
        "family.0.text": numbered(f"  {short(n)[0]}" for n in counts),
        "family.0.x": counts,
        "family.0.y": [*FAMILY],
        "family.1.x": 1e6 * shapes[1:, 4],
        "family.1.y": [*FAMILY],
        "family_table.model": [*FAMILY],
        "family_table.parameters": counts,
        "family_table.MiB": [4 * n / MIB for n in counts],
    }
    columns = ("layers", "heads", "width", "context", "published")
    shown |= {f"family_table.{name}": shapes[:, i] for i, name in enumerate(columns)}
    said = [
        ("The further to the right", len(counts), 2, 117, counts[1] / 1e6, 3, 2),
        ("How many heads share a width", 3, 24, 128, 2048, 16, 3, 5140, 40, 128, 5120),
    ]
    return said, shown


def memory(ref: Reference) -> Expected:
    L, H, C, V, T = ref.L, ref.H, ref.C, ref.V, ref.context
    weights = 4 * count(ref.theirs.config)
    cache = L * 2 * T * C * 4
    # Of each token and layer 17 vectors, a byte for all that dropout may drop, and of attention
    # four patterns; at the ends 22 vectors a token. Logits, their gradient, and twice the matrix.
    layer = 4 * 17 * C + 2 * C + 4 * 4 * H * T
    activations, logits = T * (L * layer + 4 * 22 * C), 4 * (T + T + 2 * C) * V
    held = {
        "writing": [weights, cache],
        "training": [weights, weights, 2 * weights, activations, logits],
    }
    all_held = np.array([*held["writing"], *held["training"]])
    most = 4e8 + 4 * weights + max(activations + logits, 3 * weights)  # or a checkpoint's copies
    shown: dict[str, Any] = {
        "memory_table.MB": all_held / 1e6,
        "memory_table.MiB": all_held / MIB,
        "memory.0.x": [weights / MIB] * 2,
        "memory.1.x": cache / MIB,
    }
    shown |= {f"memory.{i}.x": held["training"][i - 1] / MIB for i in range(2, 6)}
    formula = (2, 4, L, 2, T, C, 4)
    said = [
        ("Writing with it takes", (weights + cache) / 1e3, most / 1e6, lambda free: free > 0),
        ("what writing a text of the whole context keeps", len(all_held)),
        ("Keys and values of a full context", *formula, cache, cache / 1e3, 4, cache / T),
    ]
    return said, shown


def work(ref: Reference) -> Expected:
    L, C, V, T = ref.L, ref.C, ref.V, ref.context
    rows = []
    for n in (1, T):
        looking = 2 * L * n * C
        rows.append([L * 6 * C**2, looking, looking, L * 2 * C**2, L * 16 * C**2, 2 * C * V])
    with FlopCounterMode(display=False) as counter:
        ref.theirs(torch.tensor([[0]]))
    assert counter.get_total_flops() == sum(rows[0])
    filled = []
    for n in (1, T):
        filled += [(L, 2, C, 3 * C), (L, 2, n, C), (L, 2, n, C), (L, 2, C, C)]
        filled += [(L, 2, C, 4 * C, 2, 4 * C, C), (2, C, V)]
    formulas = ("L × 2 × C × 3C", "L × 2 × n × C", "L × 2 × n × C", "L × 2 × C × C")
    formulas += ("L × (2 × C × D + 2 × D × C)", "2 × C × V")
    tokens = ["token 1", f"token {T}"]
    shown: dict[str, Any] = {
        "work_table.formula": [*formulas] * 2,
        "work_table.filled": filled,
        "work_table.FLOPs": rows,
        "work_table.token": [token for token in tokens for _ in formulas],
    }
    for i, values in enumerate(zip(*rows, strict=True)):
        shown |= {f"work.{i}.x": [*values], f"work.{i}.y": tokens}
    whole, n_parameters = sum(rows[1]), count(ref.theirs.config)
    share = 2 * rows[1][1] / whole
    said = [
        ("The last token of a full context", whole, whole / n_parameters, share, 3 * whole),
        ("Each bar is what there is to calculate", 2 * len(formulas)),
    ]
    return said, shown


def spectrum(matrix: np.ndarray) -> Expected:
    values = np.linalg.svd(matrix, compute_uv=False)
    squares = np.cumsum(values**2) / (values**2).sum()
    long, narrow = (math.sqrt(size) for size in matrix.shape)
    low, high = (matrix.std() * end for end in (long - narrow, long + narrow))
    # Johnstone (2001); 999 of 1,000 lie below 3.27 in the distribution of Tracy and Widom.
    sigma = (long + narrow) * (1 / long + 1 / narrow) ** (1 / 3)
    beyond = (values**2 > matrix.var() * ((long + narrow) ** 2 + 3.27 * sigma)).sum()
    half, most = (1 + int((squares < share).sum()) for share in (0.5, 0.9))
    shown = {
        "weights_spectrum.0.x": range(1, len(values) + 1),
        "weights_spectrum.0.y": values,
        "weights_spectrum.shapes": [0, 1, low, high],
        "weights_spectrum.yaxis": ticks(np.array([values[-1], max(values[0], high)])),
        "weights_spectrum_table.rank": range(1, len(values) + 1),
        "weights_spectrum_table.value": values,
        "weights_spectrum_table.share": squares,
    }
    said = [
        ("Half of what the matrix does", half, len(values), 0.9, most, beyond),
        ("A matrix stretches each direction", TENSOR, *matrix.shape, 1967),
    ]
    return said, shown


def weights(ref: Reference) -> Expected:
    found = {}
    for name, values in ref.theirs.transformer.named_parameters():
        matrix = name.endswith("weight") and name.startswith("h.") and values.dim() == 2
        found[name] = (values.T if matrix else values).detach().numpy()  # theirs lie inputs first
    chosen = found[TENSOR]
    shapes = [" × ".join(str(n) for n in values.shape) for values in found.values()]
    counts, edges = np.histogram(chosen, BINS)
    middles = (edges[1:] + edges[:-1]) / 2
    usual = np.diff(normal.cdf(edges, chosen.mean(), chosen.std()))
    columns: dict[str, list] = {
        "shape": shapes,
        "numbers": [values.size for values in found.values()],
        "mean": [values.mean() for values in found.values()],
        "spread": [values.std() for values in found.values()],
        "least": [values.min() for values in found.values()],
        "largest": [values.max() for values in found.values()],
        "norm": [np.linalg.norm(values) for values in found.values()],
    }
    shown: dict[str, Any] = {
        "tensor.label": [f"{name}  ({shape})" for name, shape in zip(found, shapes, strict=True)],
        "weights_histogram.0.x": middles,
        "weights_histogram.0.y": counts / chosen.size,
        "weights_histogram.1.x": middles,
        "weights_histogram.1.y": usual,
        "weights_histogram_table.from": edges[:-1],
        "weights_histogram_table.to": edges[1:],
        "weights_histogram_table.share": counts / chosen.size,
        "weights_histogram_table.normal": usual,
        "weights_norms_table.layer": range(ref.L),
    }
    for key in ("tensors", "tensors_table"):
        shown |= {f"{key}.{name}": values for name, values in columns.items()}
    matrices = {
        "attn.c_attn": "queries, keys, values",
        "attn.c_proj": "attention's output",
        "mlp.c_fc": "MLP, first",
        "mlp.c_proj": "MLP, second",
    }
    for i, (name, title) in enumerate(matrices.items()):
        lengths = [np.linalg.norm(found[f"h.{layer}.{name}.weight"]) for layer in range(ref.L)]
        shown |= {f"weights_norms.{i}.x": range(ref.L), f"weights_norms.{i}.y": lengths}
        shown[f"weights_norms_table.{title}"] = lengths
    more, of_spectrum = spectrum(chosen)
    said = [
        ("How its numbers are spread", TENSOR, *chosen.shape),
        *more,
        ("The length of each of a layer's", ref.L, len(matrices)),
        ("A row a tensor", len(found)),
    ]
    return said, shown | of_spectrum


TABS = {"parts": parts, "family": family, "memory": memory, "work": work, "weights": weights}
PICTURES = {
    "parts": ("parts", "sizes"),
    "weights": ("weights_histogram", "weights_spectrum", "weights_norms", "tensors"),
}


def look(read: Read, models: Models, tab: str) -> None:
    """One tab."""
    ref = models.ref
    page = read("anatomy", PICTURES.get(tab, (tab,)), tab=tab, tensor=TENSOR)
    shapes = {"shape.label": [*FAMILY], "n_layer": ref.L, "n_head": ref.H, "n_embd": ref.C}
    shapes |= {"block_size": ref.context, "vocab_size": ref.V}
    page.holds((ref.around(0)[0], shapes), TABS[tab](ref))


VIEWS = {tab: partial(look, tab=tab) for tab in TABS}
