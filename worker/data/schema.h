// The column of the data for each input of the job.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "configs/job.pb.h"
#include "worker/data/label_domain.h"

namespace zhiyin::worker::data {

/// The columns of the data.
struct Columns {
  int n = 0;
  /// [n]; empty where they have no names.
  std::vector<std::string> names;
  /// Where the columns were found, for messages: "census.csv:1".
  std::string where;
};

/// Whether labels are read. Where they are ignored, their columns may be missing.
enum class LabelUse { kNeeded, kIgnored };
/// Labels are needed where the tasks say which ones they accept.
inline LabelUse UseOf(const LabelDomains& labels) {
  return labels.empty() ? LabelUse::kIgnored : LabelUse::kNeeded;
}

/// A column that a job reads, by name or position ("#7").
struct ColumnUse {
  std::string column;
  /// What it is read for, for messages: numeric[2] "age".
  std::string user;
  /// Whether only a task reads it, so that it may be missing where labels are ignored.
  bool is_label = false;
};

/// The columns that a job reads, those that joins and data.behaviour add among them.
std::vector<ColumnUse> ColumnUses(const Job& job);

/// Returns the position of a column that is given as a name or a position; nullopt where there is
/// none, or several have the name.
std::optional<int> FindColumn(const std::string& column, const Columns& columns);

/// Positions of columns, from 0. A plain value.
struct Schema {
  /// Stands for the position of a column that is not read.
  static constexpr int kIgnored = -1;

  int n_columns = 0;
  std::vector<int> fields;    // [n_fields]
  std::vector<int> numerics;  // [n_numerics]
  /// [n_tasks]; kIgnored where labels are ignored or the task has no such column.
  std::vector<int> labels;
  std::vector<int> sample_spaces;
  std::vector<int> weights;

  /// Finds the columns of all inputs. The job gives a column as a name or a position ("#7"); if
  /// empty, the column has the name of the input. Throws Error where a column does not exist, or a
  /// name is ambiguous.
  static Schema Of(const Job& job, const Columns& columns, LabelUse labels = LabelUse::kNeeded);
};

}  // namespace zhiyin::worker::data
