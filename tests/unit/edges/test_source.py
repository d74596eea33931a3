"""Where lines come from: files of all kinds, pipes that are quiet, files that grow."""

import gzip
import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kafkalert.edges.rereadable import readable_twice
from kafkalert.edges.source import LINE_BYTES, BadLine, Line, Source
from kafkalert.edges.waiting import Patience
from kafkalert.errors import ExitCode, UsageError


def lines(path: Path) -> list[Line | BadLine]:
    with Source(path) as source:
        return list(source.lines())


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b""])
def test_lines_come_with_their_numbers(tmp_path: Path, end: bytes) -> None:
    """Blank lines count and are left out; the last line needs no end."""
    path = tmp_path / "a"
    path.write_bytes(b"one\n\n \ntwo" + end)
    assert lines(path) == [Line(1, b"one"), Line(4, b"two")]


def test_gzip_is_told_by_its_content(tmp_path: Path) -> None:
    """A gzip file is read whatever its name is, and a plain one that is called .gz too."""
    packed, plain = tmp_path / "packed", tmp_path / "plain.gz"
    packed.write_bytes(gzip.compress(b"one\ntwo\n"))
    plain.write_bytes(b"one\ntwo\n")
    assert lines(packed) == lines(plain) == [Line(1, b"one"), Line(2, b"two")]


@pytest.mark.parametrize("cut", [5, 40, -1, -9])
def test_a_cut_gzip_ends_in_a_bad_line(tmp_path: Path, cut: int) -> None:
    """What could be read is given; that there was more is said."""
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(b"".join(b"%d\n" % (number * 7919) for number in range(10_000)))[:cut])
    found = lines(path)
    assert found[-1] == BadLine(len(found), "the gzip stream is broken here; nothing after it was read")


