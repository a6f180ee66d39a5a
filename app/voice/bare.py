"""Words without case and punctuation: what recognition hears twice is never written alike; pure."""


def bare(text: str) -> str:
    """A text's letters and digits alone."""
    return "".join(c for c in text.casefold() if c.isalnum())
