"""What if a part were otherwise: changes to a run, what they do, and each head knocked out in turn.

Each change is a mapping from the names of activations to edits, as `lm.trace(edits=…)` takes it;
several can be joined with `|`. Make a change anew for each run on another text.
"""

import math
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from gptviz.config import GPTConfig
from gptviz.interventions import Progress, each_changed, measured
from gptviz.language_model import LanguageModel
from gptviz.measures import AnyMeasure, resolve
from gptviz.model import visible
from gptviz.quoting import quoted
from gptviz.tracing import Edit

Edits = Mapping[str, Edit]


def scaled(name: str, factor: float, head: int | None = None) -> Edits:
    """An activation times a factor: 0 switches it off, 1 changes nothing.

    With a head, only that head's part: name is then "h.3.attn.z" or another with heads. A run
    raises ValueError for a head that is not there.
    """

    def edit(x: Tensor) -> Tensor:
        part = _of_head(x, name, head)
        x[part] = x[part] * factor
        return x

    return {name: edit}


def averaged(name: str, head: int | None = None) -> Edits:
    """An activation set to its mean over the prompt: its usual value without this token's own."""

    def edit(x: Tensor) -> Tensor:
        part = _of_head(x, name, head)
        x[part] = x[part].mean(-2, keepdim=True)
        return x

    return {name: edit}


def without_positions() -> Edits:
    """The position embedding taken away: only the causal mask tells of the order."""
    return {"wpe": torch.zeros_like}


def without_norm(config: GPTConfig, norm: str) -> Edits:
    """A layer norm that gives back what it gets. Raises ValueError for one that is not there."""
    if config.norm != "pre":
        raise ValueError(f"a norm can be taken away where norm = pre; here it is {config.norm}")
    n_layer, before = config.n_layer, {"ln_f": config.stream[-1]}
    if config.attention:
        before |= {f"h.{i}.ln_1": config.stream[i] for i in range(n_layer)}
    if config.mlp:
        before |= {f"h.{i}.ln_2": f"h.{i}.resid_mid" for i in range(n_layer)}
    if norm not in before:
        raise ValueError(f"this model has no layer norm {quoted(norm)}; it has {', '.join(before)}")
    return _instead(norm, before[norm])


def without_residual(config: GPTConfig, part: str) -> Edits:
    """What attention ("h.3.attn") or the MLP ("h.3.mlp") adds takes the place of the stream.

    Raises ValueError for another part, and where there is no shortcut.
    """
    config.require_blocks()
    config.require_shortcuts("so none can be taken away")
    if config.norm == "post":
        raise ValueError("a shortcut can be taken away where norm = pre or none; here it is post")
    n_layer, sums = config.n_layer, dict[str, str]()
    if config.attention:  # what is not there adds nothing, and nothing would be left
        sums |= {f"h.{i}.attn": f"h.{i}.resid_mid" for i in range(n_layer)}
    if config.mlp:
        sums |= {f"h.{i}.mlp": f"h.{i}" for i in range(n_layer)}
    if part not in sums:
        raise ValueError(f"nothing is added by {quoted(part)}; there are {', '.join(sums)}")
    return _instead(sums[part], part)


def without_mask(config: GPTConfig, layer: int) -> Edits:
    """Every token of a block's attention may look at every token, those to come included."""
    config.require_attention()
    kept: dict[str, Tensor] = {}

    def scores(_: Tensor) -> Tensor:
        q, k = kept["q"], kept["k"]
        return q @ k.transpose(-2, -1) / config.attn_divisor(layer)

    return {
        f"h.{layer}.attn.q": _keep(kept, "q"),
        f"h.{layer}.attn.k": _keep(kept, "k"),
        f"h.{layer}.attn.scores": scores,
    }


def without_division(config: GPTConfig, layer: int) -> Edits:
    """The scores of a block's attention without the division by √d: patterns become sharper."""
    config.require_attention()
    factor = config.attn_divisor(layer)
    return {f"h.{layer}.attn.scores": lambda scores: scores * factor}


