#!/usr/bin/env bash
# Builds a kind node image from Go modules and Debian packages: no registry.
#
#   build.sh                 the whole image; prints its tag on the last line
#   build.sh control-plane   only kube-apiserver and etcd, for envtest
#   build.sh tag             builds nothing; prints the image's tag
#
# Everything is kept in $KIND_NODE_CACHE (default ~/.cache/kind-node): a second
# run finds it there and returns at once, and one beside it waits for the first.
# Delete that folder to start afresh.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
cache=${KIND_NODE_CACHE:-$HOME/.cache/kind-node}
bin=$cache/bin
kube=v1.36.3
kind=v0.33.0
tag=kind-node:$kube
[ "${1:-}" = tag ] && { echo "$tag"; exit 0; }
mkdir -p "$bin"
export CGO_ENABLED=0 GOFLAGS=-buildvcs=false

say() { echo "kind-node: $*" >&2; }

if [ "${1:-}" = control-plane ] && [ -x "$bin/kube-apiserver" ] && [ -x "$bin/etcd" ]; then
  echo "$bin"
  exit 0
fi

# One builder at a time: tests of several packages may ask at once.
if command -v flock >/dev/null; then
  exec 9>"$cache/lock"
  flock -n 9 || { say "another build is under way; waiting for it"; flock 9; }
fi

# go_build MODULE LDFLAGS TAGS PACKAGE... builds commands that are not there yet.
go_build() {
  local module=$1 ldflags=$2 tags=$3 package name
  shift 3
  for package in "$@"; do
    name=$(basename "$package")
    [ "$package" = . ] && name=$module
    [ -x "$bin/$name" ] && continue
    say "building $name"
    (cd "$here/modules/$module" &&
      go build -trimpath -tags "$tags" -ldflags "-s -w $ldflags" -o "$bin/$name.part" "$package")
    mv "$bin/$name.part" "$bin/$name"
  done
}

version=k8s.io/component-base/version
stamp="-X $version.gitVersion=$kube -X $version.gitMajor=1 -X $version.gitMinor=36 -X $version.gitTreeState=clean"
kubernetes() { go_build kubernetes "$stamp" "" "${@/#/k8s.io/kubernetes/cmd/}"; }

kubernetes kube-apiserver
go_build etcd "" "" .
[ "${1:-}" = control-plane ] && { echo "$bin"; exit 0; }

kubernetes kube-controller-manager kube-scheduler kube-proxy kubelet kubeadm kubectl
go_build containerd "" "no_btrfs no_devmapper no_zfs no_aufs" \
  github.com/containerd/containerd/v2/cmd/{containerd,containerd-shim-runc-v2,ctr}
plugins=github.com/containernetworking/plugins/plugins
go_build cni "" "" $plugins/ipam/host-local $plugins/main/{loopback,bridge,ptp} $plugins/meta/portmap
go_build coredns "" "" github.com/coredns/coredns
go_build local-path "" "" github.com/rancher/local-path-provisioner

docker image inspect "$tag" >/dev/null 2>&1 && { echo "$tag"; exit 0; }

# --- what the node needs from Debian ---------------------------------------
[ "$(id -u)" = 0 ] || { say "unpacking Debian into the image needs root: run this as root, or name an image that can be had in KIND_NODE_IMAGE"; exit 1; }
for need in debootstrap jq; do
  command -v $need >/dev/null || { apt-get update -qq; DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends debootstrap jq >/dev/null; }
done
root=$cache/root
rm -rf "$root"
say "unpacking Debian"
debootstrap --variant=minbase --include=systemd,dbus,conntrack,iptables,nftables,iproute2,ethtool,util-linux,mount,kmod,libseccomp2,e2fsprogs,ca-certificates,curl,jq,procps,runc,busybox-static \
  bookworm "$root" >"$cache/debootstrap.log" 2>&1

