// Which column feeds which input.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "configs/job.pb.h"
#include "worker/data/label_domain.h"

namespace zhiyin::worker::data {

/// What is known of the columns of the data.
struct Columns {
  int n = 0;
  /// [n], or empty where they have no names.
  std::vector<std::string> names;
  /// Where this was seen, for messages: "census.csv:1".
  std::string where;
};

/// Whether rows without labels will do: then label columns may be missing, and nobody looks at
/// those that are there.
enum class LabelUse { kNeeded, kIgnored };
/// Labels are read where the tasks say which ones they accept.
inline LabelUse UseOf(const LabelDomains& labels) {
  return labels.empty() ? LabelUse::kIgnored : LabelUse::kNeeded;
}

/// Positions of columns, from 0. A plain value.
struct Schema {
  /// In place of the position of a column that is not looked at.
  static constexpr int kIgnored = -1;

  int n_columns = 0;
  std::vector<int> fields;    // [n_fields]
  std::vector<int> numerics;  // [n_numerics]
  /// [n_tasks]; kIgnored where nobody looks, and where the task has none.
  std::vector<int> labels;
  std::vector<int> sample_spaces;
  std::vector<int> weights;

  /// A column is a name or a position, "#7"; empty, it is the input's own name. Throws Error where
  /// there is none such, or several of that name.
  static Schema Of(const Job& job, const Columns& columns, LabelUse labels = LabelUse::kNeeded);
};

}  // namespace zhiyin::worker::data
