"""/v1/models over HTTP."""

import json
import shutil
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.api import bodies
from service.model_repository.layout import PublishedVersion
from service.model_repository.manifest import Manifest
from service.settings import Settings
from tests.service.conftest import running

pytestmark = pytest.mark.anyio

PREDICT = "/v1/models/digits:predict"
ROW = [0.0] * 64


async def test_row_is_classified(client: httpx.AsyncClient, digits: PublishedVersion) -> None:
    names = digits.manifest.signature.names

    answers = [
        await client.post(PREDICT, json=body)
        for body in (
            {"instances": [ROW]},
            {"instances": [dict(zip(names, ROW, strict=True))]},
            {"inputs": {name: [0] for name in names}},
        )
    ]

    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert answers[0].content == answers[1].content == answers[2].content
    parsed = bodies.PredictAnswer.model_validate(answers[0].json())
    assert (parsed.model_name, parsed.model_version) == ("digits", "1")
    assert parsed.labels == list(range(10))
    assert len(parsed.predictions[0].probabilities or []) == 10


async def test_version_in_the_path_is_asked(models: Path) -> None:
    shutil.copytree(models / "digits/1", models / "digits/2")
    async with running(Settings(models=models)) as client:
        newest = await client.post(PREDICT, json={"instances": [ROW]})
        first = await client.post("/v1/models/digits/versions/1:predict", json={"instances": [ROW]})

    assert newest.json()["model_version"] == "2"
    assert first.json()["model_version"] == "1"


async def test_top_k_takes_the_place_of_all_probabilities(client: httpx.AsyncClient) -> None:
    answer = await client.post(PREDICT, json={"instances": [ROW], "top_k": 3})

    parsed = bodies.PredictAnswer.model_validate(answer.json())
    assert len(parsed.predictions[0].top or []) == 3
    assert "probabilities" not in answer.json()["predictions"][0]


async def test_no_rows_are_answered_with_no_predictions(client: httpx.AsyncClient) -> None:
    answer = await client.post(PREDICT, json={"instances": []})

    assert answer.json()["predictions"] == []


