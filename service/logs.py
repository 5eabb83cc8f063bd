"""Log lines on standard error: time, level, logger, message."""

import logging
import logging.config


def configure(level: str) -> None:
    """Send everything from `level` up to standard error, uvicorn's own lines included."""
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
            "root": {"handlers": ["stderr"], "level": level.upper()},
            # uvicorn announces each of its own steps; ours say what a user needs.
            "loggers": {"uvicorn": {"level": "WARNING"}},
        }
    )
