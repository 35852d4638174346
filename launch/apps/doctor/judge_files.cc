// Findings about the job's data and its output folder.
#include <algorithm>
#include <sstream>

#include "launch/apps/doctor/examination.h"

namespace zhiyin::launch::apps {
namespace {

/// A model and its successor are there side by side; where the size is unknown, at least this
/// should be free.
constexpr double kFreeBytesMin = 1024.0 * 1024 * 1024;
constexpr double kSlowBytesPerS = 5e6;

template <typename... Pieces>
void AddWrong(Findings* findings, const Pieces&... pieces) {
  std::ostringstream text;
  (text << ... << pieces);
  findings->push_back({Severity::kWrong, text.str()});
}

/// Ranks by what is said of them, in the order of their first ranks.
class Groups {
 public:
  void Add(const std::string& said, int rank) {
    auto group = std::find_if(groups_.begin(), groups_.end(),
                              [&](const auto& g) { return g.first == said; });
    if (group == groups_.end()) group = groups_.insert(groups_.end(), {said, {}});
    group->second.push_back(rank);
  }
  const std::vector<std::pair<std::string, std::vector<int>>>& all() const { return groups_; }

 private:
  std::vector<std::pair<std::string, std::vector<int>>> groups_;
};

/// "hosts a, b" or "host b" of these ranks.
std::string HostsText(const Examination& examination, const std::vector<int>& ranks) {
  std::vector<std::string> hosts;
  for (const int rank : ranks) {
    const std::string& host = examination.ranks.at(rank).host();
    if (std::find(hosts.begin(), hosts.end(), host) == hosts.end()) hosts.push_back(host);
  }
  std::string text = hosts.size() > 1 ? "hosts " : "host ";
  for (size_t i = 0; i < hosts.size(); ++i) text += (i > 0 ? ", " : "") + hosts[i];
  return text;
}

std::string Others(size_t n) {
  if (n == 0) return "";
  return " (and " + std::to_string(n) + (n == 1 ? " other file)" : " other files)");
}

}  // namespace

void JudgeData(const Examination& examination, Findings* findings) {
  // A rank that lacks many files is one line.
  Groups unreadable;
  for (const auto& [rank, data] : examination.data) {
    std::string first;
    size_t n_others = 0;
    for (int f = 0; f < data.file_size() && f < static_cast<int>(examination.data_files.size());
         ++f) {
      if (data.file(f).error().empty()) continue;
      if (first.empty()) {
        first = examination.data_files[static_cast<size_t>(f)] + Others(0) + ": " +
                data.file(f).error();
      } else {
        ++n_others;
      }
    }
    if (!first.empty()) unreadable.Add(first + Others(n_others), rank);
  }
  for (const auto& [said, ranks] : unreadable.all()) {
    AddWrong(findings, NameRanks(examination, ranks), ranks.size() > 1 ? " are" : " is",
             " without data: ", said,
             ": every worker's host needs the files of the config under the same names, readable");
  }
  std::string first_that_differs;
  size_t n_others = 0;
  for (size_t f = 0; f < examination.data_files.size(); ++f) {
    Groups copies;
    for (const auto& [rank, data] : examination.data) {
      if (static_cast<int>(f) >= data.file_size()) continue;
      const FileFacts& file = data.file(static_cast<int>(f));
      if (!file.error().empty()) continue;
      std::ostringstream said;
      said << file.n_bytes() << " bytes, hash " << std::hex << (file.hash() >> 32);
      copies.Add(said.str(), rank);
    }
    if (copies.all().size() < 2) continue;
    if (!first_that_differs.empty()) {
      ++n_others;
      continue;
    }
    first_that_differs = examination.data_files[f] + " differs between ranks: ";
    for (const auto& [said, ranks] : copies.all()) {
      if (&said != &copies.all()[0].first) first_that_differs += "; ";
      first_that_differs += said + " at " + NameRanks(examination, ranks);
    }
  }
  if (!first_that_differs.empty())
    AddWrong(findings, first_that_differs, Others(n_others),
             ": copy the same file to all workers' hosts");
}

void JudgeOutput(const Examination& examination, Findings* findings) {
  if (examination.output.empty()) return;
  const std::string folder = "--output=" + examination.output;
  Groups broken;
  std::vector<int> unseen;
  for (const auto& [rank, output] : examination.outputs) {
    if (!output.folder_error().empty() && rank == 0) {
      AddWrong(findings, folder, ": cannot be made on ", HostsText(examination, {0}), " (",
               output.folder_error(), "): name another folder");
      continue;
    }
    if (!output.folder_error().empty()) {
      broken.Add(output.folder_error(), rank);
      continue;
    }
    if (!output.write_error().empty()) continue;  // JudgeDisk's
    const auto seen = examination.seen_by_rank_0.find(rank);
    const bool seen_there = seen == examination.seen_by_rank_0.end() || seen->second;
    const auto zero = examination.outputs.find(0);
    const bool zero_wrote = zero != examination.outputs.end() &&
                            zero->second.write_error().empty() &&
                            zero->second.folder_error().empty();
    if (rank != 0 && zero_wrote && (!output.saw_token() || !seen_there)) unseen.push_back(rank);
  }
  for (const auto& [error, ranks] : broken.all()) {
    AddWrong(findings, folder, ": ", HostsText(examination, ranks), " cannot see it (",
             NameRanks(examination, ranks), ": ", error,
             "): name a folder that all hosts share, or mount it there too");
  }
  if (!unseen.empty()) {
    AddWrong(
        findings, folder, ": ", HostsText(examination, unseen),
        " cannot see what rank 0 writes there (", NameRanks(examination, unseen),
        "): another folder of the same name; name one that all hosts share, or mount it there too");
  }
}

void JudgeDisk(const Examination& examination, Findings* findings) {
  if (examination.output.empty()) return;
  const std::string folder = "--output=" + examination.output;
  double budget = 0;
  if (examination.job) {
    for (const Table& table : examination.job->table())
      budget += static_cast<double>(table.eviction().max_bytes());
  }
  const double need = std::max(kFreeBytesMin, 2 * budget);
  Groups full;
  Groups unwritable;
  Groups scarce;
  Groups slow;
  for (const auto& [rank, output] : examination.outputs) {
    if (!output.folder_error().empty()) continue;
    const double free = static_cast<double>(output.free_bytes());
    if (output.disk_is_full()) {
      full.Add("", rank);
    } else if (!output.write_error().empty()) {
      unwritable.Add(output.write_error(), rank);
    } else if (free < need) {
      scarce.Add(BytesText(free), rank);
    } else if (output.bytes_per_s() > 0 && output.bytes_per_s() < kSlowBytesPerS) {
      slow.Add(BytesText(output.bytes_per_s()), rank);
    }
  }
  for (const auto& [said, ranks] : full.all()) {
    const OutputFacts& output = examination.outputs.at(ranks[0]);
    AddWrong(findings, folder, ": the disk is full on ", HostsText(examination, ranks), " (",
             BytesText(static_cast<double>(output.free_bytes())), " free, ",
             NameRanks(examination, ranks), ": ", output.write_error(),
             "): make room, or name a folder on another disk");
  }
  for (const auto& [error, ranks] : unwritable.all()) {
    AddWrong(findings, folder, ": cannot be written on ", HostsText(examination, ranks), " (",
             NameRanks(examination, ranks), ": ", error,
             "): change its owner or mode, or name another folder");
  }
  for (const auto& [free, ranks] : scarce.all()) {
    AddWrong(findings, folder, ": the disk is nearly full on ", HostsText(examination, ranks), ": ",
             free, " free, ", BytesText(need), " wanted: ",
             budget > 0 ? "a model and its successor may take twice the tables' eviction.max_bytes"
                        : "a model and its successor are there at the same time",
             "; make room, or name a folder on another disk");
  }
  for (const auto& [speed, ranks] : slow.all()) {
    AddWrong(findings, folder, ": the disk is slow on ", HostsText(examination, ranks), ": ", speed,
             "/s written and synced, ", BytesText(kSlowBytesPerS),
             "/s expected at least: name a folder on another disk");
  }
}

}  // namespace zhiyin::launch::apps
