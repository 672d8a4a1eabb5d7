"""Measures the cost of a count: the requests of the real `counter` binary over lakes of very different sizes."""

from __future__ import annotations

import tools
from cold_start import SETTINGS
from runtime_api import RuntimeApi
from virtual_lake import PAGE, ROWS, VirtualLake, served

SIZES = (100, 10_000, 1_000_000)
PENDING = 100
KINDS = ("GetObject", "ListObjectsV2", "DescribeExecution", "StartExecution")

HEAD = ["parts in the lake", "pending", *KINDS, "all", "LIST of everything would be"]


def requests(api: RuntimeApi, parts: int) -> VirtualLake:
    """Runs one count at a crossing of the threshold, where a count makes the most requests."""
    lake = VirtualLake(parts, PENDING)
    with served(lake) as url, api.started([tools.function("counter")], SETTINGS | {"AWS_ENDPOINT_URL": url}) as counter:
        report = counter.invoke({})
    if (report["decision"], report["pending"], report["parts"]) != ("start", PENDING * ROWS, PENDING):
        raise SystemExit(f"the counter is wrong: {report}")
    if unexpected := lake.requests.keys() - set(KINDS):
        raise SystemExit(f"the counter asks for more: {unexpected}")
    return lake


def measure() -> list[list[str]]:
    api = RuntimeApi()
    lakes = [requests(api, parts) for parts in SIZES]
    api.close()
    if any(lake.requests != lakes[0].requests for lake in lakes):
        raise SystemExit("the requests grow with the lake")
    return [
        [
            f"{lake.parts:,}",
            f"{lake.pending:,}",
            *(str(lake.requests[kind]) for kind in KINDS),
            str(lake.requests.total()),
            f"{-(-lake.parts // PAGE):,}",
        ]
        for lake in lakes
    ]
