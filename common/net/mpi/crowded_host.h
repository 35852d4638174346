// Settings for hosts with more ranks than processors.
#pragma once

#include <memory>
#include <vector>

#include "common/net/wake_up.h"

namespace zhiyin::net {

/// A host is crowded when it runs more ranks than it has processors; its processors are those that
/// at least one of its ranks may run on. There, a rank that polls for messages takes processor time
/// from ranks that have work, and every context switch evicts cached data. Therefore, on a crowded
/// host:
///  * a rank does not poll, but sleeps until another rank wakes it;
///  * a woken rank does not preempt the running one (SCHED_BATCH);
///  * Open MPI does not yield the processor when it finds no message (mpi_yield_when_idle is turned
///    off, unless the user has set it).
/// On other hosts this class changes nothing: a wake-up would cost its sender more time than the
/// receiver saves.
///
/// Used by the thread that uses MPI, between MPI_Init and MPI_Finalize.
class CrowdedHost {
 public:
  /// Collective over all ranks. Throws nothing: where a host has no shared memory for the wake-ups,
  /// its ranks poll.
  CrowdedHost();
  /// Collective over all ranks. REQUIRES: no rank uses a wake-up from now on.
  ~CrowdedHost();
  CrowdedHost(const CrowdedHost&) = delete;
  CrowdedHost& operator=(const CrowdedHost&) = delete;

  /// The wake-up of every rank, [n_ranks]; nullptr for a rank of another host, and for all ranks
  /// where this host is not crowded. Valid during the lifetime of this object.
  const std::vector<WakeUp*>& wake_ups() const { return wake_ups_; }

 private:
  struct SharedMemory;
  std::unique_ptr<SharedMemory> memory_;  // nullptr: not crowded, or not available
  bool is_crowded_ = false;
  std::vector<WakeUp*> wake_ups_;
};

}  // namespace zhiyin::net
