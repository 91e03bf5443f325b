"""Heavy work on a few things at a time, in processes of their own that can be given up.

A decoder is C that nobody can interrupt. In a process with a limit of time and memory it takes nobody else down, gives
back what it took, and ends when whoever waits for it leaves. This module knows bytes and processes, not pictures.
"""
import contextlib
import json
import math
import os
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import IO, Any

from ae_core import guard, store

AT_ONCE = 2                      # on a server, whatever it is
SECONDS = 12                     # of processor time for one task
PATIENCE = 60.0                  # seconds on the clock, on the busiest machine
MEMORY = 2 * 2**30               # bytes beyond what the process has when it starts
LOOK = 0.2                       # seconds between two looks whether somebody still waits
_HEADER = struct.Struct("<IQ")

Answer = tuple[dict[str, Any], bytes | bytearray | memoryview]
Waiting = Callable[[str], contextlib.AbstractContextManager[Callable[[], None]]]


class GivenUp(guard.Refused):
    """A task that took too much time or memory, or brought its process down."""


def silence(sentence: str) -> contextlib.AbstractContextManager[Callable[[], None]]:
    """How scripts wait: nothing is said and nobody leaves."""
    return contextlib.nullcontext(lambda: None)


# How a wait is told: waiting(sentence) is a context that gives a function to call now and then, which may raise to
# give up. Pages put theirs here.
waiting: Waiting = silence
_turns, _here = threading.BoundedSemaphore(AT_ONCE), threading.local()
_spare: list["_Process"] = []    # at most one, which waits for the next task


@contextlib.contextmanager
def turn() -> Iterator[None]:
    """Waits until few enough others do something heavy; whoever has a turn needs no second one."""
    if getattr(_here, "inside", False):
        yield
        return
    with waiting("Other large pictures come first; yours is next.") as report:
        while not _turns.acquire(timeout=LOOK):
            report()
    _here.inside = True
    try:
        yield
    finally:
        _here.inside = False
        _turns.release()


def ask(module: str, question: dict[str, Any], raw: bytes, what: str) -> Answer:
    """What `serve` in a process of `module` answers; GivenUp, about `what`, where it does not."""
    with turn():
        try:
            process = _take(module)
        except OSError as error:
            raise GivenUp(f"{what} cannot be read now: the server has no room for it ({error.strerror}). "
                          "Try again later.") from None
        answer: list[Answer] = []
        asking = threading.Thread(target=lambda: answer.extend(process.ask(question, raw)), daemon=True)
        asking.start()
        try:
            end = time.monotonic() + PATIENCE
            with waiting("Reading a large picture.") as report:
                while asking.is_alive() and time.monotonic() < end:
                    asking.join(LOOK)
                    report()
        finally:
            if answer and not _spare:
                _spare.append(process)
            else:
                process.end()
    if not answer:
        raise GivenUp(f"{what} is damaged, or takes far more time or memory to read than it should. Export it again.")
    return answer[0]


def serve(work: Callable[[dict[str, Any], bytes], Answer]) -> None:
    """Answer what is asked on standard input until that ends; what libraries print goes to the log."""
    source, target = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    with contextlib.suppress(EOFError):
        while True:
            question, raw = _read(source)
            _limit()
            before = time.process_time()
            answer, body = work(question, bytes(raw))
            _write(target, answer | {"seconds": time.process_time() - before}, body)
            del raw, body                        # while this process waits, they are the other one's alone


class _Process:
    def __init__(self, module: str):
        self.module = module
        self._inner = subprocess.Popen([sys.executable, "-m", module], cwd=store.ROOT, stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE)
        assert self._inner.stdin and self._inner.stdout
        self._pipes = self._inner.stdin, self._inner.stdout

    def ask(self, question: dict[str, Any], raw: bytes) -> list[Answer]:
        """Its answer, or nothing where it ended."""
        with contextlib.suppress(OSError, EOFError, ValueError):
            _write(self._pipes[0], question, raw)
            return [_read(self._pipes[1])]
        return []

    def alive(self) -> bool:
        return self._inner.poll() is None

    def end(self) -> None:
        self._inner.kill()
        self._inner.wait()
        for pipe in self._pipes:
            with contextlib.suppress(OSError):   # what was still to be written has no reader
                pipe.close()


def _take(module: str) -> _Process:
    with contextlib.suppress(IndexError):
        spare = _spare.pop()
        if spare.alive() and spare.module == module:
            return spare
        spare.end()
    return _Process(module)


def _limit() -> None:
    """Bound this process; Windows has no such limits, there only the clock counts."""
    with contextlib.suppress(ImportError):
        import resource
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        _, hard = resource.getrlimit(resource.RLIMIT_CPU)
        resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(time.process_time()) + SECONDS, hard))
        if resource.getrlimit(resource.RLIMIT_AS)[0] == resource.RLIM_INFINITY and sys.platform == "linux":
            with open("/proc/self/statm", encoding="ascii") as file:
                now = int(file.read().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (now + MEMORY,) * 2)


def _write(pipe: IO[bytes], header: dict[str, Any], body: bytes | bytearray | memoryview) -> None:
    text = json.dumps(header).encode()
    pipe.write(_HEADER.pack(len(text), len(body)) + text)
    pipe.write(body)
    pipe.flush()


def _read(pipe: IO[bytes]) -> tuple[dict[str, Any], bytearray]:
    text_size, size = _HEADER.unpack(_exactly(pipe, _HEADER.size))
    return json.loads(_exactly(pipe, text_size)), _exactly(pipe, size)


def _exactly(pipe: IO[bytes], size: int) -> bytearray:
    found = bytearray(size)
    view, at = memoryview(found), 0
    while at < size:
        count = pipe.readinto(view[at:])         # type: ignore[attr-defined]
        if not count:
            raise EOFError
        at += count
    return found
