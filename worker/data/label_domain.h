// Which labels make sense to a task.
#pragma once

#include <functional>
#include <vector>

namespace zhiyin::worker::data {

/// What a task's loss says about labels. Immutable; may be used by several threads.
struct LabelDomain {
  /// Whether the loss accepts the label.
  std::function<bool(float label)> accepts;
  /// The accepted labels, for messages: "a number from 0 to 1".
  const char* description = "";
};

/// One domain for each task of the job, in order; empty where labels are not read.
using LabelDomains = std::vector<LabelDomain>;

}  // namespace zhiyin::worker::data
