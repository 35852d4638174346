// What a server's table costs: lookups, new rows, and an optimizer's step, per row.
#include <benchmark/benchmark.h>

#include <memory>
#include <vector>

#include "common/random.h"
#include "ps/table/table.h"

namespace zhiyin::ps {
namespace {

constexpr size_t kBatch = 4096;

table::TableSpec Spec(int dim, zhiyin::Optimizer optimizer) {
  table::TableSpec spec;
  spec.id = 1;
  spec.name = "t";
  spec.dim = dim;
  spec.optimizer = std::move(optimizer);
  spec.init.mutable_uniform()->set_range(0.1);
  return spec;
}

zhiyin::Optimizer RowWise() {
  zhiyin::Optimizer optimizer;
  optimizer.mutable_rowwise_adagrad()->set_learning_rate(0.05);
  return optimizer;
}

/// Random rows out of range(0).
void BM_FindOrCreate(benchmark::State& state) {
  table::Table table(Spec(16, RowWise()), 1);
  Random random(1);
  std::vector<Key> keys(kBatch);
  std::vector<std::byte*> rows(kBatch);
  const uint64_t n = static_cast<uint64_t>(state.range(0));
  for (Key key = 0; key < n; key += kBatch) {
    for (size_t i = 0; i < kBatch; ++i) keys[i] = Mix(key + i);
    table.FindOrCreate(keys, 0, rows);
  }
  for (auto _ : state) {
    state.PauseTiming();
    for (Key& key : keys) key = Mix(random.Below(n));
    state.ResumeTiming();
    table.FindOrCreate(keys, 0, rows);
    float sum = 0;
    for (std::byte* row : rows) sum += *reinterpret_cast<float*>(row);
    benchmark::DoNotOptimize(sum);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kBatch));
}
BENCHMARK(BM_FindOrCreate)->Arg(1 << 16)->Arg(1 << 20)->Arg(1 << 23);

void BM_NewRows(benchmark::State& state) {
  auto table = std::make_unique<table::Table>(Spec(16, RowWise()), 1);
  std::vector<Key> keys(kBatch);
  std::vector<std::byte*> rows(kBatch);
  Key next = 0;
  for (auto _ : state) {
    state.PauseTiming();
    if (table->n_rows() > (1 << 22)) table = std::make_unique<table::Table>(Spec(16, RowWise()), 1);
    for (Key& key : keys) key = Mix(next++);
    state.ResumeTiming();
    table->FindOrCreate(keys, 0, rows);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kBatch));
}
BENCHMARK(BM_NewRows);

/// A step of every optimizer on random rows of 16 floats out of a million.
void BM_Apply(benchmark::State& state, zhiyin::Optimizer optimizer) {
  const int dim = 16;
  table::Table table(Spec(dim, std::move(optimizer)), 1);
  Random random(1);
  std::vector<Key> keys(kBatch);
  std::vector<std::byte*> rows(kBatch);
  std::vector<float> gradients(kBatch * dim);
  for (float& g : gradients) g = static_cast<float>(random.Normal());
  for (auto _ : state) {
    state.PauseTiming();
    for (Key& key : keys) key = Mix(random.Below(1 << 20));
    table.FindOrCreate(keys, 0, rows);
    state.ResumeTiming();
    table.Apply(rows, gradients.data(), nullptr, 0);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kBatch));
}

/// One of every kind that the configuration knows, by reflection.
const bool registered = [] {
  const google::protobuf::OneofDescriptor* kinds =
      zhiyin::Optimizer::descriptor()->FindOneofByName("kind");
  for (int i = 0; i < kinds->field_count(); ++i) {
    zhiyin::Optimizer optimizer;
    google::protobuf::Message* config =
        optimizer.GetReflection()->MutableMessage(&optimizer, kinds->field(i));
    for (const auto& [name, value] : {std::pair("learning_rate", 0.01), std::pair("epsilon", 1e-8),
                                      std::pair("beta1", 0.9), std::pair("beta2", 0.999)}) {
      const auto* field = config->GetDescriptor()->FindFieldByName(name);
      if (field != nullptr) config->GetReflection()->SetDouble(config, field, value);
    }
    benchmark::RegisterBenchmark(
        ("BM_Apply/" + kinds->field(i)->name()).c_str(),
        [optimizer](benchmark::State& state) { BM_Apply(state, optimizer); });
  }
  return true;
}();

}  // namespace
}  // namespace zhiyin::ps
