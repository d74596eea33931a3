"""Builds the wheel: what every entry passes through is compiled where that can be, and Python elsewhere."""

import os
from typing import Any

import hatch_mypyc.plugin

COMPILED = "KAFKALERT_COMPILED"
"""An environment variable: with 1 a wheel that cannot be compiled is an error, with 0 none is."""


class Compiled(hatch_mypyc.plugin.MypycBuildHook):  # type: ignore[misc]  # the library's
    """mypyc on the modules of `include`. Without a C compiler the wheel is built as Python, and says so."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, unless the source itself is installed (editable)."""
        if version == "editable" or os.environ.get(COMPILED) == "0":
            return
        try:
            super().initialize(version, build_data)
        except Exception as error:
            self.clean([version])
            if os.environ.get(COMPILED) == "1":
                raise
            why = str(error).strip().splitlines()[-1:] or [type(error).__name__]
            self.app.display_warning(f"kafkalert is installed as Python, which takes half as many entries: {why[0]}")

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002 - hatchling's
        """Leave no library in the source: there it would hide what is edited later."""
        if version != "editable":
            self.clean([version])