def test_a_damaged_gzip_ends_in_a_bad_line(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    data = bytearray(gzip.compress(b"".join(b"%d\n" % (number * 7919) for number in range(10_000))))
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    assert isinstance(lines(path)[-1], BadLine)


@pytest.mark.parametrize("extra", [0, 1])
def test_a_line_has_a_bound(tmp_path: Path, extra: int) -> None:
    """One byte more than the bound is a bad line, and the next line is read; at the bound it is a line."""
    path = tmp_path / "a"
    path.write_bytes(b"x" * (LINE_BYTES + extra) + b"\ntwo\n")
    first, second = lines(path)
    assert isinstance(first, BadLine) == bool(extra)
    assert second == Line(2, b"two")


def test_a_line_far_over_its_bound_is_not_kept(tmp_path: Path) -> None:
    """A line of many times the bound costs no more memory than the bound."""
    path = tmp_path / "a"
    path.write_bytes(gzip.compress(b"\0" * (200 * LINE_BYTES) + b"\ntwo\n"))
    import tracemalloc  # noqa: PLC0415 - slows down what comes after

    tracemalloc.start()
    found = lines(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [one.number for one in found] == [1, 2]
    assert peak < 8 * LINE_BYTES


def test_progress_counts_the_bytes_on_disk(tmp_path: Path) -> None:
    """At the end as many bytes were read as the file has."""
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(b"one\n" * 1000))
    with Source(path) as source:
        assert source.done == 0
        assert len(list(source.lines())) == 1000
        assert source.done == source.size == path.stat().st_size


@pytest.mark.parametrize("name", ["missing", ".", "nul\0", "x" * 300])
def test_what_cannot_be_read_is_a_usage_error(tmp_path: Path, name: str) -> None:
    """A missing file, a folder and an impossible name end with 2 and a sentence."""
    with pytest.raises(UsageError, match="cannot be read: ") as error:
        Source(tmp_path / name)
    assert error.value.exit_code is ExitCode.USAGE
    assert error.value.hint


def test_a_named_pipe_is_read_to_its_writers_end(tmp_path: Path) -> None:
    """Process substitution works: a pipe has no size and ends with its writer."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(b"one\ntwo\n",))
    writer.start()
    with Source(path) as source:
        assert source.size is None
        assert [one.number for one in source.lines()] == [1, 2]
    writer.join()


def test_a_pipe_can_be_read_twice_and_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes from a pipe is kept where no name leads to it, and says the same each time."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "kept"))
    (tmp_path / "kept").mkdir()
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(gzip.compress(b"one\ntwo\n"),))
    writer.start()
    with Source(path) as source, readable_twice(str(path), source) as again:
        assert [one.number for one in lines(Path(again))] == [1, 2]
        assert [one.number for one in lines(Path(again))] == [1, 2]
        assert list((tmp_path / "kept").iterdir()) == []
    writer.join()


def test_a_file_is_read_twice_where_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"one\n")
    with Source(path) as source, readable_twice(str(path), source) as again:
        assert again == str(path)


class Script:
    """Acts, one a wait, while a source waits; then stops it. So a test needs no clock."""

    def __init__(self, *acts: Callable[[], object]) -> None:
        self.acts: Iterator[Callable[[], object]] = iter(acts)
        self.notes: list[str] = []
        self.patience = Patience(idle=self.act, note=self.notes.append, step=0.001)

    def act(self) -> None:
        """Do the next act."""
        act = next(self.acts, self.patience.stop.set)
        act()

    def follow(self, path: Path) -> list[Line | BadLine]:
        """All that comes out of a followed file until the acts are done."""
        with Source(path, follow=True, patience=self.patience) as source:
            return list(source.lines())


def reading(read: Callable[[], list[Line | BadLine]]) -> list[Line | BadLine] | None:
    """What is read, or None where that does not come to its end."""
    found: list[list[Line | BadLine]] = []
    reader = threading.Thread(target=lambda: found.append(read()), daemon=True)
    reader.start()
    reader.join(10)
    return found[0] if found else None


def append(path: Path, data: bytes) -> Callable[[], object]:
    def act() -> None:
        with path.open("ab") as file:
            file.write(data)

    return act


def test_a_growing_file_is_followed_line_by_line(tmp_path: Path) -> None:
    """A line is given once it is whole; what a stop leaves unfinished is not given."""
    path = tmp_path / "a"
    path.write_bytes(b"one\ntw")
    script = Script(append(path, b"o"), append(path, b"\nthree\nfou"))
    assert script.follow(path) == [Line(1, b"one"), Line(2, b"two"), Line(3, b"three")]


def test_a_file_that_is_replaced_is_read_to_its_end_and_then_the_new_one(tmp_path: Path) -> None:
    """Rotation by renaming loses nothing: not what came before it, not the last line without an end."""
    path, old = tmp_path / "a", tmp_path / "a.1"
    path.write_bytes(b"one\n")
    script = Script(
        lambda: path.rename(old),
        append(old, b"two\nthree"),
        lambda: path.write_bytes(b"four\n"),
        append(path, b"five\n"),
    )
    found = script.follow(path)
    assert [one.data for one in found if isinstance(one, Line)] == [b"one", b"two", b"three", b"four", b"five"]
    assert script.notes == [f"{path} was replaced; reading the new file."]


def test_a_file_that_is_replaced_by_an_empty_one_may_still_be_written(tmp_path: Path) -> None:
    """Rotation makes the new file before its writer is told: what goes to the old one until then is read."""
    path, old = tmp_path / "a", tmp_path / "a.1"
    path.write_bytes(b"one\n")
    script = Script(
        lambda: (path.rename(old), path.write_bytes(b"")),
        lambda: None,
        append(old, b"two\n"),
        lambda: (append(old, b"three\n")(), append(path, b"four\n")()),
    )
    found = script.follow(path)
    assert [one.data for one in found if isinstance(one, Line)] == [b"one", b"two", b"three", b"four"]
    assert script.notes == [f"{path} was replaced; reading the new file."]


def test_a_last_line_before_the_new_file_has_one_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even where both are written while the file is looked at."""
    path, old = tmp_path / "a", tmp_path / "a.1"
    path.write_bytes(b"one\n")
    look = Path.stat
    writes = iter([append(old, b"two\n"), append(path, b"three\n")])

    def late(one: Path) -> os.stat_result:
        for write in writes:
            write()
        return look(one)

    def rotate() -> None:
        path.rename(old)
        monkeypatch.setattr(Path, "stat", late)

    found = Script(rotate, lambda: None, lambda: None).follow(path)
    assert [one.data for one in found if isinstance(one, Line)] == [b"one", b"two", b"three"]


def test_a_file_that_is_cut_is_read_from_its_start(tmp_path: Path) -> None:
    """Truncation is noticed and said; the new content is read whole."""
    path = tmp_path / "a"
    path.write_bytes(b"one\ntwo\nthree\n")
    script = Script(lambda: os.truncate(path, 0), append(path, b"four\n"))
    found = script.follow(path)
    assert [one.data for one in found if isinstance(one, Line)] == [b"one", b"two", b"three", b"four"]
    assert script.notes == [f"{path} was cut; reading it from its start."]


def test_a_gzip_file_is_not_followed(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(b"one\n"))
    with Source(path, follow=True) as source, pytest.raises(UsageError, match="cannot be followed"):
        next(source.lines())


@pytest.mark.parametrize("data", [b"one\n", b""])
def test_a_named_pipe_without_a_writer_is_waited_for(tmp_path: Path, data: bytes) -> None:
    """It opens at once, calls back meanwhile, and ends with its first writer."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    script = Script(lambda: None, lambda: None, lambda: path.write_bytes(data))
    found = reading(lambda: script.follow(path))
    assert found == ([Line(1, b"one")] if data else [])
    assert not script.patience.stop.is_set()


def test_a_named_pipe_that_nobody_writes_to_lets_itself_be_stopped(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    assert reading(lambda: Script(lambda: None).follow(path)) == []


def test_a_quiet_pipe_lets_itself_be_stopped(tmp_path: Path) -> None:
    """A reader of a pipe that nobody writes to is called back, and ends when told to."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    held = os.open(path, os.O_RDWR)
    os.write(held, b"one\ntw")
    script = Script(lambda: None)
    try:
        with Source(path, patience=script.patience) as source:
            assert list(source.lines()) == [Line(1, b"one")]
    finally:
        os.close(held)


@pytest.mark.parametrize("data", [b"one\ntwo\n", gzip.compress(b"one\ntwo\n")], ids=["plain", "gzip"])
def test_a_pipe_is_followed_to_its_writers_end(tmp_path: Path, data: bytes) -> None:
    """Also gzip: it has an end, behind which there is nothing to wait for, and no bad line."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(data,))
    writer.start()
    with Source(path, follow=True) as source:
        assert list(source.lines()) == [Line(1, b"one"), Line(2, b"two")]
    writer.join()


def test_a_quiet_pipe_that_is_followed_calls_back_and_lets_itself_be_stopped(tmp_path: Path) -> None:
    """Or a switch would go unanswered until its next line."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    held = os.open(path, os.O_RDWR)
    os.write(held, b"one\n")
    script = Script(lambda: os.write(held, b"two\n"), lambda: None)
    found = reading(lambda: script.follow(path))
    os.close(held)
    assert found == [Line(1, b"one"), Line(2, b"two")]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_told_as_such(tmp_path: Path, encoding: str) -> None:
    """Once, with what converts it; not as "not JSON" for each line."""
    file = tmp_path / "entries.ndjson"
    file.write_text('{"a": 1}\n{"a": 2}\n', encoding=encoding)
    with Source(file) as source:
        (told,) = source.lines()
    assert isinstance(told, BadLine)
    assert told.reason.startswith("UTF-16, not UTF-8; convert the file (iconv")
