// The values that stand for no value.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "configs/job.pb.h"
#include "worker/data/value.h"

namespace zhiyin::worker::data {

/// Tells missing values: the empty one and those of Text.missing. Texts are compared as text, and
/// what its file holds as a number with those of the texts that are numbers. They mean the same in
/// every column: of fields, numerics, labels and weights, of data.behaviour, and in the keys and
/// values of joins. Immutable: used by any number of threads.
class MissingValues {
 public:
  explicit MissingValues(const Text& text);

  bool Has(std::string_view value) const {
    return value.empty() || std::find(texts_.begin(), texts_.end(), value) != texts_.end();
  }
  bool Has(const Value& value) const {
    switch (value.kind()) {
      case Value::Kind::kMissing:
        return true;
      case Value::Kind::kText:
        return Has(value.text());
      case Value::Kind::kNumber:
        return !numbers_.empty() && HasNumber(value.number());
      case Value::Kind::kList:
        break;
    }
    return false;
  }

 private:
  bool HasNumber(double number) const;

  std::vector<std::string> texts_;
  std::vector<double> numbers_;  // those of the texts that are numbers, NaN and infinite ones, too
};

}  // namespace zhiyin::worker::data
