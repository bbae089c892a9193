"""What the screens show, as values: rows, trees, lines and words. Pure; knows nothing of Textual."""
