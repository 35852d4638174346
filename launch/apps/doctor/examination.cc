#include "launch/apps/doctor/examination.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <set>

namespace zhiyin::launch::apps {
namespace {

std::string Numbers(const std::vector<int>& ascending) {
  std::string text;
  for (size_t i = 0; i < ascending.size();) {
    size_t end = i + 1;
    while (end < ascending.size() && ascending[end] == ascending[end - 1] + 1) ++end;
    if (!text.empty()) text += ", ";
    text += std::to_string(ascending[i]);
    if (end - i > 1) text += (end - i == 2 ? ", " : "-") + std::to_string(ascending[end - 1]);
    i = end;
  }
  return text;
}

}  // namespace

std::vector<Host> HostsOf(const Examination& examination) {
  std::vector<Host> hosts;
  for (const auto& [rank, facts] : examination.ranks) {
    const std::string& name = facts.host();
    auto host =
        std::find_if(hosts.begin(), hosts.end(), [&](const Host& h) { return h.name == name; });
    if (host == hosts.end()) host = hosts.insert(hosts.end(), {name, {}});
    host->ranks.push_back(rank);
  }
  return hosts;
}

double CoresOf(const Examination& examination, const Host& host) {
  std::set<int> cores;
  double quota = 0;
  for (const int rank : host.ranks) {
    const RankFacts& facts = examination.ranks.at(rank);
    cores.insert(facts.core().begin(), facts.core().end());
    if (facts.core_quota() > 0)
      quota = quota > 0 ? std::min(quota, facts.core_quota()) : facts.core_quota();
  }
  const double n = static_cast<double>(cores.size());
  return quota > 0 ? std::min(n, quota) : n;
}

std::vector<std::vector<std::pair<int, int>>> PairRounds(const std::vector<Host>& hosts) {
  std::vector<std::vector<std::pair<int, int>>> rounds;
  // One place stays, the others turn around it; an odd number has an empty place.
  const size_t n = hosts.size() + hosts.size() % 2;
  std::vector<size_t> places(n);
  for (size_t i = 0; i < n; ++i) places[i] = i;
  for (size_t round = 0; n >= 2 && round < n - 1; ++round) {
    std::vector<std::pair<int, int>>& pairs = rounds.emplace_back();
    for (size_t i = 0; i < n / 2; ++i) {
      const auto [a, b] = std::minmax(places[i], places[n - 1 - i]);
      if (b < hosts.size()) pairs.emplace_back(hosts[a].ranks[0], hosts[b].ranks[0]);
    }
    std::rotate(places.begin() + 1, places.end() - 1, places.end());
  }
  std::vector<std::pair<int, int>> within;
  for (const Host& host : hosts) {
    if (host.ranks.size() > 1) within.emplace_back(host.ranks[0], host.ranks[1]);
  }
  if (!within.empty()) rounds.push_back(std::move(within));
  return rounds;
}

std::string NameRanks(const Examination& examination, const std::vector<int>& ranks) {
  std::vector<std::pair<std::string, std::vector<int>>> groups;
  const auto add = [&](const std::string& host, int rank) {
    auto group =
        std::find_if(groups.begin(), groups.end(), [&](const auto& g) { return g.first == host; });
    if (group == groups.end()) group = groups.insert(groups.end(), {host, {}});
    group->second.push_back(rank);
  };
  for (const bool known : {false, true}) {
    for (const int rank : ranks) {
      const auto facts = examination.ranks.find(rank);
      if ((facts != examination.ranks.end()) == known) add(known ? facts->second.host() : "", rank);
    }
  }
  std::string text;
  for (const auto& [host, own] : groups) {
    if (!text.empty()) text += "; ";
    text += (own.size() > 1 ? "ranks " : "rank ") + Numbers(own);
    if (!host.empty()) text += " on " + host;
  }
  return text;
}

std::string ThreeDigits(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.3g", value);
  return text;
}

std::string BytesText(double bytes) {
  const char* const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
  size_t unit = 0;
  while (std::abs(bytes) >= 1024 && unit < 4) {
    bytes /= 1024;
    ++unit;
  }
  char text[64];
  std::snprintf(text, sizeof(text), unit == 0 || bytes >= 100 ? "%.0f %s" : "%.1f %s", bytes,
                units[unit]);
  return text;
}

std::string AddressText(uint32_t address) {
  char text[32];
  std::snprintf(text, sizeof(text), "%u.%u.%u.%u", address >> 24, address >> 16 & 255,
                address >> 8 & 255, address & 255);
  return text;
}

std::string NetworkText(const Interface& interface) {
  const int bits = std::clamp(interface.prefix_bits(), 0, 32);
  const uint32_t mask = bits == 0 ? 0 : ~uint32_t{0} << (32 - bits);
  return AddressText(interface.address() & mask) + "/" + std::to_string(bits);
}

std::string TransportText(const Examination& examination, int from, int to, const PairFacts& pair) {
  // Half: a retransmission counts twice, and acknowledgements may be under way.
  if (pair.tcp_bytes() >= pair.sent_bytes() / 2) {
    const RankFacts& facts = examination.ranks.at(from);
    for (const Interface& interface : facts.interface()) {
      if (interface.address() == pair.tcp_address()) return "TCP over " + interface.name();
    }
    if (pair.tcp_address() >> 24 == 127) return "TCP over loopback";
    return "TCP";
  }
  const bool one_kernel =
      examination.ranks.at(from).boot_id() == examination.ranks.at(to).boot_id();
  return one_kernel ? "shared memory" : "no TCP (RDMA or the like)";
}

Findings Judge(const Examination& examination) {
  Findings findings;
  JudgeSilence(examination, &findings);
  JudgeRoles(examination, &findings);
  JudgeSlots(examination, &findings);
  JudgeBuilds(examination, &findings);
  JudgeData(examination, &findings);
  JudgeOutput(examination, &findings);
  JudgeDisk(examination, &findings);
  JudgePairs(examination, &findings);
  JudgeCores(examination, &findings);
  JudgeMemory(examination, &findings);
  JudgeLimits(examination, &findings);
  JudgeInterfaces(examination, &findings);
  JudgeClocks(examination, &findings);
  std::stable_sort(findings.begin(), findings.end(),
                   [](const Finding& a, const Finding& b) { return a.severity < b.severity; });
  return findings;
}

}  // namespace zhiyin::launch::apps
