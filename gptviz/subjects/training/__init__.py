"""Training: runs, their settings, their curves and what they say."""