async def test_hidden_representations_come_layer_by_layer(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/models/digits:activations", json={"instances": [ROW, ROW]})

    (layer,) = bodies.HiddenAnswer.model_validate(answer.json()).layers
    assert (layer.name, layer.activation, layer.units) == ("hidden_1", "relu", 64)
    assert [len(values) for values in layer.values] == [64, 64]


async def test_model_and_versions_are_listed_with_their_states(models: Path) -> None:
    shutil.copytree(models / "digits/1", models / "digits/2")
    (models / "digits/2/model.onnx").write_bytes(b"")
    async with running(Settings(models=models)) as client:
        listed = (await client.get("/v1/models")).json()
        model = (await client.get("/v1/models/digits")).json()
        broken = (await client.get("/v1/models/digits/versions/2")).json()
        ready = await client.get("/v2/health/ready")

    assert bodies.ModelsAnswer.model_validate(listed).models[0].ready
    assert listed["models"][0].items() <= model.items()
    states = {s["version"]: s["state"] for s in model["model_version_status"]}
    assert states == {"2": "END", "1": "AVAILABLE"}
    assert not broken["ready"]
    assert "sha256" in broken["model_version_status"][0]["status"]["error_message"]
    assert ready.status_code == 200


async def test_model_tells_its_features_and_a_body_that_predict_takes(
    client: httpx.AsyncClient, penguins: PublishedVersion
) -> None:
    for path in ("/v1/models/penguins", "/v1/models/penguins/versions/1"):
        told = (await client.get(path)).json()
        answer = await client.post(f"{path}:predict", json=told["example"])

        described = bodies.ModelDetailsAnswer.model_validate(told)
        assert described.labels == list(penguins.manifest.labels)
        features = {feature.name: feature for feature in described.features or ()}
        assert tuple(features) == penguins.manifest.signature.names
        assert features["island"].categories == ["Biscoe", "Dream", "Torgersen"]
        assert not features["island"].may_be_missing
        assert features["sex"].may_be_missing
        mass = features["body_mass_g"]
        assert (mass.dtype, mass.minimum, mass.maximum) == ("float32", 2700, 6050)
        assert answer.status_code == 200
        assert len(answer.json()["predictions"]) == 1


async def test_model_without_a_version_that_answers_has_no_example(models: Path) -> None:
    (models / "digits/1/model.onnx").write_bytes(b"")
    async with running(Settings(models=models)) as client:
        told = (await client.get("/v1/models/digits")).json()
        document = (await client.get("/openapi.json")).json()

    assert told["labels"] is told["features"] is told["example"] is None
    (name,) = document["paths"]["/v1/models/{name}"]["get"]["parameters"]
    assert "examples" not in name


async def test_card_is_the_manifest(client: httpx.AsyncClient, digits: PublishedVersion) -> None:
    newest = await client.get("/v1/models/digits/card")
    first = await client.get("/v1/models/digits/versions/1/card")

    assert newest.content == first.content == digits.manifest_json
    assert Manifest.model_validate_json(newest.content) == digits.manifest


@pytest.mark.parametrize(
    ("path", "detail"),
    [
        ("/v1/models/digits/versions/9", "'digits' has no version 9; there are: 1"),
        (
            "/v1/models/letters/card",
            "there is no model 'letters' here; there are: digits, fashion-128, penguins",
        ),
        ("/v1/nothing", "there is nothing at this path; /openapi.json lists the paths"),
    ],
)
async def test_what_is_not_there_is_said(client: httpx.AsyncClient, path: str, detail: str) -> None:
    answer = await client.get(path)

    assert answer.status_code == 404
    assert answer.json()["detail"] == detail


@pytest.mark.parametrize(
    "name",
    [
        "..",
        "%2e%2e",
        "%252e%252e",
        "..%2f..%2fetc%2fpasswd",
        "%2fetc%2fpasswd",
        "..%5c..",
        "digits%00",
        "x" * 256,
        "digits%2f1",
    ],
)
@pytest.mark.parametrize("tail", ["", "/card", "/versions/1", ":predict"])
async def test_name_that_spells_a_path_finds_nothing(
    client: httpx.AsyncClient, name: str, tail: str
) -> None:
    method = "POST" if tail == ":predict" else "GET"

    answer = await client.request(method, f"/v1/models/{name}{tail}", content=b"{}")

    assert answer.status_code in (404, 405)
    assert "/models/" not in answer.text.replace("/v1/models/", "")


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        (b"", 400, "malformed-body"),
        (b"{", 400, "malformed-body"),
        (b"[" * 50_000, 400, "malformed-body"),
        (b'{"instances": [[NaN]]}', 400, "malformed-body"),
        (b"[]", 422, "invalid-input"),
        (b"{}", 422, "invalid-input"),
        (b'{"instances": [[1]]}', 422, "invalid-input"),
        (b'{"instances": [[1e400]]}', 422, "invalid-input"),
        (b'{"instances": [], "topk": 1}', 422, "invalid-input"),
        (json.dumps({"instances": [ROW] * 201}).encode(), 413, "too-many-rows"),
        (b" " * 100_001, 413, "body-too-large"),
    ],
    ids=[
        "empty",
        "cut",
        "deep",
        "NaN",
        "list",
        "nothing",
        "width",
        "infinite",
        "option",
        "rows",
        "bytes",
    ],
)
async def test_bad_body_is_answered_with_its_status(
    client: httpx.AsyncClient, body: bytes, status: int, kind: str
) -> None:
    answer = await client.post(PREDICT, content=body, headers={"content-type": "application/json"})

    problem = bodies.ProblemAnswer.model_validate(answer.json())
    assert answer.status_code == problem.status == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem.type == f"urn:mlpserve:problem:{kind}"
    assert problem.request_id == answer.headers["x-request-id"]


async def test_wrong_cell_is_named_by_row_and_feature(client: httpx.AsyncClient) -> None:
    wrong = [*ROW[:5], "abc", *ROW[6:]]

    answer = await client.post(PREDICT, json={"instances": [ROW, wrong]})

    assert answer.json()["errors"] == [
        {"row": 1, "feature": "pixel_0_5", "message": 'expected a number, got "abc"'}
    ]
    assert answer.json()["error_count"] == 1


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"content-type": "application/json; charset=utf-8"}, 200),
        ({"content-type": "application/vnd.mine+json"}, 200),
        ({}, 200),
        ({"content-type": "application/x-www-form-urlencoded"}, 415),
        ({"content-type": "text/plain"}, 415),
        ({"content-type": "application/json", "content-encoding": "br"}, 415),
    ],
    ids=str,
)
async def test_content_type_is_json_or_absent(
    client: httpx.AsyncClient, headers: dict[str, str], status: int
) -> None:
    body = json.dumps({"instances": [ROW]}).encode()

    answer = await client.post(PREDICT, content=body, headers=headers)

    assert answer.status_code == status


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", PREDICT, "POST"),
        ("DELETE", "/v1/models/digits", "GET, HEAD"),
        ("PUT", "/docs", "GET, HEAD"),
    ],
)
async def test_wrong_method_names_the_right_one(
    client: httpx.AsyncClient, method: str, path: str, allowed: str
) -> None:
    answer = await client.request(method, path)

    assert answer.status_code == 405
    assert answer.headers["allow"] == allowed
    methods = allowed.replace(", ", " or ")
    assert answer.json()["detail"].startswith(f"expected {methods}, got {method}")


