"""Log lines on standard error: time, level, logger, process, message."""

import logging
import logging.config

from service.wording import escaped

_LINE = "%(asctime)s %(levelname)s %(name)s[%(process)d]: %(message)s"


class OneLine(logging.Formatter):
    """One line a record, whatever its message holds; the lines of a traceback are indented."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's own name
        """The record's line."""
        return escaped(super().formatMessage(record))

    def formatException(self, ei: "logging._SysExcInfoType") -> str:  # noqa: N802 - as above
        """The traceback; what the error says cannot begin a line."""
        return _indented(super().formatException(ei))

    def formatStack(self, stack_info: str) -> str:  # noqa: N802 - as above
        """The stack."""
        return _indented(super().formatStack(stack_info))


def configure(level: str) -> None:
    """Send everything from `level` up to standard error, uvicorn's own lines included."""
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"line": {"()": OneLine, "format": _LINE}},
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
            "root": {"handlers": ["stderr"], "level": level.upper()},
            # uvicorn announces each of its own steps; ours say what a user needs.
            "loggers": {"uvicorn": {"level": "WARNING"}},
        }
    )


def _indented(text: str) -> str:
    return "\n".join("    " + escaped(line) for line in text.splitlines())
