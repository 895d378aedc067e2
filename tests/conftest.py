import os
from pathlib import Path

import pytest

SHARED = Path(__file__).parents[2] / "shared" / "data" / "upstream"


@pytest.fixture(scope="session")
def real_data():
    """Folder with the real data sets in the cache's layout; skips where there is none."""
    folder = Path(os.environ.get("SKTRANSFORMER_GP_DATA", SHARED))
    if not folder.is_dir():
        pytest.skip(f"the real data sets (yeast, wheat, mice, barley) are not in {folder}")
    return folder
