"""Numbers from a trace, a model or a tokenizer: what the pages show, without a browser."""
