"""The page's own engine: js/engine in Node, on the networks that the book ships. Median milliseconds of one answer."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from pathlib import Path

from lvm_lib import data
from lvm_lib.figures.network import pack_all
from lvm_lib.shipped import NETS, shipped_vae

from .row import Limit, Reading, sized

SCRIPT = Path(__file__).with_name("decode.mjs")
FRAME = 8.0  # ms: what one answer may take, so that a drag stays within its frame
DECODE, ENCODE, TOKENS = "VAE, one z decoded", "VAE, one drawing encoded", "VQ-VAE, one grid of tokens decoded"


def read() -> dict[str, float]:
    """Runs Node once on all the networks; raises RuntimeError where Node is missing or the engine fails."""
    if not shutil.which("node"):
        raise RuntimeError("Node.js is missing: the page's engine cannot be timed")
    vae = shipped_vae()
    layers, weights = pack_all({"encoder": vae.encoder, "decoder": vae.decoder}, "mixed")  # as the latent plane does
    images = data.flat(data.binarised("digits"))[:50].astype(int).tolist()
    given = {
        "images": images,
        "runs": sized(400, 5),
        "vae": {**layers, "weights": base64.b64encode(weights).decode()},
        "tokens": {
            "nets": json.loads((NETS / "tokens.json").read_text(encoding="utf-8")),
            "weights": base64.b64encode((NETS / "tokens.bin").read_bytes()).decode(),
        },
        "names": {"decode": DECODE, "encode": ENCODE, "tokens": TOKENS, "draw": "49 tokens drawn from the prior {}"},
    }
    done = subprocess.run(["node", str(SCRIPT)], input=json.dumps(given), capture_output=True, text=True, timeout=300)
    if done.returncode:
        raise RuntimeError(f"the page's engine failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout)


ROWS = [
    Reading(
        "the page's engine",
        "What the page computes",
        "ms",
        read,
        {what: Limit(what, "below", FRAME) for what in (DECODE, ENCODE, TOKENS)},
    )
]
