#!/usr/bin/env bash
# Fuzzes every fuzz test for FUZZTIME each (default 10 s).
set -euo pipefail
for dir in $(grep -rl --include='*_test.go' '^func Fuzz' . | xargs -n1 dirname | sort -u); do
  for name in $(grep -h --include='*_test.go' -o '^func Fuzz[A-Za-z0-9_]*' "$dir"/*_test.go | awk '{print $2}' | sort -u); do
    echo "== $dir $name"
    go test "$dir" -run '^$' -fuzz "^$name\$" -fuzztime "${FUZZTIME:-10s}"
  done
done
