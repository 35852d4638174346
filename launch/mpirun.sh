#!/usr/bin/env bash
# mpirun as Zhiyin's own scripts and tests use it: more ranks than cores are fine, root (as in containers) is allowed, and a host that is
# lost is noticed after 125 to 130 s, just after Zhiyin's own limit of 120 s (docs/operations.md, "Several hosts").
# usage: launch/mpirun.sh -n 4 build/release/zhiyin train ...
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
: "${OMPI_MCA_oob_tcp_keepalive_time:=5}" "${OMPI_MCA_oob_tcp_keepalive_intvl:=5}" "${OMPI_MCA_oob_tcp_keepalive_probes:=25}"
export OMPI_MCA_oob_tcp_keepalive_time OMPI_MCA_oob_tcp_keepalive_intvl OMPI_MCA_oob_tcp_keepalive_probes
exec mpirun --oversubscribe "$@"
