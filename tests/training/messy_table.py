"""A table as businesses have them: amounts, codes, spellings, gaps, free text, copies."""

import csv
from pathlib import Path

import numpy as np

_WORDS = np.array(["good", "bad", "slow", "fast", "nice", "odd", "plain", "late", "early", "warm"])


def write_messy(path: Path, *, rows: int = 400, copies: int = 120) -> Path:
    """Write it; `income` has "?" for a gap, which a fit stops at."""
    generator = np.random.default_rng(0)

    def draw(choices: str) -> str:
        return str(generator.choice(choices.split("|")))

    found = []
    for row in range(rows):
        churn = bool(generator.random() < 0.3)
        income = max(8000, generator.normal(40_000 + 20_000 * churn, 15_000))
        found.append(
            {
                "customer_id": f"C{row:05d}",
                "income": "?" if row % 40 == 0 else f"${income:,.2f}",
                "discount": f"{generator.integers(40)} %",
                "zip": draw("01047|02134|99501|10001"),
                "plan": draw("basic|basic|Basic|basic |plus|PLUS"),
                "source": draw("web|web|shop|unknown|-"),
                "comment": " ".join(generator.choice(_WORDS, 12)),
                "empty": "",
                "version": "v1" if row in (5, 80) else "v2",
                "tenure": str(generator.integers(72)),
                "churn": "yes" if churn else "no",
            }
        )
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(found[0]))
        writer.writeheader()
        writer.writerows([*found, *found[:copies]])
    return path
