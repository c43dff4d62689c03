"""What memory a run will need, estimated before it starts.

A step holds for each weight itself, its gradient and what the optimiser remembers of it (AdamW two
running means), what the forward pass keeps for the backward pass, and a chunk of logits.
"""

from dataclasses import dataclass, fields
from pathlib import Path

from gptviz import parameters
from gptviz.setting import SettingError
from gptviz.training.config import TrainingConfig
from gptviz.training.loss import CHUNK, GROUP
from gptviz.training.optimizer import numbers_kept

FLOAT = 4  # bytes of a number: weights, gradients and their means are float32
PYTORCH = 400_000_000  # bytes of a process that has trained nothing yet
SPARE = 0.9  # share of the free memory that a run may plan with


@dataclass(frozen=True)
class Memory:
    """Bytes that a run needs at its peak, by what they hold."""

    weights: int
    gradients: int
    optimizer: int  # what it remembers: AdamW means of the gradient and of its square
    activations: int  # what the forward pass keeps for the backward pass
    logits: int  # scores of one chunk of tokens, and the gradient of the unembedding
    saving: int  # copies while a checkpoint is written
    process: int  # Python and PyTorch themselves

    @property
    def total(self) -> int:
        """Their sum: saving happens between two steps, when no activations are held."""
        parts = {field.name: getattr(self, field.name) for field in fields(self)}
        step = parts.pop("activations") + parts.pop("logits")
        return sum(parts.values()) - parts["saving"] + max(step, parts["saving"])


def memory(config: TrainingConfig) -> Memory:
    """What a run needs at its peak, estimated from its shapes for float32.

    With bfloat16 activations take less, and a copy of the weights is added.
    """
    model = config.model
    C, V, T = model.n_embd, model.vocab_size, model.block_size
    N = config.batch_size * T  # tokens of one batch; accumulated batches come one after another
    weights = FLOAT * parameters.count(model)
    remembered = FLOAT * numbers_kept(model, config.optimizer)
    compared = min(V, config.vocab_sample + N) if config.vocab_sample else V
    # Kept a token and layer: of each part its norm's input and output (2 C); q, k and v (3 C), z
    # twice (2 C); both sides of the MLP's bend (8 C); and a byte for each number that dropout may
    # drop.
    kept = (7 * C * model.attention + 10 * C * model.mlp) * FLOAT
    if model.resid_pdrop:
        kept += C * (model.attention + model.mlp)
    if model.attn_pdrop and model.attention:
        kept += 4 * model.n_head * T * FLOAT  # scores, pattern, what is dropped of it
    ends = 6 * C * FLOAT + 4 * 4 * C * FLOAT  # embedding, last norm, one block's gradients
    return Memory(
        weights=weights,
        gradients=weights,
        optimizer=remembered,
        activations=N * (model.n_layer * kept + ends),
        # And the gradient of the matrix that makes them, once for all and once for a group.
        logits=((min(GROUP, N) + min(CHUNK, N) + 2 * C) * compared) * FLOAT,
        saving=weights + remembered,
        process=PYTORCH,
    )


def require_fit(config: TrainingConfig) -> None:
    """Raise SettingError, with the reason and a way out, if a run needs more memory than is free.

    Does nothing where the free memory is unknown, and does not know a GPU's own memory.
    """
    free, needed = available_memory(), memory(config)
    if free is None or needed.total <= SPARE * free:
        return
    most_for_batch = needed.activations > needed.weights + needed.gradients + needed.optimizer
    raise SettingError(
        f"this run needs about {_gigabytes(needed.total)} of memory, mostly for what a batch "
        f"keeps, and {_gigabytes(free)} are free; choose a smaller {{batch_size}} or {{block_size}}"
        if most_for_batch
        else f"this run needs about {_gigabytes(needed.total)} of memory, mostly for the weights "
        f"and what training keeps for each, and {_gigabytes(free)} are free; choose fewer or "
        f"narrower layers"
    )


def available_memory(root: Path = Path("/")) -> int | None:
    """Bytes that a new process can use without swapping, or None where that is unknown.

    The smallest of the machine's free memory and what each control group of this process (such as
    a container's) still allows.
    """
    found = [_free_of_machine(root), *_free_of_groups(root)]
    return min((value for value in found if value is not None), default=None)


def _free_of_machine(root: Path) -> int | None:
    for line in _lines(root / "proc/meminfo"):
        name, _, value = line.partition(":")
        if name == "MemAvailable":
            return int(value.split()[0]) * 1024
    return None


def _free_of_groups(root: Path) -> list[int]:
    """What is left under the limit of each group above this process, versions 1 and 2."""
    found = []
    for line in _lines(root / "proc/self/cgroup"):
        _, controllers, path = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        base = root / "sys/fs/cgroup" / ("memory" if controllers else "")
        limit, usage = (
            ("memory.limit_in_bytes", "memory.usage_in_bytes")
            if controllers
            else ("memory.max", "memory.current")
        )
        group = base / path.strip().lstrip("/")
        for folder in (group, *group.parents):
            allowed, used = _number(folder / limit), _number(folder / usage)
            if allowed is not None and used is not None:
                found.append(max(0, allowed - used + _cache(folder)))
            if folder == base:
                break
    return found


def _cache(group: Path) -> int:
    """Bytes of files that the group holds in memory and the kernel gives back when asked."""
    for line in _lines(group / "memory.stat"):
        name, _, value = line.partition(" ")
        if name in ("inactive_file", "total_inactive_file"):
            return int(value)
    return 0


def _number(path: Path) -> int | None:
    lines = _lines(path)
    return int(lines[0]) if lines and lines[0].strip().isdigit() else None


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []


def _gigabytes(n_bytes: float) -> str:
    return f"{n_bytes / 1e9:.1f} GB"
