"""Firmware files, and what chargers uploaded.

No postponed annotations here: FastAPI evaluates them.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel, Field

from scada.api import models
from scada.api.access import requires
from scada.api.services import ApiServices
from scada.core import moment
from scada.core.access import Actor, Right
from scada.core.errors import NotFound
from scada.core.file_ports import FileShelf, FirmwareFile, ReceivedFile
from scada.core.records import AuditRecord
from scada.runtime.requests import Note

FIRMWARE_PATH = "/api/v1/firmware"

Name = Annotated[str, Query(min_length=1, max_length=80, description="of the file")]


class FirmwareItem(BaseModel):
    """A firmware file; `signed`: the manufacturer's signature and certificate lie beside it."""

    name: str
    size_bytes: int
    sha256: str
    changed: str
    signed: bool


class SignatureBody(models.Strict):
    """The manufacturer's signature (base64) and the certificate (PEM) that it was made with; both empty: none."""

    signature: Annotated[str, Field(max_length=800)]
    certificate: Annotated[str, Field(max_length=5_500)]


class ReceivedItem(BaseModel):
    """A file that a charger uploaded."""

    id: str
    charger: str
    purpose: str
    name: str
    size_bytes: int
    received: str


def build(router: APIRouter, services: ApiServices, secured: list[Any]) -> None:
    """Add the routes."""
    maintain = Depends(requires(services, Right.MAINTAIN))
    configure = Depends(requires(services, Right.CONFIGURE))

    def shelf() -> FileShelf:
        if services.files is None:
            raise NotFound("there is no file server: open a port under [files] in project.toml")
        return services.files

    async def audit(actor: Actor, action: str, what: str, old: str = "", new: str = "") -> None:
        record = AuditRecord(
            time_us=services.host.clock.now_us(),
            user=actor.name,
            origin=actor.origin,
            action=action,
            object=what,
            old=old,
            new=new,
        )
        await services.host.request(Note((record,)))

    @router.get("/firmware", tags=["files"], dependencies=[*secured, maintain])
    async def list_firmware() -> models.Page[FirmwareItem]:
        """Files that chargers may be told to install, by name."""
        return models.Page(items=[_firmware(one) for one in await shelf().firmware()], next=None)

    @router.post("/firmware", tags=["files"], dependencies=secured, status_code=201)
    async def add_firmware(name: Name, request: Request, actor: Annotated[Actor, configure]) -> FirmwareItem:
        """Take a file in: the body is the file. Its old signature, if any, goes; audited."""
        file = await shelf().add_firmware(name, request.stream())
        await audit(actor, "add_firmware", name, new=f"sha256 {file.sha256}")
        return _firmware(file)

    @router.put("/firmware/{name}/signature", tags=["files"], dependencies=secured)
    async def sign_firmware(
        name: str, body: SignatureBody, actor: Annotated[Actor, configure]
    ) -> FirmwareItem:
        """Keep the manufacturer's signature beside a file; audited."""
        file = await shelf().sign_firmware(name, body.signature, body.certificate)
        await audit(actor, "sign_firmware", name, new="signed" if file.signature else "not signed")
        return _firmware(file)

    @router.delete("/firmware", tags=["files"], dependencies=secured, status_code=204)
    async def remove_firmware(name: Name, actor: Annotated[Actor, configure]) -> Response:
        """Delete a file and its signature; audited."""
        old = await _known(shelf(), name)
        await shelf().remove_firmware(name)
        await audit(actor, "remove_firmware", name, old=f"sha256 {old.sha256}")
        return Response(status_code=204)

    @router.get("/files/diagnostics", tags=["files"], dependencies=[*secured, maintain])
    async def list_received(
        charger: Annotated[str, Query(max_length=256, description="path")] = "",
        limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
        cursor: Annotated[str | None, Query(max_length=200)] = None,
    ) -> models.Page[ReceivedItem]:
        """Diagnostics and logs that chargers uploaded, newest first."""
        files = await shelf().received(charger)
        start = models.number_of(cursor)
        following = str(start + limit) if len(files) > start + limit else None
        return models.Page(items=[_received(one) for one in files[start : start + limit]], next=following)

    @router.get("/files/diagnostics/{file_id}", tags=["files"], dependencies=secured)
    async def download(file_id: str, actor: Annotated[Actor, maintain]) -> FileResponse:
        """One of them; audited, for it may hold personal data."""
        file, path = await shelf().received_path(file_id)
        await audit(actor, "download_diagnostics", file.charger, new=file.name)
        name = f"{file.charger}_{moment.text(file.received_us)[:19].replace(':', '')}_{file.name}"
        return FileResponse(path, media_type="application/octet-stream", filename=name)


async def _known(shelf: FileShelf, name: str) -> FirmwareFile:
    for file in await shelf.firmware():
        if file.name == name:
            return file
    raise NotFound(f"there is no firmware file {name}")


def _firmware(file: FirmwareFile) -> FirmwareItem:
    return FirmwareItem(
        name=file.name,
        size_bytes=file.size_bytes,
        sha256=file.sha256,
        changed=moment.text(file.changed_us),
        signed=bool(file.signature),
    )


def _received(file: ReceivedFile) -> ReceivedItem:
    return ReceivedItem(
        id=file.id,
        charger=file.charger,
        purpose=file.purpose,
        name=file.name,
        size_bytes=file.size_bytes,
        received=moment.text(file.received_us),
    )
