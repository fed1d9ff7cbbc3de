"""Checkpoints: exact round trips, all or nothing under every failure, words of every refusal."""

from __future__ import annotations

import contextlib
import doctest
import errno
import json
import math
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as some
from safetensors.numpy import save_file

from schuss import checkpoint
from schuss.checkpoint import DTYPES, load, save

Array = npt.NDArray[Any]


def same(a: Array, b: Array) -> bool:
    """Equal in dtype, shape and every bit."""
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def numbers(dtype: str, *shape: int) -> Array:
    """Random bits of the dtype, so NaN payloads, infinities, subnormals and -0.0 too."""
    if dtype == "bool":
        return np.random.default_rng(0).integers(0, 2, shape).astype(bool)
    size = math.prod(shape) * np.dtype(dtype).itemsize
    return np.frombuffer(np.random.default_rng(0).bytes(size), dtype=dtype).reshape(shape).copy()


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    """A path in a folder that must hold nothing else in the end."""
    yield tmp_path / "state.schuss"
    assert [entry.name for entry in tmp_path.iterdir() if entry.name.startswith(".")] == []


@pytest.fixture
def old(path: Path) -> bytes:
    """The bytes of an older checkpoint, already at `path`."""
    save(path, {"w": np.arange(5.0)}, {"steps": 1})
    return path.read_bytes()


# --- round trips


@pytest.mark.parametrize("shape", [(), (0,), (1,), (257,), (0, 3), (3, 0, 2), (3, 4, 5)], ids=str)
@pytest.mark.parametrize("dtype", DTYPES)
def test_round_trip(path: Path, dtype: str, shape: tuple[int, ...]) -> None:
    w = numbers(dtype, *shape)
    save(path, {"w": w}, {})
    arrays, header = load(path)
    assert list(arrays) == ["w"]
    assert same(arrays["w"], w)
    assert header == {}


names = st.text(st.characters(exclude_categories=["Cs"])).filter(lambda name: name != "__metadata__")
any_array = some.arrays(some.scalar_dtypes(), some.array_shapes(min_dims=0, min_side=0))


@given(st.dictionaries(names, any_array, max_size=5))
def test_round_trip_of_anything(tmp_path_factory: pytest.TempPathFactory, arrays: dict[str, Array]) -> None:
    arrays = {name: array for name, array in arrays.items() if array.dtype.name in DTYPES}
    file = tmp_path_factory.getbasetemp() / "anything"
    save(file, arrays, {})
    again, _ = load(file)
    assert list(again) == sorted(arrays)
    assert all(same(again[name], array.astype(array.dtype.newbyteorder("="))) for name, array in arrays.items())


