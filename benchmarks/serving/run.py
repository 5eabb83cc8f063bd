"""One of the servers that the service is held against: python -m benchmarks.serving.run FILE.

FILE is JSON: {"port", and "echo": an answer, or "plain": the arguments of plain.create_app}.
"""

import json
import sys
from pathlib import Path
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from benchmarks.serving import plain
from benchmarks.serving.echo import Echo


def main() -> None:
    """Serve until a signal."""
    asked = json.loads(Path(sys.argv[1]).read_text())
    uvicorn.run(
        _app(asked),
        port=asked["port"],
        loop="uvloop",
        http="httptools",
        lifespan="off",
        access_log=False,
        log_level="warning",
    )


def _app(asked: dict[str, Any]) -> ASGIApp:
    if "echo" in asked:
        return Echo(asked["echo"].encode())
    given = asked["plain"]
    return plain.create_app(
        Path(given["lists"]), Path(given["objects"]), given["labels"], given["names"]
    )


if __name__ == "__main__":
    main()
