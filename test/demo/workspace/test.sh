#!/bin/sh
# Passes when the greeting is right.
got=$(sh ./greet.sh broke)
if [ "$got" = "Hello, broke!" ]; then
  echo "ok"
else
  echo "not ok: $got"
  exit 1
fi
