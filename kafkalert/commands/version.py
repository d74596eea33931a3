"""`kafkalert version`: what is installed here."""

from dataclasses import dataclass

import typer

from kafkalert.commands.output import Format, OutputOption, emit, emit_object

app = typer.Typer()


@dataclass(frozen=True, slots=True)
class Versions:
    """What runs here. `compiled`: whether what every entry passes through is; as Python it takes half as many."""

    kafkalert: str
    compiled: bool
    python: str
    confluent_kafka: str
    librdkafka: str


@app.command()
def version(output: OutputOption = Format.TABLE) -> None:
    """Show the versions that run here, and whether the hot path is compiled.

    Example: kafkalert version -o json
    """
    import platform  # noqa: PLC0415 - not for --help
    from importlib.metadata import version as installed  # noqa: PLC0415 - as above
    from pathlib import Path  # noqa: PLC0415 - as above

    import confluent_kafka  # noqa: PLC0415 - as above

    from kafkalert.stages.alerting import stage  # noqa: PLC0415 - as above

    found = Versions(
        installed("kafkalert"),
        Path(stage.__file__).suffix != ".py",
        platform.python_version(),
        installed("confluent-kafka"),
        confluent_kafka.libversion()[0],
    )
    if not emit_object(found, output):
        emit([found], output)
