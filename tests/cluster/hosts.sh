#!/usr/bin/env bash
# Several hosts on one machine, for tests: each a set of namespaces of its own (network, host name, processes, mounts) with an SSH server,
# all of them at a bridge in one more namespace. Nothing of it is visible outside, and the kernel takes it all down with its processes.
#
# usage: tests/cluster/hosts.sh FOLDER NAME...       FOLDER is empty
#
# Writes FOLDER/ready when all hosts answer, then runs until it is killed or the process that started it is gone; then it removes FOLDER,
# too. In FOLDER are
#   hub, NAME.pid   process ids to enter with nsenter
#   ssh_config      for ssh -F, inside a host: `ssh -F FOLDER/ssh_config NAME` works from every host to every other one
#   NAME.log        what its SSH server says
# The hosts share this machine's files. NAME has address 10.77.0.K, K counting from 1. Needs root, ip, sshd, unshare and nsenter.
set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin

if [[ "${1:-}" == --host ]]; then  # inside a host's namespaces, as their first process
  folder=$2
  name=$3
  hostname "$name"
  ip link set lo up
  mount -t tmpfs none /run  # sshd wants a folder of its own there
  mkdir /run/sshd
  mount --bind "$folder/hosts" /etc/hosts
  until [[ -e "$folder/$name.linked" ]]; do sleep 0.02; done
  exec "$(command -v sshd)" -D -e -f "$folder/$name.sshd" 2>"$folder/$name.log"
fi

folder=$1
shift
owner=$PPID
# Whatever ends this script ends the hosts, too: the kernel kills the children of a process that set --pdeathsig, and with a host's first
# process all others there.
children=()
clean_up() {
  trap - EXIT
  for child in "${children[@]}"; do
    kill -KILL "$child" 2>/dev/null || true
  done
  wait
  # Nobody else is left to do it.
  kill -0 "$owner" 2>/dev/null || rm -rf "$folder"
}
trap clean_up EXIT
trap 'exit 1' INT TERM HUP

setpriv --pdeathsig KILL unshare --net sleep infinity &
children+=($!)
hub=$!
ssh-keygen -q -t ed25519 -N '' -f "$folder/key"
cp "$folder/key.pub" "$folder/authorized_keys"
echo "127.0.0.1 localhost" >"$folder/hosts"
: >"$folder/known_hosts"
cat >"$folder/ssh_config" <<END
IdentityFile $folder/key
IdentitiesOnly yes
UserKnownHostsFile $folder/known_hosts
GlobalKnownHostsFile /dev/null
StrictHostKeyChecking yes
BatchMode yes
ConnectTimeout 5
END

until [[ "$(readlink /proc/$hub/ns/net)" != "$(readlink /proc/self/ns/net)" ]]; do sleep 0.01; done
child_of() { cat /proc/[0-9]*/stat 2>/dev/null | awk -v parent="$1" '$4 == parent { print $1 }' || true; }
in_hub() { nsenter --target "$hub" --net "$@"; }
in_hub ip link add bridge type bridge
in_hub ip link set bridge up

k=0
for name in "$@"; do
  k=$((k + 1))
  echo "10.77.0.$k $name" >>"$folder/hosts"
  ssh-keygen -q -t ed25519 -N '' -f "$folder/$name.key"
  echo "$name $(cut -d' ' -f1,2 "$folder/$name.key.pub")" >>"$folder/known_hosts"
  cat >"$folder/$name.sshd" <<END
ListenAddress 10.77.0.$k
HostKey $folder/$name.key
AuthorizedKeysFile $folder/authorized_keys
PidFile none
PermitRootLogin prohibit-password
PasswordAuthentication no
StrictModes no
UsePAM no
END
done
k=0
for name in "$@"; do
  k=$((k + 1))
  setpriv --pdeathsig KILL unshare --net --uts --pid --mount --fork --kill-child=KILL --mount-proc "$0" --host "$folder" "$name" &
  children+=($!)
  outer=$!
  first=
  until [[ -n "$first" ]]; do first=$(child_of "$outer"); done
  in_hub ip link add "$name" type veth peer name eth0 netns "$first"
  in_hub ip link set "$name" master bridge up
  nsenter --target "$first" --net ip address add "10.77.0.$k/24" dev eth0
  nsenter --target "$first" --net ip link set eth0 up
  echo "$first" >"$folder/$name.pid"
  touch "$folder/$name.linked"
done
echo "$hub" >"$folder/hub"

first=$(cat "$folder/$1.pid")
for name in "$@"; do
  for attempt in {1..100}; do
    if nsenter --target "$first" --net --uts --pid --mount ssh -F "$folder/ssh_config" "$name" true 2>"$folder/attempt"; then
      continue 2
    fi
    sleep 0.05
  done
  echo "$name does not answer: $(cat "$folder/attempt" "$folder/$name.log")" >&2
  exit 1
done
echo ready >"$folder/ready"

while kill -0 "$owner" 2>/dev/null && kill -0 "${children[@]}" 2>/dev/null; do sleep 0.2; done
