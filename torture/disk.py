"""A disk that can be full: a small file system of its own, where this user may mount one."""

import shutil
import subprocess
from pathlib import Path
from typing import Final

_SIZE: Final = "32m"
_CHUNK: Final = bytes(1 << 16)


class Disk:
    """`folder` on a small tmpfs; `there` where it could be mounted."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True)
        self._folder = folder
        self._filling = folder / "filling"
        self.there = _runs("mount", "-t", "tmpfs", "-o", f"size={_SIZE},mode=0700", "tmpfs", str(folder))

    def fill(self) -> None:
        """Leave no room; only where it is `there`."""
        try:
            with self._filling.open("wb", buffering=0) as out:
                while out.write(_CHUNK) == len(_CHUNK):
                    pass
        except OSError:  # that was the aim
            return

    def free(self) -> None:
        """There is room again."""
        self._filling.unlink(missing_ok=True)

    def close(self) -> None:
        """Away with it, once nobody uses it."""
        if self.there:
            _runs("umount", str(self._folder))


def _runs(*command: str) -> bool:
    found = shutil.which(command[0])
    if found is None:
        return False
    return subprocess.run([found, *command[1:]], capture_output=True, check=False).returncode == 0
