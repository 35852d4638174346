// The interface of optimizers: how a gradient changes a row.
//
// Adding an optimizer takes its file optimizer/NAME.cc with an OptimizerKind, a field in
// Optimizer.kind of job.proto, and a line in optimizer/optimizers.h. The conformance tests and the
// benchmark then cover it.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <memory>
#include <span>
#include <vector>

#include "common/config/checker.h"
#include "common/hash.h"
#include "common/prefetch_row.h"
#include "configs/job.pb.h"
#include "ps/table/row_layout.h"

namespace zhiyin::ps::table {

/// The largest gradient, in absolute value, that optimizers take. With it, weights and state stay
/// finite for any number of steps: a sum of floats of at most x stops growing before 2^25 x, as
/// what is added is lost in rounding, and a sum of squares before 2^25 * 1e30, a tenth of the
/// largest float. A sum of gradients that is applied as one must respect the bound.
inline constexpr float kMaxGradient = 1e15f;

/// One step on each of n different rows.
struct RowUpdate {
  std::span<std::byte* const> rows;  // [n]
  const RowLayout& layout;
  const float* gradients;  // [n, dim], at most kMaxGradient in absolute value
  /// [n, dim]: the weights that the gradients were computed with; nullptr if these are the current
  /// weights of the rows.
  const float* pulled;
  float rate;       // factor of the learning rate, from its schedule
  uint64_t step;    // seeds the stochastic rounding of weights that are not FP32 (RoundingSeed)
  float clip_norm;  // the largest norm of a row's gradient, which is scaled down to it; 0: none
  float decay;      // decoupled weight decay: w -= lr * decay * w
};

/// An update rule. The object itself has no state: one serves all rows of a table, and each row
/// holds state_floats(dim) floats of optimizer state beside its weights. Used by any thread.
class Optimizer {
 public:
  virtual ~Optimizer() = default;

  virtual int state_floats(int dim) const = 0;
  /// Sets the state of a new row with these weights.
  virtual void InitState(std::span<const float> weights, std::span<float> state) const = 0;
  /// Updates the weights and the state of the rows in place. Both stay finite while gradients keep
  /// to kMaxGradient, for learning rates up to 1e6 and epsilons from 1e-9.
  virtual void Apply(const RowUpdate& update) const = 0;
  /// The learning rate before its schedule is applied.
  virtual float learning_rate() const = 0;
  /// Whether Apply uses RowUpdate::pulled.
  virtual bool WantsPulledWeights() const = 0;
};

/// The description of an optimizer by which the rest of the program uses it. The file of each
/// optimizer defines one.
struct OptimizerKind {
  const char* name;  // of its field in Optimizer.kind of job.proto
  /// REQUIRES: a config that was checked.
  std::unique_ptr<Optimizer> (*make)(const zhiyin::Optimizer& config) = nullptr;
  /// Fills in what the config leaves out; null: nothing.
  void (*fill_defaults)(zhiyin::Optimizer* config) = nullptr;
  /// Checks what this kind adds. `path` leads to the whole config.
  void (*check)(const config::Checker& check, const config::ConfigPath& path,
                const zhiyin::Optimizer& config) = nullptr;
};

/// The optimizer that the config chooses; null where it chooses none.
const OptimizerKind* ChosenOptimizer(const zhiyin::Optimizer& config);

void FillOptimizer(zhiyin::Optimizer* config);
/// Throws Error, by way of `check`, for the first thing that is impossible. REQUIRES: defaults are
/// filled in.
void CheckOptimizer(const config::Checker& check, const config::ConfigPath& path,
                    const zhiyin::Optimizer& config);
/// REQUIRES: the config was checked.
std::unique_ptr<Optimizer> MakeOptimizer(const zhiyin::Optimizer& config);

/// The seed for the stochastic rounding of a row's new weights: a function of the weights and the
/// step only, so that it does not depend on the server that holds the row.
inline uint64_t RoundingSeed(const float* weights, int dim, uint64_t step) {
  uint64_t seed = step;
  for (int d = 0; d < dim; ++d)
    seed = (seed ^ std::bit_cast<uint32_t>(weights[d])) * 0x9e3779b97f4a7c15u;
  return Mix(seed);
}

/// The loop over rows, around the step on one row, a member function of the derived class:
///
///   void Step(float* w, float* state, const float* g, const float* pulled, int dim, float lr)
///   const;
///
/// It consists of plain loops over dim, which the compiler vectorizes; w, state and g do not
/// overlap.
template <typename Derived>
class RowOptimizer : public Optimizer {
 public:
  explicit RowOptimizer(double learning_rate) : learning_rate_(static_cast<float>(learning_rate)) {}

  float learning_rate() const final { return learning_rate_; }
  bool WantsPulledWeights() const override { return false; }

  void Apply(const RowUpdate& update) const final {
    const int dim = update.layout.dim;
    std::vector<float> clipped(update.clip_norm > 0 ? static_cast<size_t>(dim) : 0);
    std::vector<float> widened(update.layout.number != FP32 ? static_cast<size_t>(dim) : 0);
    for (size_t i = 0; i < update.rows.size(); ++i) {
      PrefetchRowsAhead(i, update.rows.size(), update.layout.bytes(),
                        [&](size_t at) { return update.rows[at]; });
      const size_t at = i * static_cast<size_t>(dim);
      const float* gradient = update.gradients + at;
      if (update.clip_norm > 0) gradient = Clip(gradient, update.clip_norm, &clipped);
      const float* pulled = update.pulled != nullptr ? update.pulled + at : nullptr;
      std::byte* row = update.rows[i];
      if (update.layout.number == FP32) {
        DecayAndStep(reinterpret_cast<float*>(row), row, gradient, pulled, update);
      } else {
        ToFloats(update.layout.number, row, widened.size(), widened.data());
        DecayAndStep(widened.data(), row, gradient, pulled, update);
        RoundStochastically(update.layout.number, widened.data(), widened.size(),
                            RoundingSeed(widened.data(), dim, update.step), row);
      }
    }
  }

 private:
  /// Returns the gradient, or, if its norm is too large, a scaled copy in `to`. Computes in
  /// doubles, in which the square of a float neither overflows nor vanishes.
  static const float* Clip(const float* gradient, float norm, std::vector<float>* to) {
    double square = 0;
    for (size_t d = 0; d < to->size(); ++d) {
      const double g = gradient[d];
      square += g * g;
    }
    if (square <= static_cast<double>(norm) * norm) return gradient;
    const double factor = norm / std::sqrt(square);
    for (size_t d = 0; d < to->size(); ++d) (*to)[d] = static_cast<float>(factor * gradient[d]);
    return to->data();
  }

  void DecayAndStep(float* weights, std::byte* row, const float* gradient, const float* pulled,
                    const RowUpdate& update) const {
    const int dim = update.layout.dim;
    const float lr = learning_rate_ * update.rate;
    if (update.decay != 0) {
      const float keep = 1 - lr * update.decay;
      for (int d = 0; d < dim; ++d) weights[d] *= keep;
    }
    static_cast<const Derived*>(this)->Step(weights, update.layout.StateOf(row), gradient, pulled,
                                            dim, lr);
  }

  float learning_rate_;
};

}  // namespace zhiyin::ps::table
