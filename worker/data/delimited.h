// A line into columns.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "configs/job.pb.h"

namespace zhiyin::worker {

/// Splits lines by the delimiter, quotes and trimming of a Text config. One thread; allocates nothing once
/// warm.
class LineSplitter {
 public:
  explicit LineSplitter(const Text& config);

  /// The columns, valid until the next call or until the line goes. False when a quote is not closed on the
  /// line, or is followed by something else than the delimiter.
  bool Split(std::string_view line, std::vector<std::string_view>* columns);

 private:
  bool SplitQuoted(std::string_view line, std::vector<std::string_view>* columns);

  std::string delimiter_;
  char quote_;  // 0: none
  bool trim_;
  std::string unquoted_;  // values whose doubled quotes were undone
};

}  // namespace zhiyin::worker
