"""Orders as lines of JSON on the standard input, each answered by a line."""

import json
import os
import sys
import warnings
from typing import Any

import torch


def answer(work: Any) -> None:
    """Call the method of `work` that each order names, until the input ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is no answer
    warnings.filterwarnings("ignore")
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    for line in sys.stdin:
        question = json.loads(line)
        result = getattr(work, question.pop("order"))(**question)
        print(json.dumps(result), file=answers, flush=True)
