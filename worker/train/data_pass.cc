#include "worker/train/data_pass.h"

#include <glog/logging.h>

#include "common/error.h"

namespace zhiyin::worker::train {
namespace {

/// Blocks whose first malformed line is written to the log; all are counted.
constexpr int kBadBlocksShown = 10;

void LogBadLines(const data::BlockSummaries& blocks, const char* split, int64_t n_bad) {
  LOG(WARNING) << "data." << split << ": " << n_bad << " malformed lines are left out";
  int n_shown = 0;
  for (const auto& [block, summary] : blocks) {
    if (summary.n_bad == 0) continue;
    if (n_shown++ == kBadBlocksShown) return;
    LOG(WARNING) << "malformed line: " << summary.first_bad
                 << (summary.n_bad > 1 ? " (and " + std::to_string(summary.n_bad - 1) + " near it)"
                                       : "");
  }
}

/// Adds what a rank sent. Throws Error where it is of another job, or about a block that is there
/// already.
void Merge(const std::string& bytes, const Job& job, data::BlockSummaries* all) {
  data::BlockSummaries part = data::ParseBlockSummaries(bytes);
  if (part.empty()) return;
  const data::BlockSummary& first = part.begin()->second;  // all of a part have one shape
  if (first.numerics.size() != static_cast<size_t>(job.numeric_size()) ||
      first.n_observed.size() != static_cast<size_t>(job.task_size())) {
    Fail("block summaries: ", first.numerics.size(), " numerics and ", first.n_observed.size(),
         " tasks, expected ", job.numeric_size(), " and ", job.task_size());
  }
  all->merge(part);
  if (!part.empty())
    Fail("block summaries: block ", part.begin()->first, ", which another rank has summarised");
}

}  // namespace

int SlicesOfStep(const Train& train, int n_workers) {
  return train.slices() > 0 ? train.slices() : n_workers;
}

data::BlockDeal FirstDeal(const Train& train, int n_workers) {
  return {train.staleness() == 0 ? SlicesOfStep(train, n_workers) : n_workers, n_workers};
}

void CheckBadLine(const data::BadLine& line, const Data& data) {
  if (data.max_bad_share() == 0) Fail(line.what, " (data.max_bad_share allows no malformed line)");
}

data::BlockSummaries ShareSummaries(const data::BlockSummaries& own, const Job& job,
                                    const char* split, Group* group) {
  data::BlockSummaries all;
  const std::vector<std::string> parts =
      group->Gather(data::Serialize(own), "its summary of the data");
  for (size_t w = 0; w < parts.size(); ++w) {
    FromRank(group->RankOfWorker(static_cast<int>(w)), [&] { Merge(parts[w], job, &all); });
  }
  const std::string summary_of_all =
      group->Broadcast(data::Serialize(all), "the summary of all data");
  all.clear();
  FromRank(group->RankOfWorker(0), [&] { Merge(summary_of_all, job, &all); });
  const data::SplitSummary summary = data::SplitSummary::Of(all);
  const int64_t n_lines = summary.n_rows + summary.n_bad;
  const double max_share = job.data().max_bad_share();
  if (static_cast<double>(summary.n_bad) > max_share * static_cast<double>(n_lines)) {
    Fail(summary.first_bad, " (", summary.n_bad, " of ", n_lines,
         " lines are malformed; data.max_bad_share allows a share of ", max_share, ")");
  }
  if (summary.n_bad > 0 && group->IsChief()) LogBadLines(all, split, summary.n_bad);
  if (summary.n_rows == 0)
    Fail("data.", split, ": no rows: the files are empty, or first_row is past their end");
  for (int t = 0; t < job.task_size(); ++t) {
    if (summary.n_observed[static_cast<size_t>(t)] == 0) {
      Fail("task ", job.task(t).name(), ": no example of data.", split, " has a label (column ",
           job.task(t).label().column(), ")");
    }
  }
  return all;
}

data::Normalizer NormalizerFor(const Job& job, const data::SplitSummary& training) {
  data::Normalizer normalizer;
  for (int k = 0; k < job.numeric_size(); ++k) {
    const data::Moments& moments = training.numerics[static_cast<size_t>(k)];
    const bool standardise = job.numeric(k).standardise();
    const double stddev = moments.Stddev();
    normalizer.mean.push_back(standardise ? static_cast<float>(moments.mean) : 0.0f);
    normalizer.scale.push_back(standardise && stddev > 0 ? static_cast<float>(1 / stddev) : 1.0f);
  }
  return normalizer;
}

}  // namespace zhiyin::worker::train
