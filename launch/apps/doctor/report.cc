// The report: what is wrong, what is worth knowing, what there is.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <sstream>

#include "common/text.h"
#include "launch/apps/doctor/examination.h"

namespace zhiyin::launch::apps {
namespace {

std::string Counted(int64_t n, const std::string& what) {
  return std::to_string(n) + " " + what + (n == 1 ? "" : "s");
}

std::string RolesText(const Examination& examination, const Host& host) {
  const auto n_servers = std::count_if(host.ranks.begin(), host.ranks.end(),
                                       [&](int rank) { return rank < examination.n_servers; });
  return Counted(n_servers, "server") + ", " +
         Counted(static_cast<int64_t>(host.ranks.size()) - n_servers, "worker");
}

void DescribeHost(const Examination& examination, const Host& host, std::ostream& out) {
  const RankFacts& facts = host.FactsIn(examination);
  out << "  " << host.name << ": ";
  if (examination.under_mpirun) {
    std::string ranks = NameRanks(examination, host.ranks);
    ranks.resize(std::min(ranks.size(), ranks.find(" on ")));
    out << ranks << " (" << RolesText(examination, host) << "), ";
  }
  out << Counted(facts.cores_online(), "core");
  // By affinity or a control group's quota.
  const double cores = CoresOf(examination, host);
  if (cores < facts.cores_online()) out << " (" << ThreeDigits(cores) << " for its ranks)";
  out << ", " << BytesText(static_cast<double>(facts.memory_bytes())) << " of memory, "
      << BytesText(static_cast<double>(facts.memory_free_bytes())) << " free, "
      << facts.mpi_library();
  if (!facts.mpi_thread_level().empty()) out << " " << facts.mpi_thread_level();
  // A value that only excludes components ("^ofi", set by distributions) does not show the ones in
  // use.
  if (!facts.mpi_pml().empty() && facts.mpi_pml()[0] != '^') out << ", pml=" << facts.mpi_pml();
  if (!facts.mpi_btl().empty() && facts.mpi_btl()[0] != '^') out << ", btl=" << facts.mpi_btl();
  char hash[24];
  std::snprintf(hash, sizeof(hash), "%08x", static_cast<unsigned>(facts.program_hash() >> 32));
  out << ", zhiyin " << facts.version() << " for " << facts.arch() << " (file " << hash << ")";
  if (!facts.arrow_version().empty())
    out << ", Parquet by Arrow " << facts.arrow_version();
  else if (!facts.arrow_trouble().empty())
    out << ", no Parquet: it " << facts.arrow_trouble();
  out << "\n";
}

void DescribePairs(const Examination& examination, std::ostream& out) {
  constexpr size_t kListed = 20;
  size_t n = 0;
  for (const auto& [ranks, pair] : examination.pairs) {
    if (!pair.answered()) continue;
    if (++n > kListed) continue;
    const auto [from, to] = ranks;
    const std::string& from_host = examination.ranks.at(from).host();
    const std::string& to_host = examination.ranks.at(to).host();
    const bool within = from_host == to_host;
    out << "  " << (within ? "within " + from_host : from_host + " - " + to_host) << ": "
        << TransportText(examination, from, to, pair) << ", " << ThreeDigits(pair.latency_s() * 1e6)
        << " us, " << BytesText(pair.bytes_per_s()) << "/s";
    if (!within)
      out << ", clocks " << ThreeDigits(std::abs(pair.clock_offset_s()) * 1e3) << " ms apart";
    out << "\n";
  }
  if (n > kListed) out << "  ... and " << n - kListed << " more pairs\n";
}

void DescribeOutput(const Examination& examination, std::ostream& out) {
  for (const Host& host : HostsOf(examination)) {
    const auto output = examination.outputs.find(host.ranks[0]);
    if (output == examination.outputs.end() || !output->second.folder_error().empty()) continue;
    out << "  --output=" << examination.output << " on " << host.name << ": "
        << BytesText(static_cast<double>(output->second.free_bytes())) << " free";
    if (output->second.bytes_per_s() > 0)
      out << ", " << BytesText(output->second.bytes_per_s()) << "/s written and synced";
    out << "\n";
  }
}

void DescribeData(const Examination& examination, std::ostream& out) {
  if (examination.config.empty()) {
    out << "  no --config: the job's data and tables were not looked at\n";
    return;
  }
  if (!examination.job) return;
  if (examination.data_files.empty()) {
    out << "  data: generated, no files\n";
    return;
  }
  double bytes = 0;
  if (!examination.data.empty()) {
    for (const FileFacts& file : examination.data.begin()->second.file())
      bytes += static_cast<double>(file.n_bytes());
  }
  out << "  data: " << Counted(static_cast<int64_t>(examination.data_files.size()), "file") << ", "
      << BytesText(bytes) << ", looked at by "
      << Counted(static_cast<int64_t>(examination.data.size()), "worker") << "\n";
}

void DescribeSlots(const Examination& examination, std::ostream& out) {
  if (!examination.slots) return;
  const Slots& slots = *examination.slots;
  out << "  slots: " << slots.n;
  switch (slots.source) {
    case SlotSource::kHostfile:
      out << " in " << slots.name;
      break;
    case SlotSource::kSlurm:
      out << " in the Slurm allocation";
      break;
    case SlotSource::kMpirun:
      out << " by mpirun";
      break;
    case SlotSource::kCores:
      out << ", the cores here: no hostfile was given";
      break;
  }
  if (!slots.breakdown.empty()) out << " (" << slots.breakdown << ")";
  if (!slots.unknown.empty()) out << " and the cores of " << slots.unknown;
  out << "\n";
}

}  // namespace

std::string ReportText(const Examination& examination, const Findings& findings) {
  std::ostringstream out;
  const std::vector<Host> hosts = HostsOf(examination);
  if (examination.under_mpirun) {
    out << "zhiyin doctor: " << Counted(examination.n_ranks, "rank") << " on "
        << Counted(static_cast<int64_t>(hosts.size()), "host") << "\n";
  } else {
    out << "zhiyin doctor: this host alone; for all hosts of a job: mpirun -n RANKS zhiyin doctor "
           "...\n";
  }
  // Names and files come from other hosts.
  for (const Finding& finding : findings)
    out << (finding.severity == Severity::kWrong ? "wrong: " : "note: ") << OneLine(finding.text)
        << "\n";
  if (findings.empty() || findings[0].severity != Severity::kWrong) out << "nothing is wrong\n";
  std::ostringstream facts;
  for (const Host& host : hosts) DescribeHost(examination, host, facts);
  DescribePairs(examination, facts);
  DescribeSlots(examination, facts);
  DescribeData(examination, facts);
  DescribeOutput(examination, facts);
  std::istringstream lines(facts.str());
  for (std::string line; std::getline(lines, line);) out << OneLine(line) << "\n";
  return out.str();
}

}  // namespace zhiyin::launch::apps
