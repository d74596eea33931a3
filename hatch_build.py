"""Builds the wheel: what every entry passes through is compiled where that can be, and Python elsewhere.

The manual page is made from the help, and installed where `man` looks for it.
"""

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import hatch_mypyc.plugin

COMPILED = "KAFKALERT_COMPILED"
"""An environment variable: with 1 a wheel that cannot be compiled is an error, with 0 none is."""


class Compiled(hatch_mypyc.plugin.MypycBuildHook):  # type: ignore[misc]  # the library's
    """mypyc on the modules of `include`. Without a C compiler the wheel is built as Python, and says so."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, unless the source itself is installed (editable)."""
        if version == "editable":
            return
        self._add_manual(build_data)
        if os.environ.get(COMPILED) == "0":
            return
        try:
            super().initialize(version, build_data)
        except Exception as error:
            self.clean([version])
            if os.environ.get(COMPILED) == "1":
                raise
            why = str(error).strip().splitlines()[-1:] or [type(error).__name__]
            self.app.display_warning(f"kafkalert is installed as Python, which takes half as many entries: {why[0]}")

    def _add_manual(self, build_data: dict[str, Any]) -> None:
        make = [sys.executable, "-m", "kafkalert.manual", self.metadata.version]
        try:
            page = subprocess.run(make, cwd=self.root, check=True, stdout=subprocess.PIPE).stdout
        except subprocess.CalledProcessError:
            if os.environ.get(COMPILED) == "1":
                raise
            self.app.display_warning("kafkalert is installed without its manual page, which could not be made.")
            return
        folder = tempfile.mkdtemp()
        atexit.register(shutil.rmtree, folder, ignore_errors=True)  # the wheel has taken it by then
        file = Path(folder, "kafkalert.1")
        file.write_bytes(page)
        build_data["shared_data"][str(file)] = f"share/man/man1/{file.name}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002 - hatchling's
        """Leave no library in the source: there it would hide what is edited later."""
        if version != "editable":
            self.clean([version])
