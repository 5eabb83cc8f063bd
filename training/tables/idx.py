"""IDX, the format of MNIST and its kin (LeCun, Cortes & Burges): a header, then the values."""

import math
from pathlib import Path

import numpy as np
import numpy.typing as npt

from training.errors import TableInvalid

_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


# The format allows 255; tables of images have 3.
_MOST_DIMENSIONS = 8


def parse_idx(path: Path, content: bytes) -> npt.NDArray[np.generic]:
    """The array in what an IDX file holds. Raises TableInvalid."""
    if len(content) < 4 or content[:2] != b"\x00\x00" or content[2] not in _TYPES:
        raise TableInvalid(f"{path}: is not an IDX file")
    dimensions = content[3]
    if not 1 <= dimensions <= _MOST_DIMENSIONS:
        raise TableInvalid(
            f"{path}: expected an IDX file of 1 to {_MOST_DIMENSIONS} dimensions, got {dimensions}"
        )
    start = 4 + 4 * dimensions
    if len(content) < start:
        raise TableInvalid(f"{path}: the IDX file ends within its header")
    shape = tuple(np.frombuffer(content, ">u4", dimensions, 4).tolist())
    dtype = np.dtype(_TYPES[content[2]])
    expected = start + math.prod(shape) * dtype.itemsize
    if len(content) != expected:
        raise TableInvalid(
            f"{path}: the IDX file is cut short or too long: expected {expected} bytes for "
            f"{shape}, got {len(content)}"
        )
    return (
        np.frombuffer(content, dtype, offset=start).reshape(shape).astype(dtype.newbyteorder("="))
    )
