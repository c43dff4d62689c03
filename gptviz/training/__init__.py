"""Train a GPT from scratch: data, optimiser, loop, and runs on disk."""
