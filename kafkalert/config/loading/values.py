"""Values that need more than a type: secrets, which stand elsewhere, and librdkafka's properties."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kafkalert.config import secrets
from kafkalert.config.loading.report import Report
from kafkalert.config.loading.tables import table
from kafkalert.config.properties import is_secret, refusal, rejection

SECRETS = (("alerts", "id_key"), ("serde", "registry_auth"))
"""Places, outside the tables of clusters, whose value is a secret."""
CONNECT_AUTH = "connect_auth"


class Values:
    """Replaces references by what they point at, and properties by strings; what cannot be is reported and removed."""

    def __init__(self, raw: dict[str, Any], chosen: str | None, folder: Path, report: Report) -> None:
        self._raw = raw
        self._folder = folder
        self._report = report
        self._needed = table(raw, "contexts", chosen).get("clusters", []) if chosen else []
        self.references: dict[str, secrets.Reference] = {}

    def resolve(self) -> None:
        """Do it for the whole document; secrets of clusters outside the chosen context need not be there."""
        for section, key in SECRETS:
            holder = table(self._raw, section)
            if key in holder:
                self._secret(holder, (section, key))
        for cluster in table(self._raw, "clusters"):
            holder = table(self._raw, "clusters", cluster)
            if secrets.is_reference(holder.get(CONNECT_AUTH)) and not self._is_needed(cluster):
                del holder[CONNECT_AUTH]
            if CONNECT_AUTH in holder:
                self._secret(holder, ("clusters", cluster, CONNECT_AUTH))
            properties = table(self._raw, "clusters", cluster, "kafka")
            for name in list(properties):
                self._property(properties, ("clusters", cluster, "kafka", name))

    def _property(self, properties: dict[str, Any], place: tuple[str, str, str, str]) -> None:
        self._convert(properties, place)
        value = properties.get(place[-1])
        rejected = rejection(place[-1], value) if isinstance(value, str) and self._is_needed(place[1]) else ""
        if rejected:
            self._drop(properties, place, rejected)

    def _is_needed(self, cluster: str) -> bool:
        return isinstance(self._needed, list) and cluster in self._needed

    def _convert(self, properties: dict[str, Any], place: tuple[str, str, str, str]) -> None:
        _, cluster, _, name = place
        value = properties[name]
        refused = refusal(name)
        if refused:
            self._drop(properties, place, refused)
        elif secrets.is_reference(value) and not self._is_needed(cluster):
            properties[name] = ""  # another environment's, whose secrets need not be here
        elif is_secret(name) or secrets.is_reference(value):
            self._secret(properties, place)
        elif isinstance(value, bool):
            properties[name] = "true" if value else "false"
        elif isinstance(value, str | int | float):
            properties[name] = str(value)
        else:
            self._drop(properties, place, "should be a string, a number, true or false")

    def _secret(self, holder: dict[str, Any], place: tuple[str, ...]) -> None:
        key = place[-1]
        if secrets.is_reference(holder[key]):
            try:
                value = secrets.resolve(holder[key], self._folder, self._report.notes.append)
                self.references[".".join(place)] = secrets.described(holder[key], self._folder)
                holder[key] = value if key == "id_key" else value.decode()
            except UnicodeDecodeError:
                self._drop(holder, place, "points at something that is not UTF-8 text")
            except ValueError as error:
                self._drop(holder, place, str(error))
        elif not self._report.by_variable(place) and (is_secret(key) or key == CONNECT_AUTH or place in SECRETS):
            what = 'is a secret, which does not stand in the file. Write {env = "NAME"} or {file = "PATH"}'
            self._drop(holder, place, what)

    def _drop(self, holder: dict[str, Any], place: Sequence[str], what: str) -> None:
        del holder[place[-1]]
        self._report.add(place, what)
