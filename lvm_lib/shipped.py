"""The nets that come with the library, trained on the embedded digits: what figures show where they are given no other.

Their files stand beside the figures; nets/PROVENANCE.md says from what they were made, tools/train_nets.py and
tools/train_token_nets.py make them anew.
"""

from __future__ import annotations

import json
from pathlib import Path

from ._checks import describe
from .fit import load_weights
from .recipes import first_vae
from .vae import VAE

__all__ = ["NETS", "VAES", "shipped_tokens", "shipped_vae"]

NETS = Path(__file__).parent / "figures" / "nets"
VAES = {0.25: "digits-beta-0.25", 1: "digits", 4: "digits-beta-4"}  # beta in training -> name of the file


def shipped_vae(beta: float = 1) -> VAE:
    """A small VAE of binary digits, 784-128-64-2, trained with beta 0.25, 1 or 4.

    Raises ValueError for another beta.
    """
    if beta not in VAES:
        raise ValueError(f"beta must be one of {', '.join(map(str, VAES))}, got {describe(beta)}")
    vae = first_vae(seed=0).half()
    load_weights(vae, NETS / f"{VAES[beta]}.safetensors")
    return vae.float().eval()


def shipped_tokens() -> tuple[dict, bytes]:
    """The tokenizer of digits and the priors over its tokens, packed: layers and their rounded weights.

    `lvm_lib.figures.token_nets.rebuilt` makes torch modules of them.
    """
    return json.loads((NETS / "tokens.json").read_text(encoding="utf-8")), (NETS / "tokens.bin").read_bytes()
