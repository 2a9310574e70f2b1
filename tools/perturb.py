"""Inside a kernel: every net starts a hair's breadth beside its seed. `tools.elsewhere` says what for.

`start(seed)` changes torch in this process. When an optimiser is given a parameter that no optimiser has had yet, the
parameter is multiplied by 1 + 1e-6 eps, eps from N(0, 1); a net trained twice is moved once. A float32 codebook that a
layer moves by itself, without an optimiser, is moved so before its first batch. The noise hangs on the seed and on the
tensor's place and shape, as another processor's rounding hangs on the arithmetic alone: two equal nets stay equal.
What is computed without a net, in NumPy's float64 or otherwise, is left as it is.

    LVM_PERTURB=7 python -m pytest --nbval book/vae.ipynb

has `start(7)` run in every chapter's kernel (conftest.py at the root of the repository, by IPython's startup file).
`LVM_PERTURB=commit` makes the seed from the hash of the commit and prints it.
"""

from __future__ import annotations

import subprocess
import zlib
from pathlib import Path

VARIABLE = "LVM_PERTURB"
SIZE = 1e-6
ROOT = Path(__file__).resolve().parent.parent


def start(seed: int) -> None:
    """Have every net of this process start from weights changed by a relative 1e-6, from `seed`."""
    import torch

    def move(tensor: torch.Tensor, place: int | str) -> None:
        if getattr(tensor, "_moved", False) or not tensor.is_floating_point():
            return
        number = zlib.crc32(f"{seed} {place} {tuple(tensor.shape)}".encode())
        noise = torch.randn(tensor.shape, generator=torch.Generator().manual_seed(number), dtype=torch.float64)
        with torch.no_grad():
            tensor.mul_((1 + SIZE * noise).to(tensor))
        tensor._moved = True

    add_param_group = torch.optim.Optimizer.add_param_group

    def with_moved_parameters(self, param_group):
        before = sum(len(group["params"]) for group in self.param_groups)
        add_param_group(self, param_group)
        for place, tensor in enumerate(self.param_groups[-1]["params"], start=before):
            move(tensor, place)

    def before_forward(module, arguments):
        codebook = module._buffers.get("codebook")
        if codebook is not None and module.training and codebook.dtype == torch.float32:
            move(codebook, "codebook")

    torch.optim.Optimizer.add_param_group = with_moved_parameters
    torch.nn.modules.module.register_module_forward_pre_hook(before_forward)


def seed_of(text: str) -> int:
    """The seed that LVM_PERTURB asks for: a whole number, or "commit". Raises ValueError for anything else."""
    if text == "commit":
        done = subprocess.run(["git", "rev-parse", "HEAD"], check=False, cwd=ROOT, capture_output=True, text=True)
        if done.returncode:
            raise ValueError(f"{VARIABLE}=commit needs a git repository, and git says: {done.stderr.strip()}")
        return int(done.stdout[:8], 16)
    if not text.isascii() or not text.isdigit():
        raise ValueError(f"{VARIABLE} must be a whole number or 'commit', got {text!r}")
    return int(text)


def write_startup(folder: Path, seed: int) -> None:
    """Write IPython's startup file; kernels with IPYTHONDIR = `folder` then call `start(seed)` before all else."""
    startup = folder / "profile_default" / "startup"
    startup.mkdir(parents=True)
    line = f"__import__('runpy').run_path({str(Path(__file__).resolve())!r})['start']({seed})\n"
    (startup / "00-perturb.py").write_text(line, encoding="utf-8")
