"""How much of a file may be unpacked: what reading it takes must fit in the memory allowed."""

import gzip
import zlib
from dataclasses import dataclass
from pathlib import Path

from training.errors import TableInvalid

# Of memory while a table is read, encoded and trained on: for a cell, and for a byte of a file.
BYTES_A_CELL = 32
BYTES_A_BYTE = 6
_BLOCK = 1 << 20


@dataclass
class Room:
    """What is left of the memory in bytes, as the files of one table are read."""

    memory: int

    def __post_init__(self) -> None:
        self._left = self.memory

    def take(self, path: Path, unpacked: int, *, cells: int = 0) -> None:
        """Count bytes that come out of a file, and cells. Raises TableInvalid if it is too much."""
        self._left -= unpacked * BYTES_A_BYTE + cells * BYTES_A_CELL
        if self._left < 0:
            raise TableInvalid(
                f"{path}: what it holds unpacked needs more than {self.memory / 2**30:.2f} GiB "
                "of memory, the most that may be used: fit --memory allows more, and streams a "
                "Parquet file"
            )

    def gunzip(self, path: Path) -> bytes:
        """What a gzip file holds, counted while it is unpacked. Raises TableInvalid."""
        content = bytearray()
        try:
            with gzip.open(path) as file:
                while block := file.read(_BLOCK):
                    self.take(path, len(block))
                    content += block
        except (OSError, EOFError, zlib.error) as exc:
            raise TableInvalid(f"{path}: is not a whole gzip file: {exc}") from exc
        return bytes(content)
