// Training in bfloat16 (Job.train.compute: BF16): the factors of wide products are rounded, each
// once a pass; weights, sums of gradients and all that is not a product stay in floats
// (Micikevicius et al., "Mixed Precision Training", ICLR 2018, section 3.1; no scaling of losses,
// since a bfloat16 has the range of a float).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "common/large_pages.h"
#include "worker/model/nn/product.h"

namespace zhiyin::worker::model::nn {

/// Numbers rounded to bfloat16: kept in 16 bits where the current backend has instructions for
/// them, in floats otherwise. Its memory only grows.
class Rounded {
 public:
  /// Rounds the elements of m.
  void Round(const ConstBlock& m);
  void Round(std::span<const float> numbers) {
    Round(ConstMatrixView(numbers.data(), 1, static_cast<Eigen::Index>(numbers.size())));
  }
  /// Makes room for n numbers, which RoundRow rounds row by row.
  void Begin(size_t n);
  /// Rounds a row of a matrix with rows of this length.
  void RoundRow(std::span<const float> numbers, Eigen::Index row);
  /// A row-major matrix of the numbers from `begin` on. REQUIRES: they are rounded.
  Factor Matrix(size_t begin, Eigen::Index rows, Eigen::Index cols) const;

 private:
  bool in_16_bits_ = true;
  LargeVector<Bfloat16> halves_;
  LargeVector<float> floats_;
};

/// While it exists, layers of its thread compute in bfloat16. REQUIRES: a thread has one at a time,
/// and every Backward has one where its Forward had.
class Bfloat16Pass {
 public:
  /// `weights` are the rounded ones of the model's whole flat vector `of`, which both outlive this.
  Bfloat16Pass(std::span<const float> of, const Rounded* weights);
  ~Bfloat16Pass();
  Bfloat16Pass(const Bfloat16Pass&) = delete;
  Bfloat16Pass& operator=(const Bfloat16Pass&) = delete;

  /// That of the calling thread, or nullptr.
  static const Bfloat16Pass* Current();

  /// The rounded ones of the weights from `begin` on. REQUIRES: `weights` is the vector that was
  /// rounded, or a part of it.
  Factor Weights(std::span<const float> weights, int64_t begin, int rows, int cols) const;

 private:
  std::span<const float> of_;
  const Rounded* weights_;
};

/// Whether products with weights [in, out] are computed in bfloat16 now: narrow ones are not, since
/// they take no time.
bool IsInBfloat16(int in, int out);

/// The weights [in, out] from `begin` of the flat vector on, as a factor, rounded where products
/// with them are.
Factor WeightFactor(std::span<const float> weights, int64_t begin, int in, int out);

/// An activation, or its derivative, as a factor of one or more products with weights [in, out] or
/// their derivatives: rounded once where those are. Both factors of a product of two activations
/// are made with equal `in` and `out`, so that they are of one kind.
class ActivationFactor {
 public:
  ActivationFactor(int in, int out) : in_(in), out_(out) {}

  /// Takes m, whose floats must stay as they are as long as factor() is used.
  const Factor& Set(const ConstBlock& m);
  /// Takes m as Set does, where finish(i, row) writes to `row` what row i of m is to be. The rows
  /// are written to m where they are taken as floats; where they are rounded, m stays as it is, and
  /// the memory traffic of writing it is spared.
  template <typename Finish>
  const Factor& SetByRows(MutableBlock m, const Finish& finish) {
    if (!Begin(m)) {
      for (Eigen::Index i = 0; i < m.rows(); ++i) finish(i, m.data() + i * m.outerStride());
      return factor_;
    }
    row_.resize(static_cast<size_t>(m.cols()));
    for (Eigen::Index i = 0; i < m.rows(); ++i) {
      finish(i, row_.data());
      rounded_.RoundRow(row_, i);
    }
    return factor_;
  }
  /// Does nothing where m was taken last; otherwise takes it as Set does.
  const Factor& Keep(const ConstBlock& m);
  /// REQUIRES: Set or Keep was called.
  const Factor& factor() const { return factor_; }

 private:
  /// Takes m apart from rounding it. Returns whether it is to be rounded.
  bool Begin(const ConstBlock& m);

  int in_;
  int out_;
  Rounded rounded_;
  LargeVector<float> row_;        // of SetByRows
  const float* taken_ = nullptr;  // where the last m is, and how far its rows are apart
  Eigen::Index stride_ = 0;
  Factor factor_ = Factor(nullptr, 0, 0);
};

}  // namespace zhiyin::worker::model::nn
