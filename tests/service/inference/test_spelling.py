"""How text cells are read, where the signature says what readers of files did to them."""

import pytest

from service.inference.spelling import Spelling
from service.model_repository.signature import Feature, Signature


def _spelling(*categories: str, respelled: bool = False, as_before: bool = False) -> Spelling:
    feature = Feature(name="a", dtype="string", categories=categories, respelled=respelled)
    rule = {} if as_before else {"trims_text": True, "missing_texts": ("", "NA", "null")}
    signature = Signature.model_validate(
        {"features": (feature,), "accepts_missing": True, "hidden": ("hidden_1",), **rule}
    )
    return Spelling(feature, signature)


@pytest.mark.parametrize("cell", ["male", " male", "male\n", "\u3000male\xa0"], ids=ascii)
def test_blanks_around_text_are_cut_off(cell: str) -> None:
    assert _spelling("male").read(cell) == "male"


@pytest.mark.parametrize("cell", ["", "NA", " null ", "\t"], ids=ascii)
def test_text_that_says_that_it_is_missing_is_missing(cell: str) -> None:
    assert _spelling("male").read(cell) == ""


@pytest.mark.parametrize("cell", ["\x1cmale", "na", "Male", "ma le"], ids=ascii)
def test_other_text_stays_as_it_is(cell: str) -> None:
    assert _spelling("male").read(cell) == cell


@pytest.mark.parametrize("cell", [" male", "NA", " ", "True"], ids=ascii)
def test_up_to_schema_3_text_is_taken_as_it_is(cell: str) -> None:
    assert _spelling("male", "true", as_before=True).read(cell) == cell


def test_other_spellings_of_a_category_are_read_as_it_where_training_rows_had_one() -> None:
    respelled, exact = _spelling("true", "1", respelled=True), _spelling("true", "1")

    assert [respelled.read(cell) for cell in ("TRUE", " 1.0", "01", "2")] == [
        "true",
        "1",
        "01",
        "2",
    ]
    assert [exact.read(cell) for cell in ("TRUE", " 1.0")] == ["TRUE", "1.0"]
