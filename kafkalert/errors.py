"""The one family of errors that kafkalert raises on purpose.

Each says what happened, what the operator can do (`hint`), and with which status the command ends (`exit_code`).
They are raised where the cause is known and caught once, in `kafkalert.cli`.
"""

from enum import IntEnum


class ExitCode(IntEnum):
    """What a command's exit status means."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    DRIFT = 3
    UNREACHABLE = 4
    REFUSED = 5
    UNKNOWN = 6
    INTERRUPTED = 130


class KafkalertError(Exception):
    """Something went wrong that an operator can act on.

    `str(error)` is one line of what happened; `hint` is one line of what to do, or empty. Neither holds personal data.
    """

    exit_code: ExitCode = ExitCode.FAILED

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(KafkalertError):
    """The command line or an input file is wrong; nothing was done."""

    exit_code = ExitCode.USAGE


class ConfigError(KafkalertError):
    """The configuration is wrong; `str(error)` has one line a problem."""

    exit_code = ExitCode.USAGE


class UnreachableError(KafkalertError):
    """A cluster did not answer in time.

    `cause_known`: something else than silence is in the way (a name, TLS, credentials), and the hint mends that.
    """

    exit_code = ExitCode.UNREACHABLE

    def __init__(self, message: str, *, hint: str = "", cause_known: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.cause_known = cause_known


class RefusedError(KafkalertError):
    """A check or a permission forbids what was asked; nothing was changed."""

    exit_code = ExitCode.REFUSED


class DeniedError(RefusedError):
    """A cluster denies this client a right: `operation` (ACLs' word, "READ") on `resource` ("topic accountentry")."""

    def __init__(self, message: str, operation: str, resource: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.operation = operation
        self.resource = resource


class RestartError(KafkalertError):
    """This process cannot go on, and the next one may: whoever watches over it, a supervisor say, starts it again."""


class NotReadyError(KafkalertError):
    """What a stage needs is not there yet. It passes by itself, so the stage tries again."""


class OutcomeUnknownError(KafkalertError):
    """Something was asked of a cluster and its answer never came; the hint says how to find out."""

    exit_code = ExitCode.UNKNOWN


class DecodingError(KafkalertError):
    """Bytes that are not the record they should be.

    `code` is stable and safe to print ("unknown-fingerprint", "bad-bytes", ...); `str(error)` names schema and field
    path, never a value.
    """

    def __init__(self, code: str, message: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.code = code
