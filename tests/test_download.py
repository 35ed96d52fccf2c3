import contextlib
import errno
import hashlib
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from wavenet_jax import download as module
from wavenet_jax.download import SOURCES, Source, cache_dir, cached, download
from wavenet_jax.errors import InputError

BODY = b"emma\nolivia\nava\n" * 100
SHA256 = hashlib.sha256(BODY).hexdigest()
QUICK = 0.4  # seconds of timeout where the server stalls
HURRIED = 5.0  # seconds within which every failure must be reported
Behaviour = Callable[["Handler"], object]


class Handler(BaseHTTPRequestHandler):
    """Answers as the test asked for, and counts."""

    server: "Server"

    def do_GET(self) -> None:
        self.server.requests.append(self.path)
        with contextlib.suppress(ConnectionError):  # the client may have given up
            self.server.behaviour(self)

    def answer(self, body: bytes, length: int | None = None) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base's name
        pass


class Server(ThreadingHTTPServer):
    """A server whose answer the test sets, and whose handlers end with it."""

    daemon_threads = False  # so that closing waits for the handlers
    behaviour: Behaviour

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests: list[str] = []
        self.closing = threading.Event()  # stalled handlers wait for it
        self.url = f"http://127.0.0.1:{self.server_port}/names.txt"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    server.behaviour = lambda handler: handler.answer(BODY)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.closing.set()
    server.shutdown()
    thread.join()
    server.server_close()
    for left in threading.enumerate():
        if left.name.startswith("download "):
            left.join(timeout=10)
            assert not left.is_alive(), "a download's thread outlives its server"


def fetch(url: str, timeout_seconds: float = 30.0, sha256: str = SHA256) -> Path:
    sources = {"makemore": Source(url, sha256, len(BODY))}
    return download("makemore", timeout_seconds=timeout_seconds, sources=sources)


def message_of_failure(url: str, **arguments: Any) -> str:
    """Return the error's sentence, which names URL, place and remedy, and came soon."""
    before = files_in(cache_dir())
    start = time.monotonic()
    with pytest.raises(InputError) as caught:
        fetch(url, **arguments)
    assert time.monotonic() - start < HURRIED
    message = str(caught.value)
    assert message.startswith(f"{url} ")
    assert message.endswith(
        "; try again, or fetch the file by other means and put it at "
        f"{cached('makemore')}, or pass its path with --data FILE."
    )
    assert "\n" not in message
    assert files_in(cache_dir()) == before, "a failed download changed the cache"
    return message


