"""The pages, in the order in which a prompt passes them."""

from gptviz.app.glossary import term
from gptviz.app.page import Page

LABS = "Labs"


PAGES = {
    page.name: page
    for page in (
        Page(
            "overview",
            "app.py",
            "Overview",
            f"How the model reads your text and guesses the next {term('token')}, in one picture.",
            top="prompt",
        ),
        Page(
            "tokens",
            "pages/tokens.py",
            "Tokens",
            f"The model does not read letters. It reads {term('token', 'tokens')}: pieces of text "
            "with a number each.",
        ),
        Page(
            "embeddings",
            "pages/embeddings.py",
            "Embeddings",
            f"A token becomes a list of numbers, its {term('embedding')}; tokens used alike get "
            "lists alike.",
        ),
        Page(
            "attention",
            "pages/attention.py",
            "Attention",
            f"At each layer, every token {term('attention', 'looks back')} at earlier tokens and "
            "gathers what it needs.",
            needs="attention",
        ),
        Page(
            "layer_norms",
            "pages/layer_norms.py",
            "Layer norms",
            f"{term('layer norm', 'Layer norms')} bring each vector to one scale: mean 0, variance "
            "1, then a learnt γ and β.",
        ),
        Page(
            "mlp",
            "pages/mlp.py",
            "MLP",
            "Each token by itself meets hidden units, each of which waits for its pattern.",
            needs="MLP",
        ),
        Page(
            "residual",
            "pages/residual.py",
            "Residual stream",
            "Layers only add to a token's vector: ask after each what the model would say.",
        ),
        Page(
            "sampling",
            "pages/sampling.py",
            "Sampling",
            f"The model gives every token a {term('probability')}. The dice decide, and you can "
            "load them.",
        ),
        Page(
            "what_if",
            "pages/what_if.py",
            "What if",
            "Switch a part of the model off, or change it, and see what it was good for.",
            needs="attention",
        ),
        Page(
            "patching",
            "pages/patching.py",
            "Patching",
            "Two texts that end differently: which part of the model carries the difference?",
            needs="attention",
        ),
        Page(
            "compare",
            "pages/compare.py",
            "Compare",
            "Two texts, two models or two steps of a run: side by side, and where they differ.",
        ),
        Page(
            "by_hand",
            "pages/by_hand.py",
            "Do it by hand",
            "Take a calculator and the numbers of this very run, and do what the model does.",
        ),
        Page(
            "anatomy",
            "pages/anatomy.py",
            "Anatomy",
            f"Where a model keeps its {term('parameters')}, and how much there is to calculate.",
            top="prompt",
        ),
        Page(
            "training",
            "pages/training.py",
            "Training",
            "A model begins with random numbers. It guesses the next token, sees how wrong it was "
            f"(its {term('loss')}), corrects every number a little, and again.",
            top="nothing",
        ),
        Page(
            "glossary",
            "pages/glossary.py",
            "Glossary",
            "What the words mean: a sentence for anybody, then the exact definition, and where to "
            "see it.",
            top="nothing",
            has_code=False,
        ),
        Page(
            "one_layer",
            "pages/one_layer.py",
            "One layer by hand",
            "What does a norm do to the six numbers of a layer, and why do deep networks need one?",
            top="nothing",
            group=LABS,
        ),
        Page(
            "gelu_and_relu",
            "pages/gelu_and_relu.py",
            "GELU and ReLU",
            "What becomes of a number below 0: nothing at all, or almost nothing?",
            top="prompt",
            group=LABS,
        ),
        Page(
            "shortcuts",
            "pages/shortcuts.py",
            "Shortcuts",
            "Why does each layer add to what came in, in place of replacing it?",
            top="nothing",
            group=LABS,
        ),
        Page(
            "loss",
            "pages/loss.py",
            "From probability to loss",
            "How does a wrong guess become a number, and which are good?",
            top="prompt",
            group=LABS,
        ),
        Page(
            "downhill",
            "pages/downhill.py",
            "Going downhill",
            "How does a model find better numbers when all it knows is the slope under its feet?",
            top="nothing",
            group=LABS,
        ),
        Page(
            "schedules",
            "pages/schedules.py",
            "Schedules",
            "Why is the learning rate small at first, then large, then small again?",
            top="nothing",
            group=LABS,
        ),
        Page(
            "dropout",
            "pages/dropout.py",
            "Dropout",
            "Why would a network throw away some of its numbers while it learns?",
            top="prompt",
            group=LABS,
        ),
        Page(
            "root_d",
            "pages/root_d.py",
            "Dividing by √d",
            "Why does attention divide its scores by the root of how long its vectors are?",
            top="prompt",
            group=LABS,
        ),
        Page(
            "sharing",
            "pages/sharing.py",
            "Sharing the matrix",
            "Can one matrix both read tokens and guess them?",
            top="prompt",
            group=LABS,
        ),
        Page(
            "positions",
            "pages/positions.py",
            "Positions",
            "How does a network that reads all tokens at once know in which order they stand?",
            top="prompt",
            group=LABS,
        ),
        Page(
            "debugging",
            "pages/debugging.py",
            "Debugging",
            "It runs, and it does not learn: where do you look first?",
            top="prompt",
            group=LABS,
        ),
        Page(
            "scaling",
            "pages/scaling.py",
            "Scaling",
            "How much better does a model become when it is larger, or learns for longer?",
            top="nothing",
            group=LABS,
        ),
        Page(
            "byte_pairs",
            "pages/byte_pairs.py",
            "Byte pairs",
            "How does a tokenizer find its pieces, and how many should there be?",
            top="nothing",
            group=LABS,
        ),
        Page(
            "build_up",
            "pages/build_up.py",
            "Build it up",
            "What does each part of a GPT bring, from a table of letter pairs to the whole?",
            top="nothing",
            group=LABS,
        ),
    )
}
