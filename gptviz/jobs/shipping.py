"""Runs that ship with gptviz: a finished run in few bytes, without the paths of its machine.

    FOLDER/config.json                     its settings; of the text only the name
    FOLDER/about.json                      its name, when it was made, and that it ships
    FOLDER/status.json                     how it ended
    FOLDER/metrics.jsonl and other rows    their numbers with five digits
    FOLDER/checkpoints/, snapshots/        half precision, and no optimiser

Such a run is read and never written to, so it may be on a read-only disk.
"""

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from gptviz import checkpoints, jobs
from gptviz.checkpoints.listing import checkpoint
from gptviz.disk import Row, rows, whole_folder, write_json, write_text
from gptviz.runs import INDUCTION, LAYERS, METRICS, SAMPLES, Run
from gptviz.training import prepare
from gptviz.training.record import metrics
from gptviz.training.record.snapshots import surplus

TOKEN_COUNTS, RATES = "token_counts.npz", "rates.json"
MOST_BYTES, MOST_BYTES_OF_A_CURVE = 40_000_000, 200_000
DIGITS = 5  # more than a chart shows or a rule of gptviz.jobs.health needs
# Kept of status.json; the rest is about the process that trained the run, or about a resume.
_TOLD = (
    *("state", "step", "steps", "best_step", "best_val_loss", "val_loss"),
    *("train_bytes_per_token", "val_bytes_per_token", "bytes_per_token", "baselines"),
    *("train_tokens", "dtype", "ways", "trials", "device", "stopped_early"),
)


def gallery(root: Path | None = None) -> list[Run]:
    """The shipped runs that have no model, in the order of their folders' names."""
    found = jobs.list_runs((root or checkpoints.root()) / jobs.GALLERY)
    return sorted((run for run in found if run.is_shipped), key=lambda run: run.id)


def pack(run: Run, folder: Path, n_snapshots: int = 16, most_bytes: int = MOST_BYTES) -> Run:
    """Write a finished run with its best model, some of its snapshots and all that it measured.

    The snapshots are chosen evenly on a log scale, the first and the last among them. Raises
    ValueError for a run that is not done, and if the folder would take more than most_bytes;
    FileExistsError if there is such a folder.
    """
    with _packed(run, folder, most_bytes, "keep fewer snapshots, or train a smaller model") as made:
        for name in (METRICS, SAMPLES, LAYERS, INDUCTION):
            _write_rows(made / name, rows(run.folder / name))
        best = checkpoint(run.folder)
        model, tokenizer = checkpoints.read(best)
        checkpoints.save(made / best.relative_to(run.folder), model, tokenizer, torch.float16)
        for step in set(run.snapshots) - set(surplus(run.snapshots, n_snapshots)):
            kept = run.snapshot(step)
            shutil.copytree(kept, made / kept.relative_to(run.folder))
        if (run.folder / prepare.TOKENIZER).is_dir():
            shutil.copytree(run.folder / prepare.TOKENIZER, made / prepare.TOKENIZER)
        if (run.folder / TOKEN_COUNTS).is_file():
            shutil.copyfile(run.folder / TOKEN_COUNTS, made / TOKEN_COUNTS)
    return Run(folder)


def pack_curve(
    run: Run, folder: Path, most_bytes: int = MOST_BYTES_OF_A_CURVE, every: int = 1
) -> Run:
    """Write a finished run without a model: its curve, samples and induction scores.

    The times of the parts of a step and the norms of the layers are left out, and all steps but
    each so many-th, the first and those with a validation. Raises as `pack`.
    """
    with _packed(run, folder, most_bytes, "train one of fewer steps") as made:
        curve = [
            {name: row[name] for name in metrics.COLUMNS if name in row}
            for row in rows(run.folder / METRICS)
            if row["step"] % every == 0 or row["step"] == 1 or "val_loss" in row
        ]
        _write_rows(made / METRICS, curve)
        for name in (SAMPLES, INDUCTION):
            _write_rows(made / name, rows(run.folder / name))
    return Run(folder)


@contextmanager
def _packed(run: Run, folder: Path, most_bytes: int, way_out: str) -> Iterator[Path]:
    """A folder to fill, with what every shipped run holds; raises ValueError if it is too big."""
    status: dict[str, Any] = {**run.status}
    if status.get("state") != "done":
        raise ValueError(f"{run.name} is not done; only a run that is done can ship")
    if folder.exists():
        raise FileExistsError(f"{folder} is there already; remove it, or choose another folder")
    with whole_folder(folder) as partial:
        write_json(partial / "config.json", {**run.settings, "data": Path(run.config.data).name})
        about = {"name": run.name, "created": run.created, "shipped": True}
        if run.preset:
            about["preset"] = run.preset
        write_json(partial / "about.json", about)
        write_json(partial / "status.json", {key: status[key] for key in _TOLD if key in status})
        if run.rates:
            write_json(partial / RATES, {"rates": run.rates})
        yield partial
        taken = sum(path.stat().st_size for path in partial.rglob("*") if path.is_file())
        if taken > most_bytes:
            raise ValueError(
                f"{run.name} takes {taken:,} bytes, and {most_bytes:,} may ship; {way_out}"
            )


def _write_rows(path: Path, measured: Sequence[Row]) -> None:
    if measured:
        lines = [json.dumps(_rounded(row), separators=(",", ":")) for row in measured]
        write_text(path, "\n".join(lines) + "\n")


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}")
    if isinstance(value, dict):
        return {key: _rounded(part) for key, part in value.items()}
    return [_rounded(part) for part in value] if isinstance(value, list) else value