LAYOUTS: dict[str, Callable[[Array], Array]] = {
    "transposed": lambda a: a.T,
    "strided": lambda a: a[::2, 1::3],
    "reversed": lambda a: a[::-1],
    "fortran": np.asfortranarray,
    "broadcast": lambda a: np.broadcast_to(a[0], (4, 6)),
    "unaligned": lambda a: np.frombuffer(b"x" + a.tobytes(), dtype=a.dtype, offset=1).reshape(a.shape),
    "big-endian": lambda a: a.astype(">f8"),
    "big-endian-strided": lambda a: a.astype(">f8")[:, ::2],
    "read-only": lambda a: np.frombuffer(a.tobytes()).reshape(a.shape),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_any_layout_is_stored_in_c_order(path: Path, layout: str) -> None:
    w = LAYOUTS[layout](np.arange(24.0).reshape(4, 6))
    save(path, {"w": w}, {})
    again = load(path)[0]["w"]
    assert np.array_equal(again, w)
    assert again.dtype == np.float64
    assert again.flags.c_contiguous
    assert again.flags.aligned


def test_loaded_arrays_are_writable_and_independent_of_the_file(path: Path) -> None:
    save(path, {"w": np.zeros(1000)}, {})
    before = path.read_bytes()
    w = load(path)[0]["w"]
    w += 1
    assert path.read_bytes() == before
    save(path, {"w": np.full(1000, 7.0)}, {})
    assert w.sum() == 1000


def test_saving_leaves_the_arrays_alone(path: Path) -> None:
    w = np.arange(6.0).reshape(2, 3).astype(">f8").T
    copy = w.copy()
    save(path, {"w": w}, {})
    assert np.array_equal(w, copy)
    assert w.dtype == ">f8"


def test_header_round_trip(path: Path) -> None:
    header = {"format": 99, "rule": {"name": "Adam", "lr": 0.1 + 0.2}, "ids": [1, 2**63, -1], "on": True, "ü": None}
    save(path, {}, header)
    assert load(path) == ({}, header)


def test_header_keeps_infinity_and_nan(path: Path) -> None:
    save(path, {}, {"best": math.inf, "loss": math.nan})
    header = load(path)[1]
    assert header["best"] == math.inf
    assert math.isnan(header["loss"])


def test_header_comes_back_as_json_has_it(path: Path) -> None:
    save(path, {}, {"shape": (2, 3)})
    assert load(path)[1] == {"shape": [2, 3]}


def test_same_state_same_bytes(path: Path) -> None:
    arrays = {name: numbers("float32", 3) for name in "hgfedcba"}
    save(path, arrays, {"steps": 3})
    first = path.read_bytes()
    save(path, dict(reversed(arrays.items())), {"steps": 3})
    assert path.read_bytes() == first


def test_the_file_is_plain_safetensors(path: Path) -> None:
    save(path, {"w": np.arange(3.0)}, {"steps": 3})
    data = path.read_bytes()
    size = int.from_bytes(data[:8], "little")
    table = json.loads(data[8 : 8 + size])
    assert json.loads(table["__metadata__"]["schuss"]) == {"format": 1, "header": {"steps": 3}}
    assert table["w"] == {"dtype": "F64", "shape": [3], "data_offsets": [0, 24]}
    assert data[8 + size :] == np.arange(3.0).tobytes()


@pytest.mark.parametrize("kind", [Path, str, os.fsencode], ids=["path", "str", "bytes"])
def test_kinds_of_path(path: Path, kind: Callable[[Path], Any]) -> None:
    save(kind(path), {"w": np.ones(2)}, {})
    assert same(load(kind(path))[0]["w"], np.ones(2))


def test_relative_path_and_longest_name(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    name = "x" * 255
    save(name, {}, {"steps": 2})
    assert load(name)[1] == {"steps": 2}


# --- what the file becomes


def test_new_file_follows_the_umask(path: Path) -> None:
    umask = os.umask(0o027)
    try:
        save(path, {}, {})
    finally:
        os.umask(umask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_replaced_file_keeps_its_mode(path: Path, old: bytes) -> None:
    path.chmod(0o604)
    save(path, {}, {})
    assert stat.S_IMODE(path.stat().st_mode) == 0o604


def test_link_stays_a_link(path: Path, old: bytes) -> None:
    link = path.parent / "latest"
    link.symlink_to(path.name)
    save(link, {}, {"steps": 2})
    assert link.is_symlink()
    assert load(path)[1] == load(link)[1] == {"steps": 2}


def test_only_a_regular_file_is_replaced(path: Path) -> None:
    os.mkfifo(path)
    with pytest.raises(OSError, match="not a regular file") as caught:
        save(path, {}, {})
    assert caught.value.filename == str(path)
    assert path.is_fifo()


# --- all or nothing


def failing(error: BaseException) -> Callable[..., None]:
    def fail(*args: object, **options: object) -> None:
        raise error

    return fail


@pytest.mark.parametrize("function", ["os.fsync", "os.replace", "os.chmod", "safetensors.numpy.save_file"])
@pytest.mark.parametrize("target", ["old", "new"])
def test_failure_leaves_what_was_there(
    path: Path, function: str, target: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    before = request.getfixturevalue("old") if target == "old" else None
    monkeypatch.setattr(function, failing(OSError(errno.ENOSPC, "No space left on device")))
    with pytest.raises(OSError, match="No space left on device") as caught:
        save(path, {"w": np.ones(1000)}, {"steps": 2})
    assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, str(path))
    assert (path.read_bytes() if path.exists() else None) == before
    assert len(list(path.parent.iterdir())) == (before is not None)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), MemoryError()], ids=repr)
