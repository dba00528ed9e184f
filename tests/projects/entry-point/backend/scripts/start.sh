#!/usr/bin/env bash
set -euo pipefail

# exec uvicorn app.main:app --workers 16
alembic upgrade head
export WORKERS="${WORKERS:-2}"

if [ "${RELOAD:-}" = "1" ]; then
  exec uvicorn app.main:app --reload
fi
exec uvicorn app.main:app --host 0.0.0.0 --workers "$WORKERS"
