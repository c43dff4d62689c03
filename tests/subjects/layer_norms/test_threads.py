import itertools
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from gptviz import LanguageModel
from gptviz.subjects.layer_norms import analysis as layer_norms


def test_threads_that_leave_out_different_norms_do_not_disturb_each_other(tiny_lm: LanguageModel):
    prompts = ["to be or not", "the king", "one two three one", "love"]
    work = list(itertools.product(prompts, layer_norms.norm_names(tiny_lm.config)))

    def leave_out(prompt: str, norm: str) -> layer_norms.LeftOut:
        return layer_norms.leave_out(tiny_lm, tiny_lm.trace(prompt), norm)

    alone = [leave_out(*item) for item in work]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda item: leave_out(*item), work * 5))
    for one, other in zip(alone * 5, together, strict=True):
        assert np.array_equal(one.divergence, other.divergence)
        assert np.array_equal(one.after.norm, other.after.norm)
        assert np.array_equal(one.likeliest_after.ids, other.likeliest_after.ids)
