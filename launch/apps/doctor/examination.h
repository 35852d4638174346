// The facts that `zhiyin doctor` has collected, and the findings that follow from them. Pure
// functions, without network and files.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "configs/job.pb.h"
#include "launch/apps/doctor/facts.pb.h"
#include "launch/apps/doctor/slots.h"

namespace zhiyin::launch::apps {

struct Examination {
  int n_ranks = 1;
  bool under_mpirun = true;
  int n_servers = 1;
  bool n_servers_given = false;
  int n_wanted = 0;  // --ranks; 0: not given
  double limit_s = 30;

  std::map<int, RankFacts> ranks;  // by rank, of those that answered
  /// (rank, step): the ranks that did not answer within the limit, and the step. Each rank once.
  std::vector<std::pair<int, std::string>> silent;
  /// (rank, message): the ranks that could not do a step, and why.
  std::vector<std::pair<int, std::string>> troubles;
  std::vector<std::string> errors;   // about malformed messages, each naming its rank
  std::vector<std::string> refused;  // errors in the config or the hostfile
  std::optional<Slots> slots;

  std::string config;  // "" when none was given
  std::optional<Job> job;
  std::vector<std::string> data_files;
  std::map<int, DataFacts> data;  // of workers

  std::string output;  // "" when none was given
  std::map<int, OutputFacts> outputs;
  std::map<int, bool> seen_by_rank_0;  // whether rank 0 has found this rank's file

  /// By (from, to) with from < to: the first ranks of two hosts, or two ranks of one host.
  std::map<std::pair<int, int>, PairFacts> pairs;
};

enum class Severity {
  kWrong,  // the job would fail, or run far more slowly than it could
  kNote    // worth knowing
};

struct Finding {
  Severity severity;
  std::string text;  // one line: the problem, where, and how to solve it
};
using Findings = std::vector<Finding>;

/// Adds a finding whose text is the concatenation of the pieces.
template <typename... Pieces>
void Add(Findings* findings, Severity severity, const Pieces&... pieces) {
  std::ostringstream text;
  (text << ... << pieces);
  findings->push_back({severity, text.str()});
}

struct Host {
  std::string name;
  std::vector<int> ranks;  // ascending; of those that answered

  const RankFacts& FactsIn(const Examination& examination) const {
    return examination.ranks.at(ranks[0]);
  }
};
/// The hosts in the order of their first ranks.
std::vector<Host> HostsOf(const Examination& examination);

/// The number of cores that at least one rank of a host may run on, limited by the quota of the
/// control group.
double CoresOf(const Examination& examination, const Host& host);

/// The pairs of ranks to measure, in rounds. No rank is in two pairs of a round, so that the pairs
/// of a round can be measured at once. First come the first ranks of all hosts with each other (by
/// the circle method for tournaments), then two ranks of each host.
std::vector<std::vector<std::pair<int, int>>> PairRounds(const std::vector<Host>& hosts);

/// The ranks in words, ascending, with their hosts: "rank 3 on b", "ranks 0-2, 5 on a". Ranks of
/// unknown hosts come first.
std::string NameRanks(const Examination& examination, const std::vector<int>& ranks);
/// "1.23e+04": three digits.
std::string ThreeDigits(double value);
/// "1.5 GiB".
std::string BytesText(double bytes);
/// "10.0.0.1".
std::string AddressText(uint32_t address);
/// "10.0.0.0/24".
std::string NetworkText(const Interface& interface);
/// The transport of the bytes from `from` to `to` in words: "TCP over eth0", "shared memory" or
/// what else is known of it.
std::string TransportText(const Examination& examination, int from, int to, const PairFacts& pair);

// judge_hosts.cc
void JudgeSilence(const Examination& examination, Findings* findings);
void JudgeRoles(const Examination& examination, Findings* findings);
void JudgeSlots(const Examination& examination, Findings* findings);
void JudgeBuilds(const Examination& examination, Findings* findings);
void JudgeCores(const Examination& examination, Findings* findings);
void JudgeMemory(const Examination& examination, Findings* findings);
void JudgeLimits(const Examination& examination, Findings* findings);
// judge_files.cc
void JudgeData(const Examination& examination, Findings* findings);
void JudgeOutput(const Examination& examination, Findings* findings);
void JudgeDisk(const Examination& examination, Findings* findings);
// judge_network.cc
void JudgePairs(const Examination& examination, Findings* findings);
void JudgeInterfaces(const Examination& examination, Findings* findings);
void JudgeClocks(const Examination& examination, Findings* findings);

/// The findings of all functions above, kWrong first.
Findings Judge(const Examination& examination);
/// The whole report, ending with a line feed.
std::string ReportText(const Examination& examination, const Findings& findings);

}  // namespace zhiyin::launch::apps
