"""What the tables' files of a machine hold, read as they lie there."""

import lmdb
import msgspec

from kafkalert.tables.store import Checkpoint
from tests.support.pipeline import Pipeline
from tests.support.reading import AUTHORISATIONS, SETTINGS, ends


def followed(pipeline: Pipeline) -> bool:
    """Whether the store holds all that the tables' topics do."""
    folder = pipeline.folder / "state" / "tables"
    if not (folder / "data.mdb").exists():
        return False
    client = pipeline.client()
    last = ends(client, pipeline.places(AUTHORISATIONS, SETTINGS))
    client.close()
    with lmdb.open(str(folder), readonly=True, max_dbs=4, max_readers=1024) as env:
        try:
            meta = env.open_db(b"meta", create=False)
        except lmdb.NotFoundError:
            return False
        with env.begin() as txn:
            rows = [(end, txn.get(f"at/{topic}/{number}".encode(), db=meta)) for (topic, number), end in last.items()]
    return all(row and msgspec.msgpack.decode(row, type=Checkpoint).offset >= end for end, row in rows)
