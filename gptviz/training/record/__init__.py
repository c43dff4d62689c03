"""What a run writes down while it learns: a module for each file, with its writer and its reader.

The training loop tells all observers of a few events (see `observer`); it knows nothing of files.
"""
