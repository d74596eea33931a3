"""SIGTERM and a terminal that closes end a command that acts as ctrl-c does: it calls off what it has begun."""

import os
import signal
from types import FrameType
from typing import Final

_STREAMS: Final = (1, 2)


def end_like_ctrl_c() -> None:
    """From now on both raise KeyboardInterrupt, as ctrl-c does. Under nohup a closing terminal stays ignored."""
    terminals = [stream for stream in _STREAMS if os.isatty(stream)]

    def hang_up(_number: int, _frame: FrameType | None) -> None:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for terminal in terminals:  # what is said from now on must not fail on a terminal that is gone
            os.dup2(nowhere, terminal)
        os.close(nowhere)
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, hang_up)
