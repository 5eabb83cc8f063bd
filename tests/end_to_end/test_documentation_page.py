"""/docs in a real browser: whoever clicks an example gets an answer."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Locator, Page, Response, sync_playwright

from tests.service_process import ROOT, Service, started

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium here: apt-get install chromium"
)
# Of a machine that does other things as well.
PATIENCE_MS = 30_000
OPERATIONS = 16


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with started("--models", ROOT / "models") as service:
        yield service


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One that the system has."""
    # A container's root has no sandbox to run it in.
    flags = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def page(browser: Browser, service: Service) -> Page:
    """The documentation."""
    page = browser.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{service.url}/docs")
    page.locator(".opblock").first.wait_for()
    return page


def test_every_example_that_is_clicked_is_answered(page: Page, service: Service) -> None:
    complaints: list[str] = []
    asked: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    operations = page.locator(".opblock")
    count = operations.count()

    answers = {}
    for place in range(count):
        operation = operations.nth(place)
        with _opened(operation):
            answer = _execute(page, operation)
            answers[f"{answer.request.method} {urlsplit(answer.url).path}"] = answer.status

    assert count == len(answers) == OPERATIONS
    assert set(answers.values()) == {200}, answers
    assert not complaints
    assert {urlsplit(url).netloc for url in asked} == {urlsplit(service.url).netloc}


@pytest.mark.parametrize("model", ["digits", "fashion-128"])
def test_another_model_that_is_chosen_answers_its_own_example(page: Page, model: str) -> None:
    operation = page.locator(".opblock", has_text="/v1/models/{name}:predict")
    with _opened(operation):
        for choices in operation.locator(".examples-select-element").all():
            choices.select_option(model)
        answer = _execute(page, operation)

    assert urlsplit(answer.url).path == f"/v1/models/{model}:predict"
    assert answer.status == 200
    assert answer.json()["model_name"] == model


def test_card_is_a_page_with_its_style_and_every_picture(
    browser: Browser, service: Service
) -> None:
    refused: list[str] = []
    card = browser.new_page()
    card.on("console", lambda line: refused.append(line.text))

    card.goto(f"{service.url}/v1/models/penguins/card", wait_until="load")

    widths = card.evaluate("[...document.images].map((image) => image.naturalWidth)")
    style = card.evaluate("getComputedStyle(document.body).maxWidth")
    heading = card.locator("h1").inner_text()

    assert heading == "penguins"
    assert len(widths) == len(list((ROOT / "models/penguins/1/plots").iterdir()))
    assert all(widths)
    assert style == "960px"
    assert not [line for line in refused if "Content Security Policy" in line]


@contextmanager
def _opened(operation: Locator) -> Iterator[None]:
    """Open an operation of the page to try it, and shut it again: few open ones are drawn fast."""
    summary = operation.locator(".opblock-summary-control")
    summary.click()
    operation.locator(".try-out__btn").wait_for()
    if not operation.locator(".execute").count():
        operation.locator(".try-out__btn").click()
    yield
    summary.click()


def _execute(page: Page, operation: Locator) -> Response:
    with page.expect_response(_is_of_the_api) as answer:
        operation.locator(".execute").click()
    return answer.value


def _is_of_the_api(answer: Response) -> bool:
    path = urlsplit(answer.url).path
    return path.startswith(("/v1", "/v2", "/metrics"))
