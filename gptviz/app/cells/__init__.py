"""A board of cells that can be clicked."""
