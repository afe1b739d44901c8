import pytest

from tests.helpers.downloads import CONTENT
from tests.helpers.flaky_server import FlakyServer


@pytest.fixture
def server():
    with FlakyServer(CONTENT) as server:
        yield server
