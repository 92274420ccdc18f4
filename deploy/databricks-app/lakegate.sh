#!/bin/sh
# Unpacks lakegate and becomes it. A file of an app has at most 10 MB, so it comes in parts:
#   gzip -9c lakegate | split -b 9m - lakegate.gz.
set -eu
cd "$(dirname "$0")"
if ! [ -e lakegate.gz.aa ]; then
    echo "lakegate.sh: there is no lakegate.gz.aa here; README.md says how to make it" >&2
    exit 1
fi
lakegate=$(mktemp -d)/lakegate
cat lakegate.gz.* | gzip -d >"$lakegate"
chmod 700 "$lakegate"
exec "$lakegate" "$@"
