// The fast models against their plain twins: the equations of the papers, loop by loop.
#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/example_jobs.h"
#include "tests/support/plain_layers.h"
#include "worker/dense_weights.h"
#include "worker/model/model.h"

namespace zhiyin::worker {
namespace {

using testing::Taker;
using testing::Values;
using Layer = testing::PlainLayer;

/// Outputs of the model that the job configures, and the input that gave them.
struct Example {
  explicit Example(const Job& job)
      : model(MakeModel(job)), dense(model->n_weights()), dim(InputLayout::Of(job).dim) {
    Random random(6);
    for (float& w : dense.weights()) w = static_cast<float>(0.5 * random.Normal());
    x.resize(4, dim);
    for (Eigen::Index i = 0; i < x.size(); ++i) x.data()[i] = static_cast<float>(random.Normal());
    model->Forward(dense.weights(), ConstMatrixView(x.data(), 4, dim), Pass(), &outputs);
  }
  Values Input(Eigen::Index row) const { return {x.data() + row * dim, x.data() + (row + 1) * dim}; }

  std::unique_ptr<Model> model;
  DenseWeights dense;
  int dim;
  Matrix x;
  Matrix outputs;
};

TEST(SharedBottomReference, OneNetworkThenATowerForEachTask) {
  Example run(testing::ExampleJob("shared_bottom { bottom: 7 bottom: 5 tower: 3 }", 3));
  Taker from(run.dense.weights());
  const Layer bottom1(run.dim, 7, &from);
  const Layer bottom2(7, 5, &from);
  const Layer tower1a(5, 3, &from), tower1b(3, 1, &from), tower2a(5, 3, &from), tower2b(3, 1, &from);
  ASSERT_TRUE(from.AtEnd());
  for (Eigen::Index i = 0; i < 4; ++i) {
    const Values h = bottom2(bottom1(run.Input(i), true), true);
    EXPECT_NEAR(run.outputs(i, 0), tower1b(tower1a(h, true), false)[0], 1e-5);
    EXPECT_NEAR(run.outputs(i, 1), tower2b(tower2a(h, true), false)[0], 1e-5);
  }
}

TEST(MmoeReference, EachTaskMixesTheExpertsByItsOwnGate) {
  Example run(testing::ExampleJob("mmoe { n_experts: 3 expert: 6 expert: 4 tower: 3 }", 3));
  Taker from(run.dense.weights());
  const Layer wide(run.dim, 3 * 6 + 2 * 3, &from);  // experts' first layers, then gates
  const Layer second[] = {{6, 4, &from}, {6, 4, &from}, {6, 4, &from}};
  const Layer tower1a(4, 3, &from), tower1b(3, 1, &from), tower2a(4, 3, &from), tower2b(3, 1, &from);
  ASSERT_TRUE(from.AtEnd());
  for (Eigen::Index i = 0; i < 4; ++i) {
    const Values z = wide(run.Input(i), false);
    std::vector<Values> experts;
    for (size_t e = 0; e < 3; ++e) {
      Values h(z.begin() + static_cast<long>(6 * e), z.begin() + static_cast<long>(6 * e + 6));
      for (double& v : h) v = std::max(v, 0.0);
      experts.push_back(second[e](h, true));
    }
    for (size_t t = 0; t < 2; ++t) {
      Values gate(z.begin() + static_cast<long>(18 + 3 * t), z.begin() + static_cast<long>(21 + 3 * t));
      double sum = 0;
      for (double& g : gate) sum += g = std::exp(g);
      Values mixture(4);
      for (size_t e = 0; e < 3; ++e) {
        for (size_t k = 0; k < 4; ++k) mixture[k] += gate[e] / sum * experts[e][k];
      }
      const Values y =
          t == 0 ? tower1b(tower1a(mixture, true), false) : tower2b(tower2a(mixture, true), false);
      EXPECT_NEAR(run.outputs(i, static_cast<Eigen::Index>(t)), y[0], 1e-5);
    }
  }
}

}  // namespace
}  // namespace zhiyin::worker
