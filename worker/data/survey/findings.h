// What a survey of a job's data says against training on it.
#pragma once

#include <string>
#include <vector>

#include "configs/job.pb.h"
#include "worker/data/survey/survey.h"

namespace zhiyin::worker::data {

/// A warning says that a model will be wrong, or look better than it is; a note says what is worth
/// a look.
enum class Severity { kWarning, kNote };

struct Finding {
  Severity severity = Severity::kNote;
  /// A word for programs: "tells_label". docs/checking.md lists all with their bounds.
  std::string kind;
  /// What it is about, as messages name it: `field "item"`, `task "click"`, `data.test`.
  std::string what;
  std::string text;  // a sentence without a full stop
};

/// Judges a survey of the job's data: warnings first, then notes, each in the order of the columns.
/// REQUIRES: `survey` is of `job`.
std::vector<Finding> FindingsOf(const Job& job, const Survey& survey);

}  // namespace zhiyin::worker::data
