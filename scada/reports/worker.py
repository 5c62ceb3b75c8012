"""Renders a report in a process of its own, so that 100,000 rows stop nobody: `python -m scada.reports.worker FORMAT`.

The report comes as msgpack on the standard input, the file goes to the standard output; each line on the standard error
is the number of rows done.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable

import msgspec

from scada.core.errors import ScadaError
from scada.core.report_ports import Report

TIMEOUT_S = 300.0
BYTES_MAX = 200_000_000


def render(report: Report, form: str, progress: Callable[[int], None] = lambda _: None) -> bytes:
    """A report as a file; late imports, for each format brings a library of its own."""
    if form == "xlsx":
        from scada.reports.workbook import workbook

        return workbook(report, progress)
    if form == "pdf":
        from scada.reports.pdf import pdf

        return pdf(report)
    from scada.reports import plain

    return plain.csv(report) if form == "csv" else plain.json_bytes(report)


async def render_apart(report: Report, form: str, progress: Callable[[int], None] = lambda _: None) -> bytes:
    """The same in a process of its own, which is ended after `TIMEOUT_S`.

    Raises:
        ScadaError: it failed, took too long, or made more than `BYTES_MAX`.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "scada.reports.worker",
        form,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said: list[str] = []

    async def feed() -> None:
        assert process.stdin
        try:
            process.stdin.write(await asyncio.to_thread(msgspec.msgpack.encode, report))
            await process.stdin.drain()
        except (BrokenPipeError, ConnectionResetError):
            pass  # its own words follow
        process.stdin.close()

    async def listen() -> None:
        assert process.stderr
        async for line in process.stderr:
            text = line.decode(errors="replace").strip()
            if text.isdigit():
                progress(int(text))
            else:
                said.append(text)
                del said[:-20]

    async def collect() -> bytes:
        assert process.stdout
        parts, size = [], 0
        while part := await process.stdout.read(1 << 20):
            parts.append(part)
            size += len(part)
            if size > BYTES_MAX:
                raise ScadaError(f"the report is larger than {BYTES_MAX:,} bytes: choose a shorter span")
        return b"".join(parts)

    try:
        async with asyncio.timeout(TIMEOUT_S):
            _, _, content = await asyncio.gather(feed(), listen(), collect())
            code = await process.wait()
    except TimeoutError:
        raise ScadaError(f"the report was not done after {TIMEOUT_S:g} s: choose a shorter span") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if code:
        raise ScadaError(f"the report could not be rendered: {said[-1] if said else code}")
    return content


def _main() -> None:
    report = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Report)

    def progress(rows: int) -> None:
        print(rows, file=sys.stderr, flush=True)

    sys.stdout.buffer.write(render(report, sys.argv[1], progress))
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    _main()
