"""A web server on loopback whose files a test writes, and which can misbehave."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

__all__ = ["Loopback", "loopback"]

Answer = Callable[[BaseHTTPRequestHandler], None]


class Loopback:
    """Files by path; a function in the place of a text answers by itself."""

    def __init__(self, port: int) -> None:
        self.host = f"127.0.0.1:{port}"
        self.files: dict[str, str | bytes | Answer] = {}
        self.asked: list[str] = []

    def url(self, path: str) -> str:
        """The address of a path."""
        return f"http://{self.host}{path}"


@contextmanager
def loopback() -> Iterator[Loopback]:
    """A server while the block runs."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            place.asked.append(self.path)
            found = place.files.get(self.path.partition("?")[0])
            if callable(found):
                found(self)
                return
            data = found.encode() if isinstance(found, str) else found
            self.send_response(404 if data is None else 200)
            self.send_header("content-length", str(len(data or b"")))
            self.end_headers()
            self.wfile.write(data or b"")

        def log_message(self, *_arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    place = Loopback(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield place
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
