#include "worker/train/data_pass.h"

#include <glog/logging.h>

#include <algorithm>
#include <cstdio>
#include <string_view>
#include <utility>

#include "common/bytes.h"
#include "common/error.h"
#include "common/text.h"
#include "ps/slices.h"
#include "worker/data/schema.h"
#include "worker/data/seen_columns.h"
#include "worker/data/split_ranges.h"

namespace zhiyin::worker::train {
namespace {

/// The share of lines that find a line in a join, below which a note asks whether that is right.
constexpr double kFewJoined = 0.5;

void LogBadLines(const data::SplitSummary& summary, const char* split) {
  LOG(WARNING) << "data." << split << ": " << summary.n_bad << " malformed lines are left out";
  for (const auto& [row, line] : summary.first_bad)
    LOG(WARNING) << "malformed line: " << line.Text();
}

/// Returns what a rank found; nothing where it has read no record. Throws Error where it is of
/// another job.
data::SplitFindings ParseFindings(const std::string& bytes, const Job& job) {
  data::SplitFindings findings = data::SplitFindings::Parse(bytes);
  if (findings.records.n_read() == 0) return {};
  CheckShape(findings.summary, job);
  return findings;
}

/// Returns the findings of all ranks at the chief, put together; empty ones elsewhere.
data::SplitFindings GatherFindings(const data::SplitFindings& own, const Job& job,
                                   const char* split, Group* group) {
  data::SplitFindings all;
  std::vector<data::RecordRuns> records;
  const std::vector<std::string> parts =
      group->Gather(own.Serialize(), "its findings about the data");
  for (size_t w = 0; w < parts.size(); ++w) {
    group->SendHeartbeat();
    FromRank(group->RankOfWorker(static_cast<int>(w)), [&] {
      data::SplitFindings part = ParseFindings(parts[w], job);
      all.summary.Merge(part.summary);
      records.push_back(std::move(part.records));
    });
  }
  all.records = data::RecordRuns::Join(records, TextOf("data.", split));
  return all;
}

/// Throws Error for a join in which no line of the split finds its own: the columns that it adds
/// would be missing everywhere.
void CheckJoined(const Job& job, const char* split, const data::JoinMatches& joins) {
  for (size_t j = 0; j < joins.n_found.size(); ++j) {
    if (joins.n_found[j] > 0 || joins.n_lines == 0) continue;
    const std::string begin = TextOf("data.join[", j, "]: none of the ", joins.n_lines,
                                     " rows of data.", split, " finds a line: ");
    if (joins.n_looked_up[j] == 0) {
      Fail(begin, "column \"", job.data().join(static_cast<int>(j)).column(),
           "\" is missing in all of them, expected values");
    }
    Fail(begin, joins.first_missed[j], ", expected equal texts");
  }
}

/// Why a split with so many malformed lines has no examples.
std::string WhyEmpty(const Job& job, data::SplitKind split, int64_t n_bad) {
  if (n_bad > 0) return TextOf("all of its ", n_bad, " lines are malformed");
  const Data& data = job.data();
  const Split& own = data::SplitOf(data, split);
  const bool is_divided =
      data.has_behaviour() && std::ranges::equal(own.file(), data.train().file());
  if (!is_divided) return "the files are empty, or first_row is past their end";
  if (split == data::SplitKind::kTrain)
    return "the files are empty, or data.behaviour holds all of their lines out";
  return "data.behaviour holds none out for it: no user has enough events, or its share is small";
}

}  // namespace

data::BlockDeal FirstDeal(const Train& train, int n_workers) {
  return {train.staleness() == 0 ? ps::SlicesOfStep(train, n_workers) : n_workers, n_workers};
}

void CheckBadLine(const data::BadLine& line, const Data& data) {
  if (data.max_bad_share() == 0)
    Fail(line.Text(), " (data.max_bad_share allows no malformed line)");
}

void CheckShape(const data::SplitSummary& summary, const Job& job) {
  if (summary.numerics.size() != static_cast<size_t>(job.numeric_size()) ||
      summary.n_observed.size() != static_cast<size_t>(job.task_size())) {
    Fail("findings of a pass: ", summary.numerics.size(), " numerics and ",
         summary.n_observed.size(), " tasks, expected ", job.numeric_size(), " and ",
         job.task_size());
  }
  if (summary.joins.n_found.size() != static_cast<size_t>(job.data().join_size()))
    Fail("findings of a pass: ", summary.joins.n_found.size(), " joins, expected ",
         job.data().join_size());
}

void CheckFindings(const Job& job, data::SplitKind split, const data::SplitSummary& summary,
                   Group* group) {
  const char* const name = data::SplitName(split);
  const int64_t n_lines = summary.n_rows + summary.n_bad;
  const double max_share = job.data().max_bad_share();
  if (static_cast<double>(summary.n_bad) > max_share * static_cast<double>(n_lines)) {
    Fail(summary.first_bad.begin()->second.Text(), " (", summary.n_bad, " of ", n_lines,
         " lines are malformed; data.max_bad_share allows a share of ", max_share, ")");
  }
  if (summary.n_bad > 0 && group->IsChief()) LogBadLines(summary, name);
  if (summary.n_rows == 0) Fail("data.", name, ": no rows: ", WhyEmpty(job, split, summary.n_bad));
  CheckSeen(job, split, data::LabelUse::kNeeded, summary.seen);
  // Labels may come from a join.
  CheckJoined(job, name, summary.joins);
  for (int t = 0; t < job.task_size(); ++t) {
    if (summary.n_observed[static_cast<size_t>(t)] == 0) {
      Fail("task ", job.task(t).name(), ": no example of data.", name, " has a label (column ",
           job.task(t).label().column(), ")");
    }
  }
}

SharedFindings ShareFindings(const data::SplitFindings& own, const Job& job, data::SplitKind split,
                             Group* group, bool sees_files) {
  const char* const name = data::SplitName(split);
  const std::string all = group->Broadcast(GatherFindings(own, job, name, group).Serialize(),
                                           "the findings about all data");
  data::SplitFindings findings = FromRank(group->RankOfWorker(0), [&] {
    data::SplitFindings parsed = ParseFindings(all, job);
    if (parsed.records.n_read() != parsed.records.n_records())
      Fail("findings of a pass: ", parsed.records.n_read(), " of ", parsed.records.n_records(),
           " lines were read, expected all");
    return parsed;
  });
  SharedFindings shared = {std::move(findings.summary), data::RecordCounts(findings.records)};
  if (sees_files) CheckFindings(job, split, shared.summary, group);
  return shared;
}

std::vector<std::string> SplitNotes(const Job& job, data::SplitKind split,
                                    const data::SplitSummary& summary) {
  const char* const name = data::SplitName(split);
  const int64_t n_records = summary.n_rows + summary.n_bad;
  std::vector<std::string> notes;
  for (const std::string& text : {data::TooFewRecords(job.data(), split, n_records),
                                  data::RecordsOfTraining(job.data(), split, n_records)}) {
    if (!text.empty()) notes.push_back(TextOf("note: data.", name, ": ", text));
  }
  for (std::string& note : JoinNotes(job, name, summary.joins)) notes.push_back(std::move(note));
  return notes;
}

std::vector<std::string> JoinNotes(const Job& job, const char* split,
                                   const data::JoinMatches& joins) {
  std::vector<std::string> notes;
  for (size_t j = 0; j < joins.n_found.size(); ++j) {
    const int64_t n_looked_up = joins.n_looked_up[j];
    if (n_looked_up == 0) continue;
    const double share = static_cast<double>(joins.n_found[j]) / static_cast<double>(n_looked_up);
    char percent[16];
    std::snprintf(percent, sizeof(percent), "%.1f %%", 100 * share);
    std::string note = TextOf("data.join[", j, "]: ", percent, " of the rows of data.", split,
                              " found a line (", joins.n_found[j], " of ", n_looked_up, ")");
    if (n_looked_up < joins.n_lines)
      note += TextOf("; ", joins.n_lines - n_looked_up, " have no key");
    if (share < kFewJoined) {
      const Join& join = job.data().join(static_cast<int>(j));
      note = TextOf("note: ", note, ": are the values of column \"", join.column(), "\" and of \"",
                    join.key(), "\" in its files written alike?");
    }
    notes.push_back(std::move(note));
  }
  return notes;
}

data::JoinMatches GatherJoined(const data::JoinMatches& own, const Job& job, Group* group) {
  const size_t n_joins = static_cast<size_t>(job.data().join_size());
  data::JoinMatches all(n_joins);
  ByteWriter out;
  own.Write(&out);
  const std::vector<std::string> parts = group->Gather(out.Take(), "its joined lines");
  for (size_t w = 0; w < parts.size(); ++w) {
    FromRank(group->RankOfWorker(static_cast<int>(w)), [&] {
      ByteReader in(parts[w], "joined lines");
      const data::JoinMatches part = data::JoinMatches::Read(&in);
      if (!in.AtEnd()) in.Refuse("not the last");
      if (part.n_lines > 0 && part.n_found.size() != n_joins)
        in.Refuse("of another number of joins");
      if (part.n_lines > 0) all.Merge(part);
    });
  }
  return all;
}

std::vector<uint8_t> GatherSeen(std::span<const uint8_t> own, Group* group) {
  ByteWriter out;
  out.PutArray<uint8_t>(own);
  std::vector<uint8_t> all;
  const std::vector<std::string> parts = group->Gather(out.Take(), "the columns of its records");
  for (size_t w = 0; w < parts.size(); ++w) {
    FromRank(group->RankOfWorker(static_cast<int>(w)), [&] {
      ByteReader in(parts[w], "columns of records");
      const std::vector<uint8_t> part = in.GetArray<uint8_t>();
      if (!in.AtEnd()) in.Refuse("not the last");
      if (!part.empty() && !all.empty() && part.size() != all.size())
        in.Refuse("of another number of columns");
      data::MergeSeen(part, &all);
    });
  }
  return all;
}

data::Unpredicted GatherUnpredicted(const data::Unpredicted& own, Group* group) {
  data::Unpredicted all;
  const std::vector<std::string> parts =
      group->Gather(own.Serialize(), "its examples without a prediction");
  for (size_t w = 0; w < parts.size(); ++w) {
    all.Merge(FromRank(group->RankOfWorker(static_cast<int>(w)),
                       [&] { return data::Unpredicted::Parse(parts[w]); }));
  }
  return all;
}

std::vector<std::string> ConstantNumerics(const Job& job, const data::SplitSummary& training) {
  std::vector<std::string> notes;
  if (training.n_rows < 2) return notes;
  for (int k = 0; k < job.numeric_size(); ++k) {
    const data::ExactMoments& moments = training.numerics[static_cast<size_t>(k)];
    const std::string what = TextOf("numeric \"", job.numeric(k).name(), "\": ");
    if (moments.n() == 0) {
      notes.push_back(what + "has no value in data.train: it tells nothing");
    } else if (moments.n() == training.n_rows && moments.IsConstant()) {
      notes.push_back(what + "has one value in data.train: it tells nothing");
    } else if (job.numeric(k).standardise() && !job.numeric(k).has_stddev() && moments.n() > 0 &&
               !moments.IsConstant() && moments.Rounded().Stddev() < data::kLeastStddev) {
      notes.push_back(TextOf(what, "its standard deviation in data.train is less than ",
                             data::kLeastStddev,
                             ", too little to be divided by: it tells nothing, "
                             "expected values in another unit"));
    }
  }
  return notes;
}

data::Normalizer NormalizerFor(const Job& job, const data::SplitSummary& training) {
  data::Normalizer normalizer;
  for (int k = 0; k < job.numeric_size(); ++k) {
    const Numeric& numeric = job.numeric(k);
    if (numeric.has_mean()) {
      normalizer.mean.push_back(numeric.mean());
      normalizer.scale.push_back(1 / numeric.stddev());
      continue;
    }
    const data::Moments moments = training.numerics[static_cast<size_t>(k)].Rounded();
    const bool standardise = numeric.standardise();
    const double stddev = moments.Stddev();
    normalizer.mean.push_back(standardise ? moments.mean : 0);
    normalizer.scale.push_back(standardise && stddev >= data::kLeastStddev ? 1 / stddev : 1);
  }
  return normalizer;
}

saved::FirstStatistics FirstStatisticsOf(const Job& job, const data::SplitSummary& training) {
  saved::FirstStatistics statistics = {NormalizerFor(job, training), training.RoundedLabelSums()};
  for (int t = 0; t < job.task_size(); ++t) {
    if (job.task(t).has_label_mean())
      statistics.labels[static_cast<size_t>(t)] = saved::LabelsOfMean(job.task(t).label_mean());
  }
  return statistics;
}

}  // namespace zhiyin::worker::train
