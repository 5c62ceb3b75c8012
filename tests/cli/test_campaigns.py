"""Firmware, campaigns and configuration keys from the command line, against a running system."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from scada.testing.processes import scada, supervisor
from scada.testing.system import PASSWORD


@pytest.mark.timeout(300)  # a dozen programs, one after another
def test_firmware_is_added_and_rolled_out_and_stopped(tmp_path: Path) -> None:
    project = tmp_path / "p"
    assert scada("new", str(project)).returncode == 0
    firmware = tmp_path / "fw-2.bin"
    firmware.write_bytes(os.urandom(50_000))
    with supervisor(project, "--no-simulate") as running:
        access = {"SCADA_URL": running.addresses["http"], "SCADA_PASSWORD": PASSWORD}

        def cli(*words: str) -> tuple[int, str]:
            done = scada(*words, env=access)
            return done.returncode, done.stdout + done.stderr

        code, out = cli("firmware", "add", str(firmware))
        assert (code, "50,000 bytes" in out) == (0, True), out
        assert "fw-2.bin" in cli("firmware", "list")[1]
        code, out = cli("firmware", "rollout", "fw-2.bin", "Depot.*", "--waves", "1,50%", "--no-wait")
        assert code == 0, out
        campaign = out.split()[1].rstrip(":")
        assert "running" in cli("campaigns", "list")[1]
        assert "paused" in cli("campaigns", "pause", campaign)[1]
        assert "Depot.CP01" in cli("campaigns", "show", campaign)[1]
        assert "running" in cli("campaigns", "resume", campaign)[1]
        assert "cancelled" in cli("campaigns", "cancel", campaign)[1]
        code, out = cli("campaigns", "resume", campaign)
        assert (code, "the campaign is cancelled" in out) == (1, True)
        code, out = cli("chargers", "config", "set", "HeartbeatInterval", "60", "Nowhere.*")
        assert (code, "there is no charger Nowhere.*" in out) == (1, True)
        assert cli("chargers", "config", "compare")[0] == 0
