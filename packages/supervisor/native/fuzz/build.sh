#!/bin/sh
# Builds the two fuzzers into a folder: build.sh FOLDER. Needs clang with libFuzzer (Debian: clang, libclang-rt-14-dev).
set -eu
folder=$(mkdir -p "$1" && cd "$1" && pwd)
cd "$(dirname "$0")"
compile() {
  "${CLANG:-clang}" -std=c11 -g -O1 -Wall -Wextra -Werror -fno-omit-frame-pointer -fno-sanitize-recover=all \
    -fsanitize=fuzzer,address,undefined "$@"
}
compile -o "$folder/decode" decode-fuzz.c ../decode.c
compile -DPLACES=8 -o "$folder/serve" serve-fuzz.c world.c client.c ../channel.c ../decode.c ../spare.c ../stream.c ../descriptors.c \
  ../move.c ../arguments.c ../rights.c ../resolve.c ../search.c ../account.c ../entries.c ../home.c ../idle.c \
  -Wl,--wrap=kill,--wrap=waitpid,--wrap=_exit,--wrap=epoll_wait,--wrap=clock_gettime,--wrap=socket,--wrap=connect
