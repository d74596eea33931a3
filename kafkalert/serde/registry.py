"""A schema registry that speaks Confluent's API, for the Confluent wire format. Needs the extra `registry`.

A record's schema is looked up and registered under the subject that is its full name, as by Confluent's
RecordNameStrategy. Whoever registers under other subjects (a topic's name, by default) is read all the same: a
record carries an id, and ids are one registry's own, not a subject's.
"""

import json
import os
import re
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from fastavro import parse_schema

from kafkalert.errors import ConfigError, DecodingError, KafkalertError, UnreachableError
from kafkalert.serde.bounded import bounded
from kafkalert.serde.foreign import bare
from kafkalert.serde.schemas import own, schema, whole

TIMEOUT_SECONDS = 3
RETRIES = 1
"""With one retry a registry that is away is given up after 7 s, so below the 10 s of a one-shot command."""

BAD_SECONDS = 60
"""How long an id that the registry did not know, or whose schema cannot be read, is not asked for again."""

_BAD_IDS = 10_000
_SCHEMA_CHARACTERS = 2**20
_REFERENCES = 100
"""How large a schema may be, with all that it refers to, and to how many. What a registry says is somebody else's."""
_NOT_FOUND = 404
_REFUSALS = (401, 403)
_LATER = (408, 425, 429)
"""HTTP's ways to say: not now."""
_SERVER_ERROR = 500
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
_CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR")

T = TypeVar("T")


