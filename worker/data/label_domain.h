// The labels that a task accepts.
#pragma once

#include <functional>
#include <vector>

namespace zhiyin::worker::data {

/// The domain of the labels of a task, which its loss defines. Immutable: used by any thread.
struct LabelDomain {
  /// Whether the loss accepts the label.
  std::function<bool(double label)> accepts;
  /// The accepted labels, for messages: "a number from 0 to 1".
  const char* description = "";
};

/// One domain for each task of the job, in order; empty where labels are not read.
using LabelDomains = std::vector<LabelDomain>;

}  // namespace zhiyin::worker::data