async def test_broken_version_is_503_with_the_reason_and_when_to_come_back(models: Path) -> None:
    (models / "digits/1/model.onnx").write_bytes(b"")
    async with running(Settings(models=models)) as client:
        answer = await client.post(PREDICT, json={"instances": [ROW]})
        ready = await client.get("/v2/health/ready")

    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert "model.onnx has the sha256" in answer.json()["detail"]
    assert str(models) not in answer.text
    assert ready.status_code == 503
    assert ready.json() == {"ready": False, "error": "no version is ready of: digits"}


@pytest.mark.parametrize(
    "body",
    [
        {"instances": [ROW]},
        {"instances": [{f"pixel_{i}_{j}": 1.5 for i in range(8) for j in range(8)}]},
        {"inputs": {f"pixel_{i}_{j}": [1.0, 2.0] for i in range(8) for j in range(8)}},
        {"instances": [ROW, ROW], "top_k": 10},
        {"instances": [ROW], "coverage": 0.9},
        {"instances": [ROW], "uncertainty": False},
        {"instances": []},
    ],
    ids=["lists", "objects", "columns", "top_k", "coverage", "no uncertainty", "empty"],
)
async def test_documented_body_accepts_what_the_endpoint_accepts(
    client: httpx.AsyncClient, body: dict[str, Any]
) -> None:
    answer = await client.post(PREDICT, json=body)

    assert answer.status_code == 200
    bodies.PredictBody.model_validate(body)
    bodies.PredictAnswer.model_validate(answer.json())


PENGUIN = {
    "island": "Biscoe",
    "bill_length_mm": 47.5,
    "bill_depth_mm": 15.0,
    "flipper_length_mm": 218,
    "body_mass_g": 4950,
    "sex": "female",
    "year": 2009,
}
# All that no penguin lacks.
SPARSE = {"island": "Biscoe", "year": 2009}


async def test_row_of_numbers_and_text_is_classified_in_every_form(
    client: httpx.AsyncClient,
) -> None:
    bodies_ = (
        {"instances": [list(PENGUIN.values())]},
        {"instances": [PENGUIN]},
        {"inputs": {name: [cell] for name, cell in PENGUIN.items()}},
    )

    answers = [await client.post("/v1/models/penguins:predict", json=body) for body in bodies_]

    for body, answer in zip(bodies_, answers, strict=True):
        bodies.PredictBody.model_validate(body)
        parsed = bodies.PredictAnswer.model_validate(answer.json())
        assert parsed.predictions[0].label == "Gentoo"
        assert answer.content == answers[0].content


async def test_prediction_sets_grow_with_coverage_and_hold_the_label(
    client: httpx.AsyncClient,
) -> None:
    rows = {"instances": [PENGUIN, SPARSE]}
    sets = []
    for coverage in (0.5, 0.8, 0.9, 0.99):
        answer = await client.post(
            "/v1/models/penguins:predict", json={**rows, "coverage": coverage}
        )
        parsed = bodies.PredictAnswer.model_validate(answer.json())
        sets.append([set(prediction.prediction_set or ()) for prediction in parsed.predictions])

    for smaller, larger in pairwise(sets):
        assert all(a <= b for a, b in zip(smaller, larger, strict=True))
    assert "Gentoo" in sets[-1][0]


async def test_uncertainty_is_added_and_the_prediction_stays_as_it_is(
    client: httpx.AsyncClient,
) -> None:
    url, body = "/v1/models/penguins:predict", {"instances": [PENGUIN, SPARSE], "top_k": 1}
    plain = (await client.post(url, json=body)).json()

    answers = [await client.post(url, json={**body, "uncertainty": True}) for _ in range(2)]

    assert answers[0].content == answers[1].content
    found = bodies.PredictAnswer.model_validate(answers[0].json()).predictions
    for prediction, before in zip(found, plain["predictions"], strict=True):
        assert prediction.uncertainty is not None
        assert sum(prediction.uncertainty.probabilities) == pytest.approx(1, abs=1e-5)
        assert 0 <= prediction.uncertainty.mutual_information <= prediction.uncertainty.entropy
        assert prediction.label == before["label"]
        assert prediction.probability == pytest.approx(before["probability"], abs=1e-7)
    known, unknown = found
    assert known.uncertainty is not None
    assert unknown.uncertainty is not None
    assert known.uncertainty.entropy < unknown.uncertainty.entropy


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        ({"coverage": 2}, "coverage: expected a number from 0.01 to 0.99, got 2"),
        ({"uncertainty": True}, "uncertainty: this version was exported without dropout"),
    ],
    ids=["coverage", "uncertainty"],
)
async def test_option_that_cannot_be_met_is_422(
    client: httpx.AsyncClient, option: dict[str, Any], sentence: str
) -> None:
    answer = await client.post(PREDICT, json={"instances": [ROW], **option})

    assert answer.status_code == 422
    assert bodies.ProblemAnswer.model_validate(answer.json()).detail.startswith(sentence)