class ConfluentRegistry:
    """A registry at `url`; `auth` is "user:password".

    Raises ConfigError where the extra `registry` is not installed, or `url` is none.
    """

    def __init__(self, url: str, auth: str | None = None) -> None:
        try:
            from cachetools import TTLCache  # noqa: PLC0415 - of the extra
            from confluent_kafka.schema_registry import Schema, SchemaRegistryClient, SchemaRegistryError  # noqa: PLC0415
        except ImportError as error:
            raise ConfigError(
                "A schema registry is configured, but what talks to it is not installed.",
                hint="Run `pip install 'kafkalert[registry]'`.",
            ) from error
        options = {"url": url, "timeout": TIMEOUT_SECONDS, "max.retries": RETRIES, "retries.wait.ms": 100}
        if auth is not None:
            options["basic.auth.user.info"] = auth
        try:
            self._client = SchemaRegistryClient.new_client(options)
        except (TypeError, ValueError) as error:
            raise ConfigError(
                f"serde.registry is no URL: {public(url)}", hint="It begins with http:// or https://."
            ) from error
        except Exception as error:  # its HTTP client reads variables of the environment, and raises whatever it does
            raise _environment(error) from error
        self._url = public(url)
        self._schema, self._refusal = Schema, SchemaRegistryError
        self._bad: Any = TTLCache(_BAD_IDS, BAD_SECONDS)  # by id: the code, and what is said

    def close(self) -> None:
        """Close the connections. A process that reads records keeps them to its end."""
        self._client.close()

    def schema_id(self, name: str) -> int:
        """Return the id of the schema `name`. Raises ConfigError where it is not registered, UnreachableError."""
        found = self.find(name)
        if found is None:
            raise ConfigError(
                f"The schema {name} is not registered at {self._url}.", hint="Run `kafkalert schemas register`."
            )
        return found

    def find(self, name: str) -> int | None:
        """Return the id of the schema `name`, None where it is not registered. Raises UnreachableError."""
        found: Any = self._ask(lambda: self._client.lookup_schema(subject(name), self._written(name)))
        return None if found is None else int(found.schema_id)

    def compatible(self, name: str) -> bool | None:
        """Whether the registry's rules allow `name` as the next version; None where its subject is new.

        Raises UnreachableError.
        """
        answer: bool | None = self._ask(lambda: self._client.test_compatibility(subject(name), self._written(name)))
        return answer

    def register(self, name: str) -> int:
        """Register the schema `name`; its id. Raises UnreachableError, KafkalertError where it is refused."""
        made = self._ask(lambda: self._client.register_schema(subject(name), self._written(name)))
        if made is None:
            raise KafkalertError(f"The registry at {self._url} takes no schemas.", hint="Check the path in the URL.")
        return int(made)

    def writer(self, schema_id: int) -> Any:  # noqa: ANN401 - fastavro's parsed schema has no type
        """Return the parsed schema of an id.

        Raises:
            DecodingError: "unknown-schema-id"; "bad-schema" for one that is no Avro record that can be read safely.
            UnreachableError: the registry does not answer.
        """
        known = self._bad.get(schema_id)
        if known is not None:
            raise DecodingError(*known)
        try:
            return self._writer(schema_id)
        except DecodingError as error:
            self._bad[schema_id] = error.code, str(error)
            raise

    def _writer(self, schema_id: int) -> Any:  # noqa: ANN401 - as above
        found: Any = self._ask(lambda: self._client.get_schema(schema_id))
        if found is None:
            raise DecodingError("unknown-schema-id", f"The registry has no schema with the id {schema_id}.")
        try:
            parsed = self._parsed(found, {}, {("", 0): len(found.schema_str)})
            if isinstance(parsed, dict) and parsed.get("type") == "record" and bounded(parsed):
                return own(parsed)
        except KafkalertError:
            raise
        except Exception as error:
            problem = f"is no Avro schema ({type(error).__name__})"
            raise DecodingError("bad-schema", f"The registry's schema {schema_id} {problem}.") from error
        raise DecodingError("bad-schema", f"The registry's schema {schema_id} is no record that can be read safely.")

    def _parsed(self, found: Any, known: dict[str, Any], asked: dict[tuple[str, int], int]) -> Any:  # noqa: ANN401
        """`found` and, before it, the schemas that it refers to; `known` are the names seen so far.

        Raises ValueError where that is more than any record needs; `asked` has the characters of each reference
        followed so far, and of the first schema.
        """
        if sum(asked.values()) > _SCHEMA_CHARACTERS:
            raise ValueError("a schema too large")
        for reference in found.references or ():
            if (reference.subject, reference.version) in asked:
                continue
            if len(asked) > _REFERENCES:
                raise ValueError("too many references")
            referred: Any = self._ask(partial(self._client.get_version, reference.subject, reference.version))
            asked[reference.subject, reference.version] = len(referred.schema.schema_str)
            self._parsed(referred.schema, known, asked)
        return parse_schema(bare(json.loads(found.schema_str)), named_schemas=known)

    def _written(self, name: str) -> Any:  # noqa: ANN401 - the client has types only where it is installed
        return self._schema(json.dumps(whole(name)), "AVRO")

    def _ask(self, question: Callable[[], T]) -> T | None:
        """Return the registry's answer; None where it does not have what was asked for."""
        try:
            return question()
        except self._refusal as error:
            if error.http_status_code == _NOT_FOUND:
                return None
            if error.http_status_code in _REFUSALS:
                raise UnreachableError(
                    f"The schema registry at {self._url} refuses these credentials.", hint="Check serde.registry_auth."
                ) from error
            if error.http_status_code < _SERVER_ERROR and error.http_status_code not in _LATER:
                raise KafkalertError(
                    f"The schema registry at {self._url} refused (HTTP {error.http_status_code}).",
                    hint="Run `kafkalert schemas check` to see which schemas it would take.",
                ) from error
            raise self._away(error) from error
        except Exception as error:
            raise self._away(error) from error

    def _away(self, error: Exception) -> UnreachableError:
        why = f" (HTTP {error.http_status_code})" if isinstance(error, self._refusal) else f" ({_short(error)})"
        if names := _set(_PROXIES):
            return UnreachableError(
                f"The schema registry at {self._url} does not answer through the proxy that {names} name{why}.",
                hint="Correct or unset them, or add the host of the registry to NO_PROXY.",
            )
        hint = "Start it, or correct serde.registry; records in the Confluent wire format cannot be read without it."
        return UnreachableError(f"The schema registry at {self._url} does not answer{why}.", hint=hint)


def _environment(error: Exception) -> ConfigError:
    """Return the error for a client that variables of the environment keep from being made."""
    names = _set((*_PROXIES, *_CERTIFICATES)) or "its configuration"
    return ConfigError(
        f"No client of the schema registry can be made ({_short(error)}).", hint=f"Check {names} in the environment."
    )


def _set(names: tuple[str, ...]) -> str:
    """Which of these variables are set, also in small letters."""
    return " and ".join(name for variable in names for name in (variable, variable.lower()) if os.environ.get(name))


def _short(error: Exception) -> str:
    """Return the first sentence of an error; a URL in it loses its user and password."""
    said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return public(said.partition(". ")[0].strip().rstrip(".") or type(error).__name__)


def public(url: str) -> str:
    """Return a URL as it may be printed: without the user and password that it may hold."""
    return re.sub(r"//[^/@]*@", "//", url)


def subject(name: str) -> str:
    """Return the registry's subject for the schema `name`: the record's full name."""
    full: str = schema(name).parsed["name"]
    return full
