"""What a run goes on to write while a change is in force."""

from collections.abc import Callable, Iterator, Sequence

import torch

from gptviz import tracing
from gptviz.generation import Reader, Step, Writer
from gptviz.language_model import LanguageModel
from gptviz.sampling import SamplingSettings, draw, stages
from gptviz.subjects.what_if.analysis import Edits


def write(
    lm: LanguageModel,
    prompt: str | Sequence[int],
    edits: Callable[[], Edits],
    max_new_tokens: int,
    settings: SamplingSettings,
    seed: int,
    looks_ahead: bool = True,
) -> Iterator[Step]:
    """Continue a prompt as `lm.generate` does, with the same dice, while a change is in force.

    edits makes the change anew for each token. Without a change the text is that of
    `lm.generate`. The whole text is read again for each token, unless looks_ahead is False: then
    each token is read once, which gives the same where the change at a token depends on no later
    one. Once the text is as long as the context, writing ends. Raises ValueError where the change
    leaves no numbers to draw from.
    """
    ids = lm.ids(prompt)
    generator = torch.Generator(lm.model.wte.weight.device).manual_seed(seed)
    writer = Writer(lm.tokenizer, ids)
    length = min(max_new_tokens, lm.config.block_size - len(ids))
    reader = Reader(lm.model, len(ids) + length)
    for left in reversed(range(length)):
        if looks_ahead:
            reader = Reader(lm.model, len(ids))
        with tracing.changed(lm.model, edits()):
            logits = reader.next_logits(ids)
            if not logits.isfinite().any() or logits.isnan().any():
                raise ValueError("with this change the logits are NaN: there is nothing to draw")
            probabilities = stages(logits, ids, settings)[-1].probabilities
            token = draw(probabilities, generator)
        ids.append(token)
        piece = lm.tokenizer.pieces([token])[0]
        done = not left or token in lm.end_ids
        new = writer.write(token, final=done)
        yield Step(token, piece, new, float(probabilities[token]), probabilities, logits)
        if done:
            return
