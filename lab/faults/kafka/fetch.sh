#!/usr/bin/env bash
# Downloads the jars of a Kafka broker for the tests, once, into $GANTRY_KAFKA_DIR (default ~/.cache/gantry-test/kafka).
# Needs Java 17 and Maven.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
into="${GANTRY_KAFKA_DIR:-$HOME/.cache/gantry-test/kafka}"
# Written last: jars without it are from an interrupted run or of another version.
seal="$into/fetched"
if cmp -s "$here/pom.xml" "$seal"; then
  exit 0
fi
rm -rf "$into"
mkdir -p "$into"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
cp "$here/pom.xml" "$work/pom.xml"
mvn --quiet --batch-mode --file "$work/pom.xml" dependency:copy-dependencies -DoutputDirectory="$into/jars"
cp "$here/pom.xml" "$seal"
