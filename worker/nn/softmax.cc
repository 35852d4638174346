#include "worker/nn/softmax.h"

namespace zhiyin::worker {

void Softmax(MutableBlock z) {
  for (Eigen::Index i = 0; i < z.rows(); ++i) {
    auto row = z.row(i).array();
    row = (row - row.maxCoeff()).exp();  // the largest exponent is 0: nothing overflows
    row /= row.sum();
  }
}

void SoftmaxBackward(const ConstBlock& p, MutableBlock dp) {
  for (Eigen::Index i = 0; i < dp.rows(); ++i) {
    const float mean = p.row(i).dot(dp.row(i));
    dp.row(i).array() = p.row(i).array() * (dp.row(i).array() - mean);
  }
}

}  // namespace zhiyin::worker
