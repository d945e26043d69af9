#!/bin/sh
# Builds the program for one architecture: build.sh x64|arm64 OUTPUT. The same compiler makes the same bytes, anywhere.
set -eu
cd "$(dirname "$0")"
export LC_ALL=C # the order of *.c
architecture=$1 output=$2
mkdir -p "$(dirname "$output")"

set -- -std=c11 -Wall -Wextra -Wshadow -Wstrict-prototypes -Wconversion -Wno-sign-conversion -Werror -Os -static -s \
  -fstack-protector-strong -fno-asynchronous-unwind-tables -ffunction-sections -fdata-sections \
  -flto -flto-partition=one -frandom-seed=companion \
  -Wl,--gc-sections -Wl,--build-id=none -Wl,-z,noexecstack -Wl,-z,norelro -Wl,-z,noseparate-code -Wl,-T,small.ld

case $architecture in
  x64)
    musl-gcc "$@" -o "$output" ./*.c
    ;;
  arm64)
    # There is no musl-gcc for another architecture: this is what its specs file says, without what C++ needs.
    musl=/usr
    [ -e "$musl/lib/aarch64-linux-musl/libc.a" ] || musl=$(./fetch-musl-arm64.sh)
    compiler=aarch64-linux-gnu-gcc
    lib=$musl/lib/aarch64-linux-musl
    $compiler "$@" -nostdinc -isystem "$musl/include/aarch64-linux-musl" -isystem "$($compiler -print-file-name=include)" \
      -nostdlib -o "$output" "$lib/crt1.o" "$lib/crti.o" ./*.c \
      -Wl,--start-group "$lib/libc.a" -lgcc -Wl,--end-group "$lib/crtn.o"
    ;;
  *)
    echo "there is no supervisor for $architecture" >&2
    exit 2
    ;;
esac
