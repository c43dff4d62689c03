"""Pure figure builders: arrays and strings in, a Plotly figure out."""
