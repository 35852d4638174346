// Findings about the network between hosts.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <set>
#include <sstream>

#include "launch/apps/doctor/examination.h"

namespace zhiyin::launch::apps {
namespace {

/// A pair that is so many times slower than the median of all.
constexpr double kMuchSlower = 10;
/// Below this, a latency is nobody's trouble, however fast the others are.
constexpr double kHarmlessLatencyS = 200e-6;
constexpr double kClockOffsetMaxS = 1;

double Median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

const std::string& HostOf(const Examination& examination, int rank) {
  return examination.ranks.at(rank).host();
}

/// Interfaces of containers and virtual machines: they lead nowhere beyond their host.
bool LeadsNowhere(const std::string& name) {
  for (const char* prefix :
       {"docker", "br-", "virbr", "veth", "cni", "flannel", "cali", "lxc", "lxd", "podman"}) {
    if (name.starts_with(prefix)) return true;
  }
  return false;
}

/// Networks that every host is in, by an interface that leads somewhere and an address that no
/// other host has.
std::vector<std::string> CommonNetworks(const Examination& examination,
                                        const std::vector<Host>& hosts) {
  std::map<std::string, std::set<std::string>> hosts_of;   // network: names of hosts
  std::map<std::string, std::set<uint32_t>> addresses_of;  // network: addresses
  for (const Host& host : hosts) {
    for (const Interface& interface : host.FactsIn(examination).interface()) {
      if (LeadsNowhere(interface.name())) continue;
      hosts_of[NetworkText(interface)].insert(host.name);
      addresses_of[NetworkText(interface)].insert(interface.address());
    }
  }
  std::vector<std::string> common;
  for (const auto& [network, names] : hosts_of) {
    if (names.size() == hosts.size() && addresses_of[network].size() >= hosts.size())
      common.push_back(network);
  }
  return common;
}

std::string ParameterFor(const std::string& network) {
  return "--mca btl_tcp_if_include " + network + " --mca oob_tcp_if_include " + network;
}

}  // namespace

void JudgePairs(const Examination& examination, Findings* findings) {
  std::vector<double> latencies;
  std::vector<double> speeds;
  for (const auto& [ranks, pair] : examination.pairs) {
    const auto [from, to] = ranks;
    if (!pair.answered()) {
      const std::vector<std::string> common = CommonNetworks(examination, HostsOf(examination));
      Add(findings, Severity::kWrong, NameRanks(examination, {from}), " got no answer from ",
          NameRanks(examination, {to}),
          ": a firewall between them, or MPI takes an interface that does not lead there; try "
          "mpirun ",
          ParameterFor(common.empty() ? "NETWORK/BITS" : common[0]));
    } else if (HostOf(examination, from) != HostOf(examination, to)) {
      latencies.push_back(pair.latency_s());
      speeds.push_back(pair.bytes_per_s());
    }
  }
  if (latencies.size() < 3) return;  // no median to speak of
  const double latency = Median(latencies);
  const double speed = Median(speeds);
  for (const auto& [ranks, pair] : examination.pairs) {
    const std::string& from = HostOf(examination, ranks.first);
    const std::string& to = HostOf(examination, ranks.second);
    if (!pair.answered() || from == to) continue;
    if (pair.latency_s() > std::max(kMuchSlower * latency, kHarmlessLatencyS)) {
      Add(findings, Severity::kWrong, "messages between ", from, " and ", to, " take ",
          ThreeDigits(pair.latency_s() * 1e6), " us, ", ThreeDigits(pair.latency_s() / latency),
          " times the median of all pairs of hosts, ", ThreeDigits(latency * 1e6),
          " us: look at the link and the load of the two");
    }
    if (pair.bytes_per_s() * kMuchSlower < speed) {
      Add(findings, Severity::kWrong, "between ", from, " and ", to, " pass ",
          BytesText(pair.bytes_per_s()), "/s, ", ThreeDigits(speed / pair.bytes_per_s()),
          " times less than the median of all pairs of hosts, ", BytesText(speed),
          "/s: look at the link (its speed, duplex, errors)");
    }
  }
}

void JudgeInterfaces(const Examination& examination, Findings* findings) {
  const std::vector<Host> hosts = HostsOf(examination);
  std::set<std::string> boots;
  for (const Host& host : hosts) {
    boots.insert(host.FactsIn(examination).boot_id());
    if (!host.FactsIn(examination).tcp_if_include().empty()) return;  // somebody has chosen
  }
  if (hosts.size() < 2) return;
  // An address that several hosts have, or an interface of containers; where, by what it is.
  std::map<std::string, std::vector<std::string>> confusing;
  std::map<uint32_t, std::set<std::string>> hosts_of;
  for (const Host& host : hosts) {
    for (const Interface& interface : host.FactsIn(examination).interface())
      hosts_of[interface.address()].insert(host.name);
  }
  for (const Host& host : hosts) {
    for (const Interface& interface : host.FactsIn(examination).interface()) {
      // Two names of one kernel share their addresses.
      const bool twice = hosts_of[interface.address()].size() > 1 && boots.size() == hosts.size();
      if (LeadsNowhere(interface.name()) || twice)
        confusing[interface.name() + " (" + NetworkText(interface) + ")"].push_back(host.name);
    }
  }
  const std::vector<std::string> common = CommonNetworks(examination, hosts);
  const std::string parameter = ParameterFor(common.empty() ? "NETWORK/BITS" : common[0]);
  for (const auto& [interface, where] : confusing) {
    std::string names;
    for (const std::string& name : where) names += (names.empty() ? "" : ", ") + name;
    Add(findings, Severity::kNote, interface, " on ", names,
        " leads to no other host, and MPI may try it: if ranks wait for each other without end, "
        "start mpirun "
        "with ",
        parameter);
  }
  if (common.size() > 1) {
    std::string networks;
    for (const std::string& network : common) networks += (networks.empty() ? "" : ", ") + network;
    Add(findings, Severity::kNote, "the hosts share several networks (", networks,
        "), and MPI uses all: to choose one, start mpirun with ", parameter);
  }
}

void JudgeClocks(const Examination& examination, Findings* findings) {
  for (const auto& [ranks, pair] : examination.pairs) {
    const auto [from, to] = ranks;
    if (from != 0 || !pair.answered() || HostOf(examination, from) == HostOf(examination, to))
      continue;
    const double offset = pair.clock_offset_s();
    if (std::abs(offset) <= kClockOffsetMaxS) continue;
    Add(findings, Severity::kNote, "the clock of ", HostOf(examination, to), " is ",
        ThreeDigits(std::abs(offset)), " s ", offset > 0 ? "ahead of" : "behind", " that of ",
        HostOf(examination, from),
        ": no wait depends on it, but times in logs and of files will not fit together; run chrony "
        "or ntpd "
        "there");
  }
}

}  // namespace zhiyin::launch::apps
