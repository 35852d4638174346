#include "worker/model/nn/softmax.h"

#include <algorithm>

namespace zhiyin::worker::model::nn {
namespace {

/// Exponentials are computed by vector instructions, those at the ends of a row one by one: most of
/// them, where rows are as short as those of gates and attention. So rows are gathered first, up to
/// this many numbers.
constexpr Eigen::Index kExponentsAtOnce = 512;
constexpr Eigen::Index kLongestVector = 16;  // floats

void SoftmaxOfLongRows(MutableBlock z) {
  for (Eigen::Index i = 0; i < z.rows(); ++i) {
    auto row = z.row(i).array();
    row = (row - row.maxCoeff()).exp();
    row /= row.sum();
  }
}

}  // namespace

// The largest exponent is 0, so that nothing overflows.
void Softmax(MutableBlock z) {
  const Eigen::Index dim = z.cols();
  if (dim > kExponentsAtOnce) return SoftmaxOfLongRows(z);
  if (dim == 0) return;
  alignas(64) float exponents[kExponentsAtOnce];
  const Eigen::Index rows_at_once = kExponentsAtOnce / dim;
  for (Eigen::Index begin = 0; begin < z.rows(); begin += rows_at_once) {
    const Eigen::Index n = std::min(rows_at_once, z.rows() - begin);
    MatrixView rows(exponents, n, dim);
    for (Eigen::Index i = 0; i < n; ++i) {
      const auto row = z.row(begin + i).array();
      rows.row(i).array() = row - row.maxCoeff();
    }
    const Eigen::Index padded = (n * dim + kLongestVector - 1) / kLongestVector * kLongestVector;
    std::fill(exponents + n * dim, exponents + padded, 0.0f);
    Eigen::Map<Eigen::ArrayXf, Eigen::AlignedMax> all(exponents, padded);
    all = all.exp();
    for (Eigen::Index i = 0; i < n; ++i) z.row(begin + i) = rows.row(i) / rows.row(i).sum();
  }
}

void SoftmaxBackward(const ConstBlock& p, MutableBlock dp) {
  for (Eigen::Index i = 0; i < dp.rows(); ++i) {
    const float mean = p.row(i).dot(dp.row(i));
    dp.row(i).array() = p.row(i).array() * (dp.row(i).array() - mean);
  }
}

void SegmentSoftmax(std::span<const int32_t> begin, std::span<float> z) {
  const auto segment = [&](size_t i) {
    return Eigen::Map<Eigen::ArrayXf>(z.data() + begin[i], begin[i + 1] - begin[i]);
  };
  for (size_t i = 0; i + 1 < begin.size(); ++i) {
    if (begin[i] < begin[i + 1]) segment(i) -= segment(i).maxCoeff();
  }
  Eigen::Map<Eigen::ArrayXf> all(z.data() + begin.front(), begin.back() - begin.front());
  all = all.exp();
  for (size_t i = 0; i + 1 < begin.size(); ++i) {
    if (begin[i] < begin[i + 1]) segment(i) /= segment(i).sum();
  }
}

void SegmentSoftmaxBackward(std::span<const int32_t> begin, std::span<const float> p,
                            std::span<float> dp) {
  for (size_t i = 0; i + 1 < begin.size(); ++i) {
    const int32_t n = begin[i + 1] - begin[i];
    SoftmaxBackward(ConstMatrixView(p.data() + begin[i], 1, n),
                    MatrixView(dp.data() + begin[i], 1, n));
  }
}

}  // namespace zhiyin::worker::model::nn
