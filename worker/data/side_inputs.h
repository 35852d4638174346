// What examples take from beside their own lines: joined columns and behaviour.
#pragma once

#include <memory>

#include "common/host_memory.h"
#include "common/tick.h"
#include "configs/job.pb.h"
#include "worker/data/behaviour.h"
#include "worker/data/file_bytes.h"
#include "worker/data/joins.h"

namespace zhiyin::worker::data {

/// The joins and the behaviour of a job, which all sources of a process share. Immutable: used by
/// any number of threads.
struct SideInputs {
  std::shared_ptr<const Joins> joins;          // null where the job has no data.join
  std::shared_ptr<const Behaviour> behaviour;  // null where it has no data.behaviour

  bool IsEmpty() const { return joins == nullptr && behaviour == nullptr; }
};

/// Whether a job has any.
inline bool HasSideInputs(const Job& job) {
  return job.data().has_behaviour() || job.data().join_size() > 0;
}

/// Reads them. Throws Error, calls `tick` and counts as Behaviour::Read and Joins::Read do.
SideInputs ReadSideInputs(
    const Job& job, const Tick& tick = [] {}, ReadCounts* counts = nullptr);

/// Reads them into memory of the host, from which ReadSharedSideInputs takes them, in this process
/// as in others. REQUIRES: the job has some.
std::shared_ptr<const HostMemory> ShareSideInputs(const Job& job, const Tick& tick,
                                                  ReadCounts* counts);
SideInputs ReadSharedSideInputs(const Job& job, std::shared_ptr<const HostMemory> memory);

}  // namespace zhiyin::worker::data
