#!/usr/bin/env bash
# Downloads SonarQube Community and its scanner for `npm run test:soak -- sonarqube`, once (0.9 GB, 1.1 GB unpacked), from
# Maven Central into $GANTRY_SONARQUBE_DIR (default ~/.cache/gantry-test/sonarqube). Needs Java 17, Maven, unzip and bubblewrap.
# Nothing of it is part of Gantry.
set -euo pipefail
into="${GANTRY_SONARQUBE_DIR:-$HOME/.cache/gantry-test/sonarqube}"
server=25.12.0.117093 scanner=8.1.0.6389
sums="09215f6f6a56db484946e4355c9801fa357eb92eedc99a2bebedf1d7ae21a341  sonar-application-$server.zip
ab76ab3c360025e9108be5b55be066f304a164f8b2850d2f2f333915db51bc1b  sonar-scanner-cli-$scanner.zip"

# Written last: a folder without it is from an interrupted run or of another version.
seal="$into/fetched"
if [ "$(cat "$seal" 2>/dev/null)" = "$sums" ]; then exit 0; fi
rm -rf "$into"
mkdir -p "$into"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
copy() {
  mvn --quiet --batch-mode org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy \
    "-Dartifact=$1" "-DoutputDirectory=$work"
}
copy "org.sonarsource.sonarqube:sonar-application:$server:zip"
copy "org.sonarsource.scanner.cli:sonar-scanner-cli:$scanner:zip"
(cd "$work" && sha256sum --quiet --check - <<<"$sums")
for zip in "$work"/*.zip; do unzip -q "$zip" -d "$into"; done
mv "$into/sonarqube-$server" "$into/server"
mv "$into/sonar-scanner-$scanner" "$into/scanner"
printf '%s\n' "$sums" >"$seal"
