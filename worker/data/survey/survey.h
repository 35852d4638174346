// A survey of a job's data: what its columns, labels and splits hold, as far as it says whether
// they are fit to train on. findings.h judges it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/tick.h"
#include "configs/job.pb.h"
#include "worker/data/event_time.h"
#include "worker/data/label_domain.h"
#include "worker/data/split_kind.h"
#include "worker/data/survey/column_survey.h"

namespace zhiyin::worker::data {

/// The labels of a task in one split.
struct TaskSplit {
  Moments labels;    // unweighted
  double least = 0;  // where there are labels
  double most = 0;
  bool is_binary = true;  // all labels are 0 or 1
};
struct TaskSurvey {
  std::string name;
  std::string column;
  BySplit<TaskSplit> splits;
};

/// How many examples have a key to look up in a file of data.join, one that is not missing, and how
/// many of these found a line.
struct JoinSurvey {
  std::string column;
  std::string file;     // the first one
  int64_t n_lines = 0;  // of all its files, malformed ones included
  int64_t n_bad = 0;    // malformed lines
  std::string first_bad;
  BySplit<int64_t> n_looked_up;
  BySplit<int64_t> n_matched;
};

/// The range of the column data.behaviour.time, of times of the kind of the first one, with the
/// texts that stand in the data.
struct TimeRange {
  TimeKind kind = TimeKind::kNumber;
  EventTime least = 0;
  EventTime most = 0;
  std::string first;
  std::string last;
};

/// How many examples have a twin in training, which is equal in all inputs and labels. Counts are
/// of the examples that a sample of distinct ones covers.
struct RepeatedRows {
  BySplit<int64_t> n;
  BySplit<int64_t> n_with_twin;

  double Share(SplitKind split) const;
};

struct SplitSurvey {
  int64_t n_examples = 0;
  int64_t n_bad = 0;  // malformed lines
  std::string first_bad;
  std::optional<TimeRange> times;  // where the job has data.behaviour
};

struct Survey {
  std::vector<SplitKind> held_out;  // those of the job (EvaluatedSplits)
  BySplit<SplitSurvey> splits;
  std::vector<ColumnSurvey> columns;  // the job's fields, then its numerics
  std::vector<TaskSurvey> tasks;
  std::vector<JoinSurvey> joins;
  RepeatedRows repeated;
};

/// Bounds on the memory of a survey. Beyond them, figures are estimates from a sample.
struct SurveyLimits {
  size_t n_values = 1 << 16;  // distinct values kept of each column
  size_t n_rows = 1 << 20;    // distinct training examples kept, 8 bytes each and their counts

  /// The limits with which the columns of a job keep about 256 MiB at most, and 64 values each at
  /// least.
  static SurveyLimits For(const Job& job);
};

/// Reads each split of the job once. Sampled negatives (data.behaviour.negatives) are left out. A
/// numeric is surveyed as it stands in the data, before log1p. Calls `tick` meanwhile. Throws Error
/// where MakeSource or Source::Read does. REQUIRES: a checked job; `labels` are of its tasks.
Survey SurveyData(const Job& job, const LabelDomains& labels, const SurveyLimits& limits,
                  const Tick& tick);

}  // namespace zhiyin::worker::data
