#!/usr/bin/env bash
# Proves that the import rules of .golangci.yml bite: lays out a module that breaks
# each of them once, in folders named as ours, and checks that the linter complains
# of every one and of nothing else.
#
# usage: hack/lint-bites.sh PATH_OF_GOLANGCI_LINT
set -euo pipefail

linter=$1
house=$(cd "$(dirname "$0")/.." && pwd)
module=$(mktemp -d)
trap 'rm -rf "$module"' EXIT

ours=github.com/posnet/posnet
expected=$module/expected
cp "$house/.golangci.yml" "$module/"
printf 'module %s\n\ngo 1.26\n' "$ours" >"$module/go.mod"

# stub MODULE FOLDER: a module of somebody else's with a package in its root and in
# FOLDER, so that it can be imported without being fetched.
stub() {
  local at=_stubs/$1
  mkdir -p "$module/$at/$2"
  printf 'module %s\n\ngo 1.26\n' "$1" >"$module/$at/go.mod"
  printf '// Package p is here to be imported.\npackage p\n' | tee "$module/$at/p.go" >"$module/$at/$2/p.go"
  printf '\nrequire %s v0.0.0\n\nreplace %s => ./%s\n' "$1" "$1" "$at" >>"$module/go.mod"
}
stub sigs.k8s.io/controller-runtime pkg/client

# package FOLDER: makes an empty package there.
package() {
  mkdir -p "$module/$1"
  printf '// Package p is here to be imported.\npackage p\n' >"$module/$1/p.go"
}

# imports allowed|refused FOLDER PACKAGE: a file in FOLDER that imports PACKAGE, or
# where that is ours a leaf below it, so that no two packages import each other.
count=0
imports() {
  local what=$3
  count=$((count + 1))
  package "$2"
  if [ "$what" != "${what#"$ours"/}" ]; then
    package "${what#"$ours"/}/leaf"
    what=$what/leaf
  fi
  printf 'package p\n\nimport _ "%s"\n' "$what" >"$module/$2/f$count.go"
  if [ "$1" = refused ]; then echo "$2/f$count.go: $what" >>"$expected"; fi
}

# calls FOLDER PACKAGE EXPRESSION: a file in FOLDER that must not use EXPRESSION.
calls() {
  count=$((count + 1))
  package "$1"
  printf 'package p\n\nimport "%s"\n\nvar _ = %s\n' "$2" "$3" >"$module/$1/f$count.go"
  echo "$1/f$count.go: $3" >>"$expected"
}

for pure in node/lottery node/consensus node/ledger node/validity node/replay controllers/plan controllers/plan/kube controllers/rollout controllers/health; do
  for std in net net/http os os/exec sync sync/atomic context math/rand math/rand/v2 crypto/rand log log/slog syscall; do
    imports refused "$pure" "$std"
  done
  imports allowed "$pure" crypto/sha256
  imports allowed "$pure" time
  calls "$pure" time 'time.Now'
  calls "$pure" time 'time.After'
done
imports allowed node/p2p net
imports allowed node/engine sync

imports refused node/engine "$ours/api/v1alpha1"
imports refused node/engine "$ours/controllers/plan"
imports refused node/engine "$ours/config/crd"
imports refused node/engine "$ours/local"
imports refused node/engine "$ours/node/sim"
imports refused node/engine "$ours/client"
imports allowed node/engine "$ours/node/storage"
imports refused node/types "$ours/node/genesis"
imports refused node/lottery "$ours/node/types"
imports refused node/consensus "$ours/node/genesis"
imports allowed node/consensus "$ours/node/types"
imports refused node/ledger "$ours/node/storage"
imports allowed node/ledger "$ours/node/genesis"
imports refused node/validity "$ours/node/storage"
imports refused node/replay "$ours/node/storage"
imports allowed node/replay "$ours/node/validity"
imports allowed node/validity "$ours/node/ledger"
imports refused node/pool "$ours/node/p2p"
imports allowed node/pool "$ours/node/ledger"
imports refused node/storage "$ours/node/pool"
imports allowed node/storage "$ours/node/failpoint"
imports refused node/failpoint "$ours/node/types"
imports refused node/consensus "$ours/node/failpoint"
imports refused node/rpc "$ours/node/engine"
imports allowed node/rpc "$ours/node/rpc/message"
imports refused api/v1alpha1 "$ours/node/types"
imports refused client "$ours/node/engine"
imports allowed client "$ours/node/rpc/message"
imports allowed client/light "$ours/node/genesis"
imports refused client/light "$ours/node/ledger"
imports refused controllers/plan "$ours/client"
imports refused controllers/health "$ours/controllers/observe"
imports refused controllers/plan/kube "$ours/controllers/observe"
imports refused controllers/rollout "$ours/client"
imports allowed controllers/plan/kube "$ours/controllers/rollout"
imports allowed controllers/plan "$ours/node/genesis"
imports refused verify "$ours/node/engine"
imports allowed verify/source "$ours/client"
imports refused local "$ours/controllers/observe"
imports allowed local "$ours/controllers/plan"
imports allowed local "$ours/controllers/settle"
imports allowed controllers/settle "$ours/client"
imports refused controllers/settle "$ours/controllers/observe"
imports refused controllers/observe/nodes "$ours/controllers/apply"
imports allowed controllers/observe/nodes "$ours/controllers/health"
imports refused controllers/apply "$ours/controllers/observe"
imports allowed controllers/apply "$ours/controllers/plan/kube"
imports refused controllers/webhook "$ours/node/engine"
imports refused controllers/observe "$ours/local"
imports refused local "$ours/cmd/posnet"
imports allowed cmd/node "$ours/controllers/plan"
imports refused node/engine testing
imports allowed node/storage/storagetest testing

cd "$module"
found=$("$linter" run --enable-only depguard,forbidigo --output.text.print-issued-lines=false --show-stats=false ./... || true)

status=0
while read -r file what; do
  if ! grep -qF "${file%:}:" <<<"$found"; then
    echo "lint-bites: nothing was said about ${file%:} using $what" >&2
    status=1
  fi
done <"$expected"
while read -r line; do
  file=${line%%:*}
  if [ -n "$line" ] && ! grep -qF "$file: " "$expected"; then
    echo "lint-bites: what is allowed was complained of: $line" >&2
    status=1
  fi
done <<<"$found"
if [ $status = 0 ]; then echo "lint-bites: all $(wc -l <"$expected") breaches were found"; fi
exit $status
