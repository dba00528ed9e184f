"""What readers keep of a text that may hold a password."""

from __future__ import annotations

import pytest

from poollint.readers._passwords import hide


@pytest.mark.parametrize(
    ("name", "text", "kept"),
    [
        ("DATABASE_URL", "postgresql://app:hunter2@db:5432/shop", "postgresql://app:***@db:5432/shop"),
        (
            "DATABASE_URL",
            "postgresql+asyncpg://app:hun/ter@2@db/shop?ssl=on",
            "postgresql+asyncpg://app:***@db/shop?ssl=on",
        ),
        ("DATABASE_URL", "postgresql://app:hun?ter2@db/shop", "postgresql://app:***@db/shop"),
        ("DATABASE_URL", "postgresql://app:hun'ter2@db/shop", "postgresql://app:***@db/shop"),
        (
            "DATABASE_URL",
            "postgresql://:hunter2@/shop?host=/cloudsql/p:r:i",
            "postgresql://:***@/shop?host=/cloudsql/p:r:i",
        ),
        ("DATABASE_URL", "postgresql://app@db/shop", "postgresql://app@db/shop"),
        ("DATABASE_URL", "postgresql://${USER}:${PW}@db/shop", "postgresql://***:***@db/shop"),
        ("DATABASE_URL", "postgresql://db/shop?user=a&password=hunter2", "postgresql://db/shop?user=a&password=***"),
        ("DSN", "host=db password=hunter2 dbname=shop", "host=db password=*** dbname=shop"),
        ("DB_PASSWORD", "hunter2", "***"),
        ("API_KEY", "hunter2", "***"),
        ("TOKEN_TTL", "3600", "3600"),
        ("SECRET_ROTATION", "true", "true"),
        ("DB_HOST", "db", "db"),
        ("EMAIL", "a@b.org", "a@b.org"),
    ],
)
def test_everything_but_the_password(name, text, kept):
    assert hide(name, text) == kept
    assert "hunter2" not in hide(name, text)
