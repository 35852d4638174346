// The values that stand for no value.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "configs/job.pb.h"
#include "worker/data/value.h"

namespace zhiyin::worker::data {

/// Tells missing values: the empty one and those of Text.missing, compared as text. They mean the
/// same in every column: of fields, numerics, labels and weights, of data.behaviour, and in the
/// keys and values of joins. Immutable: used by any number of threads.
class MissingValues {
 public:
  explicit MissingValues(const Text& text) : texts_(text.missing().begin(), text.missing().end()) {}

  bool Has(std::string_view value) const {
    return value.empty() || std::find(texts_.begin(), texts_.end(), value) != texts_.end();
  }
  bool Has(const Value& value) const {
    return value.kind() == Value::Kind::kMissing ||
           (value.kind() == Value::Kind::kText && Has(value.text()));
  }

 private:
  std::vector<std::string> texts_;
};

}  // namespace zhiyin::worker::data
