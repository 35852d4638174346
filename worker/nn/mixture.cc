#include "worker/nn/mixture.h"

namespace zhiyin::worker {

// A row's experts are one [E, width] matrix.

void AddMixture(const ConstBlock& gate, const ConstBlock& experts, MutableBlock m) {
  for (Eigen::Index i = 0; i < m.rows(); ++i) {
    const ConstMatrixView row(experts.data() + i * experts.outerStride(), gate.cols(), m.cols());
    m.row(i).noalias() += gate.row(i).lazyProduct(row);
  }
}

void MixtureGateBackward(const ConstBlock& experts, const ConstBlock& dm, MutableBlock dgate) {
  const Eigen::Index width = dm.cols();
  for (Eigen::Index i = 0; i < dm.rows(); ++i) {
    const float* row = experts.data() + i * experts.outerStride();
    for (Eigen::Index e = 0; e < dgate.cols(); ++e)
      dgate(i, e) = dm.row(i).dot(ConstVectorView(row + e * width, width));
  }
}

void MixtureExpertsBackward(const ConstBlock& gate, const ConstBlock& dm, MutableBlock dexperts) {
  const Eigen::Index width = dm.cols();
  for (Eigen::Index i = 0; i < dm.rows(); ++i) {
    float* row = dexperts.data() + i * dexperts.outerStride();
    for (Eigen::Index e = 0; e < gate.cols(); ++e)
      VectorView(row + e * width, width) += gate(i, e) * dm.row(i);
  }
}

}  // namespace zhiyin::worker
