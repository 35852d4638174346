// All that `zhiyin doctor` has found out, and what it makes of it. Pure: no network, no files.
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

  std::map<int, RankFacts> ranks;  // of those that answered
  /// (rank, what it was to do): gave no answer within the limit. Each rank once.
  std::vector<std::pair<int, std::string>> silent;
  /// (rank, what it said): could not do a step.
  std::vector<std::pair<int, std::string>> troubles;
  std::vector<std::string> errors;   // messages that are none, each naming its rank
  std::vector<std::string> refused;  // a config or a hostfile that is wrong
  std::optional<Slots> slots;

  std::string config;  // "" when none was given
  std::optional<Job> job;
  std::vector<std::string> data_files;
  std::map<int, DataFacts> data;  // of workers

  std::string output;  // "" when none was given
  std::map<int, OutputFacts> outputs;
  std::map<int, bool> seen_by_rank_0;  // its file

  /// (from, to), from < to: the first ranks of two hosts, or two ranks of one host.
  std::map<std::pair<int, int>, PairFacts> pairs;
};

enum class Severity {
  kWrong,  // the job would fail, or run far below what it could
  kNote    // worth knowing
};

struct Finding {
  Severity severity;
  std::string text;  // one line: what, where, how to mend it
};
using Findings = std::vector<Finding>;

/// Adds what the pieces say together.
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
/// In the order of their first ranks.
std::vector<Host> HostsOf(const Examination& examination);

/// Cores that the ranks of a host may run on together, a control group's quota respected.
double CoresOf(const Examination& examination, const Host& host);

/// Pairs that are to be measured, in rounds: no rank is in two pairs of a round, so a round's pairs
/// are measured at the same time. First ranks of all hosts with each other (the circle method),
/// then two ranks of each host.
std::vector<std::vector<std::pair<int, int>>> PairRounds(const std::vector<Host>& hosts);

/// "rank 3 on b", "ranks 0-2, 5 on a": the ranks ascend, and those whose host is not known stand
/// first.
std::string NameRanks(const Examination& examination, const std::vector<int>& ranks);
/// "1.23e+04": three digits.
std::string ThreeDigits(double value);
/// "1.5 GiB".
std::string BytesText(double bytes);
/// "10.0.0.1".
std::string AddressText(uint32_t address);
/// "10.0.0.0/24".
std::string NetworkText(const Interface& interface);
/// "TCP over eth0", "shared memory" or what else is known of what carried the bytes from `from` to
/// `to`.
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

/// All of the above, what is wrong first.
Findings Judge(const Examination& examination);
/// The whole report, ending with a line feed.
std::string ReportText(const Examination& examination, const Findings& findings);

}  // namespace zhiyin::launch::apps
