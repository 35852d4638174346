// The roles of ranks: ranks 0 .. n_servers-1 are servers, the others workers. Pure arithmetic.
#pragma once

namespace zhiyin::net {

/// The numbers of servers and workers, and the mapping between them and ranks. A value; all ranks
/// hold equal copies.
struct RoleMap {
  int n_servers = 0;
  int n_workers = 0;

  int n_ranks() const { return n_servers + n_workers; }
  bool IsServer(int rank) const { return rank < n_servers; }
  int RankOfServer(int server) const { return server; }
  int RankOfWorker(int worker) const { return n_servers + worker; }
  int ServerOfRank(int rank) const { return rank; }
  int WorkerOfRank(int rank) const { return rank - n_servers; }
  /// The rank of worker 0, the chief, which gathers, prints, and writes the files of the whole job.
  int ChiefRank() const { return RankOfWorker(0); }
};

}  // namespace zhiyin::net
