// A configured way to make one number of the tasks' predictions: "ctr^0.5 * cvr".
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace zhiyin::worker::recommend {

/// Numbers, names, + - * / ^ (to the right, before a sign), parentheses, exp(a), log(a), min(a, b),
/// max(a, b). Names hold letters, digits and _, and begin with no digit. Immutable; any number of
/// threads.
class Formula {
 public:
  static constexpr size_t kMaxBytes = 1000;
  static constexpr int kMaxDepth = 100;

  /// Throws Error `formula, column 7: ...` on text that is none, or that uses a name which is not
  /// among `names`.
  Formula(std::string_view text, std::vector<std::string> names);

  /// values [names]. What is undefined, as the logarithm of a negative number, is NaN or infinite.
  double operator()(std::span<const float> values) const;

 private:
  enum class Op {
    kNumber,
    kName,
    kAdd,
    kSubtract,
    kMultiply,
    kDivide,
    kPower,
    kNegate,
    kExp,
    kLog,
    kMin,
    kMax
  };
  struct Step {
    Op op;
    double number = 0;
    size_t name = 0;
  };
  class Parser;

  std::vector<Step> steps_;  // operands before their operator
};

}  // namespace zhiyin::worker::recommend
