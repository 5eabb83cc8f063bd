"""What the benchmarks take on their command lines."""

import argparse


def positive(text: str) -> int:
    """A whole number above 0, as argparse's type."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number above 0, got '{text}'")
    return int(text)
