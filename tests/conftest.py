"""Settings for the whole suite."""

import pytest
from hypothesis import settings

# A busy machine makes single examples slow; the suite's own time limit bounds the whole.
settings.register_profile("suite", deadline=None)
settings.load_profile("suite")


@pytest.fixture
def anyio_backend() -> str:
    """The loop that async tests run on."""
    return "asyncio"
