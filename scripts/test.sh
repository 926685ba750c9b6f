#!/usr/bin/env bash
# Runs everything that must be green, stage by stage, and prints a table of the
# stages and their times.
set -uo pipefail
cd "$(dirname "$0")/.."
export GOFLAGS=${GOFLAGS:-}
names=() times=() results=()
failed=0
stage() {
  local name=$1 begun=$SECONDS result=ok
  shift
  printf '\n=== %s\n' "$name"
  if ! "$@"; then
    result=FAILED
    failed=1
  fi
  names+=("$name") times+=($((SECONDS - begun))) results+=("$result")
}
staticcheck() { go run honnef.co/go/tools/cmd/staticcheck@v0.8.2 ./...; }
# A supervisor whose program a test has killed may still be ending its tool.
no_process_left() {
  local left
  for _ in $(seq 30); do
    left=$(pgrep -f '^semaphore-supervise' || true)
    [ -n "$left" ] || return 0
    sleep 1
  done
  ps -o pid,ppid,args -p $left
  return 1
}
# Says which seed it went by.
crash() {
  go test -count=1 -timeout 10m -v ./internal/crash | grep -vE '^(=== |[[:space:]]+--- PASS)' &&
    go test -count=1 -timeout 10m ./store/sqlite &&
    go test -count=1 -timeout 5m -run ThatWouldFillMemoryOrDisk ./export
}
# Says how many kills there were, and by which seed.
cluster() {
  go test -count=1 -timeout 5m -parallel 6 -v ./internal/cluster |
    grep -vE '^(=== |[[:space:]]+--- PASS)|level='
}
# A module of its own, for what only its tests need.
others() { (cd internal/e2e && go vet ./... && go test -count=1 -timeout 5m ./...); }
# The page in a browser, against a program built for it.
ui() {
  go build -o bin/semaphore ./cmd/semaphore &&
    (cd internal/web/ui && npm ci --no-audit --no-fund --silent && npm test --silent && npm run --silent e2e)
}
formatted() {
  local files
  files=$(gofmt -l $(git ls-files '*.go'))
  [ -z "$files" ] || { echo "gofmt differs: $files"; return 1; }
}

stage tools ./scripts/install-tools.sh
[ $failed -eq 0 ] || exit 1
stage format formatted
stage vet go vet ./...
stage build env CGO_ENABLED=0 go build ./...
stage staticcheck staticcheck
# The crash harness is a stage of its own: its programs go by the clock. With it
# goes what is too slow with the race detector. What PostgreSQL is needed for is
# another one: there it is the database that the time goes to. The tests of several
# servers mostly wait, all at once.
stage "unit and race" env CGO_ENABLED=1 go test -race -timeout 15m $(go list ./... | grep -vE '/internal/api|/internal/crash|/internal/cluster|/store/postgres')
# On both stores, and with the race detector what several goroutines share: every
# reply of these tests is held against its description, which takes it too long.
stage api go test -count=1 -timeout 10m ./internal/api
stage "api and race" env CGO_ENABLED=1 go test -race -count=1 -timeout 5m ./internal/api \
  -run 'Websocket|Stream|Live|Client|Crowd|Flood|Repeated|Kept|Webhook|Terraform|Output|Runner'
stage postgres go test -count=1 -timeout 10m ./store/postgres/...
stage "suites on postgres" env SEMAPHORE_POSTGRES=1 go test -count=1 -timeout 10m ./pool ./internal/api
stage e2e go test -count=1 -timeout 10m ./cmd/...
stage "e2e with others" others
stage ui ui
stage cluster cluster
stage crash crash
stage "no process left" no_process_left

printf '\n%-20s %8s  %s\n' stage seconds result
for i in "${!names[@]}"; do
  printf '%-20s %8d  %s\n' "${names[$i]}" "${times[$i]}" "${results[$i]}"
done
exit $failed
