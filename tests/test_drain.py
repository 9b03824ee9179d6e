"""SIGTERM under load, again and again: no request that was sent goes unanswered. 20 times here; MARTLET_TEST_LONG=1: 200."""
import os
import random
import socket
import threading
import time

import orders
import pytest
from program import SUCCESS, martlet
from server_process import Server

TIMES = 200 if os.environ.get("MARTLET_TEST_LONG") else 20
CLIENTS = 8
ROW = b'{"dataframe_records": [{"at": "2025-06-01T00:00:00Z", "x": 0.5, "z": null, "colour": "red"}]}'
REQUEST = b"POST /invocations HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(ROW) + ROW


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    shop = orders.make(tmp_path_factory.mktemp("drain"), project=orders.PROJECT.replace("    - logistic\n", ""))
    martlet("run", "--json", cwd=shop)
    return shop


class Client(threading.Thread):
    """Sends one request after another, on a connection for as long as the server keeps it; ends when none can be made."""

    def __init__(self, port):
        super().__init__()
        self.port, self.answered, self.dropped = port, 0, []

    def run(self):
        while True:
            try:
                connection = socket.create_connection(("127.0.0.1", self.port), timeout=10)
            except OSError:
                return  # nobody listens any more: nothing was sent
            with connection:
                if not self.use(connection):
                    return

    def use(self, connection):
        """False when a request was dropped."""
        while True:
            try:
                connection.sendall(REQUEST)
                answer = b""
                while b"\r\n\r\n" not in answer or len(answer) < self.length(answer):
                    more = connection.recv(65536)
                    if not more:
                        raise ConnectionError("closed in place of an answer")
                    answer += more
            except OSError as error:
                self.dropped.append(repr(error))
                return False
            if not answer.startswith(b"HTTP/1.1 200 "):
                self.dropped.append(answer[:200])
                return False
            self.answered += 1
            if b"\r\nconnection: close" in answer:
                return True

    @staticmethod
    def length(answer):
        head, _, _ = answer.partition(b"\r\n\r\n")
        return len(head) + 4 + int(head.partition(b"content-length: ")[2].split(b"\r\n")[0])


def test_no_request_is_dropped_when_the_server_is_told_to_stop(finished, measured):
    generator = random.Random(4)
    answered = 0
    for turn in range(TIMES):
        with Server(finished) as running:
            clients = [Client(running.port) for _ in range(CLIENTS)]
            for client in clients:
                client.start()
            time.sleep(generator.uniform(0.02, 0.2))
            assert running.stop() == SUCCESS
            for client in clients:
                client.join(timeout=20)
                assert not client.is_alive()
        dropped = [what for client in clients for what in client.dropped]
        assert not dropped, f"turn {turn}: {dropped}"
        answered += sum(client.answered for client in clients)
    assert answered > TIMES * CLIENTS
    measured(f"{TIMES} drains under load: {answered} requests answered, none dropped")
