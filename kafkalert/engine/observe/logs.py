"""What a stage says while it runs: for people on a terminal, structured lines (JSON) everywhere else."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

from kafkalert.model.printable import escaped, masked


class Sentences(logging.Formatter):
    """Lines for people, in which nothing steers a terminal and nothing is a customer's."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name is logging's
        """Return the one line of a record."""
        return masked(escaped(super().formatMessage(record)))

    def formatException(self, ei: Any) -> str:  # noqa: ANN401, N802 - as above
        """Return the calls that led to an error, a line each."""
        return "\n".join(masked(escaped(line)) for line in super().formatException(ei).split("\n"))


class _Lines(logging.Formatter):
    """One JSON object a line: time (RFC 3339, UTC), level, logger, message."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "pid": record.process,
            "message": masked(record.getMessage()),
        }
        if record.exc_info:
            line["error"] = masked(self.formatException(record.exc_info))
        return json.dumps(line)


def start(verbose: int) -> None:
    """Log to stderr: what an operator should know; with -v what is normal too, with -vv tracebacks and librdkafka."""
    target = logging.StreamHandler(sys.stderr)
    target.setFormatter(Sentences("%(asctime)s %(message)s", "%H:%M:%S") if sys.stderr.isatty() else _Lines())
    logger = logging.getLogger("kafkalert")
    logger.handlers[:] = [target]
    logger.setLevel((logging.WARNING, logging.INFO, logging.DEBUG)[min(verbose, 2)])
    logger.propagate = False
    logging.getLogger("kafkalert.librdkafka").setLevel(logging.DEBUG if verbose > 1 else logging.CRITICAL + 1)
