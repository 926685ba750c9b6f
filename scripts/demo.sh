#!/usr/bin/env bash
# Runs the demo repository: a script, a playbook on localhost and, where
# terraform is installed, a plan. Usage: demo.sh path/to/semaphore
set -euo pipefail
semaphore=$(realpath "$1")
demo=$(cd "$(dirname "$0")/../examples/demo" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
cp -r "$demo" "$work/demo"
git -C "$work/demo" init -q -b main
git -C "$work/demo" add .
git -C "$work/demo" -c user.name=demo -c user.email=demo@localhost commit -q -m "A script, a playbook and a plan"

run() { printf '\n$ semaphore run %s\n' "$*"; "$semaphore" run --data-dir "$work/data" --repo "file://$work/demo" "$@"; }

export DEMO_TOKEN=correct-horse-battery-staple
run hello.sh -e name=world -e answer=42 --secret DEMO_TOKEN
if command -v ansible-playbook >/dev/null; then
  run site.yml -i hosts.ini -e greeting=bonjour
else
  printf '\nansible-playbook is not installed: the playbook is left out (apt-get install ansible-core)\n'
fi
if command -v terraform >/dev/null; then
  run infra --app terraform --plan
else
  printf '\nterraform is not installed: the plan is left out\n'
fi
printf '\n$ go run ./examples/embed URL main hello.sh     # the same script as a task of a pool kept in one file\n'
(cd "$demo/../.." && TMPDIR=$work go run ./examples/embed "file://$work/demo" main hello.sh)
printf '\nThat was the demo. Try it on your own: %s run --help\n' "${1}"
