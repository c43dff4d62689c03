"""See what happens inside a GPT."""
