"""`kafkalert explain`: why an alert did or did not go out."""

from typing import Annotated

import typer

from kafkalert.commands import invocation, unmask
from kafkalert.commands.output import Format, OutputOption
from kafkalert.commands.trace import SinceOption, UntilOption
from kafkalert.commands.unmask import UnmaskOption

app = typer.Typer()


@app.command()
def explain(
    ctx: typer.Context,
    customer: Annotated[str, typer.Argument(metavar="CUSTOMER", help="The customer's id.")],
    entry: Annotated[
        str, typer.Argument(metavar="ENTRY", help="The entry's id, an alert's, or TOPIC[P]@OFFSET of the record.")
    ],
    *,
    since: SinceOption = None,
    until: UntilOption = None,
    output: OutputOption = Format.TABLE,
    unmask_: UnmaskOption = False,
) -> None:
    """Say why a booking did or did not raise an alert for a customer.

    Was the customer authorised, had he asked, what each rule says with its numbers, by the tables as they are now and
    as they were then; which messages were sent, and where. It joins no group and commits nothing.

    Example: kafkalert explain anna example-1
    """
    from kafkalert.commands.explain_output import write_explanation  # noqa: PLC0415 - not for --help
    from kafkalert.errors import UsageError  # noqa: PLC0415 - as above
    from kafkalert.ops.explain.explaining import explain as explained  # noqa: PLC0415 - Kafka's library, as above
    from kafkalert.ops.trace.where import bounds, with_first  # noqa: PLC0415 - as above

    if not customer.strip():
        raise UsageError("A customer has an id.", hint="Write `kafkalert explain CUSTOMER ENTRY`.")
    first, last = bounds(since, until)
    settings = with_first(invocation.settings(ctx), None)
    shown = unmask.allowed(ctx, unmask=unmask_)
    found = explained(settings, customer, entry, since=first, until=last, note=invocation.say)
    write_explanation(found, output, unmask=shown)
