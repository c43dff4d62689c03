"""The lab Build it up: the losses that ship in bits a byte, and shapes of transformers."""

import itertools
import json
import math
from pathlib import Path
from typing import Any

import torch
from transformers import GPT2Config, GPT2LMHeadModel

from accounts.common import Models, Read

SHIPPED = Path(__file__).parents[3] / "checkpoints" / "gallery"
STAGES = ("bigram", "mlp", "one-head", "norms", "heads", "blocks", "bpe", "tied")
SHAPES = {"6x96-6": (6, 96, 6), "12x64-4": (12, 64, 4), "3x128-8": (3, 128, 8)}
SHAPES |= {"6x96-12": (6, 96, 12)}
STEPS, TOKENS, EVERY, LETTERS, CONTEXT, WIDTH = 600, 1024, 50, 78, 64, 128


def rows(name: str, file: str) -> list[dict[str, Any]]:
    lines = (SHIPPED / name / file).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def status(name: str) -> dict[str, Any]:
    return json.loads((SHIPPED / name / "status.json").read_text(encoding="utf-8"))


def title(name: str) -> str:
    return json.loads((SHIPPED / name / "about.json").read_text(encoding="utf-8"))["name"]


def losses(name: str) -> list[float]:
    return [row["val_loss"] for row in rows(name, "metrics.jsonl") if "val_loss" in row]


def bits(name: str, loss: float) -> float:
    """Bits a byte of a loss in nats a token."""
    return loss / math.log(2) / status(name)["val_bytes_per_token"]


def of_a_stage() -> list[int]:
    """The parameters of each stage, counted with a calculator's sums."""
    C, T = WIDTH, CONTEXT
    attention, mlp = C * 3 * C + 3 * C + C * C + C, C * 4 * C + 4 * C + 4 * C * C + C
    ends, places, norm = 2 * LETTERS * C, T * C, 2 * C
    block = attention + mlp + 2 * norm
    pieces = 1024 * C
    return [
        ends,
        ends + places + mlp,
        ends + places + mlp + attention,
        ends + places + block + norm,
        ends + places + block + norm,
        ends + places + 4 * block + norm,
        2 * pieces + places + 4 * block + norm,
        pieces + places + 4 * block + norm,
    ]


def courses(key: str, names: list[str]) -> dict[str, Any]:
    """The lines of the picture and the columns of its table."""
    steps = range(EVERY, STEPS + 1, EVERY)
    told = status(names[0])["baselines"]
    counted = [bits(names[0], told[guess]) for guess in ("unigram", "bigram")]
    shown: dict[str, Any] = {
        f"{key}_table.step": steps,
        f"{key}.notes": [(level,) for level in counted],
        f"{key}.shapes": [end for level in counted for end in (0, 1, level, level)],
    }
    for i, name in enumerate(names):
        told = [bits(name, loss) for loss in losses(name)]
        shown |= {f"{key}.{i}.x": steps, f"{key}.{i}.y": told, f"{key}_table.{title(name)}": told}
    return shown


def results(key: str, names: list[str], parameters: list[int]) -> dict[str, Any]:
    best = [min(losses(name)) for name in names]
    return {
        f"{key}_table.parameters": parameters,
        f"{key}_table.best_val_loss": best,
        f"{key}_table.best_bits_per_byte": [bits(*both) for both in zip(names, best, strict=True)],
    }


def with_gallery(models: Models) -> None:
    """Let the folder of models have what ships."""
    if not (models.root / "gallery").exists():
        (models.root / "gallery").symlink_to(SHIPPED)


def stages(read: Read, models: Models) -> None:
    """What a stage reaches, beside the one before it and all others."""
    with_gallery(models)
    names = [f"stage-{name}" for name in STAGES]
    best = [bits(name, min(losses(name))) for name in names]
    steps = [after - before for before, after in itertools.pairwise(best)]
    shown = {
        **courses("stages", names),
        **results("stages_results", names, of_a_stage()),
        **{f"stages.{i}.name": [str(i + 1)] for i in range(len(names))},
        "built.label": [f"{i} {title(name)}" for i, name in enumerate(names, 1)],
    }
    said = [
        ("in {} steps of {} tokens", STEPS, TOKENS),
        ("Four heads", 5),
        ("It reaches {} bits a byte, and the stage before", best[4], best[3]),
        ("All of them.", best[0], best[-1], abs(min(steps))),
        ("What it wrote at step", STEPS),
        ("Further down is better", STEPS // EVERY, 1 + len(STAGES)),
    ]
    page = read("build_up", ["stages"], tab="stages", built="stage-heads")
    page.holds((said, shown))


def shapes(read: Read, models: Models) -> None:
    """The parameters of four shapes, and what they reached."""
    with_gallery(models)
    names = [f"shape-{name}" for name in SHAPES]
    whole, of_blocks = [], []
    for L, C, H in SHAPES.values():
        config = GPT2Config(vocab_size=LETTERS, n_positions=CONTEXT, n_layer=L, n_embd=C, n_head=H)
        with torch.device("meta"):
            counts = {n: p.numel() for n, p in GPT2LMHeadModel(config).named_parameters()}
        whole.append(sum(counts.values()))
        of_blocks.append(
            sum(n for name, n in counts.items() if ".attn." in name or ".mlp." in name)
        )
    megabytes = [4 * count / 1e6 for count in whole]
    best = {name: bits(name, min(losses(name))) for name in names}
    low, high = (way(best, key=best.__getitem__) for way in (min, max))
    L, C, H = map(list, zip(*SHAPES.values(), strict=True))
    titles = [title(name) for name in names]
    shown = {
        **courses("shape_courses", names),
        **{f"shape_courses.{i}.hover": [(L, C)] for i, (L, C, _) in enumerate(SHAPES.values())},
        **results("shape_results", names, whole),
        "shape_written.label": titles,
        "shape_results_table.run": titles,
        "shapes.yaxis": [title.replace(", ", "<br>") for title in titles],
        "shapes.0.y": titles,
        "shapes.1.y": titles,
        "shapes_table.shape": titles,
        "shapes_table.blocks": L,
        "shapes_table.width": C,
        "shapes_table.heads": H,
        "shapes_table.parameters": whole,
        "shapes_table.of blocks": of_blocks,
        "shapes_table.MB": megabytes,
        "shapes.0.x": of_blocks,
        "shapes.1.x": [a - b for a, b in zip(whole, of_blocks, strict=True)],
    }
    said = [
        (
            "deep or wide",
            *(6, 96, 6, 96),
            *(way(sizes) for sizes in (of_blocks, megabytes) for way in (min, max)),
        ),
        ("ends lowest with", title(low), best[low], title(high), best[high]),
        ("A block has about {} × width²", 12, 0.7, len(SHAPES)),
        ("Further down is better", STEPS // EVERY, 1 + len(SHAPES)),
        ("{} blocks of width {}", title(names[0]), 6, 96, 6, 96 // 6),
        ("What it wrote at step", STEPS),
    ]
    page = read("build_up", ["shapes", "shape_courses"], tab="shapes")
    page.holds((said, shown))


VIEWS = {"stages": stages, "shapes": shapes}
