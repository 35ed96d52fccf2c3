"""The data sets: fetched from a server that behaves as each test wants, whole or not at all."""

import contextlib
import errno
import hashlib
import os
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from wavenet_jax.data.download import SOURCES, Source, download, download_path
from wavenet_jax.errors import InputError
from wavenet_jax.paths import cache_dir

BODY = b"emma\nolivia\nava\n" * 100
SHA256 = hashlib.sha256(BODY).hexdigest()
QUICK = 0.4  # seconds of timeout where the server stalls
SOON = 5.0  # seconds within which every failure must be reported
Behaviour = Callable[["Handler"], object]


class Handler(BaseHTTPRequestHandler):
    """Answers as the test wants, and keeps the requests."""

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


def fetch(url: str, **limits: float) -> Path:
    sources = {"makemore": Source(url, SHA256, len(BODY), "list")}
    return download("makemore", sources=sources, **limits)


def reason_of_failure(url: str, **limits: float) -> str:
    """Return the reason in a message that comes soon and names URL, place and remedy."""
    before = files_in(cache_dir())
    start = time.monotonic()
    with pytest.raises(InputError) as caught:
        fetch(url, **limits)
    assert time.monotonic() - start < SOON
    before_reason, after_reason = (
        f"{url} could not be fetched to {download_path('makemore')} (",
        f"), expected {len(BODY)} bytes with SHA-256 {SHA256[:12]}; try again, put the file there "
        "by other means, or set XDG_CACHE_HOME to a writable folder with room for it.",
    )
    message = str(caught.value)
    assert message.startswith(before_reason)
    assert message.endswith(after_reason)
    assert "\n" not in message
    assert files_in(cache_dir()) == before, "a failed download changed the cache"
    return message.removeprefix(before_reason).removesuffix(after_reason)


def files_in(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def put(body: bytes) -> Path:
    path = download_path("makemore")
    path.parent.mkdir(parents=True)
    path.write_bytes(body)
    return path


def test_unknown_name_is_refused_with_those_that_are_known() -> None:
    message = "data set 'makemoer' is unknown, expected makemore or shakespeare."
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        download("makemoer")
    assert not cache_dir().exists()


@pytest.mark.parametrize("name", SOURCES)
def test_published_file_is_kept_in_the_cache_under_its_name(name: str, home: Path) -> None:
    assert download_path(name) == home / "cache" / "wavenet_jax" / "data" / f"{name}.txt"


def test_success_and_no_second_request(server: Server) -> None:
    path = fetch(server.url)
    assert path == download_path("makemore")
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
    reason_of_failure(server.url)
    assert path.read_bytes() == BODY[:-1]


def test_good_file_stays_when_the_server_has_another(server: Server) -> None:
    path = put(BODY)
    server.behaviour = lambda handler: handler.answer(BODY[::-1])
    fetch(server.url)
    assert path.read_bytes() == BODY
    assert server.requests == []


def test_truncated_body(server: Server) -> None:
    server.behaviour = lambda handler: handler.answer(BODY[:100], length=len(BODY))
    assert reason_of_failure(server.url) == "the 100 bytes that arrived are not the file"


def test_longer_body(server: Server) -> None:
    server.behaviour = lambda handler: handler.answer(BODY + b"x")
    reason = f"the {len(BODY) + 1} bytes that arrived are not the file"
    assert reason_of_failure(server.url) == reason


def test_endless_body_is_cut_off(server: Server) -> None:
    def endless(handler: Handler) -> None:
        handler.answer(BODY * 2, length=10**12)
        server.closing.wait(SOON)  # a client that reads on times out

    server.behaviour = endless
    reason = f"the {len(BODY) + 1} bytes that arrived are not the file"
    assert reason_of_failure(server.url, timeout_seconds=QUICK) == reason


def test_wrong_checksum(server: Server) -> None:
    server.behaviour = lambda handler: handler.answer(BODY[::-1])
    assert reason_of_failure(server.url) == f"the {len(BODY)} bytes that arrived are not the file"


@pytest.mark.parametrize("status", [404, 503])
def test_error_status(status: int, server: Server) -> None:
    server.behaviour = lambda handler: handler.send_error(status)
    assert reason_of_failure(server.url) == f"the server answered {status}"


def test_connection_closed_without_an_answer(server: Server) -> None:
    server.behaviour = lambda _: None
    assert reason_of_failure(server.url).startswith("Remote end closed")


def test_answer_that_is_no_http(server: Server) -> None:
    server.behaviour = lambda handler: handler.wfile.write(b"SSH-2.0\nnonsense\n")
    assert reason_of_failure(server.url) == "SSH-2.0"


def test_connection_accepted_and_nothing_sent(server: Server) -> None:
    server.behaviour = lambda _: server.closing.wait(SOON)
    assert reason_of_failure(server.url, timeout_seconds=QUICK) == "timed out"


def test_half_sent_and_then_nothing(server: Server) -> None:
    def stall(handler: Handler) -> None:
        handler.answer(BODY[: len(BODY) // 2], length=len(BODY))
        server.closing.wait(SOON)

    server.behaviour = stall
    assert reason_of_failure(server.url, timeout_seconds=QUICK) == "timed out"


def drip(handler: Handler) -> None:
    end = time.monotonic() + 2 * SOON  # so that an endless download fails and does not hang
    while time.monotonic() < end and not handler.server.closing.wait(0.02):
        handler.wfile.write(b"x")


def drip_body(handler: Handler) -> None:
    handler.answer(b"", length=len(BODY))
    drip(handler)


def test_slow_drip_meets_the_deadline(server: Server) -> None:
    server.behaviour = drip_body
    reason = reason_of_failure(server.url, timeout_seconds=2.0, deadline_seconds=0.5)
    assert reason == "incomplete after 0.5 seconds"


def test_connection_refused() -> None:
    with socket.socket() as bound:  # bound and not listening, so that nobody else can answer
        bound.bind(("127.0.0.1", 0))
        reason = reason_of_failure(f"http://127.0.0.1:{bound.getsockname()[1]}/names.txt")
    assert reason == "Connection refused"
    assert not cache_dir().exists()


def test_unknown_host(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert reason_of_failure("http://nowhere.invalid/names.txt") == "Name or service not known"


def test_proxy_of_the_environment_is_used(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{server.server_port}")
    assert fetch("http://nowhere.invalid/names.txt").read_bytes() == BODY
    assert server.requests == ["http://nowhere.invalid/names.txt"]


def test_malformed_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http:/proxy:80")
    reason = reason_of_failure("http://nowhere.invalid/names.txt")
    assert reason == "proxy URL with no authority: 'http:/proxy:80'"


@pytest.mark.parametrize("level", ["cache", "cache/wavenet_jax", "cache/wavenet_jax/data"])
def test_file_where_the_folder_should_be(level: str, server: Server, home: Path) -> None:
    blocker = home / level
    blocker.parent.mkdir(parents=True, exist_ok=True)
    blocker.write_bytes(b"mine")
    assert reason_of_failure(server.url) in ("File exists", "Not a directory")
    assert files_in(home) == {blocker: b"mine"}


def test_folder_where_the_file_should_be(server: Server) -> None:
    download_path("makemore").mkdir(parents=True)
    assert reason_of_failure(server.url) == "Is a directory"
    assert files_in(cache_dir()) == {}


@pytest.mark.parametrize("stale", [None, b"stale"])
def test_full_disk(stale: bytes | None, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    if stale is not None:
        put(stale)
    monkeypatch.setattr(os, "fsync", full)
    assert reason_of_failure(server.url) == "No space left on device"


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
