"""The page of the documentation that shows what --help says."""

import os

from training.arguments import help_of, names

_HEAD = """# The command line of training

What `python -m training COMMAND --help` says. Every setting of `fit` and `select` is a flag, or a
line of a TOML file (`--config run.toml`; flags overrule it): `--learning-rate 0.01` is
`learning_rate = 0.01` there, `--hidden 128 64` is `hidden = [128, 64]`.
"""


def page() -> str:
    """The help of every command, in Markdown."""
    os.environ["COLUMNS"] = "100"
    parts = (
        f"## {name}\n\n```console\n$ python -m training {name} --help\n{help_of(name)}```\n"
        for name in names()
    )
    return "\n".join([_HEAD, *parts])


if __name__ == "__main__":
    print(page(), end="")
