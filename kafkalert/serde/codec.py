"""Records as bytes, and bytes as records, whatever the bytes are."""

from io import BytesIO
from typing import Any, Final

from fastavro import schemaless_reader, schemaless_writer
from fastavro.validation import validate

from kafkalert.errors import DecodingError
from kafkalert.serde.foreign import reading
from kafkalert.serde.framing import Framing
from kafkalert.serde.schemas import schema

LARGEST: Final = 1 << 20
"""Bytes of a record that is decoded: settings of some 14,000 accounts. As objects they may take 200 times that."""


class Codec:
    """Encodes and decodes framed Avro records. Datums are what fastavro takes and gives: dicts, lists, str, int.

    Of more than `largest` bytes no record is decoded.
    """

    def __init__(self, framing: Framing | None = None, *, largest: int = LARGEST) -> None:
        self.framing = framing or Framing()
        self.largest = largest

    def encode(self, name: str, datum: Any) -> bytes:  # noqa: ANN401 - any Avro datum
        """`datum` as a framed record of the schema `name`. Numbers have to be int: a fraction would be cut off.

        Raises ValueError where the datum does not fit; its message tells no value. (UnreachableError and ConfigError
        where a registry has to be asked for the schema's id.)
        """
        out = BytesIO()
        out.write(self.framing.prefix(name))
        try:
            schemaless_writer(out, schema(name).parsed, datum)
        except Exception as error:
            raise ValueError(f"The datum is no {name} ({type(error).__name__}).") from error
        return out.getvalue()

    def decode(self, name: str, data: bytes | None) -> Any:  # noqa: ANN401 - any Avro datum
        """Return the datum of a framed record that should be a `name`.

        Raises DecodingError and nothing else: the codes of `Framing.writer`, "null", "record-too-large",
        "wrong-schema", "bad-bytes" and "trailing-bytes". (UnreachableError where a registry has to be asked and is
        away.)

        A record of another writer's schema is resolved to ours: see `foreign.reading`. It has the types of ours, all
        of them, so that nobody who goes on with it meets anything else.

        Two kinds of bytes that Avro does not allow are read all the same, as fastavro reads them: a negative index of
        a union or an enum counts from its end, and a number may be written longer than it needs.
        """
        if data is None:
            raise DecodingError("null", f"There is no value where {name} should be.")
        if len(data) > self.largest:
            size = f"{len(data):,} bytes, and serde.largest_record is {self.largest:,}"
            raise DecodingError("record-too-large", f"The {name} has {size}.")
        writer, start = self.framing.writer(data)
        reader = schema(name).parsed
        body = BytesIO(data)
        body.seek(start)
        if writer is not reader and writer["name"] != reader["name"]:
            raise DecodingError("wrong-schema", f"The record is a {writer['name']}, not a {reader['name']}.")
        try:
            datum = schemaless_reader(body, writer, None if writer is reader else reading(name))
            fits = writer is reader or validate(datum, reading(name), raise_errors=False)
        except Exception as error:
            raise DecodingError("bad-bytes", f"The bytes are no {name} ({type(error).__name__}).") from error
        if not fits:
            raise DecodingError("bad-bytes", f"The bytes are no {name}: their schema gives values of other types.")
        if body.tell() != len(data):
            raise DecodingError("trailing-bytes", f"{len(data) - body.tell()} bytes follow the {name}.")
        return datum
