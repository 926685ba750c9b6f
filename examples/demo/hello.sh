#!/usr/bin/env bash
# Shows what a script is told, and that a secret never reaches the log.
set -euo pipefail
echo "hello from ${SEMAPHORE_TASK_DETAILS_REPOSITORY_NAME:-here}, commit ${SEMAPHORE_TASK_DETAILS_COMMIT_HASH:0:8}"
for argument in "$@"; do
  echo "argument: $argument"
done
echo "the token is ${DEMO_TOKEN:-not set}"
