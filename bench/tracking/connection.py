"""A plain HTTP connection that costs the client as little as Python allows."""
import json
import socket
import time
from urllib.parse import urlsplit

API = "/api/2.0/mlflow/"


class Connection:
    def __init__(self, url):
        place = urlsplit(url)
        self._host = f"{place.hostname}:{place.port}"
        self._address = (place.hostname, place.port)
        self._rest = b""
        self._socket = None

    def head(self, method, path, length, kind="application/json"):
        return (f"{method} {path} HTTP/1.1\r\nHost: {self._host}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n").encode()

    def send(self, *parts):
        """Status and body of the answer; opens the connection again when the server has closed it in between."""
        for attempt in range(2):
            if self._socket is None:
                self._socket = socket.create_connection(self._address, timeout=300)
                self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._rest = b""
            try:
                self._socket.sendall(b"".join(parts))
                return self._answer()
            except (ConnectionError, EOFError):
                self._socket.close()
                self._socket = None
                if attempt:
                    raise
        raise AssertionError("unreachable")

    def call(self, method, path, body=None):
        """The JSON of an answer that must be 200."""
        content = b"" if body is None else json.dumps(body).encode()
        status, answer = self.send(self.head(method, path if path.startswith("/") else API + path, len(content)), content)
        if status != 200:
            raise RuntimeError(f"{method} {path}: {status} {answer[:300]!r}")
        return json.loads(answer) if answer[:1] in (b"{", b"[") else answer

    def _more(self):
        # The real server's workers leave Nagle's algorithm on; without quick acknowledgements each of its answers waits 40 ms.
        # It is asked in the way that flatters it.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        got = self._socket.recv(1 << 20)
        if not got:
            raise EOFError
        return got

    def _answer(self):
        got = self._rest
        while (end := got.find(b"\r\n\r\n")) < 0:
            got += self._more()
        head, got = got[:end].lower(), got[end + 4:]
        if b"transfer-encoding: chunked" in head:
            body, got = self._chunks(got)
        else:
            at = head.find(b"\r\ncontent-length:")
            length = int(head[at + 17:].split(b"\r\n", 1)[0]) if at >= 0 else 0
            parts, have = [got], len(got)
            while have < length:
                parts.append(self._more())
                have += len(parts[-1])
            got = b"".join(parts)
            body, got = got[:length], got[length:]
        self._rest = got
        if b"connection: close" in head:
            self._socket.close()
            self._socket = None
        return int(head[9:12]), body

    def _chunks(self, got):
        body = []
        while True:
            while (end := got.find(b"\r\n")) < 0:
                got += self._more()
            length, got = int(got[:end].split(b";")[0], 16), got[end + 2:]
            parts, have = [got], len(got)
            while have < length + 2:
                parts.append(self._more())
                have += len(parts[-1])
            got = b"".join(parts)
            if length == 0:
                return b"".join(body), got[2:]
            body.append(got[:length])
            got = got[length + 2:]


def prepared(prepare):
    """prepare(), tried for three minutes: the real server may still be locked up by the writers before."""
    for _ in range(36):
        try:
            return prepare()
        except RuntimeError:
            time.sleep(5)
    return prepare()
