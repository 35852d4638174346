#include "worker/train/one_pass.h"

#include <algorithm>
#include <optional>
#include <span>
#include <utility>

#include "common/bytes.h"
#include "common/error.h"
#include "ps/protocol.h"
#include "worker/data/split_kind.h"
#include "worker/model/loss/loss.h"
#include "worker/train/share_report.h"

namespace zhiyin::worker::train {
namespace {

constexpr char kUnitsName[] = "what was found in one pass";
constexpr int64_t kRangesOfWorker = 8;

/// Returns the place of the first numeric or task whose statistics only the examples tell; nullopt
/// where there is none.
std::optional<config::ConfigPath> FirstUnknown(const config::Checker& check, const Job& job) {
  for (int k = 0; k < job.numeric_size(); ++k) {
    if (job.numeric(k).standardise() && !job.numeric(k).has_mean())
      return check.root()("numeric", k);
  }
  for (int t = 0; t < job.task_size() && !job.train().start_at_zero(); ++t) {
    if (!job.task(t).has_label_mean() &&
        model::loss::ChosenLoss(job.task(t))->first_output != nullptr)
      return check.root()("task", t);
  }
  return {};
}

/// About how many records the files have; 0 where nothing tells.
double EstimateRecords(const data::SharedFiles& files, std::span<const data::Unit> units) {
  const double record_bytes = files.RecordBytes();
  double n_records = 0;
  for (const data::Unit& unit : units) {
    if (unit.n_records < 0 && record_bytes == 0) return 0;
    n_records += unit.n_records >= 0 ? static_cast<double>(unit.n_records)
                                     : static_cast<double>(unit.n_bytes) / record_bytes;
  }
  return n_records;
}

/// Throws Error as CheckShape does. A worker in whose ranges no record begins finds nothing, not
/// even how many inputs and tasks there are.
void CheckUnits(const data::SplitSummary& summary, const Job& job) {
  const bool is_nothing = summary.n_rows + summary.n_bad == 0 && summary.numerics.empty() &&
                          summary.n_observed.empty() && summary.joins.n_found.empty();
  if (!is_nothing) CheckShape(summary, job);
}

/// Throws Error unless every range was read once, and begins where the one before it ends.
void CheckRanges(const std::vector<data::UnitFindings::Read>& reads,
                 const std::vector<data::UnitRange>& ranges, const Job& job) {
  std::vector<const data::UnitRange*> ends(ranges.size());
  for (const data::UnitFindings::Read& read : reads) {
    const bool is_range = read.range >= 0 && read.range < static_cast<int64_t>(ranges.size());
    if (!is_range || ends[static_cast<size_t>(read.range)] != nullptr)
      Fail(kUnitsName, ": range ", read.range, " of ", ranges.size(), ", expected each once");
    ends[static_cast<size_t>(read.range)] = &read.ends;
  }
  for (size_t r = 0; r < ends.size(); ++r) {
    if (ends[r] == nullptr) Fail(kUnitsName, ": range ", r, " was read by nobody");
    if (r == 0 || ends[r - 1]->end == ends[r]->begin) continue;
    const data::FileCut& cut = ranges[r].begin;
    const auto& files = job.data().train().file();
    const int file = static_cast<int>(std::min(cut.file, static_cast<size_t>(files.size()) - 1));
    Fail(files[file], ": a value in quotes holds line ends at byte ", cut.offset,
         ", where one reader ends and another begins, expected data.text.quote: \"\" where quotes "
         "are ordinary characters, or a job without data.one_pass");
  }
}

}  // namespace

void CheckOnePass(const config::Checker& check, const Job& job) {
  const config::ConfigPath path = check.root()("data")("one_pass");
  const Train& train = job.train();
  if (!job.data().has_text()) check.Fail(path, "generated data is not read from files");
  if (job.data().has_behaviour())
    check.Fail(path, "cannot be combined with data.behaviour, which is read whole by every job");
  if (job.data().train().first_row() > 0 || job.data().train().n_rows() > 0)
    check.Fail(path, "reads whole files, expected no first_row and no n_rows in data.train");
  if (train.epochs() != 1) check.Fail(path, "is for one epoch, expected train.epochs: 1");
  if (train.staleness() != -1) {
    check.Fail(path, "does not know the steps of an epoch, by which workers wait for each other: ",
               "expected train.staleness: -1");
  }
  if (train.has_checkpoint()) {
    check.Fail(path, "does not know where it stands among all examples, expected no ",
               "train.checkpoint");
  }
  if (job.model().hidden().normalization() == Hidden::BATCH) {
    check.Fail(path, "does not know which steps are the last ones, of which batch normalisation ",
               "keeps the statistics: expected another model.hidden.normalization");
  }
  if (job.data().has_statistics()) return;
  if (const std::optional<config::ConfigPath> unknown = FirstUnknown(check, job)) {
    check.Fail(*unknown,
               "needs statistics of the examples, which a job with data.one_pass does not "
               "know before it trains: expected data.statistics, or these statistics here");
  }
}

std::vector<data::UnitRange> DivideIntoRanges(const Job& job, const data::SharedFiles& files,
                                              int n_workers) {
  const std::vector<data::Unit> units = files.Units();
  const double n_windows =
      EstimateRecords(files, units) / static_cast<double>(job.data().shuffle_rows());
  const int64_t n_wanted = std::max<int64_t>(
      kRangesOfWorker * n_workers,
      static_cast<int64_t>(std::min(n_windows, static_cast<double>(ps::kMaxRanges))) + 1);
  const int64_t n_ranges = std::min({n_wanted, static_cast<int64_t>(units.size()), ps::kMaxRanges});
  const std::vector<int64_t> begins = DivideUnits(units, static_cast<int>(n_ranges));
  const auto cut = [&](int64_t unit) -> data::FileCut {
    if (unit < static_cast<int64_t>(units.size())) return units[static_cast<size_t>(unit)].begin;
    return {units.back().begin.file + 1, 0};
  };
  std::vector<data::UnitRange> ranges;
  for (size_t r = 0; r + 1 < begins.size(); ++r) {
    if (begins[r] == begins[r + 1]) continue;
    ranges.push_back(
        {cut(begins[r]), cut(begins[r + 1]), units[static_cast<size_t>(begins[r])].is_plain});
  }
  return ranges;
}

data::UnitFindings ShareUnits(const data::UnitFindings& own,
                              const std::vector<data::UnitRange>& ranges, const Job& job,
                              Group* group, bool sees_files) {
  ByteWriter out;
  own.Write(&out);
  const std::vector<std::string> parts = group->Gather(out.Take(), "what it has found in one pass");
  data::UnitFindings all;
  for (size_t w = 0; w < parts.size(); ++w) {
    FromRank(group->RankOfWorker(static_cast<int>(w)), [&] {
      ByteReader in(parts[w], kUnitsName);
      const data::UnitFindings part = data::UnitFindings::Parse(&in);
      if (!in.AtEnd()) in.Refuse("not the last");
      CheckUnits(part.summary, job);
      all.summary.Merge(part.summary);
      all.ranges.insert(all.ranges.end(), part.ranges.begin(), part.ranges.end());
      all.n_batches += part.n_batches;
    });
  }
  ByteWriter told;
  all.Write(&told);
  const std::string bytes = group->Broadcast(told.Take(), "what all have found in one pass");
  data::UnitFindings shared = FromRank(group->RankOfWorker(0), [&] {
    ByteReader in(bytes, kUnitsName);
    data::UnitFindings parsed = data::UnitFindings::Parse(&in);
    if (!in.AtEnd()) in.Refuse("not the last");
    CheckUnits(parsed.summary, job);
    return parsed;
  });
  CheckRanges(shared.ranges, ranges, job);
  if (sees_files) CheckFindings(job, data::SplitKind::kTrain, shared.summary, group);
  return shared;
}

}  // namespace zhiyin::worker::train
