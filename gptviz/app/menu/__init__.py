"""What a reader sets for all pages at the foot of the sidebar: presenter, theme, sharing."""
