#include "tests/support/column_layers.h"

#include "common/random.h"
#include "worker/model/interaction/interaction.h"
#include "worker/model/sequence/sequence_reader.h"

namespace zhiyin::testing {

using worker::model::InputLayout;

LoneColumnLayer::LoneColumnLayer(const Job& job) : layout(InputLayout::Of(job)) {
  layer = job.model().sequence_size() > 0
              ? worker::model::MakeSequenceReader(job.model().sequence(0), layout, &n_weights)
              : worker::model::MakeInteraction(job.model().interaction(0), layout, &n_weights);
  weights.resize(static_cast<size_t>(n_weights));
  Random random(3);
  layer->Init(&random, weights);
  for (float& w : weights) w += static_cast<float>(0.1 * random.Normal());
}

Matrix LoneColumnLayer::Inputs(Eigen::Index n, uint64_t seed) const {
  Random random(seed);
  Matrix x(n, layout.dim);
  for (Eigen::Index i = 0; i < x.size(); ++i) x.data()[i] = static_cast<float>(random.Normal());
  for (const InputLayout::Part& part : layout.fields) {
    if (!part.is_sequence()) continue;
    for (Eigen::Index i = 0; i < n; ++i) {
      const int count = static_cast<int>((i + 1) % (part.length + 1));
      x.row(i).segment(part.begin + count * part.dim, (part.length - count) * part.dim).setZero();
      x(i, part.count_column()) = static_cast<float>(count);
    }
  }
  return x;
}

Matrix LoneColumnLayer::Direction(Eigen::Index n) const {
  Random random(2);
  Matrix direction(n, layer->out());
  for (Eigen::Index i = 0; i < direction.size(); ++i)
    direction.data()[i] = static_cast<float>(random.Normal());
  return direction;
}

Matrix LoneColumnLayer::Forward(const Matrix& x) {
  Matrix y = Matrix::Constant(x.rows(), layer->out(), 7);
  layer->Forward(weights, x, kColumnPass, y);
  return y;
}

LoneColumnLayer::Gradients LoneColumnLayer::Backward(const Matrix& x, const Matrix& y,
                                                     Matrix direction) {
  Gradients gradients = {std::vector<float>(weights.size()), Matrix::Zero(x.rows(), x.cols())};
  layer->Backward(weights, x, y, direction, gradients.dweights, gradients.dx);
  return gradients;
}

}  // namespace zhiyin::testing
