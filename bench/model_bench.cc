// A step of a model, forward and backward, and the matrix products inside it beside Eigen's bare product of
// the same shapes.
#include <benchmark/benchmark.h>

#include <memory>

#include "common/matrix.h"
#include "worker/dense_weights.h"
#include "worker/model/model.h"

namespace zhiyin::worker {
namespace {

// Census-Income: 32 fields of dim 8 and 7 numerics; 8 experts 64-32; 2 towers 32.
constexpr int kIn = 263;
constexpr int kTasks = 2;
constexpr int kExperts = 8;
constexpr int kWide = kExperts * 64 + kTasks * kExperts;

void BM_MmoeStep(benchmark::State& state) {
  zhiyin::Mmoe config;
  config.set_n_experts(kExperts);
  config.add_expert(64);
  config.add_expert(32);
  config.add_tower(32);
  const std::unique_ptr<Model> model = MakeMmoe(config, kIn, kTasks);
  DenseWeights dense(model->n_weights());
  model->InitWeights(Random(1), dense.weights());
  const Matrix x = Matrix::Random(state.range(0), kIn);
  const Matrix doutputs = Matrix::Random(state.range(0), kTasks);
  const ConstMatrixView view(x.data(), x.rows(), x.cols());
  Matrix outputs;
  Matrix dx;
  for (auto _ : state) {
    model->Forward(dense.weights(), view, Pass(), &outputs);
    model->Backward(dense.weights(), view, doutputs, dense.gradients(), &dx);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_MmoeStep)->Arg(128)->Arg(512)->Arg(1024);

/// The three products of the wide layer alone: the bound of what a step can reach.
void BM_WideProducts(benchmark::State& state) {
  const Matrix x = Matrix::Random(state.range(0), kIn);
  const Matrix w = Matrix::Random(kIn, kWide);
  Matrix y(state.range(0), kWide);
  Matrix dw = Matrix::Zero(kIn, kWide);
  Matrix dx(state.range(0), kIn);
  for (auto _ : state) {
    y.noalias() = x * w;
    dw.noalias() += x.transpose() * y;
    dx.noalias() = y * w.transpose();
    benchmark::DoNotOptimize(dx.data());
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
  state.counters["GFLOP/s"] =
      benchmark::Counter(static_cast<double>(state.iterations() * state.range(0)) * 6.0 * kIn * kWide / 1e9,
                         benchmark::Counter::kIsRate);
}
BENCHMARK(BM_WideProducts)->Arg(128)->Arg(512)->Arg(1024);

}  // namespace
}  // namespace zhiyin::worker
