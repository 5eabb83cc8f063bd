"""Graphs whose outputs are not what their signature says."""

from collections.abc import Callable
from pathlib import Path

import pytest

from service.errors import ArtifactInvalid, BrokenVersion, ManifestInvalid, SelfTestFailed
from service.inference.predictor import open_version
from service.model_repository.layout import read_version
from tests.service import graphs


def _open(folder: Path) -> None:
    root = folder.parent.parent
    open_version(read_version(folder, root=root, name=folder.parent.name, number=1))


def _scalar_hidden() -> bytes:
    total = graphs.node("ReduceSum", "features", "total", keepdims=0)
    return graphs.artifact(total, hidden="total", hidden_shape=None)


def _flat_hidden() -> bytes:
    largest = graphs.node("ReduceMax", "features", "largest", axes=[1], keepdims=0)
    return graphs.artifact(largest, hidden="largest", hidden_shape=None)


def test_sound_graph_by_hand_is_served(tmp_path: Path) -> None:
    _open(graphs.publish(tmp_path, "sound", graphs.artifact()))


@pytest.mark.parametrize(
    ("make", "error", "sentence"),
    [
        (_scalar_hidden, ArtifactInvalid, r"'hidden_1' has the shape \[\]: expected a value for"),
        (_flat_hidden, ArtifactInvalid, r"'hidden_1': expected float32 \[N, width\], got float32"),
        (lambda: graphs.unlike(at_rows=2), SelfTestFailed, "2 rows came out differently than as"),
        (lambda: graphs.fewer(at_rows=17), ArtifactInvalid, r"the shape \[16, 2\]: expected a"),
        (lambda: graphs.fewer(at_rows=1), ArtifactInvalid, r"the shape \[0, 2\]: expected a"),
        (lambda: graphs.failing(at_rows=64), ArtifactInvalid, "does not run on 64 rows"),
        (lambda: graphs.failing(at_rows=1), ArtifactInvalid, "does not run on 1 rows"),
    ],
    ids=["scalar", "flat", "company", "16 for 17", "0 for 1", "fails at 64", "fails at 1"],
)
def test_graph_that_would_fail_requests_is_refused_as_it_opens(
    make: Callable[[], bytes], error: type[BrokenVersion], sentence: str, tmp_path: Path
) -> None:
    folder = graphs.publish(tmp_path, "unfit", make())

    with pytest.raises(error, match=sentence):
        _open(folder)


def test_label_beyond_64_bits_is_refused_as_it_opens(tmp_path: Path) -> None:
    folder = graphs.publish(
        tmp_path, "large", graphs.artifact(), edit=lambda m: m.update(labels=[0, 2**64])
    )

    with pytest.raises(ManifestInvalid, match="labels"):
        _open(folder)
