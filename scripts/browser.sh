#!/bin/sh
# Chromium and a font for the tests in a browser: installed when root, else named in one line.
set -u
for name in chromium chromium-browser google-chrome; do
    command -v "$name" >/dev/null 2>&1 && exit 0
done
[ -x "/Applications/Chromium.app/Contents/MacOS/Chromium" ] && exit 0
[ -x "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "Pamoja: installing chromium and a font"
    apt-get update -qq &&
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null &&
        exit 0
fi
echo "Pamoja: the tests in a browser need Chromium. On Debian: apt-get install chromium fonts-dejavu-core" >&2
exit 1
