"""What endpoints take out of a request: a part of its path, its body's kind, a version number."""

from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import Request

from service.api.gzipped import is_gzip
from service.errors import UnsupportedContentCoding, UnsupportedContentType, VersionNotFound
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


def check_media_type(declared: bytes, encoding: bytes | None) -> None:
    """Raise UnsupportedContentType unless a body so declared is JSON, or undeclared.

    It is plain, or was packed by gzip.
    """
    if declared != b"application/json":
        media_type = declared.decode("latin-1").partition(";")[0].strip().lower()
        is_json = media_type == "application/json" or media_type.endswith("+json")
        if media_type and not is_json:
            raise UnsupportedContentType(
                f"expected the content type application/json, got {media_type[:64]}; "
                "with curl: -H 'content-type: application/json'"
            )
    if encoding and encoding.lower() != b"identity" and not is_gzip(encoding):
        shown = encoding.decode("latin-1").lower()[:64]
        raise UnsupportedContentCoding(
            f"expected a plain body, or one packed by gzip, got one encoded as {shown}"
        )


def prefers(request: Request, media_type: str) -> bool:
    """Whether the client asks for this media type and not for JSON as well."""
    accepted = request.headers.get("accept", "")
    return media_type in accepted and "application/json" not in accepted


def version_in_path(name: str, text: str) -> int:
    """The version number that a path names. Raises VersionNotFound for another word."""
    number = version_number(text)
    if number is None:
        raise VersionNotFound(
            f"expected a version number, got '{text[:32]}' for '{name[:64]}'; "
            f"a path without /versions/{text[:32]} takes the newest that is ready"
        )
    return number
