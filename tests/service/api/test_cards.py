"""A version's card: the manifest for programs, a page with pictures for people."""

import re
from pathlib import Path

import httpx
import pytest

from service.model_repository.layout import PICTURES
from service.settings import Settings
from tests.service.conftest import MODELS, running

pytestmark = pytest.mark.anyio

CARD = "/v1/models/penguins/card"
BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


@pytest.mark.parametrize("path", [CARD, "/v1/models/penguins/versions/1/card"])
async def test_browser_gets_a_page_whose_every_picture_is_here(
    client: httpx.AsyncClient, path: str
) -> None:
    page = await client.get(path, headers=BROWSER)
    asked = await client.get(f"{path}?format=html", headers={"Accept": "application/json"})

    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.text == asked.text
    assert "<h1>penguins</h1>" in page.text
    assert "<td>Adelie</td>" in page.text
    shown = re.findall(r'<img src="([^"]+)"', page.text)
    assert len(shown) == len(list((MODELS / "penguins/1/plots").iterdir()))
    for picture in shown:
        answer = await client.get(str(httpx.URL(f"http://test{path}").join(picture)))
        assert answer.headers["content-type"] == "image/svg+xml"
        assert answer.content == (MODELS / "penguins/1" / picture).read_bytes()


@pytest.mark.parametrize("accept", ["*/*", "application/json", "text/html, application/json"])
async def test_programs_get_the_manifest(client: httpx.AsyncClient, accept: str) -> None:
    answer = await client.get(CARD, headers={"Accept": accept})

    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["vary"] == "Accept"
    assert answer.json()["name"] == "penguins"
    assert (await client.get(f"{CARD}?format=json", headers=BROWSER)).content == answer.content


async def test_nothing_but_its_style_and_pictures_from_here_is_let_into_a_page(
    client: httpx.AsyncClient,
) -> None:
    page = await client.get(CARD, headers=BROWSER)
    picture = await client.get("/v1/models/penguins/plots/losses.svg")

    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; img-src 'self'; style-src 'sha256-")
    assert picture.headers["content-security-policy"].endswith("sandbox")
    for answer in (page, picture):
        assert answer.headers["x-content-type-options"] == "nosniff"


async def test_whatever_a_card_says_stays_text(models: Path) -> None:
    bad = "<script>alert(1)</script>\n\n![x](javascript:alert(1))\n\n[x](javascript:alert(1))\n"
    (models / "digits/1/card.md").write_bytes(bad.encode() + b"\xff\n\n<img src=x onerror=y>")
    async with running(Settings(models=models)) as client:
        page = (await client.get("/v1/models/digits/card?format=html")).text

    assert "<script" not in page
    assert "<img" not in page
    assert "<a " not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "�" in page


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("/v1/models/penguins/plots/selection.svg", "selection.svg cannot be read: No such file"),
        ("/v1/models/penguins/plots/other.svg", "there is no picture 'other.svg': losses.svg, "),
        ("/v1/models/penguins/plots/%2e%2e", "there is no picture '..'"),
        ("/v1/models/penguins/plots/%2e%2e%2fcard.md", "there is nothing at this path"),
        ("/v1/models/penguins/plots/manifest.json", "there is no picture 'manifest.json'"),
        ("/v1/models/letters/card?format=html", "there is no model 'letters' here"),
        ("/v1/models/penguins/versions/7/plots/losses.svg", "'penguins' has no version 7"),
    ],
)
async def test_what_is_no_picture_of_the_version_is_not_there(
    client: httpx.AsyncClient, path: str, sentence: str
) -> None:
    answer = await client.get(httpx.URL("http://test" + path))

    assert answer.status_code == 404
    assert sentence in answer.json()["detail"]
    assert str(MODELS) not in answer.text


async def test_links_pipes_and_endless_files_are_not_shown(models: Path, tmp_path: Path) -> None:
    version = models / "digits/1"
    (tmp_path / "secret.svg").write_text("secret")
    pictures = ("losses.svg", "gradients.svg", "confusion.svg")
    for name in pictures:
        (version / "plots" / name).unlink()
    (version / "plots/losses.svg").symlink_to(tmp_path / "secret.svg")
    (version / "plots/gradients.svg").symlink_to("/dev/zero")
    (version / "plots/confusion.svg").mkdir()
    with (version / "plots/classes.svg").open("wb") as file:
        file.truncate(2**30)
    (version / "card.md").unlink()
    async with running(Settings(models=models)) as client:
        paths = [f"plots/{name}" for name in (*pictures, "classes.svg")]
        answers = [
            await client.get(f"/v1/models/digits/{path}") for path in (*paths, "card?format=html")
        ]

    assert [answer.status_code for answer in answers] == [404] * 5
    assert not any("secret" in answer.text for answer in answers)


def test_pictures_are_named_without_a_path() -> None:
    assert all(re.fullmatch(r"[a-z-]+\.svg", name) for name in PICTURES)
