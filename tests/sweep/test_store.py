"""The store: what is committed stays, what is wrong is said in a sentence."""

import os
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sim.sweep import store as store_module
from sim.sweep.store import Store, StoreError

ROW = {"waits_mean_s": 0.1 + 0.2, "failed": 0, "status": "ok", "missing": None, "depth": [1, 2]}


def test_rows_come_back_as_they_were(tmp_path: Path) -> None:
    with Store(tmp_path / "s", "sweep") as store:
        store.put_about("sweep", {"name": "x"})
        for seed in (3, 1, 2):
            store.add("b", seed, ROW | {"seed": seed})
        assert store.seeds("b") == {1, 2, 3}
    with Store(tmp_path / "s", "sweep") as again:
        assert again.rows("b") == [(seed, ROW | {"seed": seed}) for seed in (1, 2, 3)]
        assert again.about()["sweep"] == {"name": "x"}
        assert again.rows("nothing") == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["s"]


def test_a_row_is_committed_within_a_second_whatever_its_process_does(tmp_path: Path) -> None:
    program = f"""
import time
from sim.sweep.store import Store
store = Store({str(tmp_path / "s")!r}, "sweep")
store.add("a", 1, {{}})
time.sleep(0.9)
store.add("a", 2, {{}})
print("there", flush=True)
time.sleep(60)
"""
    child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    with Store(tmp_path / "s", "sweep") as store:
        assert 1 in store.seeds("a")
        store.add("a", 3, {})


def test_it_can_be_read_while_somebody_writes_but_not_written(tmp_path: Path) -> None:
    with Store(tmp_path / "s", "sweep") as store:
        store.add("a", 1, {})
        store.commit()
        with Store(tmp_path / "s", "sweep", writing=False) as reader:
            assert reader.count() == 1
        with pytest.raises(StoreError, match="another process is writing to it"):
            Store(tmp_path / "s", "sweep")


def test_rows_wait_for_others_half_a_second(tmp_path: Path) -> None:
    with Store(tmp_path / "s", "sweep") as store, Store(tmp_path / "s", "sweep", writing=False) as reader:
        store.add("a", 1, {})
        assert reader.count() == 0
        for _ in range(40):
            time.sleep(0.05)
            if reader.count():
                break
        assert reader.count() == 1


def test_a_kill_while_the_file_is_made_harms_nothing(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "s").execute("PRAGMA journal_mode=WAL").close()
    assert (tmp_path / "s").stat().st_size > 0
    with Store(tmp_path / "s", "sweep") as store:
        assert store.count() == 0


def wrong(path: Path, kind: str = "sweep", writing: bool = True) -> str:
    with pytest.raises(StoreError) as caught:
        Store(path, kind, writing)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    assert not Path(f"{path}-writing").exists()
    return message


def test_what_is_no_store_is_said(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("scenario, seed\n" * 1000)
    assert "is no store of results" in wrong(tmp_path / "text")
    with sqlite3.connect(tmp_path / "other") as db:
        db.execute("CREATE TABLE t (a)")
    db.close()
    assert "is a database, but no store of results" in wrong(tmp_path / "other")
    assert "no such store" in wrong(tmp_path / "nothing", writing=False)
    assert not (tmp_path / "nothing").exists()
    assert "expected a file in a folder that exists" in wrong(tmp_path / "nowhere" / "s")
    assert "is a directory" in wrong(tmp_path)


def test_another_kind_or_version_is_said(tmp_path: Path) -> None:
    Store(tmp_path / "s", "sweep").close()
    assert "holds the results of a sweep, expected those of a fuzz campaign" in wrong(tmp_path / "s", "fuzz campaign")
    with sqlite3.connect(tmp_path / "s") as db:
        db.execute("UPDATE about SET value = '\"session-sim 9\"' WHERE key = 'made_by'")
    db.close()
    assert "was made by session-sim 9 and this is" in wrong(tmp_path / "s")
    Store(tmp_path / "s", "sweep", writing=False).close()
    with sqlite3.connect(tmp_path / "s") as db:
        db.execute("UPDATE about SET value = '7' WHERE key = 'version'")
    db.close()
    assert "is a store of version 7, made by session-sim 9; this program reads version 1" in wrong(tmp_path / "s", writing=False)


@pytest.mark.parametrize("at", [5_000, 20_000, 60_000])
def test_damage_is_said(tmp_path: Path, at: int) -> None:
    with Store(tmp_path / "s", "sweep") as store:
        for seed in range(500):
            store.add("cell", seed, ROW)
    content = bytearray((tmp_path / "s").read_bytes())
    assert len(content) > 60_000
    content[at - at % 4096 : at - at % 4096 + 512] = bytes(range(256)) * 2
    (tmp_path / "s").write_bytes(content)
    assert "is damaged" in wrong(tmp_path / "s")


def test_a_truncated_file_is_said(tmp_path: Path) -> None:
    with Store(tmp_path / "s", "sweep") as store:
        for seed in range(500):
            store.add("cell", seed, ROW)
    os.truncate(tmp_path / "s", 30_000)
    assert "is damaged" in wrong(tmp_path / "s")


def test_a_full_disk_says_so_and_loses_nothing_finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite says it of a file that may not grow; the space that is held back is room to grow."""
    store = Store(tmp_path / "s", "sweep")
    store._db.execute("PRAGMA max_page_count = 30")
    given_up = []

    def make_room() -> bool:
        given_up.append(1)
        store._db.execute("PRAGMA max_page_count = 1000")
        return len(given_up) == 1

    assert store._reserve is not None
    monkeypatch.setattr(store._reserve, "give_up_space", make_room)
    added = 0

    def fill() -> None:
        nonlocal added
        for seed in range(5_000):
            added += 1
            store.add("cell", seed, ROW)

    with pytest.raises(StoreError, match="the disk is full; what was finished is kept: make room and give the same command again"):
        fill()
    # Whoever has more that is finished may still bring it, and is told the same.
    with pytest.raises(StoreError, match="the disk is full"):
        store.add("cell", 99_999, ROW)
    with pytest.raises(StoreError, match="the disk is full"):
        store.close()
    with Store(tmp_path / "s", "sweep") as again:
        assert again.seeds("cell") == {*range(added), 99_999}


def test_no_more_than_a_thousand_rows_wait(tmp_path: Path) -> None:
    with Store(tmp_path / "s", "sweep") as store, Store(tmp_path / "s", "sweep", writing=False) as reader:
        for seed in range(store_module.MOST_WAITING):
            store.add("a", seed, {})
        assert reader.count() == store_module.MOST_WAITING


@pytest.mark.slow
def test_a_limit_of_the_system_is_said(tmp_path: Path) -> None:
    """A file that may not grow is what quotas do."""
    program = f"""
import resource, signal
from sim.sweep.store import Store, StoreError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
store = Store({str(tmp_path / "s")!r}, "sweep")
store.add("cell", 0, {{}})
store.commit()
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    for seed in range(1, 100_000):
        store.add("cell", seed, {{"text": "x" * 1000}})
except StoreError as error:
    print(error)
"""
    assert resource.RLIMIT_FSIZE >= 0
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "give the same command again" in done.stdout, done.stderr
    with Store(tmp_path / "s", "sweep") as again:
        assert 0 in again.seeds("cell")
