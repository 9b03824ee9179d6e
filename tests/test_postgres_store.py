"""A store whose records a PostgreSQL server keeps: the whole lifecycle, and the folder that belongs to it."""
import json

import orders
import pytest
import real_services
import stores
from program import UNREACHABLE, WRONG_CALL, environment
from real_services import free_port


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = real_services.Postgres(tmp_path_factory.mktemp("postgres"))
    yield server.url
    server.stop()


@pytest.fixture
def shop(tmp_path):
    orders.make(tmp_path / "shop")
    return stores.Shop(tmp_path / "shop")


def test_a_run_its_model_and_its_backup(server, shop, tmp_path):
    env = environment(MARTLET_STORE=f"{server}?schema=whole")
    run = shop.ask("run", env=env).json
    assert run["status"] == "succeeded", json.dumps(run)[:2000]
    assert (shop.store / "metadata.place").read_text().strip().endswith("/postgres?schema=whole")
    assert not (shop.store / "metadata.db").exists()
    versions = shop.ask("models", "list", env=env).json
    assert shop.ask("verify", env=env).json["damages"] == []
    shop.ask("gc", "--older-than", "0s", env=env)
    assert shop.ask("verify", env=env).json["damages"] == []
    # A backup is a store in a folder, with the same records.
    shop.ask("backup", tmp_path / "backup", env=env)
    shop.ask("restore", tmp_path / "backup", "--store", tmp_path / "restored")
    assert shop.ask("models", "list", "--store", tmp_path / "restored").json == versions
    # The folder's files are that server's.
    refused = shop.ask("ps", expect=WRONG_CALL)
    assert "--store or MARTLET_STORE" in refused.error["message"]
    other = shop.ask("ps", expect=WRONG_CALL, env=environment(MARTLET_STORE=f"{server}?schema=other"))
    assert "schema=whole" in other.error["message"]


def test_a_server_that_is_not_there_is_said_to_be_so_without_the_password(shop):
    url = f"postgres://ann:s3cr3t@127.0.0.1:{free_port()}/ml"
    refused = shop.ask("run", expect=UNREACHABLE, env=environment(MARTLET_STORE=url))
    assert "can't be reached" in refused.error["message"]
    assert "s3cr3t" not in refused.out + refused.err
    assert not shop.store.exists()
