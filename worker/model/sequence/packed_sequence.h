// The values of a batch's sequences one below the other, without padding.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "worker/model/nn/workspace.h"
#include "worker/model/sequence/sequence_reader.h"

namespace zhiyin::worker::model {

/// Work on values is then work on a matrix of as many rows as there are values, and nothing has to
/// be masked. Used by one thread; allocates nothing once it has seen the most values.
class PackedSequence {
 public:
  explicit PackedSequence(const InputLayout::Part& sequence) : sequence_(sequence), begin_(1) {}

  void Pack(const nn::ConstBlock& x) {
    begin_.resize(static_cast<size_t>(x.rows()) + 1);
    for (Eigen::Index i = 0; i < x.rows(); ++i)
      begin_[static_cast<size_t>(i) + 1] =
          begin_[static_cast<size_t>(i)] + SequenceCount(x, i, sequence_);
    values_.resize(begin_.back(), sequence_.dim);
    MatrixView values = values_.view();
    for (Eigen::Index i = 0; i < x.rows(); ++i) {
      for (int l = 0; l < Count(i); ++l)
        values.row(Begin(i) + l) = x.row(i).segment(Column(l), sequence_.dim);
    }
  }

  /// Row i's values are rows begin()[i] to begin()[i + 1] of values().
  std::span<const int32_t> begin() const { return begin_; }
  int Begin(Eigen::Index i) const { return begin_[static_cast<size_t>(i)]; }
  int Count(Eigen::Index i) const {
    return begin_[static_cast<size_t>(i) + 1] - begin_[static_cast<size_t>(i)];
  }
  int n_values() const { return begin_.back(); }
  /// [n_values, dim]
  ConstMatrixView values() const { return values_.view(); }

  /// dx += the gradient of the values [n_values, dim].
  void UnpackInto(const nn::ConstBlock& dvalues, nn::MutableBlock dx) const {
    for (Eigen::Index i = 0; i < dx.rows(); ++i) {
      for (int l = 0; l < Count(i); ++l)
        dx.row(i).segment(Column(l), sequence_.dim) += dvalues.row(Begin(i) + l);
    }
  }

 private:
  /// The columns of an example's value l in x.
  int Column(int l) const { return sequence_.begin + l * sequence_.dim; }

  InputLayout::Part sequence_;
  std::vector<int32_t> begin_;  // [n + 1]
  nn::Workspace values_;
};

/// y [n, dim]: y_i = sum over row i's values of a_l v_l, one weight a value.
inline void WeightedSums(const PackedSequence& sequence, std::span<const float> a,
                         nn::MutableBlock y) {
  for (Eigen::Index i = 0; i < y.rows(); ++i) {
    y.row(i).setZero();
    for (int l = sequence.Begin(i); l < sequence.Begin(i + 1); ++l)
      y.row(i) += a[static_cast<size_t>(l)] * sequence.values().row(l);
  }
}

/// da_l = <dy_i, v_l>;  dv_l = a_l dy_i
inline void WeightedSumsBackward(const PackedSequence& sequence, std::span<const float> a,
                                 const nn::ConstBlock& dy, std::span<float> da,
                                 nn::MutableBlock dvalues) {
  for (Eigen::Index i = 0; i < dy.rows(); ++i) {
    for (int l = sequence.Begin(i); l < sequence.Begin(i + 1); ++l) {
      da[static_cast<size_t>(l)] = dy.row(i).dot(sequence.values().row(l));
      dvalues.row(l) = a[static_cast<size_t>(l)] * dy.row(i);
    }
  }
}

}  // namespace zhiyin::worker::model
