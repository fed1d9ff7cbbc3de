"""Where the real files lie: beside the checkout, or where SCHUSS_SHARED says."""

import os
from pathlib import Path

DATA = Path(os.environ.get("SCHUSS_SHARED", Path(__file__).resolve().parents[2] / "shared")) / "data"
