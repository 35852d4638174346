// Networks written out loop by loop in double precision, and models against them.
#pragma once

#include <functional>
#include <vector>

#include "configs/job.pb.h"
#include "tests/support/plain_layers.h"

namespace zhiyin::testing {

/// Layers of these widths; the last has no ReLU unless it is asked for.
struct PlainMlp {
  std::vector<PlainLayer> layers;
  bool last_relu;

  PlainMlp(size_t in, const std::vector<size_t>& widths, bool with_last_relu, Taker* from);
  Values operator()(const Values& x) const;
};

/// ExpertBank: one wide layer of all experts' first layers and all gates, then deeper layers, layer
/// by layer, expert by expert.
struct PlainBank {
  size_t n_experts;
  std::vector<size_t> widths;
  std::vector<size_t> gate_widths;
  PlainLayer wide;
  std::vector<std::vector<PlainLayer>> deeper;  // [layer - 1][expert]

  PlainBank(size_t in, size_t experts, std::vector<size_t> expert_widths, std::vector<size_t> gates,
            Taker* from);
  /// [expert]
  std::vector<Values> Experts(const Values& x) const;
  /// [gate], as probabilities.
  std::vector<Values> Gates(const Values& x) const;
};

/// sum_e gate[e] * experts[e]
Values PlainMixture(const Values& gate, const std::vector<Values>& experts);
Values Slice(const Values& values, size_t begin, size_t count);
/// Part p of rows of four fields, whose parts have two columns, then both numerics.
Values PlainPart(const Values& x, size_t p, size_t n_parts);
/// [a..., b...]
std::vector<Values> Joined(std::vector<Values> a, const std::vector<Values>& b);

/// Where a function is taken: the model's weights and one row's inputs.
struct Point {
  Values weights;
  Values x;
};
/// Outputs of a row. What passes no gradient is computed from `held`, the rest from `at`; both are
/// the same point but for the step of a difference.
using Twin = std::function<Values(const Point& at, const Point& held)>;

/// Expects of the model that the job configures, at random weights and inputs: outputs of each row
/// as the twin's within 1e-5; and gradients by all weights and inputs as two-sided differences of
/// the twin, to 2e-5 of the larger of their size and the root mean square of all.
void ExpectLikeTwin(const Job& job, const Twin& twin);

}  // namespace zhiyin::testing
