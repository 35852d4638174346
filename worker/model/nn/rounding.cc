#include "worker/model/nn/rounding.h"

#include <glog/logging.h>

#include <functional>

namespace zhiyin::worker::model::nn {
namespace {

thread_local const Bfloat16Pass* current_pass = nullptr;

/// With fewer columns on either side, a product is a small part of a pass.
constexpr int kNarrow = 16;

}  // namespace

void Rounded::Begin(size_t n) {
  in_16_bits_ = HasBfloat16Instructions();
  if (in_16_bits_) {
    if (halves_.size() < n) halves_.resize(n);
  } else {
    if (floats_.size() < n) floats_.resize(n);
  }
}

void Rounded::RoundRow(std::span<const float> numbers, Eigen::Index row) {
  const size_t begin = static_cast<size_t>(row) * numbers.size();
  if (in_16_bits_) {
    RoundTo(numbers, std::span(halves_).subspan(begin, numbers.size()));
  } else {
    RoundTo(numbers, std::span(floats_).subspan(begin, numbers.size()));
  }
}

void Rounded::Round(const ConstBlock& m) {
  Begin(static_cast<size_t>(m.size()));
  for (Eigen::Index i = 0; i < m.rows(); ++i)
    RoundRow({m.data() + i * m.outerStride(), static_cast<size_t>(m.cols())}, i);
}

Factor Rounded::Matrix(size_t begin, Eigen::Index rows, Eigen::Index cols) const {
  if (in_16_bits_) return {halves_.data() + begin, rows, cols};
  return Factor(ConstMatrixView(floats_.data() + begin, rows, cols));
}

Bfloat16Pass::Bfloat16Pass(std::span<const float> of, const Rounded* weights)
    : of_(of), weights_(weights) {
  CHECK(current_pass == nullptr) << "a thread has one pass at a time";
  current_pass = this;
}

Bfloat16Pass::~Bfloat16Pass() {
  current_pass = nullptr;
}

const Bfloat16Pass* Bfloat16Pass::Current() {
  return current_pass;
}

Factor Bfloat16Pass::Weights(std::span<const float> weights, int64_t begin, int rows,
                             int cols) const {
  const float* const first = weights.data() + begin;
  const std::less_equal<const float*> is_not_behind;
  CHECK(is_not_behind(of_.data(), first) &&
        is_not_behind(first + int64_t{rows} * cols, of_.data() + of_.size()))
      << "other weights than those that were rounded";
  return weights_->Matrix(static_cast<size_t>(first - of_.data()), rows, cols);
}

bool IsInBfloat16(int in, int out) {
  return current_pass != nullptr && in >= kNarrow && out >= kNarrow;
}

Factor WeightFactor(std::span<const float> weights, int64_t begin, int in, int out) {
  if (IsInBfloat16(in, out)) return current_pass->Weights(weights, begin, in, out);
  return Factor(ConstMatrixView(weights.data() + begin, in, out));
}

bool ActivationFactor::Begin(const ConstBlock& m) {
  taken_ = m.data();
  stride_ = m.outerStride();
  factor_ = Factor(m);
  if (!IsInBfloat16(in_, out_)) return false;
  rounded_.Begin(static_cast<size_t>(m.size()));
  factor_ = rounded_.Matrix(0, m.rows(), m.cols());
  return true;
}

const Factor& ActivationFactor::Set(const ConstBlock& m) {
  if (Begin(m)) rounded_.Round(m);
  return factor_;
}

const Factor& ActivationFactor::Keep(const ConstBlock& m) {
  const bool is_taken = taken_ == m.data() && stride_ == m.outerStride() &&
                        factor_.rows() == m.rows() && factor_.cols() == m.cols();
  return is_taken ? factor_ : Set(m);
}

}  // namespace zhiyin::worker::model::nn