async def test_null_and_an_absent_key_are_missing_alike(client: httpx.AsyncClient) -> None:
    absent = {name: cell for name, cell in PENGUIN.items() if name not in ("sex", "body_mass_g")}
    rows = [PENGUIN | {"sex": None, "body_mass_g": None}, absent, SPARSE]

    answer = await client.post("/v1/models/penguins:predict", json={"instances": rows})

    first, second, nothing = answer.json()["predictions"]
    assert first == second != nothing


async def test_hidden_representations_of_mixed_rows_are_shown(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/models/penguins:activations", json={"instances": [PENGUIN]})

    (layer,) = bodies.HiddenAnswer.model_validate(answer.json()).layers
    assert (layer.name, layer.units) == ("hidden_1", 64)


async def test_cell_of_the_wrong_type_is_named_by_row_and_feature(
    client: httpx.AsyncClient,
) -> None:
    rows = [PENGUIN, PENGUIN | {"sex": 1, "year": "2009"}]

    answer = await client.post("/v1/models/penguins:predict", json={"instances": rows})

    assert answer.status_code == 422
    assert answer.json()["errors"] == [
        {
            "row": 1,
            "feature": "year",
            "message": 'expected a number, got "2009": send it without quotes',
        },
        {"row": 1, "feature": "sex", "message": "expected a string, got 1: send it in quotes"},
    ]


async def test_unusual_cells_are_answered_and_counted_whether_asked_for_or_not(
    client: httpx.AsyncClient,
) -> None:
    rows = [PENGUIN | {"island": "Mars"}, PENGUIN, PENGUIN | {"island": "Venus", "sex": None}]

    answer = await client.post("/v1/models/penguins:predict", json={"instances": rows})
    await client.post("/v1/models/digits:activations", json={"instances": [[0, 99, *ROW[2:]]]})
    metrics = await client.get("/metrics")

    assert answer.status_code == 200
    assert metrics.headers["content-type"].startswith("text/plain")
    name = "mlpserve_unusual_cells_total"
    counted = [line for line in metrics.text.splitlines() if line.startswith(name + "{")]
    assert sorted(counted) == [
        f'{name}{{feature="island",kind="unknown_category",model="penguins",version="1"}} 2.0',
        f'{name}{{feature="pixel_0_1",kind="out_of_range",model="digits",version="1"}} 1.0',
        f'{name}{{feature="sex",kind="missing",model="penguins",version="1"}} 1.0',
    ]


async def test_predictions_say_what_is_unusual_about_their_rows_when_asked_to(
    client: httpx.AsyncClient,
) -> None:
    odd = PENGUIN | {"island": "Mars", "year": 1900, "sex": None}
    body = {"instances": [PENGUIN, odd], "warnings": True, "top_k": 1}

    answer = await client.post("/v1/models/penguins:predict", json=body)
    plain = await client.post("/v1/models/penguins:predict", json={**body, "warnings": False})
    wrong = await client.post("/v1/models/penguins:predict", json={**body, "warnings": 1})

    bodies.PredictBody.model_validate(body)
    parsed = bodies.PredictAnswer.model_validate(answer.json())
    assert (parsed.predictions[0].warnings, parsed.predictions[0].warning_count) == ([], 0)
    assert answer.json()["predictions"][1]["warnings"] == [
        {"feature": "island", "message": "none of the categories that the model knows"},
        {"feature": "sex", "message": "missing, as in 3.1 % of the training rows"},
        {"feature": "year", "message": "below the training range 2007 to 2009"},
    ]
    assert "warnings" not in plain.text
    assert wrong.status_code == 422
    assert wrong.json()["detail"] == "warnings: expected true or false, got 1"


async def test_card_lists_every_feature_with_its_type_range_or_categories_and_gaps(
    client: httpx.AsyncClient,
) -> None:
    card = (await client.get("/v1/models/penguins/card")).json()

    features = {feature["name"]: feature for feature in card["signature"]["features"]}
    assert features["sex"]["dtype"] == "string"
    assert features["sex"]["categories"] == ["female", "male"]
    assert 0 < features["sex"]["missing"] < 0.1
    assert features["body_mass_g"]["dtype"] == "float32"
    assert (features["body_mass_g"]["minimum"], features["body_mass_g"]["maximum"]) == (2700, 6050)
