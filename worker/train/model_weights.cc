#include "worker/train/model_weights.h"

#include <vector>

#include "common/random.h"
#include "ps/client/client.h"

namespace zhiyin::worker::train {

void InitModelWeights(const Job& job, std::span<const double> first_outputs, Tools* tools) {
  if (tools->group.IsChief() && !tools->dense.keys().empty()) {
    const std::span<float> weights =
        tools->dense.weights().first(static_cast<size_t>(tools->model->n_weights()));
    tools->model->InitWeights(Random(job.train().seed(), 0), weights);
    if (!job.train().start_at_zero()) tools->model->InitOutputs(first_outputs, weights);
    tools->client.Assign(kDenseTable, tools->dense.keys(), tools->dense.weight_rows());
  }
  tools->group.Barrier("the model's first weights");
}

void StoreBatchStatistics(const model::nn::BatchStatistics& own, const std::string& left,
                          int n_tables, const net::RoleMap& roles, Tools* tools) {
  const std::vector<std::string> all = tools->group.Gather(own.Serialize(), "its batch statistics");
  if (tools->group.IsChief()) {
    model::DenseWeights* dense = &tools->dense;
    model::nn::BatchStatistics total(dense->weights());
    if (!left.empty()) total.Add(left, tools->model->n_weights());
    for (int w = 0; w < roles.n_workers; ++w) {
      FromRank(roles.RankOfWorker(w),
               [&] { total.Add(all[static_cast<size_t>(w)], tools->model->n_weights()); });
    }
    ps::client::Exchange exchange;
    exchange.parts.resize(static_cast<size_t>(n_tables) + 1);
    exchange.parts[kDenseTable] = {dense->keys(), true, dense->weight_rows().data(), nullptr};
    tools->client.PeekStart(&exchange);
    tools->client.PullFinish(&exchange);
    total.Write(dense->weights());
    tools->client.Assign(kDenseTable, dense->keys(), dense->weight_rows());
  }
  tools->group.Barrier("batch statistics");
}

}  // namespace zhiyin::worker::train
