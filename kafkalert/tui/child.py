"""A command that the dashboard has run: `python -m kafkalert.tui.child FD ARGUMENTS...`.

It is a process of its own: a switch reads tens of thousands of records, and keys would wait for it. When the dashboard
is gone, however it ended, the pipe FD ends, and the command hears ctrl-c: a switch calls itself off, as by hand.
"""

import os
import runpy
import signal
import sys
from threading import Thread


def _watch(descriptor: int) -> None:
    while os.read(descriptor, 1):
        pass
    os.kill(os.getpid(), signal.SIGINT)


if __name__ == "__main__":
    Thread(target=_watch, args=(int(sys.argv[1]),), daemon=True).start()
    sys.argv = ["kafkalert", *sys.argv[2:]]
    runpy.run_module("kafkalert", run_name="__main__")
