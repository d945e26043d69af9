#!/bin/sh
# Debian's musl-dev for arm64, unpacked into a folder whose path is printed: without a second architecture in the
# system's own package database, and without root. apt-get verifies what it brings.
set -eu
cache=$(cd "$(dirname "$0")/.." && pwd)/node_modules/.cache
folder=$cache/musl-arm64
if [ ! -e "$folder/usr/lib/aarch64-linux-musl/libc.a" ]; then
  mkdir -p "$cache"
  work=$(mktemp -d "$cache/musl-arm64.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  mkdir -p "$work/state/lists/partial" "$work/cache/archives/partial" "$work/unpacked"
  apt() {
    apt-get -qq -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o APT::Sandbox::User= \
      -o Dir::State="$work/state" -o Dir::State::status=/dev/null -o Dir::Cache="$work/cache" "$@" >&2
  }
  (cd "$work" && apt update && apt download musl-dev)
  dpkg-deb --extract "$work"/musl-dev_*_arm64.deb "$work/unpacked"
  dpkg-deb --field "$work"/musl-dev_*_arm64.deb Version >"$work/unpacked/version"
  rm -rf "$folder"
  mv "$work/unpacked" "$folder"
fi
echo "$folder/usr"
