"""Images: two small embedded sets, and the two full sets on demand.

`load("digits")` and `load("clothing")` read 9,000 training and 1,000 test images that lie beside this file; they need
no network. `download("mnist")` and `download("fashion_mnist")` fetch the full sets, and only when called.
Pixels are grey levels: whole numbers 0..255, where 0 is the background. Sources and licences: PROVENANCE.md.
Importing this package loads NumPy and nothing heavier.
"""

from .binary import binarise, binarised
from .downloads import SOURCES, download
from .embedded import EMBEDDED, load
from .images import Images, flat, unit

__all__ = ["EMBEDDED", "SOURCES", "Images", "binarise", "binarised", "download", "flat", "load", "unit"]
