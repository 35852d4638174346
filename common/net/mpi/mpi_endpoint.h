// The network over MPI.
#pragma once

#include <memory>

#include "common/net/endpoint.h"

namespace zhiyin::net {

/// The MPI world, from MPI_Init to MPI_Finalize. At most one in a process, used by its main thread
/// alone (MPI_THREAD_FUNNELED).
///
/// An idle Receive polls briefly, then sleeps between polls for an eighth of the time that it has
/// been idle, at least 20 us and at most 2 ms, so that an idle rank uses almost no processor time.
/// On a host with more ranks than processors it sleeps until another rank of the host wakes it, and
/// at most 5 ms (crowded_host.h).
///
/// A frame larger than a part is sent as its header, followed by its payload in parts: MPI counts
/// in int, and its shared-memory transport pins the memory of messages under way.
class MpiWorld {
 public:
  /// Calls MPI_Init. REQUIRES: `part_bytes` is less than 2 GiB and equal on all ranks.
  explicit MpiWorld(size_t part_bytes = size_t{64} << 20);
  /// Waits for the other ranks, unless Abandon was called.
  ~MpiWorld();
  MpiWorld(const MpiWorld&) = delete;
  MpiWorld& operator=(const MpiWorld&) = delete;

  Endpoint& endpoint();

  /// Ends this process at once, without waiting for the other ranks: the job has failed.
  [[noreturn]] void Abandon(int exit_code);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace zhiyin::net
