#!/bin/sh
docker build --tag ledger .
