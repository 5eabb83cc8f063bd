"""What endpoints take out of a request: its JSON body, the version in its path."""

from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import Request

from service.errors import UnsupportedContentType, VersionNotFound
from service.model_repository.layout import version_number


class _Segment(Convertor[str]):
    """One part of a path, up to the colon before a custom method such as :predict."""

    regex = "[^/:]+"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


def register_segment() -> None:
    """Make `{name:segment}` known to routes."""
    register_url_convertor("segment", _Segment())


async def json_body(request: Request) -> bytes:
    """The body's bytes. Raises UnsupportedContentType, and BodyTooLarge while reading."""
    declared = request.headers.get("content-type", "")
    media_type = declared.partition(";")[0].strip().lower()
    is_json = media_type == "application/json" or media_type.endswith("+json")
    if media_type and not is_json:
        raise UnsupportedContentType(
            f"expected the content type application/json, got {media_type[:64]}"
        )
    encoding = request.headers.get("content-encoding", "identity").lower()
    if encoding != "identity":
        raise UnsupportedContentType(f"expected a plain body, got one encoded as {encoding[:64]}")
    return await request.body()


def version_in_path(name: str, text: str) -> int:
    """The version number that a path names. Raises VersionNotFound for another word."""
    number = version_number(text)
    if number is None:
        raise VersionNotFound(f"expected a version number, got '{text[:32]}' for '{name[:64]}'")
    return number
