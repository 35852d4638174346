#include "worker/model/nn/softmax.h"

namespace zhiyin::worker::model::nn {

void Softmax(MutableBlock z) {
  for (Eigen::Index i = 0; i < z.rows(); ++i) {
    auto row = z.row(i).array();
    row = (row - row.maxCoeff()).exp();  // the largest exponent is 0, so that nothing overflows
    row /= row.sum();
  }
}

void SoftmaxBackward(const ConstBlock& p, MutableBlock dp) {
  for (Eigen::Index i = 0; i < dp.rows(); ++i) {
    const float mean = p.row(i).dot(dp.row(i));
    dp.row(i).array() = p.row(i).array() * (dp.row(i).array() - mean);
  }
}

void SegmentSoftmax(std::span<const int32_t> begin, std::span<float> z) {
  for (size_t i = 0; i + 1 < begin.size(); ++i) {
    if (begin[i] == begin[i + 1]) continue;
    Softmax(MatrixView(z.data() + begin[i], 1, begin[i + 1] - begin[i]));
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
