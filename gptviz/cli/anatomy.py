"""`gptviz anatomy`: what a model is made of, and what it takes."""

import argparse
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gptviz.cli.settings import add_option
from gptviz.shape import SHAPE, VOCAB_SIZE

if TYPE_CHECKING:
    from gptviz.config import GPTConfig

DESCRIPTION = """\
Print what a model of a shape is made of: parameters by part, memory, operations a token. No weights
are read, so that a shape of any size is counted. NAME is a model on this machine or one of the
published ones, gpt2 to gpt2-xl and gpt3-small to gpt3-175b; options change its shape.

    gptviz anatomy gpt2
    gptviz anatomy gpt2 --no-tie-weights --no-qkv-bias
    gptviz anatomy gpt3-175b --json
    gptviz anatomy tales --measure"""
# What decides how much is counted; the rest of a shape decides only what is computed.
COUNTED = (
    *("n_layer", "n_head", "n_embd", "block_size", "vocab_size"),
    *("norm", "position", "attention", "mlp", "qkv_bias", "tie_weights"),
)


def options(command: argparse.ArgumentParser) -> None:
    """Whose shape, what is changed of it, and how it is printed."""
    command.description = DESCRIPTION
    command.add_argument("name", metavar="NAME", help="a model, its folder or a published shape")
    command.add_argument("--json", action="store_true", help="print it for a program to read")
    command.add_argument(
        "--measure", action="store_true", help="also try how fast such a model is here"
    )
    changes = command.add_argument_group("another shape")
    for setting in (*SHAPE, VOCAB_SIZE):
        if setting.name in COUNTED:
            add_option(changes, setting, "as NAME has it")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Count, and print."""
    from gptviz.subjects.anatomy import family_analysis

    changes = {name: value for name, value in vars(options).items() if name in COUNTED}
    config = replace(family_analysis.shape(options.name), **changes)
    found = anatomy(config, is_measured=options.measure)
    if options.json:
        print(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        print_as_tables(found)
    return 0


def anatomy(config: "GPTConfig", is_measured: bool = False) -> dict[str, Any]:
    """All that the page Anatomy counts of a shape, as JSON holds it; memory is in bytes."""
    from gptviz import parameters
    from gptviz.subjects.anatomy import analysis, memory_analysis, work_analysis

    found: dict[str, Any] = {
        "shape": {name: getattr(config, name) for name in COUNTED},
        "parameters": parameters.count(config),
        "without_output_layer": analysis.without_output_layer(config),
        "parts": analysis.parts(config).to_dict("records"),
        "sizes": analysis.sizes(config).to_dict("records"),
        "memory": memory_analysis.memory(config).to_dict("records"),
        "work": work_analysis.ends(config).to_dict("records"),
    }
    if is_measured:
        measured = work_analysis.measure(config)
        found["measured"] = {
            "seconds": work_analysis.comparison(config, measured).to_dict("records"),
            "tokens_read_per_second": measured.n_read / measured.forward,
            "tokens_written_per_second": 1 / measured.token,
            "flops_per_second": measured.flops_per_second,
            "bytes_per_second": measured.bytes_per_second,
        }
    return found


def print_as_tables(found: dict[str, Any]) -> None:
    """The same for a reader: a heading and a table for each part."""
    import pandas as pd

    from gptviz.cli.runs import print_table

    print(
        f"{found['parameters']:,} parameters, "
        f"{found['without_output_layer']:,} without an output layer of its own"
    )
    for name, heading in {
        "parts": "Parameters (L layers, C width, V vocabulary, T context, D units of an MLP)",
        "sizes": "Room for the weights, by bits a number",
        "memory": "Memory in float32, a text of the whole context",
        "work": "Operations for one token that looks at n tokens",
    }.items():
        print(f"\n{heading}\n")
        print_table(pd.DataFrame(found[name]), index=False)
    if measured := found.get("measured"):
        print("\nSeconds on this machine\n")
        print_table(pd.DataFrame(measured["seconds"]), index=False)
        read, written = (measured[f"tokens_{what}_per_second"] for what in ("read", "written"))
        print(f"\nreads {read:,.0f} and writes {written:,.0f} tokens a second")
