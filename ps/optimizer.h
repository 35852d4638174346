// How a gradient changes a row.
//
// Adding one: a file optimizer/NAME.cc, a field in Optimizer.kind of job.proto, a declaration below, a case
// in MakeOptimizer.
#pragma once

#include <memory>
#include <span>

#include "configs/job.pb.h"

namespace zhiyin::ps {

/// A row is `dim` weights with state_floats(dim) floats of the optimizer's right behind them. Without state
/// of its own: one object serves all rows of a table.
class Optimizer {
 public:
  virtual ~Optimizer() = default;

  virtual int state_floats(int dim) const = 0;
  /// The state of a new row.
  virtual void InitState(std::span<float> state) const = 0;
  /// One step on each of rows.size() different rows, given their gradients [rows.size(), dim].
  virtual void Apply(std::span<float* const> rows, const float* gradients, int dim) const = 0;
};

/// REQUIRES: a config that passed validation.
std::unique_ptr<Optimizer> MakeOptimizer(const zhiyin::Optimizer& config);

std::unique_ptr<Optimizer> MakeSgd(const zhiyin::Optimizer::Sgd& config);
std::unique_ptr<Optimizer> MakeAdaGrad(const zhiyin::Optimizer::AdaGrad& config);
std::unique_ptr<Optimizer> MakeRowWiseAdaGrad(const zhiyin::Optimizer::RowWiseAdaGrad& config);
std::unique_ptr<Optimizer> MakeAdam(const zhiyin::Optimizer::Adam& config);

/// How far ahead of the row in hand rows are fetched into cache: enough to hide a miss to memory, few enough
/// to stay there.
inline constexpr size_t kRowsAhead = 8;

/// Fetches the row that comes kRowsAhead later, for writing. `row_floats` counts weights and state.
inline void PrefetchRowAhead(std::span<float* const> rows, size_t i, int row_floats) {
  if (i + kRowsAhead >= rows.size()) return;
  const float* row = rows[i + kRowsAhead];
  // Rows longer than four lines are followed by the hardware.
  for (int at = 0; at < row_floats && at < 64; at += 16) __builtin_prefetch(row + at, 1);
}

}  // namespace zhiyin::ps
