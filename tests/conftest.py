"""Shared by all tests: the root of the project on the path, hypothesis without chance, one thread for BLAS."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("MPLBACKEND", "Agg")
