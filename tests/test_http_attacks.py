"""What is sent by those who mean ill (RELIABILITY §3, HTTP and prediction requests): each is refused, nothing leaks, and the server
answers /health within a second afterwards."""
import json
import re
import socket
import time

import orders
import pytest
import requests
from program import SUCCESS, martlet
from server_process import Server

ROW = {"at": "2025-06-01T00:00:00Z", "x": 0.5, "z": None, "colour": "red"}
BODY = json.dumps({"dataframe_records": [ROW]}).encode()
LEAKS = re.compile(rb"/root|/home|/tmp|\.martlet|/proc/|\.cc:|\.h:|std::|what\(\)|select |sqlite|duckdb|stack|Traceback", re.IGNORECASE)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    shop = orders.make(tmp_path_factory.mktemp("attacks"), project=orders.PROJECT.replace("    - logistic\n", ""))
    martlet("run", "--json", cwd=shop)
    with Server(shop) as running:
        yield running
        assert running.process.poll() is None, "".join(running.said)
        assert running.stop() == SUCCESS
        log = "".join(running.said)
        assert "internal error" not in log and "AddressSanitizer" not in log and "runtime error" not in log, log


@pytest.fixture(autouse=True)
def alive_afterwards(server):
    yield
    begin = time.monotonic()
    assert requests.get(f"{server.url}/api/v1/health", timeout=1).json()["ready"] is True
    assert time.monotonic() - begin < 1


