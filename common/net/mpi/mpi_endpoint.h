// The network over MPI.
#pragma once

#include <memory>

#include "common/net/endpoint.h"

namespace zhiyin::net {

/// The MPI world, from MPI_Init to MPI_Finalize. At most one in a process, used by its main thread
/// alone (MPI_THREAD_FUNNELED).
///
/// An idle Receive polls a little, then sleeps for an eighth of the time it has been idle, between
/// 20 us and 2 ms, so that an idle rank costs next to nothing. Where a host has more ranks than
/// processors it sleeps until another rank of the host wakes it, and no longer than 5 ms
/// (crowded_host.h). A frame larger than a part travels as its header and then its payload in
/// parts: MPI counts in int, and its shared-memory transport pins what is under way.
class MpiWorld {
 public:
  /// All ranks give the same `part_bytes`, which is less than 2 GiB.
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
