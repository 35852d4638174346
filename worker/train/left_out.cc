#include "worker/train/left_out.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "common/error.h"

namespace zhiyin::worker::train {
namespace {

/// One of so many examples of an epoch may be left out.
constexpr int64_t kOneOf = 100;

/// The largest absolute value of the example's numerics, which are normalized.
double ExtremeOf(const model::EmbeddingInput& input, int64_t example) {
  double largest = 0;
  for (const double x : input.numerics(example)) largest = std::max(largest, std::abs(x));
  return largest;
}

}  // namespace

std::vector<int64_t> MostExtreme(const model::EmbeddingInput& input,
                                 std::span<const int64_t> examples) {
  double largest = 0;
  for (const int64_t example : examples) largest = std::max(largest, ExtremeOf(input, example));
  const double least = std::max(largest / data::kExtreme, data::kExtreme);
  std::vector<int64_t> extreme;
  std::copy_if(examples.begin(), examples.end(), std::back_inserter(extreme),
               [&](int64_t example) { return ExtremeOf(input, example) >= least; });
  return extreme;
}

std::vector<int64_t> ToLeaveOut(const model::EmbeddingInput& input,
                                std::span<const int64_t> unpredicted) {
  if (static_cast<int64_t>(unpredicted.size()) < input.n_rows())
    return {unpredicted.begin(), unpredicted.end()};
  return MostExtreme(input, unpredicted);
}

void CheckLeftOut(const data::Unpredicted& left_out, int64_t n_rows, int64_t epoch) {
  if (left_out.n == 0 ||
      (left_out.n <= std::max(int64_t{1}, n_rows / kOneOf) && left_out.n < n_rows))
    return;
  Fail("epoch ", epoch, ": the loss of tasks is not finite for ", left_out.n, " of ", n_rows,
       " examples, expected at most 1 %: lower the learning rates, or look for extreme values in "
       "the numeric columns; the first one: ",
       left_out.first.empty() ? "" : left_out.first[0].name);
}

}  // namespace zhiyin::worker::train
