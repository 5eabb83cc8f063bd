"""Everything that can go wrong in the service. No HTTP status here: api/problems.py maps them.

ServiceError
├── InvalidRequest
│   ├── MalformedBody
│   ├── InvalidInput
│   ├── UnsupportedContentType
│   │   └── UnsupportedContentCoding
│   ├── MalformedRequest
│   ├── UnsupportedRequest
│   ├── HeadTooLarge
│   ├── BodyTooLarge
│   └── TooManyRows
├── NotFound
│   ├── ModelNotFound
│   ├── VersionNotFound
│   ├── FunctionNotFound
│   └── CardNotFound
├── NotReady
├── Overloaded
│   └── TooManyBodies
├── RunFailed
│   ├── OutputsUnfit
│   └── RunTooLong
├── TrialUnfinished
├── BrokenVersion
│   ├── ManifestInvalid
│   ├── ArtifactInvalid
│   ├── ChecksumMismatch
│   └── SelfTestFailed
└── StartupError
    ├── SettingsInvalid
    ├── RepositoryInvalid
    ├── NoSharedFolder
    └── AddressInUse
"""

from collections.abc import Sequence
from dataclasses import dataclass

LISTED_PROBLEMS = 20


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a request: what was expected, what came, and where."""

    message: str
    row: int | None = None
    feature: str | None = None


class ServiceError(Exception):
    """Any failure that the service explains in one sentence."""


class InvalidRequest(ServiceError):
    """The request itself is at fault."""


class MalformedBody(InvalidRequest):
    """The body is not JSON."""


class InvalidInput(InvalidRequest):
    """JSON, or a query, that does not fit; without problems of its own the summary is the one."""

    def __init__(
        self, summary: str, problems: Sequence[Problem] = (), *, total: int | None = None
    ) -> None:
        super().__init__(summary)
        listed = problems or (Problem(summary),)
        self.problems = tuple(listed[:LISTED_PROBLEMS])
        self.total = len(listed) if total is None else total


class UnsupportedContentType(InvalidRequest):
    """The body is declared to be something other than JSON."""


class UnsupportedContentCoding(UnsupportedContentType):
    """The body is packed in a way that is not unpacked here."""


class MalformedRequest(InvalidRequest):
    """What came on a connection is no request of HTTP/1.1."""


class UnsupportedRequest(InvalidRequest):
    """A request is framed in a way, or has a method, that the service does not serve."""


class HeadTooLarge(InvalidRequest):
    """A request's line and headers, or its trailers, are larger than the limit."""


class BodyTooLarge(InvalidRequest):
    """The body is over the limit."""


class TooManyRows(InvalidRequest):
    """More rows, or points, than the limit."""


class NotFound(ServiceError):
    """No such thing here."""


class ModelNotFound(NotFound):
    """No model of that name."""


class VersionNotFound(NotFound):
    """The model has no such version."""


class FunctionNotFound(NotFound):
    """No activation function of that name."""


class CardNotFound(NotFound):
    """The version has no card that can be read, or no such picture of one."""


class NotReady(ServiceError):
    """The model is loading, or none of its versions passed its checks."""


class Overloaded(ServiceError):
    """More waits than may: rows for a model, or bytes of bodies."""


class TooManyBodies(Overloaded):
    """The bodies of the requests in progress would take more bytes than they may together."""


class RunFailed(ServiceError):
    """The graph of a version that is served did not do what its manifest says."""


class OutputsUnfit(RunFailed):
    """An output does not hold a value for each row."""


class RunTooLong(RunFailed):
    """A run was ended after the seconds that it may take."""


class BrokenVersion(ServiceError):
    """A published version that must not be served."""


class TrialUnfinished(ServiceError):
    """A version has not shown in a short time whether it can be served."""


class ManifestInvalid(BrokenVersion):
    """manifest.json is missing, unreadable, or of another schema version."""


class ArtifactInvalid(BrokenVersion):
    """model.onnx is missing, no ONNX model, or not what the manifest says."""


class ChecksumMismatch(BrokenVersion):
    """model.onnx is not the file that was published."""


class SelfTestFailed(BrokenVersion):
    """The golden rows came out differently than when the version was published."""


class StartupError(ServiceError):
    """The service cannot start."""


class SettingsInvalid(StartupError):
    """A flag or an environment variable has a value that does not fit."""


class RepositoryInvalid(StartupError):
    """The model repository is missing, unreadable or empty."""


class NoSharedFolder(StartupError):
    """Several workers have nowhere to count together."""


class AddressInUse(StartupError):
    """The address cannot be listened on."""
