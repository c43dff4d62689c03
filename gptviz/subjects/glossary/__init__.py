"""The words of the field, each with a sentence, a definition and the pages that show it."""
