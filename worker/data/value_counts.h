// The values of a column and how often each occurs, for messages.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/text.h"

namespace zhiyin::worker::data {

/// The numbers of examples by value of a column. Counts the first thousand different values one by
/// one, and all others together. A plain value.
class ValueCounts {
 public:
  void Add(std::string_view value) {
    constexpr size_t kMostCounted = 1000;
    const auto known = n_.find(value);
    if (known != n_.end()) {
      ++known->second;
    } else if (n_.size() < kMostCounted) {
      n_.emplace(value, 1);
    } else {
      ++n_others_;
    }
  }

  bool IsEmpty() const { return n_.empty(); }

  /// The five most frequent values: "1.0" 20 times, "0.0" 7 times
  std::string Text() const {
    constexpr size_t kMostShown = 5;
    constexpr size_t kMostBytesShown = 40;
    std::vector<std::pair<std::string, int64_t>> sorted(n_.begin(), n_.end());
    std::stable_sort(sorted.begin(), sorted.end(),
                     [](const auto& a, const auto& b) { return a.second > b.second; });
    std::string text;
    int64_t n_rest = n_others_;
    for (size_t i = 0; i < sorted.size(); ++i) {
      if (i >= kMostShown) {
        n_rest += sorted[i].second;
        continue;
      }
      text += (i == 0 ? "\"" : ", \"") + Shortened(sorted[i].first, kMostBytesShown) + "\" " +
              std::to_string(sorted[i].second) + (sorted[i].second == 1 ? " time" : " times");
    }
    if (n_rest > 0) text += ", others " + std::to_string(n_rest) + " times";
    return text.empty() ? "no value" : text;
  }

 private:
  std::map<std::string, int64_t, std::less<>> n_;
  int64_t n_others_ = 0;  // examples with values that are not in n_
};

}  // namespace zhiyin::worker::data
