"""What the documentation offers to try has bounds, however many and wide the models are."""

from dataclasses import replace
from typing import Any

import pytest

from service.api.examples import MOST_MODELS, WIDEST, with_examples
from service.inference.predictor import Predictor, open_version
from service.model_repository.layout import PublishedVersion
from service.model_repository.manifest import Golden
from service.model_repository.signature import Feature

PATHS: dict[str, Any] = {
    "/v1/models/{name}:predict": {
        "post": {
            "parameters": [{"name": "name", "in": "path"}],
            "requestBody": {
                "content": {
                    "application/json": {"schema": {"$ref": "#/components/schemas/PredictBody"}}
                }
            },
        }
    }
}


@pytest.fixture(scope="module")
def predictor(penguins: PublishedVersion) -> Predictor:
    return open_version(penguins)


def _called(predictor: Predictor, name: str, width: int) -> Predictor:
    manifest = predictor.manifest
    features = tuple(Feature(name=f"x{place}") for place in range(width))
    signature = manifest.signature.model_copy(update={"features": features})
    golden = Golden(rows=((0.5,) * width,), probabilities=manifest.golden.probabilities[:1])
    changes = {"name": name, "signature": signature, "golden": golden}
    return replace(predictor, manifest=manifest.model_copy(update=changes))


def _examples(*predictors: Predictor) -> dict[str, Any]:
    operation = with_examples(PATHS, predictors)["/v1/models/{name}:predict"]["post"]
    (name,) = operation["parameters"]
    body = operation["requestBody"]["content"]["application/json"]
    assert list(name.get("examples", ())) == list(body.get("examples", ()))
    examples: dict[str, Any] = body.get("examples", {})
    return examples


def test_no_more_than_so_many_models_are_offered(predictor: Predictor) -> None:
    models = [_called(predictor, f"m{place:02}", 3) for place in range(MOST_MODELS + 5)]

    assert list(_examples(*models)) == [f"m{place:02}" for place in range(MOST_MODELS)]


def test_wide_models_are_offered_only_where_there_is_no_narrower(predictor: Predictor) -> None:
    wide, wider = (_called(predictor, f"wide{more}", WIDEST + more) for more in (1, 2))
    narrow = _called(predictor, "z", 3)

    assert list(_examples(wider, narrow, wide)) == ["z"]
    assert list(_examples(wider, wide)) == ["wide1"]
    assert len(_examples(wide)["wide1"]["value"]["instances"][0]) == WIDEST + 1


def test_without_a_model_there_is_nothing_to_offer() -> None:
    assert _examples() == {}
