"""`scada ca`: from nothing to a charger's certificate."""

from __future__ import annotations

from pathlib import Path

from cryptography import x509

from scada.project import scaffold
from scada.testing.chargers import request
from scada.testing.processes import scada


def test_a_root_is_made_a_request_signed_and_a_certificate_revoked(tmp_path: Path) -> None:
    project, csr = tmp_path / "p", tmp_path / "csr.pem"
    scaffold(project)
    assert "scada ca init" in scada("ca", "show", str(project)).stderr
    assert scada("ca", "init", str(project)).returncode == 0
    root = x509.load_pem_x509_certificate(scada("ca", "export", str(project)).stdout.encode())
    key = project / "data" / "certificates" / "ocpp-root-key.pem"
    assert key.stat().st_mode & 0o777 == 0o600
    csr.write_text(request("DEPOT-CP01")[0])
    wrong = scada("ca", "sign", str(project), "DEPOT-CP02", str(csr))
    assert (wrong.returncode, wrong.stdout) == (1, "")
    signed = scada("ca", "sign", str(project), "DEPOT-CP01", str(csr))
    certificate = x509.load_pem_x509_certificate(signed.stdout.encode())
    certificate.verify_directly_issued_by(root)
    serial = f"{certificate.serial_number:x}"
    assert scada("ca", "revoke", str(project), serial).returncode == 0
    assert serial in scada("ca", "show", str(project)).stdout
    assert scada("ca", "revoke", str(project), "no serial").returncode == 1
