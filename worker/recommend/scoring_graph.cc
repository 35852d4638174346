#include "worker/recommend/scoring_graph.h"

#include <algorithm>

#include "common/error.h"
#include "worker/input_layout.h"
#include "worker/model/model.h"

namespace zhiyin::worker {
namespace {

TableId TableOf(const Job& job, const Field& field) {
  for (int t = 0; t < job.table_size(); ++t) {
    if (job.table(t).name() == field.table()) return static_cast<TableId>(t + 1);
  }
  Fail("field ", field.name(), ": no table ", field.table());
}

/// [n, dim]: the pooled rows.
Graph::Value AddField(const FrozenModel& model, const Field& field, int dim, std::span<const Key> keys, Graph* graph) {
  if (field.sequence_length() > 0) Fail("field ", field.name(), ": a sequence has no form of standard operators yet");
  const TableId table = TableOf(model.job(), field);
  // A row of zeros for no value, and one for a value that is not known.
  std::vector<float> rows((keys.size() + 2) * static_cast<size_t>(dim));
  for (size_t k = 0; k < keys.size(); ++k) std::copy_n(model.Find(table, keys[k]), dim, rows.data() + (k + 1) * static_cast<size_t>(dim));
  const Graph::Value positions = graph->AddInput({field.name(), true, 0});
  const Graph::Value all = graph->Floats({static_cast<int64_t>(keys.size()) + 2, dim}, rows);
  const Graph::Value values = graph->Op("Gather", {all, graph->Op("Add", {positions, graph->Ints({1})})});  // [n, any, dim]
  constexpr int64_t kFloat = 1;  // TensorProto.FLOAT
  const Graph::Value is_there = graph->OpWith("Cast", {graph->Op("GreaterOrEqual", {positions, graph->Ints({0})})}, {{"to", kFloat}});
  const Graph::Value count = graph->RowSums(is_there);
  if (field.pooling() == Field::MAX) {
    const Graph::Value mask = graph->Op("Unsqueeze", {is_there, graph->Ints({2})});
    const Graph::Value low = graph->Op("Mul", {graph->Op("Sub", {mask, graph->Scalar(1)}), graph->Scalar(1e30f)});
    const Graph::Value largest = graph->OpWith("ReduceMax", {graph->Op("Add", {values, low})}, {{"keepdims", 0}}, {{"axes", {1}}});
    return graph->Op("Mul", {largest, graph->Op("Min", {count, graph->Scalar(1)})});
  }
  const Graph::Value sum = graph->OpWith("ReduceSum", {values, graph->Ints({1})}, {{"keepdims", 0}});
  if (field.pooling() == Field::SUM) return sum;
  return graph->Op("Div", {sum, graph->Op("Max", {count, graph->Scalar(1)})});
}

Graph::Value AddNumeric(const Numeric& numeric, float mean, float scale, Graph* graph) {
  Graph::Value x = graph->AddInput({numeric.name(), false, 1});
  const Graph::Value is_missing = graph->Op("IsNaN", {x});
  if (numeric.log1p()) {
    const Graph::Value size = graph->Op("Log", {graph->Op("Add", {graph->Op("Abs", {x}), graph->Scalar(1)})});
    x = graph->Op("Mul", {graph->Op("Sign", {x}), size});
  }
  x = graph->Op("Mul", {graph->Op("Sub", {x, graph->Scalar(mean)}), graph->Scalar(scale)});
  return graph->Op("Where", {is_missing, graph->Scalar(0), x});
}

Graph::Value AddPrediction(const Task& task, const Graph::Value& output, Graph* graph) {
  if (task.has_binary_cross_entropy()) return graph->Op("Sigmoid", {output});
  if (task.has_poisson()) return graph->Op("Exp", {output});
  return output;
}

}  // namespace

Graph ScoringGraph(const FrozenModel& model, std::span<const std::vector<Key>> keys) {
  const Job& job = model.job();
  const InputLayout layout = InputLayout::Of(job);
  Graph graph;
  std::vector<Graph::Value> parts;
  for (int f = 0; f < job.field_size(); ++f) {
    const size_t at = static_cast<size_t>(f);
    parts.push_back(AddField(model, job.field(f), layout.fields[at].dim, keys[at], &graph));
  }
  for (int j = 0; j < job.numeric_size(); ++j) {
    const size_t at = static_cast<size_t>(j);
    parts.push_back(AddNumeric(job.numeric(j), model.normalizer().mean[at], model.normalizer().scale[at], &graph));
  }
  DenseWeights weights = model.OwnWeights();
  const std::vector<Graph::Value> outputs = MakeModel(job)->AddTo(&graph, weights.weights(), graph.Concat(parts));
  for (int t = 0; t < job.task_size(); ++t) {
    const Task& task = job.task(t);
    graph.AddOutput(AddPrediction(task, outputs[static_cast<size_t>(t)], &graph), task.name() + ".prediction");
  }
  return graph;
}

}  // namespace zhiyin::worker
