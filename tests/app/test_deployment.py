"""The deployment files: what they promise, and that what the image does works in a clean folder."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def compose():
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text())


def compose_client():
    """The command that understands the file, as a plugin of docker or as a program of its own."""
    for client in (["docker", "compose"], ["docker-compose"]):
        found = shutil.which(client[0])
        asked = [*client, "version"]
        if found and not subprocess.run(asked, capture_output=True, check=False).returncode:
            return client
    return None


COMPOSE = compose_client()


@pytest.mark.skipif(COMPOSE is None, reason="there is no docker compose here")
@pytest.mark.parametrize("profile", ["", "gpu"])
def test_docker_compose_understands_the_file(profile):
    environment = {**os.environ, "COMPOSE_PROFILES": profile}
    check = [*(COMPOSE or ()), "config", "--quiet"]
    subprocess.run(check, cwd=ROOT, env=environment, check=True)


def test_only_the_dashboard_is_published_and_on_loopback_only(compose):
    published = {name: service.get("ports") for name, service in compose["services"].items()}
    assert published.pop("app") == ["127.0.0.1:8501:8501"]
    assert not any(published.values())


def test_nothing_starts_before_the_database_is_migrated(compose):
    for name in ("app", "worker", "gpu-worker"):
        waits = compose["services"][name]["depends_on"]
        assert waits["migrate"] == {"condition": "service_completed_successfully"}
        assert waits["valkey"] == {"condition": "service_healthy"}


def test_whatever_stays_up_says_whether_it_is_well(compose):
    for name, service in compose["services"].items():
        assert ("healthcheck" in service) == (name != "migrate")


def test_whatever_stays_up_is_started_again_when_it_ends_as_a_queue_does_whose_disk_is_full(
    compose,
):
    for name, service in compose["services"].items():
        wanted = "on-failure" if name == "migrate" else "unless-stopped"
        assert service["restart"] == wanted


def test_passwords_are_files_that_must_be_given_and_stand_nowhere_else(compose):
    for name in ("postgres_password", "valkey_password"):
        assert compose["secrets"][name] == {"file": f"${{GRICE_SECRETS_DIR:-./secrets}}/{name}"}
    assert set(compose["services"]["postgres"]["secrets"]) == {"postgres_password"}
    assert set(compose["services"]["valkey"]["secrets"]) == {"valkey_password"}
    for name, service in compose["services"].items():
        for variable, value in service.get("environment", {}).items():
            is_file = variable.endswith("_FILE") and value.startswith("/run/secrets/")
            assert is_file or "password" not in f"{variable}={value}".lower(), name
        for secret in service["secrets"]:
            assert f"/run/secrets/{secret}" in str(service), name


def test_nothing_is_written_but_into_volumes_and_memory(compose):
    for name, service in compose["services"].items():
        assert service["read_only"] is True, name
        written = [each.split(":")[0] for each in service["tmpfs"]]
        written += [each.split(":")[1] for each in service.get("volumes", [])]
        assert "/tmp" in written, name  # noqa: S108 - the container's
        is_ours = service.get("image") == "grice-studio"
        assert not is_ours or {"/home/grice", "/var/lib/grice"} <= set(written), name


def test_every_container_has_its_limits(compose):
    for name, service in compose["services"].items():
        assert re.fullmatch(r"\$\{\w+_MEMORY:-\d+[mg]\}", service["mem_limit"]), name
        assert service["pids_limit"] > 0, name


def test_images_of_others_are_named_by_version_and_digest(compose):
    services = compose["services"].values()
    images = {each["image"] for each in services if "build" not in each} - {"grice-studio"}
    dockerfile = (ROOT / "Dockerfile").read_text().splitlines()
    images |= {line.split()[1] for line in dockerfile if line.startswith("FROM")}
    assert len(images) == 3
    for image in images:
        assert re.fullmatch(r"[\w/-]+:\d[\w.-]*@sha256:[0-9a-f]{64}", image), image


def test_our_own_containers_need_no_privileges(compose):
    for name in ("app", "worker", "gpu-worker", "migrate"):
        service = compose["services"][name]
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["pids_limit"] > 0


def test_gpu_workers_come_by_profile(compose):
    assert compose["services"]["gpu-worker"]["profiles"] == ["gpu"]
    assert "profiles" not in compose["services"]["worker"]


def test_the_image_copies_only_what_is_there_and_does_not_run_as_root():
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    copied = [part for line in lines if line.startswith("COPY") for part in line.split()[1:-1]]
    missing = [part for part in copied if not (ROOT / part).exists() and part != "README.md"]
    assert missing == []
    assert "USER grice" in lines


def test_every_program_of_ours_that_the_file_names_is_there(compose):
    commands = {
        service.get("command")
        for service in compose["services"].values()
        if isinstance(service.get("command"), str)
    }
    modules = {command.split()[2] for command in commands}
    for module in modules:
        path = ROOT / Path(*module.split("."))
        assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), module
