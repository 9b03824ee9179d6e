"""A store whose blobs lie on a real S3 server: the same project gives the same digests, and every verb works on it."""
import subprocess

import pytest
import real_services
import stores
from program import CONFLICT, SUCCESS, UNREACHABLE, WRONG_CALL, environment, martlet
from real_services import S3_SECRET as SECRET


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = real_services.S3(tmp_path_factory.mktemp("s3"))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    return stores.make(tmp_path_factory.mktemp("local") / "shop")


@pytest.fixture(scope="module")
def remote(server, local, tmp_path_factory):
    """The same project, run with its blobs on the server."""
    shop = local.copy(tmp_path_factory.mktemp("remote") / "shop")
    subprocess.run(["rm", "-rf", str(shop.store)], check=True)
    shop.ask("run", "--blobs", server.place("team/one"), env=server.environment(), timeout=300)
    return shop


def test_blobs_are_on_the_server_and_only_there(server, remote):
    assert len(server.objects("team/one")) > 10
    assert not (remote.store / "blobs").exists()
    kept = (remote.store / "blobs.json").read_text()
    assert SECRET not in kept and "team/one" in kept


def test_the_store_is_sound_and_damage_on_the_server_is_named(server, remote):
    report = remote.ask("verify", env=server.environment()).json
    assert report["sound"] and report["blobs"]["referenced"] > 10
    victim = max(server.objects("team/one"), key=lambda path: path.stat().st_size)
    whole = victim.read_bytes()
    victim.write_bytes(b"\x00" + whole[1:])
    try:
        damaged = remote.ask("verify", expect=None, env=server.environment())
        digest = victim.parent.name + victim.name
        assert damaged.status != SUCCESS and digest in damaged.out, str(damaged)
    finally:
        victim.write_bytes(whole)
    remote.ask("verify", env=server.environment())


def test_gc_takes_what_is_old_and_unneeded_and_leaves_the_rest(server, remote):
    place = server.folder / "data" / "blobs" / "team" / "one"
    orphan = place / "ab" / ("cd" * 31)
    orphan.parent.mkdir(exist_ok=True)
    orphan.write_bytes(b"nobody's")
    half = place / "tmp" / "0123"
    half.parent.mkdir(exist_ok=True)
    half.write_bytes(b"half")
    young = remote.ask("gc", env=server.environment()).json
    assert orphan.exists() and half.exists() and young["blobs"]["count"] == 0
    for path in (orphan, half):
        stores.make_old(path, 72 * 3600)
    remote.ask("gc", env=server.environment())
    assert not orphan.exists() and not half.exists()
    remote.ask("verify", env=server.environment())


def test_a_backup_restores_into_a_folder(server, remote, tmp_path):
    remote.ask("backup", tmp_path / "backup", env=server.environment())
    remote.ask("restore", tmp_path / "backup", "--store", tmp_path / "restored")
    assert any((tmp_path / "restored" / "blobs").glob("??/*"))
    martlet("verify", "--store", tmp_path / "restored", cwd=remote.folder)


def test_refusals_say_what_to_do_and_never_show_a_secret(server, remote, local, tmp_path):
    cases = [
        (dict(env=environment()), (UNREACHABLE, WRONG_CALL, 5), "AWS_ACCESS_KEY_ID"),
        (dict(env=environment(AWS_ACCESS_KEY_ID="tester", AWS_SECRET_ACCESS_KEY="wrong-" + SECRET)), None, "AWS_SECRET_ACCESS_KEY"),
    ]
    for how, status, words in cases:
        refused = remote.ask("verify", expect=None, **how)
        assert refused.status != SUCCESS and words in refused.error["message"], str(refused)
        assert SECRET not in refused.out + refused.err
        assert status is None or refused.status in status, str(refused)
    elsewhere = remote.ask("verify", "--blobs", server.place("team/two"), expect=CONFLICT, env=server.environment())
    assert "team/one" in elsewhere.error["message"]
    local.ask("verify", "--blobs", server.place("team/three"), expect=CONFLICT, env=server.environment())
    several = martlet("run", "--json", "--blobs", "s3://B/a//b?style=both", "--store", tmp_path / "new", cwd=local.folder,
                      expect=WRONG_CALL, env=server.environment())
    for words in ("bucket", "prefix", "style", "region"):
        assert words in several.error["message"], str(several)
    missing = martlet("run", "--json", "--blobs", server.place("x").replace("blobs", "no-such-bucket", 1), "--store", tmp_path / "new",
                      cwd=local.folder, expect=WRONG_CALL, env=server.environment())
    assert "no such bucket" in missing.error["message"]