# --- kind's own entrypoint, units and containerd configuration -------------
files=$(cd "$here/modules/kind" && go mod download -json sigs.k8s.io/kind@$kind | jq -r .Dir)/images/base/files
cp -r --no-preserve=mode,ownership "$files/." "$root/"
chmod 755 "$root"/usr/local/bin/* "$root"/kind/bin/*
install -m 755 "$bin"/{kubelet,kubeadm,kubectl} "$root/usr/bin/"
install -m 755 "$bin"/{containerd,containerd-shim-runc-v2,ctr} "$root/usr/local/bin/"
mkdir -p "$root/opt/cni/bin" "$root/etc/cni/net.d" "$root/etc/kubernetes/manifests" "$root/kind/manifests"
install -m 755 "$bin"/{host-local,loopback,bridge,ptp,portmap} "$root/opt/cni/bin/"
cp "$here/bridge.conflist" "$root/etc/cni/net.d/10-bridge.conflist"
cp "$here/storage.yaml" "$root/kind/manifests/default-storage.yaml"
echo "$kube" >"$root/kind/version"
sed -i 's#pause:3.10"#pause:3.10.2"#; s#restrict_oom_score_adj = false#restrict_oom_score_adj = true#' "$root/etc/containerd/config.toml"
echo "ReadKMsg=no" >>"$root/etc/systemd/journald.conf"
rm -f "$root"/lib/systemd/system/multi-user.target.wants/* "$root"/etc/systemd/system/*.wants/* \
  "$root"/lib/systemd/system/local-fs.target.wants/* "$root"/lib/systemd/system/sockets.target.wants/*udev* \
  "$root"/lib/systemd/system/sockets.target.wants/*initctl* "$root"/lib/systemd/system/basic.target.wants/* \
  "$root"/lib/systemd/system/sysinit.target.wants/systemd-tmpfiles-setup.service
ln -sf /lib/systemd/systemd "$root/sbin/init"
chroot "$root" systemctl enable -q kubelet.service containerd.service undo-mount-hacks.service
chroot "$root" systemctl mask -q systemd-binfmt.service
"$bin/ctr" oci spec |
  jq '.hooks.createContainer[.hooks.createContainer|length] |= . + {"path": "/kind/bin/mount-product-files.sh"} | del(.process.rlimits)' \
    >"$root/etc/containerd/cri-base.json"

# --- the cluster's images, each from scratch around one static binary ------
images=$cache/images
rm -rf "$images"
mkdir -p "$images"
image() { # image NAME:TAG CONTEXT ENTRYPOINT
  printf 'FROM scratch\nADD . /\nENV PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n%s\n' "${3:-}" >"$2.Dockerfile"
  docker build -q -t "$1" -f "$2.Dockerfile" "$2" >/dev/null 2>"$cache/docker-build.log" || { cat "$cache/docker-build.log" >&2; return 1; }
  docker save "$1" -o "$images/$(basename "$2").tar"
  say "made $1"
}
context() { # context NAME BINARY... lays the binaries out in a folder
  local dir=$cache/context/$1
  shift
  rm -rf "$dir"
  mkdir -p "$dir/usr/local/bin" "$dir/tmp"
  [ $# -eq 0 ] || cp "$@" "$dir/usr/local/bin/"
  echo "$dir"
}
for component in kube-apiserver kube-controller-manager kube-scheduler; do
  image registry.k8s.io/$component:$kube "$(context $component "$bin/$component")"
done
image registry.k8s.io/etcd:3.6.8-0 "$(context etcd "$bin/etcd")"
dir=$(context coredns); cp "$bin/coredns" "$dir/coredns"
image registry.k8s.io/coredns/coredns:v1.14.2 "$dir" 'ENTRYPOINT ["/coredns"]'
dir=$(context local-path-provisioner "$bin/local-path-provisioner")
image local-path-provisioner:v0.0.30 "$dir" 'ENTRYPOINT ["local-path-provisioner"]'
dir=$(context busybox); mkdir -p "$dir/bin"; cp "$root/bin/busybox" "$dir/bin/"
for applet in sh mkdir rm chmod ls cat sleep nc wget ping; do ln -s busybox "$dir/bin/$applet"; done
image busybox:local "$dir" 'CMD ["sh"]'
dir=$(context pause)
(cd "$here/modules/pause" && go build -trimpath -ldflags "-s -w" -o "$dir/usr/local/bin/pause" .)
image registry.k8s.io/pause:3.10.2 "$dir" 'ENTRYPOINT ["pause"]'
# kube-proxy drives iptables and nftables: bring these programs, their extensions
# (the one that chooses among a Service's pods wants libm), and the libraries of all.
dir=$(context kube-proxy "$bin/kube-proxy")
mkdir -p "$dir/run"
for file in /usr/sbin/{xtables-nft-multi,xtables-legacy-multi,conntrack,nft} $(cd "$root" && find usr/lib/x86_64-linux-gnu/xtables -name '*.so' -printf '/%p '); do
  install -D "$root$file" "$dir$file"
  chroot "$root" ldd "$file" | grep -o '/[^ ]*'
done | sort -u | while read -r lib; do install -D "$root$lib" "$dir$lib"; done
for link in iptables iptables-save iptables-restore ip6tables ip6tables-save ip6tables-restore; do
  ln -sf xtables-nft-multi "$dir/usr/sbin/$link"
done
image registry.k8s.io/kube-proxy:$kube "$dir"

# --- load them into the node's containerd store, then make the node image ---
say "importing the images"
run=$(mktemp -d)
cat >"$run/config.toml" <<TOML
version = 3
root = "$root/var/lib/containerd"
state = "$run/state"
disabled_plugins = ["io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime", "io.containerd.grpc.v1.cri", "io.containerd.snapshotter.v1.erofs", "io.containerd.nri.v1.nri"]
[grpc]
address = "$run/containerd.sock"
[ttrpc]
address = "$run/ttrpc.sock"
TOML
"$bin/containerd" -c "$run/config.toml" >"$cache/containerd.log" 2>&1 &
pid=$!
trap 'kill $pid 2>/dev/null || true' EXIT
for _ in $(seq 50); do [ -S "$run/containerd.sock" ] && break; sleep 0.2; done
for tar in "$images"/*.tar; do
  "$bin/ctr" -a "$run/containerd.sock" -n k8s.io images import --label=io.cri-containerd.pinned=pinned --no-unpack --digests "$tar" >>"$cache/containerd.log" 2>&1
done
kill $pid; wait $pid || true
trap - EXIT

say "making $tag"
tar -C "$root" -c . | docker import - "$tag-root" >/dev/null
printf 'FROM %s\nENV container=docker\nSTOPSIGNAL SIGRTMIN+3\nENTRYPOINT ["/usr/local/bin/entrypoint","/sbin/init"]\n' "$tag-root" |
  docker build -q -t "$tag" - >/dev/null 2>"$cache/docker-build.log"
rm -rf "$root" "$images" "$cache/context"
echo "$tag"
