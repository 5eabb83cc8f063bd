"""Versions that earlier releases published are served as they were then."""

import json

import pytest

from service.settings import Settings
from tests.service.conftest import PUBLISHED, running

pytestmark = pytest.mark.anyio
PREDICT = "/v1/models/penguins:predict"
GENTOO = {
    "island": "Biscoe",
    "bill_length_mm": 47.5,
    "bill_depth_mm": 15.0,
    "flipper_length_mm": 218,
    "body_mass_g": 4950,
    "sex": None,
    "year": 2009,
}


@pytest.mark.parametrize("schema", ["3"])
async def test_version_of_an_earlier_schema_answers_as_it_did(schema: str) -> None:
    manifest = json.loads((PUBLISHED / schema / "penguins/1/manifest.json").read_text())
    async with running(Settings(models=PUBLISHED / schema)) as client:
        answer = await client.post(PREDICT, json={"instances": [GENTOO, {}]})
        sets = await client.post(PREDICT, json={"instances": [GENTOO], "coverage": 0.5})
        blanks = await client.post(
            PREDICT, json={"instances": [GENTOO, GENTOO | {"island": " Biscoe"}]}
        )

    assert manifest["schema_version"] == int(schema)
    first, nothing = answer.json()["predictions"]
    assert first["label"] == "Gentoo"
    assert first["probability"] == pytest.approx(0.9997292, abs=1e-5)
    # One gap in training let every feature be absent then.
    assert len(nothing["probabilities"]) == 3
    assert sets.json()["predictions"][0]["prediction_set"] in ([], ["Gentoo"])
    # Text was compared as it is then.
    plain, spaced = blanks.json()["predictions"]
    assert plain["probabilities"] != spaced["probabilities"]
