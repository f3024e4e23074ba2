#!/usr/bin/env bash
# Downloads the schema of the Kubernetes API for the tests, once, into $GANTRY_KUBERNETES_DIR (default
# ~/.cache/gantry-test/kubernetes). Needs Go 1.21 or later: the schema is published in a Go module.
set -euo pipefail
version=v1.34.4
into="${GANTRY_KUBERNETES_DIR:-$HOME/.cache/gantry-test/kubernetes}"
# Written last.
[ "$(cat "$into/version" 2>/dev/null)" != "$version" ] || exit 0
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
GOMODCACHE="$work" GOFLAGS=-modcacherw go mod download "k8s.io/kubernetes@$version"
mkdir -p "$into"
cp "$work/k8s.io/kubernetes@$version/api/openapi-spec/swagger.json" "$into/swagger.json"
echo "$version" >"$into/version"
