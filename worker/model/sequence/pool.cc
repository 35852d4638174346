// Sum, mean or maximum over a sequence:
//   y = sum_l v_l, (1 / count) sum_l v_l, or max_l v_l column by column, l < count
#include <algorithm>
#include <vector>

#include "worker/model/sequence/sequence_readers.h"

namespace zhiyin::worker::model {
namespace {

class SequencePool final : public nn::ColumnLayer {
 public:
  SequencePool(Field::Pooling pooling, const InputLayout::Part& sequence)
      : pooling_(pooling), sequence_(sequence) {}

  int out() const override { return sequence_.dim; }
  void Init(Random*, std::span<float>) const override {}

  void Forward(std::span<const float>, const nn::ConstBlock& x, const nn::Pass&,
               nn::MutableBlock y) override {
    const int dim = sequence_.dim;
    y.setZero();
    latest_.assign(static_cast<size_t>(x.rows()) * static_cast<size_t>(dim), 0);
    for (Eigen::Index i = 0; i < x.rows(); ++i) {
      const int n = SequenceCount(x, i, sequence_);
      for (int l = 0; l < n; ++l) {
        const auto value = x.row(i).segment(sequence_.begin + l * dim, dim);
        if (pooling_ != Field::MAX) {
          y.row(i) += value;
          continue;
        }
        for (int d = 0; d < dim; ++d) {
          if (l > 0 && value(d) <= y(i, d)) continue;
          y(i, d) = value(d);
          latest_[static_cast<size_t>(i * dim + d)] = l;
        }
      }
      if (pooling_ == Field::MEAN && n > 0) y.row(i) /= static_cast<float>(n);
    }
  }

  void Backward(std::span<const float>, const nn::ConstBlock& x, const nn::ConstBlock&,
                nn::MutableBlock dy, std::span<float>, nn::MutableBlock dx) override {
    const int dim = sequence_.dim;
    for (Eigen::Index i = 0; i < x.rows(); ++i) {
      const int n = SequenceCount(x, i, sequence_);
      if (n == 0) continue;
      if (pooling_ == Field::MAX) {
        for (int d = 0; d < dim; ++d)
          dx(i, sequence_.begin + latest_[static_cast<size_t>(i * dim + d)] * dim + d) += dy(i, d);
        continue;
      }
      const float factor = pooling_ == Field::MEAN ? 1.0f / static_cast<float>(n) : 1.0f;
      for (int l = 0; l < n; ++l)
        dx.row(i).segment(sequence_.begin + l * dim, dim) += factor * dy.row(i);
    }
  }

 private:
  Field::Pooling pooling_;
  InputLayout::Part sequence_;
  std::vector<int> latest_;  // [n, dim]: the position of the maximum
};

std::unique_ptr<nn::ColumnLayer> MakeSequencePool(const SequenceReader& config,
                                                  const InputLayout::Part& sequence,
                                                  const InputLayout&, int64_t*) {
  return std::make_unique<SequencePool>(config.pool().pooling(), sequence);
}

}  // namespace

const SequenceReaderKind kSequencePool = {
    .name = "pool",
    .make = MakeSequencePool,
};

}  // namespace zhiyin::worker::model
