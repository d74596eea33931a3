"""Consent to a change: shown, asked, and given by name where it is production."""

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from kafkalert.commands import invocation
from kafkalert.errors import ExitCode, RefusedError
from kafkalert.views.terminal import ask

YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking; not enough in production.")]
ConfirmOption = Annotated[
    str | None, typer.Option("--confirm", metavar="NAME", help="Do it without asking, in the context NAME.")
]


def approve(ctx: typer.Context, changes: Sequence[str], *, yes: bool, confirm: str | None) -> None:
    """Show `changes` on stderr and return once the operator wants them.

    Call it before the first write of every command that changes a cluster, with one line a change. A context with
    `production = true` wants its name, typed or by `--confirm`; elsewhere a yes, typed or by `--yes`. A pipe or
    `--no-input` is never asked. Local sandboxes are no clusters of a context and need no approval.

    Raises:
        RefusedError: the context or `--read-only` forbids it, or the operator did not agree; nothing was changed.
    """
    run = invocation.of(ctx)
    context = invocation.settings(ctx).context
    if context.read_only:
        raise RefusedError(
            f"Context {context.name} is read-only; nothing was changed.",
            hint="Leave --read-only out, or take read_only out of the context.",
        )
    invocation.say(f"In context {context.name}{' (PRODUCTION)' if context.production else ''}:")
    for change in changes:
        invocation.say(f"  {change}")
    if confirm is not None and confirm != context.name:
        raise RefusedError(
            f"--confirm names another context than {context.name}; nothing was changed.",
            hint=f"Choose the context with -C, or confirm with --confirm {context.name}.",
        )
    given = confirm is not None or (yes and not context.production)
    if not given and not _asked(context.name, production=context.production, may_ask=not run.no_input):
        raise RefusedError("Not confirmed; nothing was changed.", hint="")
    run.changing = True


def _asked(name: str, *, production: bool, may_ask: bool) -> bool:
    if not (may_ask and sys.stdin.isatty() and sys.stderr.isatty()):
        raise RefusedError(
            "This needs a confirmation and there is nobody to ask; nothing was changed.",
            hint=f"Add --confirm {name}." if production else "Add --yes.",
        )
    question = f"Type {name} to go on: " if production else "Go on? [y/N] "
    try:
        answer = ask(question).strip()
    except KeyboardInterrupt:
        invocation.say("Interrupted; nothing was changed.")
        raise typer.Exit(ExitCode.INTERRUPTED) from None
    return answer == name if production else answer.lower() in ("y", "yes")
