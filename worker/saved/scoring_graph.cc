#include "worker/saved/scoring_graph.h"

#include <algorithm>

#include "common/error.h"
#include "worker/model/input_layout.h"
#include "worker/model/loss/loss.h"
#include "worker/model/model.h"

namespace zhiyin::worker::saved {
namespace {

TableId TableOf(const Job& job, const Field& field) {
  for (int t = 0; t < job.table_size(); ++t) {
    if (job.table(t).name() == field.table()) return static_cast<TableId>(t + 1);
  }
  Fail("field ", field.name(), ": no table ", field.table());
}

/// [n, dim]: the pooled rows.
model::nn::Graph::Value AddField(const FrozenModel& model, const Field& field, int dim,
                                 std::span<const Key> keys, model::nn::Graph* graph) {
  if (field.sequence_length() > 0)
    Fail("field ", field.name(), ": a sequence has no form of standard operators yet");
  const TableId table = TableOf(model.job(), field);
  // A row of zeros for no value, and one for a value that is not known.
  std::vector<float> rows((keys.size() + 2) * static_cast<size_t>(dim));
  for (size_t k = 0; k < keys.size(); ++k)
    std::copy_n(model.Find(table, keys[k]), dim, rows.data() + (k + 1) * static_cast<size_t>(dim));
  const model::nn::Graph::Value positions = graph->AddInput({field.name(), true, 0});
  const model::nn::Graph::Value all =
      graph->Floats({static_cast<int64_t>(keys.size()) + 2, dim}, rows);
  const model::nn::Graph::Value values =
      graph->Op("Gather", {all, graph->Op("Add", {positions, graph->Ints({1})})});  // [n, any, dim]
  constexpr int64_t kFloat = 1;  // TensorProto.FLOAT
  const model::nn::Graph::Value is_there = graph->OpWith(
      "Cast", {graph->Op("GreaterOrEqual", {positions, graph->Ints({0})})}, {{"to", kFloat}});
  const model::nn::Graph::Value count = graph->RowSums(is_there);
  if (field.pooling() == Field::MAX) {
    const model::nn::Graph::Value mask = graph->Op("Unsqueeze", {is_there, graph->Ints({2})});
    const model::nn::Graph::Value low =
        graph->Op("Mul", {graph->Op("Sub", {mask, graph->Scalar(1)}), graph->Scalar(1e30f)});
    const model::nn::Graph::Value largest = graph->OpWith(
        "ReduceMax", {graph->Op("Add", {values, low})}, {{"keepdims", 0}}, {{"axes", {1}}});
    return graph->Op("Mul", {largest, graph->Op("Min", {count, graph->Scalar(1)})});
  }
  const model::nn::Graph::Value sum =
      graph->OpWith("ReduceSum", {values, graph->Ints({1})}, {{"keepdims", 0}});
  if (field.pooling() == Field::SUM) return sum;
  return graph->Op("Div", {sum, graph->Op("Max", {count, graph->Scalar(1)})});
}

model::nn::Graph::Value AddNumeric(const Numeric& numeric, float mean, float scale,
                                   model::nn::Graph* graph) {
  model::nn::Graph::Value x = graph->AddInput({numeric.name(), false, 1});
  const model::nn::Graph::Value is_missing = graph->Op("IsNaN", {x});
  if (numeric.log1p()) {
    const model::nn::Graph::Value size =
        graph->Op("Log", {graph->Op("Add", {graph->Op("Abs", {x}), graph->Scalar(1)})});
    x = graph->Op("Mul", {graph->Op("Sign", {x}), size});
  }
  x = graph->Op("Mul", {graph->Op("Sub", {x, graph->Scalar(mean)}), graph->Scalar(scale)});
  return graph->Op("Where", {is_missing, graph->Scalar(0), x});
}

model::nn::Graph::Value AddPrediction(const Task& task, const model::nn::Graph::Value& output,
                                      model::nn::Graph* graph) {
  const auto link = model::loss::ChosenLoss(task)->link;
  return link == nullptr ? output : link(graph, output);
}

}  // namespace

model::nn::Graph ScoringGraph(const FrozenModel& model, std::span<const std::vector<Key>> keys) {
  const Job& job = model.job();
  const model::InputLayout layout = model::InputLayout::Of(job);
  model::nn::Graph graph;
  std::vector<model::nn::Graph::Value> parts;
  for (int f = 0; f < job.field_size(); ++f) {
    const size_t at = static_cast<size_t>(f);
    parts.push_back(AddField(model, job.field(f), layout.fields[at].dim, keys[at], &graph));
  }
  for (int j = 0; j < job.numeric_size(); ++j) {
    const size_t at = static_cast<size_t>(j);
    parts.push_back(AddNumeric(job.numeric(j), model.normalizer().mean[at],
                               model.normalizer().scale[at], &graph));
  }
  model::DenseWeights weights = model.OwnWeights();
  const std::vector<model::nn::Graph::Value> outputs =
      model::MakeModel(job)->AddTo(&graph, weights.weights(), graph.Concat(parts));
  for (int t = 0; t < job.task_size(); ++t) {
    const Task& task = job.task(t);
    graph.AddOutput(AddPrediction(task, outputs[static_cast<size_t>(t)], &graph),
                    task.name() + ".prediction");
  }
  return graph;
}

}  // namespace zhiyin::worker::saved
