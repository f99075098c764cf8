import pytest

import wire
from sandbox import Sandbox


@pytest.fixture(scope="session")
def running():
    sandbox = Sandbox()
    yield sandbox
    sandbox.stop()


@pytest.fixture
def sandbox(running):
    """The one sandbox of the run, as new."""
    running.reset()
    return running


@pytest.fixture
def merchant(sandbox):
    return wire.merchant(sandbox)


@pytest.fixture
def brand(sandbox):
    return wire.brand(sandbox)
