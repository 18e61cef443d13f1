#!/bin/sh
# Puts the file system of the proxy's image into a folder: the packed package with what it depends on, its configuration, Node, and
# the libraries that Node is linked to. Run it in a clone after `npm ci`.
set -eu
if [ "$#" -ne 1 ]; then
  echo "usage: sh deploy/image/assemble.sh FOLDER" >&2
  exit 2
fi
image=$1
mkdir -p "$image/app" "$image/etc/sluice" "$image/usr/local/bin"

# The package as it is published, so that the image has what everyone has.
packed=$(npm pack --silent | tail -n 1)
tar -xzf "$packed" -C "$image/app" --strip-components=1
rm "$packed"
cp package-lock.json "$image/app/"
npm ci --silent --omit=dev --ignore-scripts --prefix "$image/app"
rm "$image/app/package-lock.json"
cp "$image/app/config/sidecar.yaml" "$image/etc/sluice/sluice.yaml"

# Whom the process runs as has a name, for those who look.
echo 'sluice:x:2102:2102:sluice:/app:/sbin/nologin' >"$image/etc/passwd"
echo 'sluice:x:2102:' >"$image/etc/group"

# Names are looked up in /etc/hosts first, then by DNS, as everywhere.
echo 'hosts: files dns' >"$image/etc/nsswitch.conf"

node=$(node -p process.execPath)
cp "$node" "$image/usr/local/bin/node"
# `name => /path (address)`, and the loader itself, which has a path alone.
ldd "$node" | grep -o '/[^ ]*' | sort -u | while read -r library; do
  mkdir -p "$image$(dirname "$library")"
  cp -L "$library" "$image$library"
done
chmod -R go=u,go-w "$image"