def uniform_pattern(T: int) -> Tensor:
    """A pattern (T, T) that looks at all visible tokens alike."""
    seen = visible(T, T, torch.device("cpu")).float()
    return seen / seen.sum(-1, keepdim=True)


def first_token_pattern(T: int) -> Tensor:
    """A pattern (T, T) that looks at the first token only."""
    pattern = torch.zeros(T, T)
    pattern[:, 0] = 1
    return pattern


def token_before_pattern(T: int) -> Tensor:
    """A pattern (T, T) that looks at the token before; the first one looks at itself."""
    pattern = torch.zeros(T, T)
    pattern[torch.arange(T), (torch.arange(T) - 1).clamp(min=0)] = 1
    return pattern


def with_pattern(layer: int, head: int, make: Callable[[int], Tensor]) -> Edits:
    """A head's pattern replaced by make(S), (S, S), or its last rows where less is read now."""
    name = f"h.{layer}.attn.pattern"

    def edit(pattern: Tensor) -> Tensor:
        T, S = pattern.shape[-2:]
        pattern[_of_head(pattern, name, head)] = make(S)[S - T :].to(pattern)
        return pattern

    return {name: edit}


def cut(query: int, key: int, layer: int | None = None, head: int | None = None) -> Edits:
    """One token may no longer look at another; its other weights grow to sum to 1 again.

    In one head of one block, or in all. Raises ValueError where the token would be left with
    nothing to look at, or may not look there anyway.
    """
    if not 0 <= key <= query or query == 0:
        raise ValueError(
            f"token {query} looking at token {key} cannot be cut: a token looks at itself and "
            f"back, and the first has only itself"
        )

    def edit(scores: Tensor) -> Tensor:
        scores[slice(None) if head is None else head, query, key] = -math.inf
        return scores

    return {f"h.{'*' if layer is None else layer}.attn.scores": edit}


def knock_out(
    lm: LanguageModel,
    prompt: str | Sequence[int],
    measure: AnyMeasure,
    progress: Progress | None = None,
) -> Tensor:
    """How much a measure changes when each head is switched off: (n_layer, n_head).

    What a head gathers, its part of h.*.attn.z, is set to 0 at all positions; the effect is the
    measure of that run less the measure of the run as it is. Reads TOKENS_AT_ONCE tokens at a time
    and keeps no logits but those of one run. progress(done, all) is called before each batch;
    what it raises ends the work. Raises ValueError for a model without attention.
    """
    lm.config.require_attention()
    ids = lm.ids(prompt)
    resolved = resolve(measure, lm, ids)
    usual = lm.trace(ids, ["embed", "h.*", "ln_f"])
    (as_it_is,) = measured(lm, usual["ln_f"].unsqueeze(0), resolved)
    n_layer, n_head = lm.config.n_layer, lm.config.n_head
    rows = []
    for i in range(n_layer):

        def silence(z: Tensor, head: int) -> None:
            z[head] = 0

        def before(done: int, i: int = i) -> None:
            if progress is not None:
                progress(i * n_head + done, n_layer * n_head)

        name = f"h.{i}.attn.z"
        rows.append(each_changed(lm, usual, name, n_head, silence, resolved, before))
    return torch.stack(rows) - as_it_is


def _of_head(x: Tensor, name: str, head: int | None) -> int | slice:
    """Where a head's part lies in an activation (H, …), or all of it; refuses what is not there."""
    if head is None:
        return slice(None)
    if x.dim() < 3:
        raise ValueError(f"{name} has no heads; leave the head out, or name attn.z of that layer")
    if not 0 <= head < len(x):
        raise ValueError(f"head is {head}; {name} has {len(x)}, counted from 0")
    return head


def _instead(name: str, source: str) -> Edits:
    """One activation takes the place of a later one of the same shape."""
    kept: dict[str, Tensor] = {}
    return {source: _keep(kept, source), name: lambda _: kept[source]}


def _keep(kept: dict[str, Tensor], name: str) -> Edit:
    def edit(x: Tensor) -> Tensor:
        kept[name] = x
        return x

    return edit
