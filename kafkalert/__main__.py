"""The console script `kafkalert`, and `python -m kafkalert`: the moments before there is a command line.

Until it is imported, which takes a tenth of a second, ctrl-c ends the process at once and without a word: nothing has
begun. An exception would come up in the middle of any import, and be shown. What Python does before its first line
here is beyond reach.
"""

import gc
import os
import sys

# What is imported stays: to look through it for garbage again and again takes a tenth of the time to start. The first
# client of Kafka begins with it (`bus/clients.py`); what makes none ends soon.
gc.disable()

_INTERRUPTED = 130  # ExitCode.INTERRUPTED, which is not imported yet when it is needed here

try:
    import signal
except KeyboardInterrupt:
    os._exit(_INTERRUPTED)


def main() -> None:
    """Run the command line. A SIGINT that whoever started it has ignored stays ignored."""
    mine = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if mine:
        signal.signal(signal.SIGINT, lambda *_: os._exit(_INTERRUPTED))
    # Closed by whoever started it: there is nothing to read, and what is written is for nobody. In this order each
    # takes its own descriptor: the next pipe would have it otherwise, and be read as stdin.
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115, PTH123 - to the very end
    from kafkalert.cli import main as run  # noqa: PLC0415 - this is what takes long

    if mine:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        run()
    except SystemExit as end:
        _end(end.code)


def _end(status: object) -> None:
    """End at once, all having been said. Threads may wait in the Kafka client for a cluster that hangs.

    One that wakes while Python takes itself apart may crash it, with everything done: seen once with Python 3.11, as
    the status -11 of a switch that had gone well.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # there is nothing left to interrupt
    from contextlib import suppress  # noqa: PLC0415 - not for the first moments

    with suppress(OSError, ValueError):  # it was closed
        sys.stderr.flush()
    os._exit(status if isinstance(status, int) else status is not None)


if __name__ == "__main__":
    main()