def talk(server, *pieces, pause=0.0, wait=3.0, echoed=b""):
    """Sends the pieces, and gives all that comes back until the server closes or says nothing for `wait` seconds. `echoed` may be
    said back."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=wait) as connection:
        got = b""
        try:
            for piece in pieces:
                connection.sendall(piece)
                time.sleep(pause)
        except OSError:
            pass  # it refused before it had read everything
        try:
            while more := connection.recv(1 << 16):
                got += more
        except OSError:
            pass
    assert not LEAKS.search(got.replace(echoed, b"") if echoed else got), got[:2000]
    return got


def statuses(got):
    return [int(status) for status in re.findall(rb"^HTTP/1\.1 (\d\d\d) ", got, re.MULTILINE)]


def post(*headers, body=BODY, path="/invocations"):
    lines = [f"POST {path} HTTP/1.1", "host: localhost", "content-type: application/json", *headers]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


LENGTH = f"content-length: {len(BODY)}"

FRAMING = {
    "two lengths": post(LENGTH, "content-length: 1"),
    "two equal lengths": post(LENGTH, LENGTH),
    "a list of lengths": post(f"content-length: {len(BODY)}, {len(BODY)}"),
    "length and chunks": post(LENGTH, "transfer-encoding: chunked"),
    "a signed length": post(f"content-length: +{len(BODY)}"),
    "a negative length": post("content-length: -1"),
    "a hexadecimal length": post("content-length: 0x10"),
    "a length beyond 64 bits": post("content-length: 99999999999999999999999"),
    "space before the colon": post(f"content-length : {len(BODY)}"),
    "a folded header": post("x-a: b\r\n c", LENGTH),
    "two encodings": post("transfer-encoding: chunked, chunked"),
    "gzip and chunks": post("transfer-encoding: gzip, chunked"),
    "an unknown encoding": post("transfer-encoding: xchunked"),
    "a tab before chunked": post("transfer-encoding:\x0bchunked"),
    "a bare line feed": post(LENGTH).replace(b"\r\n", b"\n", 1),
    "a NUL in a header": post("x-a: a\0b", LENGTH),
    "a carriage return in a header": post("x-a: a\rb", LENGTH),
    "a chunk size with a sign": post("transfer-encoding: chunked", body=b"+5\r\nhello\r\n0\r\n\r\n"),
    "a chunk that is longer than it says": post("transfer-encoding: chunked", body=b"1\r\nhello\r\n0\r\n\r\n"),
    "a chunk size beyond 64 bits": post("transfer-encoding: chunked", body=b"fffffffffffffffff\r\nx"),
    "no host": b"GET /health HTTP/1.1\r\n\r\n",
    "two hosts": b"GET /health HTTP/1.1\r\nhost: localhost\r\nhost: localhost\r\n\r\n",
    "another version": b"GET /health HTTP/9.9\r\nhost: localhost\r\n\r\n",
    "a TLS handshake": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 500,
    "HTTP/2 from the start": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "nonsense": b"\x00\xff\xfe" * 100 + b"\r\n\r\n",
}


@pytest.mark.parametrize("name", FRAMING)
def test_what_can_be_read_in_two_ways_is_refused_and_the_connection_closed(server, name):
    got = talk(server, FRAMING[name], b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n")
    assert len(statuses(got)) == 1 and 400 <= statuses(got)[0] < 506, got[:500]
    assert b"connection: close" in got


GIANTS = {
    "a header of 1 MiB": (post("x-a: " + "a" * (1 << 20), LENGTH), {431}),
    "a target of 1 MiB": (b"GET /" + b"a" * (1 << 20) + b" HTTP/1.1\r\nhost: localhost\r\n\r\n", {414, 431}),
    "ten thousand headers": (post(*[f"x-{i}: 1" for i in range(10_000)], LENGTH), {431}),
    "a header line without end": (b"GET /health HTTP/1.1\r\nx: " + b"a" * (4 << 20), {431}),
    "a body of a terabyte": (post(f"content-length: {1 << 40}"), {413}),
    "a chunk extension of 1 MiB": (post("transfer-encoding: chunked", body=b"1;" + b"a" * (1 << 20) + b"\r\nx\r\n0\r\n\r\n"), {400, 413, 431}),
}


@pytest.mark.parametrize("name", GIANTS)
def test_what_is_too_large_is_refused_before_it_is_read(server, name):
    sent, allowed = GIANTS[name]
    got = talk(server, sent)
    assert len(statuses(got)) == 1 and statuses(got)[0] in allowed, got[:500]


def test_chunks_without_end_are_cut_at_the_routes_limit(server):
    piece = b"100000\r\n" + b"a" * 0x100000 + b"\r\n"
    got = talk(server, post("transfer-encoding: chunked", body=b""), *[piece] * 40)
    assert statuses(got) in ([413], []), got[:500]  # none: the refusal was lost to a reset while we still sent


PATHS = ["/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/..%2f..%2fetc/passwd", "/%252e%252e/etc/passwd", "/..\\..\\etc", "//proc/self/root",
         "/v2/models/..%2f..%2fetc", "/v2/models/%00/infer", "/v2/models/" + "a" * 5000, "/v2/models/orders;x=1", "/v2/models/%ff%fe",
         "/v2/models/orders/versions/99999999999999999999999", "/v2/models/orders/versions/-1", "/v2/models/' OR 1=1 --", "/%0d%0aset-cookie:x"]


@pytest.mark.parametrize("path", PATHS)
def test_paths_lead_nowhere(server, path):
    got = talk(server, f"GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n".encode(), echoed=path.encode())
    assert statuses(got)[0] in (400, 404), got[:500]
    assert b"root:" not in got and b"\r\nset-cookie" not in got


def test_slow_senders_hold_nobody_up(server):
    """A hundred that send half a head, and fifty that send half a body, while others are answered at once."""
    held = []
    for number in range(150):
        connection = socket.create_connection(("127.0.0.1", server.port), timeout=5)
        connection.sendall(b"POST /invocations HTTP/1.1\r\nhost: loc" if number < 100 else post(LENGTH, body=BODY[:10]))
        held.append(connection)
    begin = time.monotonic()
    for _ in range(20):
        assert requests.post(f"{server.url}/invocations", json={"dataframe_records": [ROW]}, timeout=2).status_code == 200
    assert time.monotonic() - begin < 3
    for connection in held:
        connection.close()


def test_a_drip_of_bytes_is_read_to_its_end(server):
    whole = post(LENGTH, "connection: close")
    got = talk(server, *[whole[at:at + 7] for at in range(0, len(whole), 7)], pause=0.005)
    assert statuses(got) == [200]


def test_clients_that_read_nothing_or_vanish_hold_nobody_up(server):
    for _ in range(50):
        connection = socket.create_connection(("127.0.0.1", server.port), timeout=5)
        connection.sendall(post(LENGTH) * 50)
        connection.close()
    deaf = [socket.create_connection(("127.0.0.1", server.port), timeout=5) for _ in range(20)]
    for connection in deaf:
        connection.setblocking(False)
        try:
            connection.send(post(LENGTH) * 2000)
        except BlockingIOError:
            pass
    assert requests.post(f"{server.url}/invocations", json={"dataframe_records": [ROW]}, timeout=2).status_code == 200
    for connection in deaf:
        connection.close()


def test_pipelined_requests_are_answered_in_their_order_up_to_the_one_that_is_wrong(server):
    good = [post(LENGTH, f"x-request-id: r{number}") for number in range(100)]
    got = talk(server, b"".join(good), FRAMING["two lengths"], good[0])
    assert statuses(got) == [200] * 100 + [400]
    assert re.findall(rb"x-request-id: (r\d+)", got) == [b"r%d" % number for number in range(100)]


def test_a_smuggled_request_is_not_answered(server):
    inner = b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n"
    got = talk(server, post(f"content-length: {len(inner)}", "transfer-encoding: chunked", body=b"0\r\n\r\n" + inner))
    assert statuses(got) == [400]


BIG = 10 ** 18


def tensor(**changes):
    return {"name": "x", "shape": [1], "datatype": "FP64", "data": [1.0], **changes}


TENSORS = {
    "a shape that lies": [tensor(shape=[2])],
    "a shape that overflows": [tensor(shape=[BIG, BIG])],
    "a shape of 2 to the 64th": [tensor(shape=[2 ** 64])],
    "a negative shape": [tensor(shape=[-1])],
    "a fraction of a row": [tensor(shape=[1.5])],
    "a shape of nothing": [tensor(shape=[])],
    "a shape of many": [tensor(shape=[1] * 1000)],
    "no shape": [{"name": "x", "datatype": "FP64", "data": [1.0]}],
    "no data": [{"name": "x", "datatype": "FP64", "shape": [1]}],
    "zero rows": [tensor(shape=[0], data=[])],
    "data that is an object": [tensor(data={"0": 1.0})],
    "data within data": [tensor(data=[[[[1.0]]], 2.0])],
    "an unknown datatype": [tensor(datatype="FP4096")],
    "a datatype that is a number": [tensor(datatype=7)],
    "a name that is a list": [tensor(name=["x"])],
    "a name of a megabyte": [tensor(name="x" * (1 << 20))],
    "ten thousand tensors": [tensor(name=f"x{number}") for number in range(10_000)],
    "the same tensor twice": [tensor(), tensor()],
    "binary data said, none sent": [tensor(parameters={"binary_data_size": BIG})],
    "shared memory": [tensor(parameters={"shared_memory_region": "/dev/shm/x", "shared_memory_byte_size": BIG})],
    "a text for a number": [tensor(data=["1.0; DROP TABLE runs"])],
}


@pytest.mark.parametrize("name", TENSORS)
def test_tensors_that_lie_are_refused_with_a_reason(server, name):
    answer = requests.post(f"{server.url}/v2/models/orders/infer", json={"inputs": TENSORS[name]}, timeout=10)
    assert answer.status_code == 400, answer.text[:500]
    assert isinstance(answer.json()["error"], str) and len(answer.content) < 200_000
    assert not LEAKS.search(answer.content), answer.text[:1000]


BODIES = {
    "depth of 100,000 lists": b"[" * 100_000,
    "depth of 100,000 objects": b'{"a":' * 100_000,
    "depth within a tensor": b'{"inputs":[{"name":"x","shape":[1],"datatype":"FP64","data":' + b"[" * 5000 + b"1" + b"]" * 5000 + b"}]}",
    "NaN": b'{"inputs":[{"name":"x","shape":[1],"datatype":"FP64","data":[NaN]}]}',
    "Infinity": b'{"inputs":[{"name":"x","shape":[1],"datatype":"FP64","data":[-Infinity]}]}',
    "a number beyond a double": b'{"inputs":[{"name":"x","shape":[1],"datatype":"FP64","data":[1e400]}]}',
    "a number of 100,000 digits": b'{"inputs":[{"name":"x","shape":[1],"datatype":"FP64","data":[' + b"9" * 100_000 + b"]}]}",
    "bad UTF-8 in a text": b'{"inputs":[{"name":"colour","shape":[1],"datatype":"BYTES","data":["\xff\xfe"]}]}',
    "bad UTF-8 in a name": b'{"inputs":[{"name":"\xc3\x28","shape":[1],"datatype":"BYTES","data":["a"]}]}',
    "an overlong slash": b'{"inputs":[{"name":"\xc0\xaf","shape":[1],"datatype":"BYTES","data":["a"]}]}',
    "a lone surrogate": b'{"inputs":[{"name":"\\ud800","shape":[1],"datatype":"BYTES","data":["a"]}]}',
    "a key twice": b'{"inputs":[],"inputs":[]}',
    "a hundred thousand members": b'{"inputs":{' + b",".join(b'"k%d":1' % number for number in range(100_000)) + b"}}",
    "UTF-16": '{"inputs":[]}'.encode("utf-16"),
    "a NUL": b'{"inputs":[]}\0',
    "two documents": b'{"inputs":[]}{"inputs":[]}',
    "nothing": b"",
    "a pickle": b"\x80\x04\x95\x1e\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94\x8c\x06system\x94\x93\x94\x8c\x02id\x94\x85\x94R\x94.",
}


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("path", ["/v2/models/orders/infer", "/invocations"])
def test_bodies_that_are_bombs_or_no_json_are_refused(server, path, name):
    begin = time.monotonic()
    answer = requests.post(server.url + path, data=BODIES[name], headers={"content-type": "application/json"}, timeout=10)
    assert answer.status_code == 400, answer.text[:500]
    assert answer.json()["error"] and len(answer.content) < 200_000
    assert not LEAKS.search(answer.content), answer.text[:1000]
    assert time.monotonic() - begin < 2


VALUES = {
    "the largest double": ("x", 1.7976931348623157e308, 200),
    "the smallest double": ("x", 5e-324, 200),
    "minus zero": ("x", -0.0, 200),
    "the largest integer": ("x", 2 ** 63 - 1, 200),
    "null": ("x", None, 200),
    "a boolean for a number": ("x", True, 400),
    "an object for a number": ("x", {"$gt": 0}, 400),
    "an unseen category": ("colour", "ultraviolet", 200),
    "an emoji": ("colour", "🛫", 200),
    "an empty text": ("colour", "", 200),
    "a text of 100 kB": ("colour", "r" * 100_000, 200),
    "a number for a text": ("colour", 7, 400),
    "a time before Christ": ("at", "-0100-01-01T00:00:00Z", 400),
    "a day that is none": ("at", "2025-02-30T00:00:00Z", 400),
    "a time that is none": ("at", "now() - interval '1 day'", 400),
}


@pytest.mark.parametrize("name", VALUES)
def test_values_at_the_edge_get_a_finite_score_or_a_reason(server, name):
    column, value, status = VALUES[name]
    answer = requests.post(f"{server.url}/invocations", json={"dataframe_records": [{**ROW, column: value}]}, timeout=10)
    assert answer.status_code == status, answer.text[:500]
    assert not LEAKS.search(answer.content)
    if status == 200:
        score = answer.json()["predictions"][0]["score"]
        assert 0 <= score <= 1
    else:
        assert column in answer.text


def test_ids_of_clients_are_neither_trusted_nor_repeated(server):
    for theirs in ("a" * 65, "a b", "a;b", "<script>", ""):
        got = talk(server, post(LENGTH, f"x-request-id: {theirs}", "connection: close"))
        assert statuses(got) == [200]
        assert theirs == "" or b"x-request-id: " + theirs.encode() not in got
    giant = "i" * 100_000
    answer = requests.post(f"{server.url}/v2/models/orders/infer", timeout=10, json={"id": giant, "inputs": [
        tensor(), tensor(name="z", data=[None]), tensor(name="colour", datatype="BYTES", data=["red"]),
        tensor(name="at", datatype="BYTES", data=[ROW["at"]])]})
    assert answer.status_code == 200 and answer.json()["id"] == giant
