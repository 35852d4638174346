// Settings for hosts with more ranks than processors.
#pragma once

#include <memory>
#include <vector>

#include "common/net/wake_up.h"

namespace zhiyin::net {

/// On a crowded host a rank that polls for messages takes time from ranks that have work, and each
/// change between ranks costs caches. So ranks sleep until another rank wakes them instead of
/// polling; a woken rank waits for its turn (SCHED_BATCH); and Open MPI does not give the processor
/// away while a rank has work (its mpi_yield_when_idle, unless that was set by hand). On a host
/// with a processor for each of its ranks nothing of this happens: a wake-up would cost the busy
/// side more than the sleeper gains.
///
/// Used by the thread that uses MPI, between MPI_Init and MPI_Finalize. The processors of a host
/// are those that its ranks may run on together.
class CrowdedHost {
 public:
  /// Collective: all ranks construct it together.
  CrowdedHost();
  /// Collective. No rank uses a wake-up any more.
  ~CrowdedHost();
  CrowdedHost(const CrowdedHost&) = delete;
  CrowdedHost& operator=(const CrowdedHost&) = delete;

  /// [rank]: wakes that rank; nullptr: it is on another host, or the host is not crowded. Valid as
  /// long as this object.
  const std::vector<WakeUp*>& wake_ups() const { return wake_ups_; }

 private:
  struct SharedMemory;
  std::unique_ptr<SharedMemory> memory_;  // nullptr: not crowded, or there is none to be had
  bool is_crowded_ = false;
  std::vector<WakeUp*> wake_ups_;
};

}  // namespace zhiyin::net
