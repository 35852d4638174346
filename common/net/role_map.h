// Who is who: ranks 0 .. n_servers-1 serve, the rest work. Pure arithmetic.
#pragma once

namespace zhiyin::net {

/// Every rank holds an equal copy.
struct RoleMap {
  int n_servers = 0;
  int n_workers = 0;

  int n_ranks() const { return n_servers + n_workers; }
  bool IsServer(int rank) const { return rank < n_servers; }
  int RankOfServer(int server) const { return server; }
  int RankOfWorker(int worker) const { return n_servers + worker; }
  int ServerOfRank(int rank) const { return rank; }
  int WorkerOfRank(int rank) const { return rank - n_servers; }
  /// Worker 0 speaks for the job: it gathers, prints and writes the files that exist once.
  int ChiefRank() const { return RankOfWorker(0); }
};

}  // namespace zhiyin::net
