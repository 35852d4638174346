// Findings about ranks, hosts and builds.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <set>
#include <sstream>

#include "common/error.h"
#include "launch/apps/doctor/examination.h"
#include "launch/job/load_job.h"

namespace zhiyin::launch::apps {
namespace {

/// Sockets of MPI's daemons, files of the job, libraries.
constexpr int64_t kOtherFiles = 64;
constexpr int64_t kRdmaLockedBytes = int64_t{1} << 30;

std::string HashText(uint64_t hash) {
  char text[24];
  std::snprintf(text, sizeof(text), "%08x", static_cast<unsigned>(hash >> 32));
  return text;
}

/// Groups the ranks by the text that `of` returns for them; the largest group comes first.
template <typename Of>
std::vector<std::pair<std::string, std::vector<int>>> GroupRanks(const Examination& examination,
                                                                 const Of& of) {
  std::vector<std::pair<std::string, std::vector<int>>> groups;
  for (const auto& [rank, facts] : examination.ranks) {
    const std::string said = of(facts);
    auto group =
        std::find_if(groups.begin(), groups.end(), [&](const auto& g) { return g.first == said; });
    if (group == groups.end()) group = groups.insert(groups.end(), {said, {}});
    group->second.push_back(rank);
  }
  std::stable_sort(groups.begin(), groups.end(),
                   [](const auto& a, const auto& b) { return a.second.size() > b.second.size(); });
  return groups;
}

/// "0.1.0 (4f2a90b1): ranks 0, 1 on a; 0.2.0 (77c1d003): rank 2 on b"
std::string Listed(const Examination& examination,
                   const std::vector<std::pair<std::string, std::vector<int>>>& groups) {
  std::string text;
  for (const auto& [said, ranks] : groups)
    text += (text.empty() ? "" : "; ") + said + ": " + NameRanks(examination, ranks);
  return text;
}

}  // namespace

void JudgeSilence(const Examination& examination, Findings* findings) {
  for (const std::string& error : examination.refused) Add(findings, Severity::kWrong, error);
  for (const std::string& error : examination.errors) Add(findings, Severity::kWrong, error);
  for (const auto& [rank, step] : examination.silent) {
    std::string interfaces;
    const auto zero = examination.ranks.find(0);
    if (!examination.ranks.contains(rank) && zero != examination.ranks.end()) {
      for (const Interface& interface : zero->second.interface())
        interfaces +=
            (interfaces.empty() ? "" : ", ") + interface.name() + " " + NetworkText(interface);
    }
    if (!interfaces.empty()) {
      interfaces = "; or MPI takes an interface that does not lead there: rank 0 has " +
                   interfaces + ", choose by mpirun --mca btl_tcp_if_include NETWORK/BITS";
    }
    Add(findings, Severity::kWrong, NameRanks(examination, {rank}), " did not answer for ",
        examination.limit_s, " s (the limit is --timeout_s) when it was to ", step,
        ": is its process stopped, its host overloaded, or a firewall between it and rank 0",
        interfaces, "?");
  }
  for (const auto& [rank, what] : examination.troubles)
    Add(findings, Severity::kWrong, NameRanks(examination, {rank}), ": ", what);
}

void JudgeRoles(const Examination& examination, Findings* findings) {
  const int n_ranks = examination.n_wanted > 0 ? examination.n_wanted : examination.n_ranks;
  if (n_ranks < 2 && !examination.under_mpirun) return;  // one process stands for a host
  if (examination.n_servers < 1 || examination.n_servers >= n_ranks) {
    Add(findings, Severity::kWrong, "--servers=", examination.n_servers, " with ", n_ranks,
        n_ranks == 1 ? " rank" : " ranks", " leaves no worker or no server: expected 1 to ",
        std::max(1, n_ranks - 1), " servers, and at least 2 ranks (mpirun -n)");
    return;
  }
  if (!examination.job) return;
  try {
    job::CheckAgainstRoles(*examination.job, n_ranks - examination.n_servers);
  } catch (const Error& e) {
    Add(findings, Severity::kWrong, examination.config, ": ", e.what());
  }
}

void JudgeSlots(const Examination& examination, Findings* findings) {
  if (!examination.slots) return;
  int wanted = examination.n_wanted;
  if (wanted == 0 && !examination.under_mpirun && examination.n_servers_given)
    wanted = examination.n_servers + 1;
  const Slots& slots = *examination.slots;
  if (wanted == 0) return;
  std::string breakdown = slots.breakdown.empty() ? "" : " (" + slots.breakdown + ")";
  if (!slots.unknown.empty()) {
    if (wanted > slots.n) {
      Add(findings, Severity::kNote, slots.name, " names ", slots.n, " slots", breakdown,
          " and those of ", slots.unknown,
          ", which mpirun counts by their cores: write slots=N behind each");
    }
    return;
  }
  if (wanted <= slots.n) return;
  std::ostringstream text;
  text << "too few slots: " << wanted << (wanted == 1 ? " rank needs " : " ranks need ") << wanted
       << ", ";
  switch (slots.source) {
    case SlotSource::kHostfile:
      text << slots.name << " has " << slots.n << breakdown
           << ": raise slots=N there, add hosts (a line each: NAME slots=CORES)";
      break;
    case SlotSource::kSlurm:
      text << "the Slurm allocation has " << slots.n << ": ask for more (sbatch --ntasks=" << wanted
           << ")";
      break;
    case SlotSource::kMpirun:
      text << "mpirun was given " << slots.n
           << ": name more hosts in its --hostfile (a line each: NAME slots=CORES)";
      break;
    case SlotSource::kCores:
      text << "without a hostfile mpirun has " << slots.n
           << " here, one a core: name hosts in a file (a line each: NAME slots=CORES) and give it "
              "as "
              "--hostfile";
      break;
  }
  text << ", or let ranks share cores (mpirun --oversubscribe)";
  Add(findings, Severity::kWrong, text.str());
}

void JudgeBuilds(const Examination& examination, Findings* findings) {
  const auto builds = GroupRanks(examination, [](const RankFacts& facts) {
    return facts.version() + " (file " + HashText(facts.program_hash()) + ")";
  });
  if (builds.size() > 1) {
    Add(findings, Severity::kWrong, "different builds of zhiyin: ", Listed(examination, builds),
        ": copy one file to all hosts, or start it from a shared folder");
  }
  const auto libraries =
      GroupRanks(examination, [](const RankFacts& facts) { return facts.mpi_library(); });
  if (libraries.size() > 1) {
    Add(findings, Severity::kWrong, "different versions of MPI: ", Listed(examination, libraries),
        ": install the same on all hosts");
  }
  for (const Host& host : HostsOf(examination)) {
    const std::string& boot = host.FactsIn(examination).boot_id();
    for (const int rank : host.ranks) {
      if (examination.ranks.at(rank).boot_id() == boot) continue;
      Add(findings, Severity::kWrong, "two machines call themselves ", host.name, " (ranks ",
          host.ranks[0], " and ", rank,
          "): give each host a name of its own, or messages about one will send you to the other");
      break;
    }
  }
}

void JudgeCores(const Examination& examination, Findings* findings) {
  for (const Host& host : HostsOf(examination)) {
    const double cores = CoresOf(examination, host);
    const size_t n = host.ranks.size();
    const double quota = host.FactsIn(examination).core_quota();
    if (static_cast<double>(n) > cores && cores > 0) {
      char text[32];
      std::snprintf(text, sizeof(text), "%.4g", cores);
      Add(findings, Severity::kNote, host.name, " has more ranks than cores, ", n, " on ", text,
          quota > 0 && quota <= cores ? " (its control group's quota)" : "",
          ": the job works, but ranks wait for each other's turn; start fewer there, or add hosts");
      continue;
    }
    // Each is bound to one core: two of them to one core while others are free.
    std::map<int, std::vector<int>> bound;
    for (const int rank : host.ranks) {
      const RankFacts& facts = examination.ranks.at(rank);
      if (facts.core_size() == 1 && facts.cores_online() > 1) bound[facts.core(0)].push_back(rank);
    }
    for (const auto& [core, ranks] : bound) {
      if (ranks.size() < 2) continue;
      Add(findings, Severity::kWrong, NameRanks(examination, ranks),
          " are bound to the same core, ", core, ", of ", host.FactsIn(examination).cores_online(),
          ": start mpirun with --bind-to none");
    }
  }
}

void JudgeMemory(const Examination& examination, Findings* findings) {
  if (!examination.job || !examination.under_mpirun) return;
  // Where a job with other ranks will run is not known.
  if (examination.n_wanted > 0 && examination.n_wanted != examination.n_ranks) return;
  if (examination.n_servers < 1 || examination.n_servers >= examination.n_ranks) return;
  double budget = 0;
  for (const Table& table : examination.job->table())
    budget += static_cast<double>(table.eviction().max_bytes());
  for (const Host& host : HostsOf(examination)) {
    const auto n_servers = std::count_if(host.ranks.begin(), host.ranks.end(),
                                         [&](int rank) { return rank < examination.n_servers; });
    const double need = budget * static_cast<double>(n_servers) / examination.n_servers;
    const double free = static_cast<double>(host.FactsIn(examination).memory_free_bytes());
    if (need <= free || free == 0) continue;
    Add(findings, Severity::kWrong, host.name, " has ", BytesText(free),
        " of memory free, and its ", n_servers, n_servers == 1 ? " server" : " servers",
        " may fill ", BytesText(need),
        " by the tables' eviction.max_bytes: lower that, or put fewer servers on this host");
  }
}

void JudgeLimits(const Examination& examination, Findings* findings) {
  for (const Host& host : HostsOf(examination)) {
    const RankFacts& facts = host.FactsIn(examination);
    const int64_t n_here = static_cast<int64_t>(host.ranks.size());
    const double shm_need =
        static_cast<double>(n_here) * static_cast<double>(facts.shm_segment_bytes());
    if (n_here > 1 && facts.shm_bytes() > 0 && static_cast<double>(facts.shm_bytes()) < shm_need) {
      Add(findings, Severity::kWrong, facts.shm_folder(), " on ", host.name, " holds ",
          BytesText(static_cast<double>(facts.shm_bytes())), ", and shared memory between its ",
          n_here, " ranks may take ", BytesText(shm_need),
          ": enlarge it (docker run --shm-size=1g), or give mpirun --mca "
          "btl_vader_backing_directory /tmp");
    }
    const int64_t files_need = examination.n_ranks - n_here + kOtherFiles;
    if (facts.max_open_files() < files_need) {
      Add(findings, Severity::kWrong, "a process on ", host.name, " may open ",
          facts.max_open_files(), " files, and a rank with ", examination.n_ranks - n_here,
          " on other hosts needs about ", files_need, ": raise it there (ulimit -n ",
          2 * files_need, ")");
    }
    if (facts.has_rdma() && facts.max_locked_bytes() < kRdmaLockedBytes) {
      Add(findings, Severity::kNote, host.name, " has RDMA, but a process may lock only ",
          BytesText(static_cast<double>(facts.max_locked_bytes())),
          " of memory: raise it there (ulimit -l unlimited)");
    }
  }
}

}  // namespace zhiyin::launch::apps
