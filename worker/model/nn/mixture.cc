#include "worker/model/nn/mixture.h"

namespace zhiyin::worker::model::nn {

// The experts' outputs for one example are seen as a matrix [E, width].

void AddMixture(const ConstBlock& gate, const ConstBlock& experts, MutableBlock m) {
  for (Eigen::Index i = 0; i < m.rows(); ++i) {
    const ConstMatrixView row(experts.data() + i * experts.outerStride(), gate.cols(), m.cols());
    m.row(i).noalias() += gate.row(i).lazyProduct(row);
  }
}

Graph::Value MixtureOf(Graph* graph, const Graph::Value& gate,
                       const std::vector<Graph::Value>& experts) {
  std::vector<Graph::Value> parts;
  for (size_t e = 0; e < experts.size(); ++e)
    parts.push_back(
        graph->Op("Mul", {graph->Columns(gate, static_cast<int64_t>(e), 1), experts[e]}));
  return graph->Sum(parts);
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

}  // namespace zhiyin::worker::model::nn
