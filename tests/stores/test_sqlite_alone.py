"""What is the SQLite plug's own: the folder's lock, a full or read-only disk, groups that fail apart."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
import textwrap
from functools import partial
from pathlib import Path

import pytest
from kit import START, open_one, turn, write
from sealed import SECRET

from bot.model import StoreFault
from bot.stores.sqlite import SqliteStore
from bot.stores.statements.conversations import held
from bot.stores.statements.conversations import visit as on_disk

ROOT = Path(__file__).parents[2]


def program(body: str, *arguments: str, **given) -> subprocess.Popen[str]:
    """A process of its own that runs `body` with the store's names at hand."""
    head = """
        import asyncio, sys
        from pathlib import Path
        from bot.model import StoreFault
        from bot.stores.sqlite import SqliteStore
        from kit import *
        def store(**more): return SqliteStore(Path(sys.argv[1]), secret="a secret for tests, long enough", **more)
    """
    text = textwrap.dedent(head) + textwrap.dedent(body)
    path = os.pathsep.join((str(ROOT), str(Path(__file__).parent)))
    return subprocess.Popen(
        [sys.executable, "-c", text, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
        **given,
    )


def fault_of(store: SqliteStore) -> str:
    async def start():
        with pytest.raises(StoreFault) as refused:
            await store.start()
        await store.close()
        return str(refused.value)

    message = asyncio.run(start())
    assert "\n" not in message
    return message


def test_a_second_process_is_told_which_one_is_there(tmp_path):
    other = program(
        """
        async def main():
            one = store(); await one.start(); print("ready", flush=True); sys.stdin.read(); await one.close()
        asyncio.run(main())
        """,
        str(tmp_path),
        stdin=subprocess.PIPE,
    )
    assert other.stdout.readline() == "ready\n"
    said = fault_of(SqliteStore(tmp_path, secret=SECRET))
    assert f"another handrail is running on this data folder (pid {other.pid})" in said
    other.kill()  # the kernel lets go of the lock
    other.wait()

    async def works():
        store = SqliteStore(tmp_path, secret=SECRET)
        await store.start()
        await open_one(store)
        await store.close()

    asyncio.run(works())


def test_twice_in_one_process_is_refused_too(tmp_path):
    async def both():
        one, two = (SqliteStore(tmp_path, secret=SECRET) for _ in range(2))
        await one.start()
        with pytest.raises(StoreFault, match=f"pid {os.getpid()}"):
            await two.start()
        await one.close()
        await two.start()
        await two.close()

    asyncio.run(both())


def test_a_folder_that_cannot_be_written(tmp_path):
    assert "writable" in fault_of(SqliteStore(Path("/proc/handrail"), secret=SECRET))
    (tmp_path / "file").write_text("")
    assert str(tmp_path) in fault_of(SqliteStore(tmp_path / "file", secret=SECRET))


@pytest.mark.skipif(os.geteuid() != 0, reason="needs another user to be")
def test_a_folder_of_another_user(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    for path in (folder, *tmp_path.parents[:3], tmp_path):
        path.chmod(path.stat().st_mode | 0o055)
    done = program(
        """
        async def main():
            try:
                await store().start()
            except StoreFault as fault:
                print(fault)
        import os
        os.setuid(65534)
        asyncio.run(main())
        """,
        str(folder),
    )
    said = done.communicate(timeout=60)[0]
    assert "Permission denied" in said and "writable" in said and "Traceback" not in said
    assert list(folder.iterdir()) == []


def test_a_damaged_file_is_named(tmp_path):
    (tmp_path / "handrail.sqlite").write_bytes(b"a letter, not a database" * 500)
    assert "restore a backup" in fault_of(SqliteStore(tmp_path, secret=SECRET))


def test_a_full_disk_loses_nothing_and_is_got_over(tmp_path):
    """max_page_count makes SQLite itself answer SQLITE_FULL."""

    async def main():
        store = SqliteStore(tmp_path, secret=SECRET)
        await store.start()
        await open_one(store)
        pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
        store._connection.execute(f"PRAGMA max_page_count = {pages + 20}")
        told, n = [], 0
        with pytest.raises(StoreFault, match="disk is full"):  # noqa: PT012
            while True:
                n += 1
                await write(store, "c1", f"{n} " + "x" * 3000)
                told.append(n)
        with pytest.raises(StoreFault, match="disk is full"):
            await write(store, "c1", "y" * 4000)
        assert len(told) > 3
        assert [int(m.text.split()[0]) for m in await store.messages("c1", 1) if m.text[0].isdigit()] == told
        store._connection.execute("PRAGMA max_page_count = 1000000")
        done = await write(store, "c1", "there is room again")
        assert done.message.seq == 2 + 2 * len(told)
        await store.close()

    asyncio.run(main())


def test_a_file_that_may_not_grow_loses_nothing_and_is_got_over(tmp_path):
    """RLIMIT_FSIZE: the kernel refuses the write, as a full disk or a quota does, in the log and at the checkpoint."""
    done = program(
        """
        import resource, signal
        async def main():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            one = store(); await one.start(); await open_one(one)
            resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, resource.RLIM_INFINITY))
            told, faults = [], 0
            for n in range(400):
                try:
                    await write(one, "c1", f"{n} " + "x" * 3000)
                    told.append(n)
                except StoreFault as fault:
                    faults += 1
                    assert "disk" in str(fault), fault
            assert faults > 20 and len(told) > 5, (faults, len(told))
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            await write(one, "c1", "9999 room again"); told.append(9999)
            await one.close()
            one = store(); await one.start()
            said = await one.messages("c1", 1, 10_000)
            assert [int(m.text.split()[0]) for m in said if m.author == "visitor"] == told
            assert [m.seq for m in said] == list(range(2, len(said) + 2))
            await one.close()
            print("whole")
        asyncio.run(main())
        """,
        str(tmp_path),
    )
    assert done.communicate(timeout=120)[0].strip().splitlines()[-1] == "whole"


def test_what_a_killed_process_was_sending_is_due_at_once(tmp_path):
    """Nobody else can be sending it: the file is one process' own. A page must not wait for a lease."""
    done = program(
        """
        import os
        async def main():
            one = store(); await one.start()
            await one.add_webhook(Webhook("w1", "https://hooks.example/in", (), "whsec_x", START, "key:1"))
            await open_one(one)
            print(len(await one.due(START)), flush=True)
            os._exit(9)
        from kit import START
        from bot.model import Webhook
        asyncio.run(main())
        """,
        str(tmp_path),
    )
    taken = int(done.communicate(timeout=60)[0])
    assert taken

    async def main():
        store = SqliteStore(tmp_path, secret=SECRET)
        await store.start()
        assert len(await store.due(START)) == taken
        await store.close()

    asyncio.run(main())


async def with_talks(path: Path, count: int) -> SqliteStore:
    store = SqliteStore(path, secret=SECRET)
    await store.start()
    for number in range(count):
        await open_one(store, f"c{number}")
    return store


def test_a_unit_that_fails_fails_alone(tmp_path):
    async def main():
        store = await with_talks(tmp_path, 20)

        def broken(tx):
            tx.touched.add("c0")
            raise KeyError("a bug in one unit")

        group = [store.write(broken) if n % 3 == 0 else write(store, f"c{n}", "hello") for n in range(20)]
        done = await asyncio.gather(*group, return_exceptions=True)
        assert [isinstance(d, KeyError) for d in done] == [n % 3 == 0 for n in range(20)]
        for number in range(20):
            assert len(await store.messages(f"c{number}")) == (1 if number % 3 == 0 else 3)
        await store.close()

    asyncio.run(main())


def test_a_unit_that_fails_after_it_wrote_takes_nobody_along(tmp_path):
    async def main():
        store = await with_talks(tmp_path, 20)

        def broken(tx, id):
            held(tx, id, START).write(urgency=4)
            raise KeyError("a bug in one unit, when half of it was done")

        turns = [await turn(store, f"c{number}", "hello") for number in range(20)]
        group = [store.write(partial(broken, id=f"c{n}")) if n % 3 == 0 else store.record(turns[n]) for n in range(20)]
        done = await asyncio.gather(*group, return_exceptions=True)
        assert [isinstance(d, KeyError) for d in done] == [n % 3 == 0 for n in range(20)]
        for number in range(20):
            visit = await store.read(partial(on_disk, id=f"c{number}"))
            assert visit.conversation.urgency == 0
            assert visit.last_seq == len(await store.messages(f"c{number}")) == (1 if number % 3 == 0 else 3)
        assert len([e for e in await store.events() if e.kind == "message.created"]) == 20 + 2 * 13
        await store.close()

    asyncio.run(main())


def test_a_caller_that_goes_away_does_not_undo_the_commit(tmp_path):
    async def main():
        store = SqliteStore(tmp_path, secret=SECRET)
        await store.start()
        await open_one(store)
        task = asyncio.create_task(write(store, "c1", "hello"))
        while len(await store.messages("c1")) == 1 and not task.done():
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await write(store, "c1", "again")
        assert [m.seq for m in await store.messages("c1")] == [1, 2, 3, 4, 5]
        await store.close()

    asyncio.run(main())


def test_what_was_waiting_is_committed_at_close(tmp_path):
    async def main():
        store = SqliteStore(tmp_path, secret=SECRET)
        await store.start()
        opened = [asyncio.create_task(open_one(store, f"c{n}")) for n in range(50)]
        await asyncio.sleep(0)
        await store.close()
        await asyncio.gather(*opened)
        again = SqliteStore(tmp_path, secret=SECRET)
        await again.start()
        assert all([await again.visit(f"c{n}") for n in range(50)])
        await again.close()
        with pytest.raises(StoreFault):
            await again.visit("c1")

    asyncio.run(main())


def test_readers_can_neither_write_nor_checkpoint(tmp_path):
    async def main():
        store = SqliteStore(tmp_path, secret=SECRET)
        await store.start()
        await open_one(store)

        def reach(tx):
            tx._cursor.execute("DELETE FROM messages")

        with pytest.raises(StoreFault):
            await store.read(reach)

        def checkpoint(tx):
            return tx._cursor.execute("PRAGMA wal_autocheckpoint").fetchall()

        assert await store.read(checkpoint) == [(0,)]
        assert store._connection.execute("PRAGMA synchronous").fetchone() == (2,)
        assert store._connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert store._connection.execute("PRAGMA foreign_keys").fetchone() == (1,)
        await store.close()

    asyncio.run(main())


def test_the_clocks_going_back_does_not_matter(tmp_path):
    async def main():
        store = SqliteStore(tmp_path, secret=SECRET)
        await store.start()
        await open_one(store)
        from datetime import timedelta

        for minutes in (0, -600, 30, -1):
            await write(store, "c1", "x", START + timedelta(minutes=minutes))
        assert [m.seq for m in await store.messages("c1")] == list(range(1, 10))
        assert [e.id for e in await store.events()] == list(range(1, 11))
        await store.close()

    asyncio.run(main())


def test_a_migration_half_done_is_not_there_at_all(tmp_path, monkeypatch):
    """A crash in the middle: the next start finds an empty file and begins anew."""
    from bot.stores import migrations

    def breaks(connection):
        connection.exec_driver_sql("CREATE TABLE half (id TEXT)")
        raise KeyboardInterrupt

    async def start():
        store = SqliteStore(tmp_path, secret=SECRET)
        await store.start()
        await open_one(store)
        await store.close()

    with monkeypatch.context() as patch:
        patch.setattr(migrations, "upgrade", breaks)
        with pytest.raises(KeyboardInterrupt):
            asyncio.run(start())
    with sqlite3.connect(tmp_path / "handrail.sqlite") as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == []
    asyncio.run(start())
