#!/usr/bin/env bash
# mpirun as Zhiyin's own scripts and tests use it on one machine: more ranks than cores are fine, and root (as in containers) is allowed.
# usage: launch/mpirun.sh -n 4 build/release/zhiyin train ...
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
exec mpirun --oversubscribe "$@"