def files_in(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def put(body: bytes) -> Path:
    path = cached("makemore")
    path.parent.mkdir(parents=True)
    path.write_bytes(body)
    return path


def test_sources_are_the_published_files() -> None:
    assert set(SOURCES) == {"makemore", "shakespeare"}
    assert SOURCES["makemore"].size == 228_145
    assert SOURCES["shakespeare"].size == 1_115_394
    for source in SOURCES.values():
        assert source.url.startswith("https://raw.githubusercontent.com/karpathy/")
        assert re.fullmatch("[0-9a-f]{64}", source.sha256)


def test_import_leaves_jax_alone() -> None:
    code = "import sys, wavenet_jax.download; sys.exit('jax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_cache_is_where_xdg_says(home: Path) -> None:
    assert cache_dir() == home / "cache" / "wavenet_jax"
    assert cached("makemore") == home / "cache" / "wavenet_jax" / "data" / "makemore.txt"
    assert not cache_dir().exists()


@pytest.mark.parametrize("value", ["", "relative/cache", None])
def test_cache_is_in_the_home_folder_otherwise(
    value: str | None, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if value is None:
        monkeypatch.delenv("XDG_CACHE_HOME")
    else:
        monkeypatch.setenv("XDG_CACHE_HOME", value)
    assert cache_dir() == home / "home" / ".cache" / "wavenet_jax"


def test_no_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", no_home)
    with pytest.raises(InputError, match="set HOME or XDG_CACHE_HOME"):
        cached("makemore")


def test_unknown_name() -> None:
    with pytest.raises(InputError, match=r"'makemoer' is unknown.*makemore, shakespeare"):
        download("makemoer")
    assert not cache_dir().exists()


def test_success_and_no_second_request(server: Server) -> None:
    path = fetch(server.url)
    assert path == cached("makemore")
    assert files_in(cache_dir()) == {path: BODY}
    assert server.requests == ["/names.txt"]
    assert fetch(server.url) == path
    assert server.requests == ["/names.txt"]


def test_chunked_body(server: Server) -> None:
    def chunked(handler: Handler) -> None:
        handler.protocol_version = "HTTP/1.1"
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for piece in (BODY[:10], BODY[10:]):
            handler.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        handler.wfile.write(b"0\r\n\r\n")

    server.behaviour = chunked
    assert fetch(server.url).read_bytes() == BODY


def test_good_file_needs_no_server() -> None:
    path = put(BODY)
    assert fetch("http://127.0.0.1:1/names.txt") == path
    assert files_in(cache_dir()) == {path: BODY}


@pytest.mark.parametrize("stale", [b"", BODY[:-1], BODY.replace(b"ava", b"eva")])
def test_corrupted_file_is_replaced(stale: bytes, server: Server) -> None:
    path = put(stale)
    with path.open("rb") as reader:
        assert fetch(server.url) == path
        assert reader.read() == stale, "the file was rewritten under a reader, not replaced"
    assert files_in(cache_dir()) == {path: BODY}
    assert len(server.requests) == 1


def test_corrupted_file_stays_when_the_download_fails(server: Server) -> None:
    path = put(BODY[:-1])
    server.behaviour = lambda handler: handler.answer(BODY[:5])
    message_of_failure(server.url)
    assert path.read_bytes() == BODY[:-1]


def test_good_file_stays_when_the_server_has_another(server: Server) -> None:
    path = put(BODY)
    server.behaviour = lambda handler: handler.answer(BODY[::-1])
    fetch(server.url)
    assert path.read_bytes() == BODY
    assert server.requests == []


def test_truncated_body(server: Server) -> None:
    server.behaviour = lambda handler: handler.answer(BODY[:100], length=len(BODY))
    message = message_of_failure(server.url)
    assert f"sent 100 bytes, expected {len(BODY)};" in message


def test_longer_body(server: Server) -> None:
    server.behaviour = lambda handler: handler.answer(BODY + b"x")
    message = message_of_failure(server.url)
    assert f"sent more than {len(BODY)} bytes, expected {len(BODY)};" in message


def test_endless_body_is_cut_off(server: Server) -> None:
    def endless(handler: Handler) -> None:
        handler.answer(BODY * 2, length=10**12)
        server.closing.wait(HURRIED)  # who reads on, times out

    server.behaviour = endless
    message = message_of_failure(server.url, timeout_seconds=QUICK)
    assert f"sent more than {len(BODY)} bytes" in message


def test_wrong_checksum(server: Server) -> None:
    server.behaviour = lambda handler: handler.answer(BODY[::-1])
    message = message_of_failure(server.url)
    got = hashlib.sha256(BODY[::-1]).hexdigest()
    assert f"SHA-256 {got[:12]}, expected {SHA256[:12]};" in message


@pytest.mark.parametrize("status", [404, 503])
def test_error_status(status: int, server: Server) -> None:
    server.behaviour = lambda handler: handler.send_error(status)
    assert f"(the server answered {status})" in message_of_failure(server.url)


def test_connection_closed_without_an_answer(server: Server) -> None:
    server.behaviour = lambda _: None
    assert "could not be fetched (Remote end closed" in message_of_failure(server.url)


def test_answer_that_is_no_http(server: Server) -> None:
    server.behaviour = lambda handler: handler.wfile.write(b"SSH-2.0\nnonsense\n")
    assert "could not be fetched (SSH-2.0)" in message_of_failure(server.url)


def test_connection_accepted_and_nothing_sent(server: Server) -> None:
    server.behaviour = lambda _: server.closing.wait(HURRIED)
    assert "(timed out)" in message_of_failure(server.url, timeout_seconds=QUICK)


def test_half_sent_and_then_nothing(server: Server) -> None:
    def stall(handler: Handler) -> None:
        handler.answer(BODY[: len(BODY) // 2], length=len(BODY))
        server.closing.wait(HURRIED)

    server.behaviour = stall
    assert "(timed out)" in message_of_failure(server.url, timeout_seconds=QUICK)


def drip(handler: Handler) -> None:
    end = time.monotonic() + 2 * HURRIED  # so that an endless download fails and does not hang
    while time.monotonic() < end and not handler.server.closing.wait(0.02):
        handler.wfile.write(b"x")


def drip_body(handler: Handler) -> None:
    handler.answer(b"", length=len(BODY))
    drip(handler)


def test_slow_drip_hits_the_overall_bound(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    server.behaviour = drip_body
    monkeypatch.setattr(module, "TIMEOUTS_IN_ALL", 0.25)
    message = message_of_failure(server.url, timeout_seconds=2.0)
    assert "(not complete after 0.5 seconds)" in message


def test_connection_refused() -> None:
    with socket.socket() as bound:  # bound and not listening, so that nobody else can answer
        bound.bind(("127.0.0.1", 0))
        message = message_of_failure(f"http://127.0.0.1:{bound.getsockname()[1]}/names.txt")
    assert "(Connection refused)" in message
    assert not cache_dir().exists()


def test_unknown_host(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    message = message_of_failure("http://nowhere.invalid/names.txt")
    assert "(Name or service not known)" in message


def test_proxy_of_the_environment_is_used(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{server.server_port}")
    assert fetch("http://nowhere.invalid/names.txt").read_bytes() == BODY
    assert server.requests == ["http://nowhere.invalid/names.txt"]


def test_malformed_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http:/proxy:80")
    message = message_of_failure("http://nowhere.invalid/names.txt")
    assert "(proxy URL with no authority: 'http:/proxy:80')" in message


@pytest.mark.parametrize("level", ["cache", "cache/wavenet_jax", "cache/wavenet_jax/data"])
def test_file_where_the_folder_should_be(level: str, server: Server, home: Path) -> None:
    blocker = home / level
    blocker.parent.mkdir(parents=True, exist_ok=True)
    blocker.write_bytes(b"mine")
    with pytest.raises(InputError) as caught:
        fetch(server.url)
    assert re.match(
        re.escape(str(cached("makemore")))
        + r" cannot be written \((File exists|Not a directory)\), expected a writable folder .*"
        r"set XDG_CACHE_HOME to another, .* pass its path with --data FILE\.$",
        str(caught.value),
    )
    assert files_in(home) == {blocker: b"mine"}


def test_folder_where_the_file_should_be(server: Server) -> None:
    cached("makemore").mkdir(parents=True)
    with pytest.raises(InputError, match=r"makemore\.txt cannot be written \(Is a directory\)"):
        fetch(server.url)
    assert files_in(cache_dir()) == {}


@pytest.mark.parametrize("stale", [None, b"stale"])
def test_full_disk(stale: bytes | None, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    before = {} if stale is None else {put(stale): stale}
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError) as caught:
        fetch(server.url)
    assert str(caught.value).startswith(
        f"{cached('makemore')} cannot be written (No space left on device), expected a writable "
        f"folder with room for {len(BODY)} bytes;"
    )
    assert files_in(cache_dir()) == before


def test_interrupted_writing(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    written = []

    def interrupt(_: int) -> None:
        written.append(files_in(cache_dir()))
        raise KeyboardInterrupt

    path = put(b"stale")
    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        fetch(server.url)
    # At that moment the old file stood beside the new one, which was whole and in the same folder.
    assert len(written) == 1
    assert written[0].pop(path) == b"stale"
    assert list(written[0].values()) == [BODY]
    assert [temporary.parent for temporary in written[0]] == [path.parent]
    assert files_in(cache_dir()) == {path: b"stale"}
