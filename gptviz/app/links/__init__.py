"""The links to all pages, in the sidebar."""
