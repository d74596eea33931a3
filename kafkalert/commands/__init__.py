"""The subcommands, one thin file each: parse, call `kafkalert.ops`, render.

How to add `kafkalert NAME`:

1. Write `kafkalert/commands/NAME.py` with `app = typer.Typer(help="One line.")`. One plain `@app.command()` becomes
   `kafkalert NAME`; several (or an `@app.callback()`) become `kafkalert NAME SUB`. Add NAME, module and a one-line
   help to `COMMANDS` in `kafkalert/cli.py`. Heavy imports (rich, pydantic, kafkalert.ops...) go inside the functions.
2. Take `ctx: typer.Context`. `--config`, `-C`, `--read-only`, `--no-input` and `-v` are added to every command and
   are no parameters of yours. `invocation.settings(ctx)` loads the configuration; `invocation.of(ctx)` has the flags.
3. Errors: raise from `kafkalert.errors` with a hint. `kafkalert.cli` prints them and sets the exit status. A verdict
   without an error (drift): `raise typer.Exit(ExitCode.DRIFT)` after the data is out.
4. Data: `output: OutputOption = Format.TABLE`, then `output.emit(rows, output)`; rows are dataclasses, models or
   mappings. Narration: `invocation.say("...")` goes to stderr. Never `print`.
5. A change to a cluster: take `yes: YesOption = False, confirm: ConfirmOption = None` and call
   `confirm.approve(ctx, ["create topic ..."], yes=yes, confirm=confirm)` before the first write; it raises or returns.
6. Unmasked data: take `unmask: UnmaskOption = False` and use `unmask.allowed(ctx, unmask=unmask)`.
7. Names complete by `autocompletion=complete.topics` (contexts, clusters, channels alike).
"""