@pytest.mark.parametrize("function", ["os.fsync", "os.replace", "safetensors.numpy.save_file"])
def test_interruption_leaves_the_old_file(
    path: Path, old: bytes, function: str, error: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(function, failing(error))
    with pytest.raises(type(error)):
        save(path, {"w": np.ones(1000)}, {"steps": 2})
    assert path.read_bytes() == old


def test_error_without_a_number_keeps_its_words(path: Path, old: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.replace", failing(OSError("odd")))
    with pytest.raises(OSError, match=r"odd.*state\.schuss"):
        save(path, {}, {})


def test_folder_without_sync_is_no_error(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.fsync", failing(OSError(errno.EINVAL, "Invalid argument")))
    save(path, {}, {"steps": 2})
    assert load(path)[1] == {"steps": 2}


def test_failed_sync_of_the_folder_is_reported_with_the_new_file_in_place(
    path: Path, old: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    fsync = os.fsync

    def fail_on_folders(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EIO, "Input/output error")
        fsync(descriptor)

    monkeypatch.setattr("os.fsync", fail_on_folders)
    with pytest.raises(OSError, match="Input/output error"):
        save(path, {}, {"steps": 2})
    assert load(path)[1] == {"steps": 2}


def test_order_of_system_calls(path: Path, old: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[str, str]] = []
    fsync, replace = os.fsync, os.replace

    def traced_fsync(descriptor: int) -> None:
        calls.append(("fsync", "folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file"))
        fsync(descriptor)

    def traced_replace(source: str, target: str) -> None:
        assert os.path.dirname(source) == os.path.dirname(target) == str(path.parent)
        assert path.read_bytes() == old
        calls.append(("replace", os.path.basename(target)))
        replace(source, target)

    monkeypatch.setattr("os.fsync", traced_fsync)
    monkeypatch.setattr("os.replace", traced_replace)
    save(path, {}, {})
    assert calls == [("fsync", "file"), ("replace", path.name), ("fsync", "folder")]


def run(code: str, path: Path, **options: Any) -> subprocess.Popen[str]:
    code = "import sys\nimport numpy as np\nfrom schuss.checkpoint import load, save\npath = sys.argv[1]\n" + code
    return subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True, **options)


def test_full_disk(path: Path, old: bytes) -> None:
    child = run(
        """
import errno, resource
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
for size in (1000, 100_000):
    try:
        save(path, {"w": np.zeros(size)}, {"steps": 2})
    except OSError as error:
        print(errno.errorcode[error.errno], error.filename == path, path in str(error))
""",
        path,
    )
    out, _ = child.communicate()
    assert child.returncode == 0
    assert out.splitlines() == ["EFBIG True True"] * 2
    assert path.read_bytes() == old
    assert os.listdir(path.parent) == [path.name]


def test_killed_while_saving(path: Path) -> None:
    child = run(
        """
for steps in range(10**9):
    save(path, {"w": np.full(100_000, steps)}, {"steps": steps})
    print(steps, flush=True)
""",
        path,
    )
    assert child.stdout is not None
    for _ in range(20):
        last = int(child.stdout.readline())
    child.send_signal(signal.SIGKILL)
    child.communicate()
    arrays, header = load(path)
    assert header["steps"] >= last
    assert same(arrays["w"], np.full(100_000, header["steps"]))
    for name in os.listdir(path.parent):  # only a kill leaves something, and by its documented name
        if name != path.name:
            assert name.startswith((".schuss-", ".tmp"))
            (path.parent / name).unlink()


# --- refusals

UNSTORABLE = ["complex64", "longdouble", "U3", "S3", "O", "datetime64[s]", "i4,f4"]


@pytest.mark.parametrize("dtype", UNSTORABLE)
def test_dtype_that_cannot_be_stored(path: Path, old: bytes, dtype: str) -> None:
    array = np.zeros(2, dtype=dtype)
    with pytest.raises(TypeError) as caught:
        save(path, {"w": array}, {})
    assert str(caught.value) == f"arrays['w']: {array.dtype} cannot be stored; use one of {', '.join(DTYPES)}"
    assert path.read_bytes() == old


@pytest.mark.parametrize(
    ("arrays", "header", "error", "message"),
    [
        ({"w": [1.0]}, {}, TypeError, "arrays['w']: expected a NumPy array, got list; use numpy.asarray"),
        ({"w": np.float32(1)}, {}, TypeError, "arrays['w']: expected a NumPy array, got float32; use numpy.asarray"),
        ({1: np.ones(1)}, {}, TypeError, "arrays: names must be strings, got 1"),
        (
            {"__metadata__": np.ones(1)},
            {},
            ValueError,
            "arrays: '__metadata__' is a name of the file format; use another name",
        ),
        ({}, [1], TypeError, "header: expected a dict, got list"),
        (
            {},
            {"n": np.int64(1)},
            TypeError,
            "header: Object of type int64 is not JSON serializable; use plain numbers, strings, lists and dicts",
        ),
    ],
)
def test_words_of_refusals(
    path: Path, old: bytes, arrays: Any, header: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error) as caught:
        save(path, arrays, header)
    assert str(caught.value) == message
    assert path.read_bytes() == old


def test_missing_file_and_folder(path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        load(path)
    assert caught.value.filename == str(path)
    with pytest.raises(FileNotFoundError) as caught:
        save(path / "state", {}, {})
    assert caught.value.filename == str(path / "state")
    with pytest.raises(IsADirectoryError):
        load(path.parent)


def test_truncation_anywhere(path: Path) -> None:
    save(path, {"m": numbers("float32", 300), "v": numbers("float64", 100)}, {"steps": 1})
    data = path.read_bytes()
    for size in [*range(0, len(data), 97), *range(9), len(data) - 1]:
        path.write_bytes(data[:size])
        with pytest.raises(ValueError, match=r"truncated, damaged or not a safetensors file") as caught:
            load(path)
        assert str(caught.value).startswith(f"{path}: ")


@pytest.mark.parametrize(
    "data", [b"not a checkpoint at all", b"\xff" * 100, b"\0" * 100, b"PK\x03\x04" + b"\0" * 60], ids=repr
)
def test_garbage(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"state\.schuss: truncated, damaged or not a safetensors file"):
        load(path)


def test_appended_byte(path: Path, old: bytes) -> None:
    path.write_bytes(old + b"\0")
    with pytest.raises(ValueError, match="truncated, damaged or not a safetensors file"):
        load(path)


def test_flipped_bits_are_a_value_error_or_other_content(path: Path, old: bytes) -> None:
    for i in range(len(old)):
        for bit in range(8):
            path.write_bytes(old[:i] + bytes([old[i] ^ 1 << bit]) + old[i + 1 :])
            with contextlib.suppress(ValueError):
                load(path)


DAMAGED = "the header of this schuss checkpoint is damaged"


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        (None, "a safetensors file, but without the header of a schuss checkpoint"),
        ({"format": "pt"}, "a safetensors file, but without the header of a schuss checkpoint"),
        ({"schuss": '{"format": 2, "other": 1}'}, "written by a newer schuss (format 2, this one reads 1)"),
        ({"schuss": '{"format": 1, "header": {}'}, DAMAGED),
        ({"schuss": '{"format": 1}'}, DAMAGED),
        ({"schuss": '{"format": 1, "header": []}'}, DAMAGED),
        ({"schuss": '{"format": "2", "header": {}}'}, DAMAGED),
        ({"schuss": '{"format": 0, "header": {}}'}, DAMAGED),
        ({"schuss": '{"header": {}}'}, DAMAGED),
        ({"schuss": "[1]"}, DAMAGED),
    ],
)
def test_foreign_newer_and_damaged_headers(path: Path, metadata: dict[str, str] | None, message: str) -> None:
    save_file({"w": np.ones(3)}, path, metadata)
    with pytest.raises(ValueError, match=r".") as caught:
        load(path)
    assert str(caught.value) == f"{path}: {message}"


# --- imports and documentation


@pytest.mark.parametrize("call", [lambda path: save(path, {}, {}), load], ids=["save", "load"])
def test_without_safetensors(path: Path, call: Callable[[Path], object], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    with pytest.raises(ImportError, match="checkpoints are safetensors files; pip install safetensors"):
        call(path)


def test_import_does_not_load_safetensors(path: Path) -> None:
    child = run('print([name for name in ("safetensors", "pickle") if name in sys.modules])', path)
    assert "safetensors" not in child.communicate()[0]
    assert child.returncode == 0


def test_docstring_examples_run() -> None:
    failed, run = doctest.testmod(checkpoint)
    assert failed == 0
    assert run > 0
