"""The name of an instance, which is this process."""

import os
import secrets
import socket
from functools import cache


def instance_name() -> str:
    """HOST-PID-HEX, for the process' life.

    Two containers can have one host name, and process 1 each; the four random hexadecimal digits tell them apart.
    """
    return _name(os.getpid())


@cache
def _name(pid: int) -> str:
    return f"{socket.gethostname()}-{pid}-{secrets.token_hex(2)}"
