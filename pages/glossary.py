"""Glossary: what the words mean."""

from gptviz.app.frame import frame_without_prompt
from gptviz.subjects.glossary import tabs

frame_without_prompt("glossary")
tabs.entries()
