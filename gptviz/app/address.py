"""The keys of the address: each once, with its range, and who is carried along.

A value in the address is a number or a slug, which stays when the words on the screen change. One
that means nothing is dropped without a word: the control shows its default.

What was chosen in a session stands in its state. The address is read where the state says nothing:
at the start, after a reload, and from a link. Never else, for it comes late: the browser sends it
with each click as it was before the last answer arrived.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType

import streamlit as st
from streamlit.errors import StreamlitAPIException


@dataclass(frozen=True)
class Key:
    """A key of the address: what it says, and whether it goes along from page to page."""

    meaning: str
    carried: bool = False


KEYS: Mapping[str, Key] = MappingProxyType(
    {
        "model": Key("a name under checkpoints/", carried=True),
        "step": Key("a step of a training run of which there is a snapshot", carried=True),
        "prompt": Key("the text that the model reads", carried=True),
        "begin": Key("what stands before the text: nothing or a token", carried=True),
        "special": Key("whether a special token's name in the text is text or token", carried=True),
        "layer": Key("a block, from 0", carried=True),
        "head": Key("an attention head of the block, from 0", carried=True),
        "position": Key("a token of the prompt, from 0", carried=True),
        "open": Key("the stage of the path that is open: closed, or its slug"),
        "norm": Key("a layer norm, as its module", carried=True),
        "stage": Key("where vectors are read, as an activation", carried=True),
        "run": Key("a training run's folder", carried=True),
        "temperature": Key("0 to 2; 0.8 if left out", carried=True),
        "top_k": Key("how many tokens stay; 0 is off, 40 if left out", carried=True),
        "top_p": Key("0.01 to 1", carried=True),
        "repetition_penalty": Key("1 to 2", carried=True),
        "min_p": Key("0 to 1; 0 is off", carried=True),
        "typical_p": Key("0.01 to 1; 1 is off", carried=True),
        "no_repeat_ngram_size": Key("0 to 10 tokens; 0 is off", carried=True),
        "seed": Key("which dice", carried=True),
        "b_temperature": Key("0 to 2, of the settings B"),
        "b_top_k": Key("how many tokens stay with the settings B; 0 is off"),
        "b_top_p": Key("0.01 to 1, of the settings B"),
        "b_repetition_penalty": Key("1 to 2, of the settings B"),
        "b_min_p": Key("0 to 1, of the settings B; 0 is off"),
        "b_typical_p": Key("0.01 to 1, of the settings B"),
        "b_no_repeat_ngram_size": Key("0 to 10 tokens, of the settings B; 0 is off"),
        "write_length": Key("how many tokens one press of Write adds"),
        "write_stop": Key("texts after which Write ends"),
        "compare_length": Key("how many tokens the two compared texts get"),
        "compare_stop": Key("texts after which the two compared texts end"),
        "format": Key("what stands around the text when Write goes on from it"),
        "template": Key("a format that was typed, with {text} for the text"),
        "beams": Key("how many beginnings a beam search keeps"),
        "beam_length": Key("how many tokens its texts have"),
        "ranked_texts": Key("how many texts are ranked"),
        "ranked_length": Key("how many tokens each of them has"),
        "ranked_by": Key("whether texts are ranked by the mean or the sum of ln p"),
        "grid_by": Key("which settings make a grid: top_k or top_p, with the temperature"),
        "grid_measure": Key("what is measured in each cell of that grid"),
        "cache_length": Key("how many tokens are written with a cache and without"),
        "draws": Key("how often the one next token is drawn"),
        "present": Key("1 while the presenter is on", carried=True),
        "tab": Key("the open tab of the page"),
        "runs_tab": Key("the open tab below a run"),
        "measure": Key("what the heads are coloured by"),
        "over_heads": Key("how the heads of a layer become one pattern"),
        "painted": Key("the painted squares of a pattern, as letters of base 64"),
        "without_first": Key("whether token 0 is left out of attention patterns"),
        "word": Key("the word whose neighbours are shown"),
        "pairs": Key("pairs of words, as king–queen, with commas between them"),
        "analogy_a": Key("the word from which an analogy starts"),
        "analogy_b": Key("the word that an analogy takes away"),
        "analogy_c": Key("the word that an analogy adds"),
        "map_method": Key("how a map of tokens is made"),
        "map_axes": Key("2 or 3: the dimensions of a map of tokens"),
        "map_common": Key("how many common tokens stand behind those of the prompt on a map"),
        "other": Key("the second text, to which the prompt is compared"),
        "shared_token": Key("a token of the prompt that the second text holds, too, from 0"),
        "norm_of": Key("what is measured of each part of a run's model"),
        "parameter": Key("a parameter of a run's model, as its path"),
        "parameter_step": Key("the step after which a parameter's numbers are shown"),
        "compared_by": Key("what runs are laid over: steps, tokens or time"),
        "vary": Key("what differs between the runs of a new experiment"),
        "warmup_share": Key("which share of the steps the learning rate rises"),
        "last_share": Key("the last learning rate as a share of the highest"),
        "highest_rate": Key("the highest learning rate of six short runs"),
        "schedule_seed": Key("which weights and batches these runs have"),
        "built": Key("a stage of the model that is built up"),
        "shapes_of": Key("how wide the four shapes of one budget are: quarter or full"),
        "shape_written": Key("the shape whose text is shown"),
        "failure": Key("an entry of the failure gallery"),
        "bits": Key("whether surprise is told in bits instead of nats"),
        "lens_by": Key("what the cells of the lens are coloured by"),
        "lens_stage": Key("the chosen row of the lens, as an activation"),
        "followed": Key("the token that is followed through the layers"),
        "for_token": Key("the token whose logit is taken apart"),
        "against_token": Key("the token whose logit is taken away from that"),
        "part_order": Key("whether parts stand by size or in the order of computation"),
        "neuron": Key("a hidden unit of the layer's MLP, from 0"),
        "change": Key("what is otherwise in a run"),
        "part": Key("the part of a block that is changed"),
        "factor": Key("−2 to 3: how many times as strong a part becomes"),
        "looked_at": Key("a token that another one may no longer look at, from 0"),
        "changed_head": Key("the head whose changed pattern is shown, as its layer.number"),
        "effect_on": Key("what switching off each head is measured by"),
        "effect_token": Key("the next token whose probability that is about"),
        "corrupted": Key("the second prompt of a patching, as long as the first"),
        "answer": Key("the next token that fits the clean prompt, as its id"),
        "other_answer": Key("the next token that fits the corrupted prompt, as its id"),
        "patched": Key("which activation is patched"),
        "other_model": Key("the model on the right, a name under checkpoints/"),
        "other_step": Key("the step of its run on the right: a snapshot's, or best"),
        "other_prompt": Key("the text on the right; the same as on the left if left out"),
        "lens_of": Key("whether two lenses are shown after one token or after all"),
        "shape": Key("whose shape is counted: loaded, or a published model"),
        "n_layer": Key("how many layers the counted shape has"),
        "n_head": Key("how many heads each of its layers has"),
        "n_embd": Key("its width"),
        "block_size": Key("its context"),
        "vocab_size": Key("its vocabulary"),
        "tie_weights": Key("whether its output layer is the embedding's matrix: tied or own"),
        "qkv_bias": Key("whether its queries, keys and values have biases: yes or no"),
        "shape_norms": Key("where its layer norms stand: pre, post or none"),
        "shape_positions": Key("how it knows where a token stands: learned, sinusoidal or none"),
        "position_kind": Key("whose position vectors are drawn: waves or own"),
        "order_seed": Key("in which order a text is shuffled, as a seed"),
        "tensor": Key("a tensor of the loaded model, as its path"),
        "exercise": Key("which numbers an exercise is about, as a seed"),
        "layer_numbers": Key("what a layer of neurons gave: numbers, rows with ; between them"),
        "variance_by": Key("whether a variance divides by n or n − 1"),
        "norm_epsilon": Key("what a norm adds to the variance"),
        "gamma": Key("what a norm multiplies with: one number, or one for each column"),
        "beta": Key("what a norm adds: one number, or one for each column"),
        "weight_std": Key("the standard deviation of random weights"),
        "layer_width": Key("neurons in each of the random layers"),
        "layer_seed": Key("which random layers"),
        "x": Key("a number on the axis of an activation function"),
        "curve_of": Key("whether a function, its slope or an approximation's error is drawn"),
        "depth": Key("layers of the network with and without shortcuts"),
        "net_width": Key("neurons in each of these layers"),
        "net_seed": Key("which weights these layers begin with"),
        "blocks": Key("blocks of a fresh GPT with and without shortcuts"),
        "gpt_seed": Key("which weights and texts that GPT has"),
        "per_layer": Key("what a gradient is multiplied by at each layer"),
        "passed_layers": Key("how many layers it passes"),
        "logits": Key("logits that were typed"),
        "target": Key("which of them is the token that came, from 0"),
        "chance": Key("the probability of what came"),
        "next": Key("a token that may come next"),
        "hill": Key("the curve on which gradient descent goes down"),
        "curve_rate": Key("its learning rate there"),
        "from_x": Key("where it begins there"),
        "landscape": Key("the surface on which optimisers go down"),
        "surface_rate": Key("their learning rate there"),
        "gradients": Key("the gradients of one weight that Adam gets, step by step"),
        "beta_1": Key("how long Adam remembers the direction of gradients"),
        "beta_2": Key("how long Adam remembers the size of gradients"),
        "rate_times": Key("what the rates of all optimisers on a tiny GPT are multiplied by"),
        "course_seed": Key("which weights and batches that GPT has"),
        "decays": Key("the optimiser whose weight decay is shown"),
        "decay": Key("how strong that weight decay is"),
        "drop_numbers": Key("what dropout acts on: numbers, rows with ; between them"),
        "drop": Key("the share of numbers that dropout sets to 0"),
        "mode": Key("whether a network trains or is used"),
        "drop_seed": Key("which numbers dropout sets to 0"),
        "drop_at": Key("the place at which dropout acts"),
        "d": Key("how many numbers a query and a key have"),
        "d_seed": Key("which random queries and keys"),
        "whose": Key("whose gradients are shown: the loaded model's, or those of a fresh one"),
        "gradient_by": Key("what is measured of gradients: norm or mean absolute value"),
        "fresh_seed": Key("which weights that fresh model has"),
        "batch_of": Key("what one batch is made of: prompt or plays"),
        "fault": Key("what is wrong on purpose where one batch is learnt by heart"),
        "batch_seed": Key("which weights, and which windows of the plays, that has"),
        "symptom": Key("an entry of the list of symptoms"),
        "family": Key("models of several sizes: ready, or the id of an experiment"),
        "counted_size": Key("whether embeddings count as parameters: without or all"),
        "counted_compute": Key("how compute is counted: six or counted"),
        "law": Key("whether a law that is fitted has a floor: line or floor"),
        "learn_from": Key("the text that pairs of bytes are learnt from: plays, tale or own"),
        "own_text": Key("the text for that, where it is one's own and short"),
        "bpe_size": Key("how many tokens are learnt from it"),
        "merges_done": Key("how many merges are done on the beginning of the text"),
        "torn_text": Key("a text whose letters are cut"),
        "unknown_text": Key("a text with letters that may be unknown"),
    }
)

CARRIED = tuple(name for name, key in KEYS.items() if key.carried)


def choices() -> dict[str, str]:
    """The choices that go along from page to page, as they stand in the address.

    The last token is the position without any choice: as in the address of the page itself, it is
    left out, so that whoever comes to the next text looks at that one's last token.
    """
    state = st.session_state
    made = {
        key: str(chosen)
        for key in CARRIED
        if (chosen := state.get(key)) is not None and chosen != state.get(f"{key}_default")
    }
    if state.get("position") == state.get("last_position"):
        made.pop("position", None)
    return made


def arrive() -> None:
    """Call it where a page is come to: what is carried comes along, the rest is the link's."""
    state = st.session_state
    for key in KEYS:
        # Streamlit forgets what came by the address, unless it is chosen once more.
        if key in CARRIED and key in state:
            state[key] = state[key]
        elif key not in CARRIED and key in st.query_params:
            state.pop(key, None)
    for key, chosen in choices().items():
        if st.query_params.get(key) == chosen:
            continue  # a link brought it; each key that is written is a message to the browser
        with suppress(StreamlitAPIException):  # it is remembered, and so still in the URL
            st.query_params[key] = chosen
