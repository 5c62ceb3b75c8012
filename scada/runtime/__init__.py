"""What makes the pure core run: clock, commit gate, host, router, supervision. The home of asyncio's structure."""
