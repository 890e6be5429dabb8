#!/bin/sh
# What the tests of deploy/ run: nginx, PgBouncer and promtool. CI installs them when it is root; elsewhere they are only
# named, since Debian starts servers that are installed. Without them those tests say so and are left out.
set -u
PATH="$PATH:/usr/sbin"
packages=""
command -v nginx >/dev/null 2>&1 || packages="$packages nginx-light"
command -v pgbouncer >/dev/null 2>&1 || packages="$packages pgbouncer"
command -v promtool >/dev/null 2>&1 || packages="$packages prometheus"
[ -z "$packages" ] && exit 0
if [ "${CI:-}" = true ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "Pamoja: installing$packages"
    # shellcheck disable=SC2086 # several words
    apt-get update -qq &&
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages >/dev/null &&
        exit 0
fi
echo "Pamoja: some tests of deploy/ are left out. On Debian: apt-get install$packages" >&2
exit 0
