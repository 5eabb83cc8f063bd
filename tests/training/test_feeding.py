"""model.onnx says by itself how it is fed: nothing but the file and ONNX Runtime is needed."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
import pytest

from service.inference.features import Features
from service.model_repository.layout import ARTIFACT
from tests.training.conftest import untrained
from training.export import export
from training.finish import Run
from training.inputs import Column
from training.tables.table import Table


def _asked_by_its_metadata(
    session: onnxruntime.InferenceSession, rows: list[dict[str, float | str]]
) -> list[dict[Any, float]]:
    """The probability of every label, for rows of named cells, by what the file says alone."""
    said = session.get_modelmeta().custom_metadata_map
    columns, labels = json.loads(said["inputs"]), json.loads(said["labels"])
    feed = {
        tensor.name: np.array(
            [[row[name] for name in columns[tensor.name]] for row in rows],
            dtype=object if tensor.type == "tensor(string)" else np.float32,
        )
        for tensor in session.get_inputs()
    }
    (probabilities,) = session.run(["probabilities"], feed)
    return [dict(zip(labels, row, strict=True)) for row in probabilities.tolist()]


def _cells(table: Table) -> list[dict[str, float | str]]:
    """The rows of the table by the names of its columns, which are put in another order."""
    numbers = [column.name for column in table.columns if not column.is_text]
    texts = [column.name for column in table.columns if column.is_text]
    rows = zip(table.features.numeric, table.features.categorical, strict=True)
    return [
        {**dict(zip(texts, text, strict=True)), **dict(zip(numbers, number, strict=True))}
        for number, text in rows
    ]


@pytest.fixture
def dated_table(mixed_table: Table) -> Table:
    """The mixed table with a date between its columns."""
    days = np.random.default_rng(3).integers(15_000, 19_000, (120, 1)).astype(np.float32)
    numeric = np.concatenate([mixed_table.features.numeric, days], axis=1)
    return replace(
        mixed_table,
        columns=(*mixed_table.columns, Column("joined", "date")),
        features=Features(numeric, mixed_table.features.categorical),
    )


def test_a_row_of_named_cells_is_asked_by_the_files_metadata_alone(dated_table: Table) -> None:
    model = untrained(dated_table)

    answers = _asked_by_its_metadata(
        onnxruntime.InferenceSession(export(model)), _cells(dated_table)
    )

    expected: npt.NDArray[np.float32] = model.probabilities(dated_table.features)
    found = [[answer[label] for label in dated_table.labels] for answer in answers]
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_metadata_tell_dates_gaps_categories_and_how_text_is_read(dated_table: Table) -> None:
    model = untrained(dated_table)

    said = onnxruntime.InferenceSession(export(model)).get_modelmeta().custom_metadata_map

    assert json.loads(said["dates"]) == ["joined"]
    assert json.loads(said["may_be_missing"]) == ["colour", "weight"]
    assert json.loads(said["categories"])["colour"] == ["blue", "green", "red"]
    assert json.loads(said["missing_texts"]) == list(model.signature.missing_texts)
    assert said.keys() == {"how_to_feed", *_explained(said["how_to_feed"])}


def test_metadata_tell_of_categories_that_case_does_not_tell_apart(dated_table: Table) -> None:
    columns = tuple(replace(c, folds_case=c.name == "colour") for c in dated_table.columns)
    model = untrained(replace(dated_table, columns=columns))

    said = onnxruntime.InferenceSession(export(model)).get_modelmeta().custom_metadata_map

    assert json.loads(said["folds_case"]) == ["colour"]
    assert said.keys() == {"how_to_feed", "folds_case", *_explained(said["how_to_feed"])}
    assert "`folds_case`" in said["how_to_feed"]


def _explained(how: str) -> set[str]:
    keys = ("inputs", "labels", "dates", "may_be_missing", "categories", "missing_texts")
    return {key for key in (*keys, "trims_text") if f"`{key}`" in how}


def test_what_a_run_publishes_is_asked_by_its_metadata_alone(iris: Run) -> None:
    session = onnxruntime.InferenceSession(iris.folder / ARTIFACT)

    (answer,) = _asked_by_its_metadata(
        session,
        [
            {
                "petal width (cm)": 0.2,
                "petal length (cm)": 1.4,
                "sepal length (cm)": 5.1,
                "sepal width (cm)": 3.5,
            }
        ],
    )

    assert max(answer, key=lambda label: answer[label]) == "setosa"
