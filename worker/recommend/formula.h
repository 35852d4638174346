// A formula that combines the predictions of the tasks into one score: "ctr^0.5 * cvr".
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace zhiyin::worker::recommend {

/// A formula has numbers, names, + - * / ^, parentheses, exp(a), log(a), min(a, b) and max(a, b). ^
/// associates to the right and binds more tightly than a sign: -a^b is -(a^b). Names consist of
/// letters, digits and _, and do not begin with a digit. Immutable: used by any number of threads.
class Formula {
 public:
  static constexpr size_t kMaxBytes = 1000;
  static constexpr int kMaxDepth = 100;

  /// Throws Error `formula, column 7: ...` where `text` is no formula, or uses a name that is not
  /// in `names`.
  Formula(std::string_view text, std::vector<std::string> names);

  /// Computes the formula for values [names.size()]. Where it is undefined, as the logarithm of a
  /// negative number, the result is NaN or infinite.
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
