// What is different where a host has more ranks than processors.
#pragma once

#include <memory>
#include <vector>

#include "common/net/wake_up.h"

namespace zhiyin::net {

/// There a rank that looks for messages takes time from those that have work, and each change
/// between ranks costs caches. So ranks sleep until a wake_up rings instead of looking again and
/// again; one that is woken waits for its turn (SCHED_BATCH); and Open MPI does not give the
/// processor away while a rank has work (its mpi_yield_when_idle, unless that was set by hand). On
/// a host with a processor for each of its ranks nothing of this happens: to ring would cost the
/// busy side more than the sleeper gains.
///
/// On the thread that uses MPI, between MPI_Init and MPI_Finalize. Processors are those that its
/// ranks may run on together.
class CrowdedHost {
 public:
  /// All ranks together.
  CrowdedHost();
  /// All ranks together. Nobody rings any more.
  ~CrowdedHost();
  CrowdedHost(const CrowdedHost&) = delete;
  CrowdedHost& operator=(const CrowdedHost&) = delete;

  /// [rank]: where it is woken; nullptr: it is on another host, or the host is not crowded. They
  /// live as long as this.
  const std::vector<WakeUp*>& wake_ups() const { return wake_ups_; }

 private:
  struct SharedMemory;
  std::unique_ptr<SharedMemory> memory_;  // nullptr: not crowded, or there is none to be had
  bool is_crowded_ = false;
  std::vector<WakeUp*> wake_ups_;
};

}  // namespace zhiyin::net
