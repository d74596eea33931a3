"""`--unmask`: personal data in clear, where the context permits it, and never without a trace."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kafkalert.commands import invocation
from kafkalert.config import user
from kafkalert.errors import RefusedError
from kafkalert.model.printable import escaped

if TYPE_CHECKING:
    from kafkalert.config.sections import Settings

UnmaskOption = Annotated[
    bool, typer.Option("--unmask", help="Show personal data in clear; needs the context's permission and is logged.")
]


def allowed(ctx: typer.Context, *, unmask: bool, what: str = "Personal data is") -> bool:
    """Whether this command shows personal data, or `what` else, in clear.

    Its use is written to `audit_log()` and said on stderr before anything is shown.

    Raises:
        RefusedError: the context does not permit it, or the log cannot be written.
    """
    if not unmask:
        return False
    settings = invocation.settings(ctx)
    context = settings.context
    if not context.unmask:
        raise RefusedError(
            f"Context {context.name} does not permit --unmask.",
            hint="Leave it out, or have unmask = true put into the context.",
        )
    log = audit_log()
    what_done = f"unmask {user.name()} {context.name} {ctx.command_path} {_who(settings)}"
    line = f"{datetime.now(UTC).isoformat(timespec='seconds')} {what_done}"
    _to_system_log(what_done)
    try:
        log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "a") as file:
            file.write(line + "\n")
    except OSError as error:
        raise RefusedError(
            f"The use of --unmask cannot be logged in {log}: {error.strerror}.",
            hint="Make the file writable, or set XDG_STATE_HOME; without a trace nothing is unmasked.",
        ) from error
    invocation.say(f"{what} shown in clear; this was logged in {log}.")
    return True


def audit_log() -> Path:
    """Return the file of uses of --unmask, in the user's state folder by the XDG Base Directory specification.

    Raises RefusedError where the user has no such folder.
    """
    folder = user.state_folder()
    if folder is None:
        raise RefusedError(
            "The use of --unmask cannot be logged: this user has no home.",
            hint="Set XDG_STATE_HOME to a folder that is writable; without a trace nothing is unmasked.",
        )
    return folder / "kafkalert/audit.log"


def _who(settings: "Settings") -> str:
    """Return the uid, and as whom the clusters know it.

    A name may be given to another uid, and one uid may have many users.

    A name in the configuration, or in a certificate, may hold anything; here it stays on its line.
    """
    from kafkalert.ops.who import principals  # noqa: PLC0415 - not for --help

    return f"uid={os.getuid()} principal={escaped(', '.join(principals(settings)))}"


def _to_system_log(line: str) -> None:
    """Where whoever unmasks cannot move or edit it; a machine without such a log has the file alone."""
    import syslog  # noqa: PLC0415 - not for --help

    syslog.openlog("kafkalert", facility=syslog.LOG_AUTH)
    syslog.syslog(syslog.LOG_NOTICE, line)
