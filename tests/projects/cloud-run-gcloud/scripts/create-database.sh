#!/bin/sh
set -eu
gcloud sql instances create notes \
  --project=acme-notes \
  --region=europe-north1 \
  --database-version=POSTGRES_16 \
  --edition=enterprise \
  --tier=db-custom-1-3840
