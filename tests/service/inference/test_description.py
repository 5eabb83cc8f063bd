"""What a client is told of a version."""

from service.inference.description import describe
from service.model_repository.example import example_row
from service.model_repository.layout import PublishedVersion
from service.model_repository.manifest import Golden, Manifest
from service.model_repository.signature import Cell, Feature


def _with(manifest: Manifest, features: tuple[Feature, ...], *rows: tuple[Cell, ...]) -> Manifest:
    golden = Golden(rows=rows, probabilities=manifest.golden.probabilities[: len(rows)])
    signature = manifest.signature.model_copy(update={"features": features})
    return manifest.model_copy(update={"signature": signature, "golden": golden})


def test_range_of_a_date_is_told_as_requests_write_dates(penguins: PublishedVersion) -> None:
    seen = Feature(name="seen", dtype="date", minimum=19000.0, maximum=19000.5)

    described = describe(_with(penguins.manifest, (seen,), ("2022-01-08",)))

    assert described.features[0]["dtype"] == "date"
    assert described.features[0]["minimum"] == "2022-01-08"
    assert described.features[0]["maximum"] == "2022-01-08T12:00"
    assert described.example == {"instances": [{"seen": "2022-01-08"}]}


def test_example_has_as_few_gaps_and_unknown_categories_as_there_are(
    penguins: PublishedVersion,
) -> None:
    features = (Feature(name="mass"), Feature(name="sex", dtype="string", categories=("f", "m")))
    rows = ((None, "f"), (1.0, "unseen"), (2.0, "m"), (3.0, "f"))

    described = describe(_with(penguins.manifest, features, *rows))

    assert described.example == {"instances": [{"mass": 2.0, "sex": "m"}]}


def test_row_of_many_features_is_a_list(digits: PublishedVersion) -> None:
    example = describe(digits.manifest).example

    assert example == {"instances": [list(example_row(digits.manifest))]}
