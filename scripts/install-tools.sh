#!/usr/bin/env bash
# Makes sure that the tools the tests need are there. As root on Debian or
# Ubuntu it installs what is missing, without starting any service; otherwise
# it says what to install.
set -euo pipefail
declare -A package=(
  [ansible-playbook]=ansible-core [git]=git [git-lfs]=git-lfs [sshd]=openssh-server
  [ssh]=openssh-client [sshpass]=sshpass [python3]=python3 [gcc]=gcc [setsid]=util-linux
  [slapd]=slapd [ldapsearch]=ldap-utils [curl]=curl [mariadbd]=mariadb-server [node]=nodejs [npm]=npm [chromium]=chromium
)
PATH=$PATH:/usr/sbin:/sbin
missing=()
for tool in "${!package[@]}"; do
  command -v "$tool" >/dev/null || missing+=("${package[$tool]}")
done
# The server's programs are in no PATH: each version has a directory.
compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || missing+=(postgresql)
dpkg -s libc6-dev >/dev/null 2>&1 || ! command -v dpkg >/dev/null || missing+=(libc6-dev)
[ ${#missing[@]} -eq 0 ] && exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "please install: ${missing[*]}" >&2
  exit 1
fi
echo "installing: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
# A policy that lets no service start while the packages are set up.
policy=/usr/sbin/policy-rc.d
made=
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
  made=1
fi
trap '[ -z "$made" ] || rm -f "$policy"' EXIT
# Tests make databases of their own: the package is to make none.
clusters=/etc/postgresql-common/createcluster.conf
if [ ! -e "$clusters" ]; then
  mkdir -p "${clusters%/*}"
  echo 'create_main_cluster = false' >"$clusters"
fi
apt-get update -qq
apt-get install -y -qq --no-install-recommends -o Dpkg::Options::=--force-confold "${missing[@]}" >/dev/null
