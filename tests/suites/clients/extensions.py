"""For pytest, `-p extensions`: SQLAlchemy's suite makes no extensions, since its owner has done so before."""

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart():
    from sqlalchemy.dialects.postgresql import provision

    provision._extensions.clear()
