// A step of a model, forward and backward, and the matrix products inside it alone: bare products
// of those shapes by worker/model/nn/product.h.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include "common/matrix.h"
#include "worker/model/dense_weights.h"
#include "worker/model/interaction/interaction.h"
#include "worker/model/model.h"
#include "worker/model/nn/product.h"
#include "worker/model/nn/rounding.h"
#include "worker/model/sequence/sequence_reader.h"

namespace zhiyin::worker {
namespace {

using model::nn::Backend;

// Census-Income: 32 fields of dim 8 and 7 numerics; 8 experts 64-32; 2 towers 32.
constexpr int kIn = 263;
constexpr int kTasks = 2;
constexpr int kExperts = 8;
constexpr int kWide = kExperts * 64 + kTasks * kExperts;

Job JobOfTasks() {
  Job job;
  for (int t = 0; t < kTasks; ++t) job.add_task();
  return job;
}

void BM_MmoeStep(benchmark::State& state) {
  Job job = JobOfTasks();
  zhiyin::Mmoe& config = *job.mutable_model()->mutable_mmoe();
  config.set_n_experts(kExperts);
  config.add_expert(64);
  config.add_expert(32);
  config.add_tower(32);
  const std::unique_ptr<model::Model> model = model::MakeNetwork(job, kIn, {});
  model::DenseWeights dense(model->n_weights());
  model->InitWeights(Random(1), dense.weights());
  const Matrix x = Matrix::Random(state.range(0), kIn);
  const Matrix doutputs = Matrix::Random(state.range(0), kTasks);
  const ConstMatrixView view(x.data(), x.rows(), x.cols());
  Matrix outputs;
  Matrix dx;
  for (auto _ : state) {
    model->Forward(dense.weights(), view, model::nn::Pass(), &outputs);
    model->Backward(dense.weights(), view, doutputs, dense.gradients(), &dx);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_MmoeStep)->Arg(128)->Arg(512)->Arg(1024);

/// A factor of bare products: floats, or rounded once.
class BareFactor {
 public:
  BareFactor(Eigen::Index rows, Eigen::Index cols, bool is_rounded)
      : floats_(Matrix::Random(rows, cols)), is_rounded_(is_rounded) {
    if (is_rounded) rounded_.Round(model::nn::ConstBlock(floats_));
  }
  model::nn::Factor factor() const {
    return is_rounded_ ? rounded_.Matrix(0, floats_.rows(), floats_.cols())
                       : model::nn::Factor(floats_);
  }

 private:
  Matrix floats_;
  bool is_rounded_;
  model::nn::Rounded rounded_;
};

/// The three products of a layer [rows, in] x [in, out] alone, by the current backend: the bound of
/// what a step can reach.
class BareProducts {
 public:
  BareProducts(Eigen::Index rows, Eigen::Index in, Eigen::Index out, bool in_bfloat16 = false)
      : x_(rows, in, Rounds(in, out, in_bfloat16)),
        w_(in, out, Rounds(in, out, in_bfloat16)),
        dy_(rows, out, Rounds(in, out, in_bfloat16)),
        y_(rows, out),
        dw_(Matrix::Zero(in, out)),
        dx_(rows, in) {}

  void Run() {
    const model::nn::Factor x = x_.factor();
    const model::nn::Factor w = w_.factor();
    const model::nn::Factor dy = dy_.factor();
    model::nn::Multiply(x, w, y_);
    model::nn::MultiplyAdd(x.Transposed(), dy, dw_);
    model::nn::Multiply(dy, w.Transposed(), dx_);
    benchmark::DoNotOptimize(y_.data());
    benchmark::DoNotOptimize(dw_.data());
    benchmark::DoNotOptimize(dx_.data());
  }

 private:
  /// Narrow products are of floats, as those of layers (nn::IsInBfloat16).
  static bool Rounds(Eigen::Index in, Eigen::Index out, bool in_bfloat16) {
    constexpr Eigen::Index kNarrow = 16;
    return in_bfloat16 && std::min(in, out) >= kNarrow;
  }

  BareFactor x_, w_, dy_;
  Matrix y_, dw_, dx_;
};

/// The products of the wide layer alone.
void BM_WideProducts(benchmark::State& state) {
  BareProducts wide(state.range(0), kIn, kWide);
  for (auto _ : state) wide.Run();
  state.SetItemsProcessed(state.iterations() * state.range(0));
  state.counters["GFLOP/s"] = benchmark::Counter(
      static_cast<double>(state.iterations() * state.range(0)) * 6.0 * kIn * kWide / 1e9,
      benchmark::Counter::kIsRate);
}
BENCHMARK(BM_WideProducts)->Arg(128)->Arg(512)->Arg(1024);

/// A layer's step, forward and backward.
void LayerStep(benchmark::State& state, model::nn::ColumnLayer* layer, int64_t n_weights,
               const Matrix& x) {
  model::DenseWeights dense(n_weights);
  Random random(1);
  layer->Init(&random, dense.weights());
  Matrix y(x.rows(), layer->out());
  Matrix dy = Matrix::Random(x.rows(), layer->out());
  const Matrix direction = dy;
  Matrix dx(x.rows(), x.cols());
  for (auto _ : state) {
    layer->Forward(dense.weights(), x, model::nn::Pass(), y);
    dy = direction;
    dx.setZero();
    layer->Backward(dense.weights(), x, y, dy, dense.gradients(), dx);
    benchmark::DoNotOptimize(dx.data());
  }
  state.SetItemsProcessed(state.iterations() * x.rows());
}

/// While it exists, products are those of one backend.
class WithBackend {
 public:
  /// Ends the benchmark where this build does not have the backend.
  WithBackend(Backend backend, benchmark::State* state) : before_(model::nn::CurrentBackend()) {
    if (model::nn::HasBackend(backend)) {
      model::nn::SetBackend(backend);
    } else {
      state->SkipWithError("this build has no oneDNN");
    }
  }
  ~WithBackend() { model::nn::SetBackend(before_); }
  WithBackend(const WithBackend&) = delete;
  WithBackend& operator=(const WithBackend&) = delete;

 private:
  Backend before_;
};

// configs/bench_mmoe.textproto: 26 fields of dim 16; 4 experts 256-128; 2 towers 64.
constexpr int kFields = 26 * 16;
constexpr int kBenchExperts = 4;

void BM_BenchMmoeStep(benchmark::State& state, Backend backend, bool in_bfloat16) {
  const WithBackend with(backend, &state);
  Job job = JobOfTasks();
  zhiyin::Mmoe& config = *job.mutable_model()->mutable_mmoe();
  config.set_n_experts(kBenchExperts);
  for (const int width : {256, 128}) config.add_expert(width);
  config.add_tower(64);
  const std::unique_ptr<model::Model> model = model::MakeNetwork(job, kFields, {});
  model::DenseWeights dense(model->n_weights());
  model->InitWeights(Random(1), dense.weights());
  model::nn::Rounded rounded;
  const Matrix x = Matrix::Random(state.range(0), kFields);
  const Matrix doutputs = Matrix::Random(state.range(0), kTasks);
  const ConstMatrixView view(x.data(), x.rows(), x.cols());
  Matrix outputs;
  Matrix dx;
  for (auto _ : state) {
    // In training, every step has other weights to round.
    std::optional<model::nn::Bfloat16Pass> pass;
    if (in_bfloat16) {
      rounded.Round(dense.weights());
      pass.emplace(dense.weights(), &rounded);
    }
    model->Forward(dense.weights(), view, model::nn::Pass(), &outputs);
    model->Backward(dense.weights(), view, doutputs, dense.gradients(), &dx);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK_CAPTURE(BM_BenchMmoeStep, eigen_fp32, Backend::kEigen, false)->Arg(1024)->UseRealTime();
BENCHMARK_CAPTURE(BM_BenchMmoeStep, onednn_fp32, Backend::kOneDnn, false)->Arg(1024)->UseRealTime();
BENCHMARK_CAPTURE(BM_BenchMmoeStep, onednn_bf16, Backend::kOneDnn, true)->Arg(1024)->UseRealTime();

/// Its products alone, each between matrices of their own, which are rounded before.
void BM_BenchMmoeProducts(benchmark::State& state, Backend backend, bool in_bfloat16) {
  const WithBackend with(backend, &state);
  const Eigen::Index n = state.range(0);
  std::vector<BareProducts> products;
  const auto add = [&](int in, int out) { products.emplace_back(n, in, out, in_bfloat16); };
  add(kFields, kBenchExperts * 256 + kTasks * kBenchExperts);
  for (int expert = 0; expert < kBenchExperts; ++expert) add(256, 128);
  for (int task = 0; task < kTasks; ++task) add(128, 64);
  for (int task = 0; task < kTasks; ++task) add(64, 1);
  for (auto _ : state) {
    for (BareProducts& layer : products) layer.Run();
  }
  state.SetItemsProcessed(state.iterations() * n);
}
BENCHMARK_CAPTURE(BM_BenchMmoeProducts, eigen_fp32, Backend::kEigen, false)
    ->Arg(1024)
    ->UseRealTime();
BENCHMARK_CAPTURE(BM_BenchMmoeProducts, onednn_fp32, Backend::kOneDnn, false)
    ->Arg(1024)
    ->UseRealTime();
BENCHMARK_CAPTURE(BM_BenchMmoeProducts, onednn_bf16, Backend::kOneDnn, true)
    ->Arg(1024)
    ->UseRealTime();

constexpr int kCrosses = 2;

void BM_CrossV2Step(benchmark::State& state) {
  Interaction config;
  config.mutable_cross_v2()->set_n_layers(kCrosses);
  model::InputLayout layout;
  layout.dim = kIn;
  int64_t n_weights = 0;
  const auto layer = model::MakeInteraction(config, layout, &n_weights);
  LayerStep(state, layer.get(), n_weights, Matrix::Random(state.range(0), kIn));
}
BENCHMARK(BM_CrossV2Step)->Arg(128)->Arg(512)->Arg(1024);

void BM_CrossV2Products(benchmark::State& state) {
  BareProducts cross(state.range(0), kIn, kIn);
  for (auto _ : state) {
    for (int l = 0; l < kCrosses; ++l) cross.Run();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_CrossV2Products)->Arg(128)->Arg(512)->Arg(1024);

// Target attention over 50 values of dim 16; its unit 80-40-1 as in the paper's code.
constexpr int kDim = 16;
constexpr int kLength = 50;

void BM_DinStep(benchmark::State& state) {
  SequenceReader config;
  config.set_field("seen");
  config.mutable_din()->set_query("item");
  config.mutable_din()->add_hidden(80);
  config.mutable_din()->add_hidden(40);
  model::InputLayout layout;
  layout.fields = {{"item", 0, kDim, 0}, {"seen", kDim, kDim, kLength}};
  const model::InputLayout::Part& sequence = layout.fields[1];
  int64_t n_weights = 0;
  const auto layer = model::MakeSequenceReader(config, layout, &n_weights);
  Matrix x = Matrix::Random(state.range(0), kDim + sequence.width());
  x.col(sequence.count_column()).setConstant(kLength);
  LayerStep(state, layer.get(), n_weights, x);
}
BENCHMARK(BM_DinStep)->Arg(128)->Arg(512);

void BM_DinProducts(benchmark::State& state) {
  const Eigen::Index n_values = state.range(0) * kLength;
  BareProducts first(n_values, 4 * kDim, 80), second(n_values, 80, 40), last(n_values, 40, 1);
  for (auto _ : state) {
    for (BareProducts* layer : {&first, &second, &last}) layer->Run();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_DinProducts)->Arg(128)->Arg(512);

}  // namespace
}  // namespace zhiyin::worker
