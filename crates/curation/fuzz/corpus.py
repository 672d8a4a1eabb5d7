"""Packs the kept inputs of the fuzz targets, and unpacks them for cargo-fuzz.

    corpus.py unpack        corpus/<target>.base64, an input a line, to a file each in corpus/<target>/
    corpus.py pack          what is in corpus/<target>/ back, sorted, each input once
"""

from __future__ import annotations

import base64
import hashlib
import sys
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"
TARGETS = ("audit", "event", "policy")


def unpack() -> None:
    for target in TARGETS:
        folder = CORPUS / target
        folder.mkdir(exist_ok=True)
        for line in (CORPUS / f"{target}.base64").read_text().split("\n"):
            data = base64.b64decode(line, validate=True)
            (folder / hashlib.sha256(data).hexdigest()[:40]).write_bytes(data)
        print(f"{target}: {len(list(folder.iterdir()))} inputs in {folder}")


def pack() -> None:
    for target in TARGETS:
        inputs = sorted({file.read_bytes() for file in (CORPUS / target).iterdir()}, key=lambda data: (len(data), data))
        lines = [base64.b64encode(data).decode() for data in inputs]
        (CORPUS / f"{target}.base64").write_text("\n".join(lines))
        print(f"{target}: {len(inputs)} inputs")


if __name__ == "__main__":
    ways = {"pack": pack, "unpack": unpack}
    if sys.argv[1:] not in (["pack"], ["unpack"]):
        sys.exit(__doc__)
    ways[sys.argv[1]]()
