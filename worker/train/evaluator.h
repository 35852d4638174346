// Evaluation on the test split. Results are bitwise equal for any number of workers and servers.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "configs/job.pb.h"
#include "ps/client/client.h"
#include "worker/data/source.h"
#include "worker/data/statistics.h"
#include "worker/model/dense_weights.h"
#include "worker/model/metric/metric.h"
#include "worker/model/model.h"
#include "worker/model/task_heads.h"
#include "worker/train/group.h"
#include "worker/train/scorer.h"

namespace zhiyin::worker::train {

/// The result of an evaluation. Only the chief has it.
struct EvaluationResult {
  std::vector<model::metric::TaskMetrics> tasks;  // [n_tasks]
  double loss = 0;     // weighted sum over tasks of the mean loss of the examples with the label
  int64_t n_rows = 0;  // examples
};

/// Block b of the test split is evaluated by worker b mod n_workers; the chief puts the blocks in
/// order and computes the metrics. Used by the rank's thread; borrows all pointers that it is
/// given.
class Evaluator {
 public:
  Evaluator(const Job& job, ps::client::Client* client, Group* group, int n_workers,
            model::Model* model, model::DenseWeights* dense, model::TaskHeads* heads);

  /// Reads this worker's blocks and returns their summaries. Keeps them if they have at most
  /// data.shuffle_rows examples; otherwise every evaluation reads them again. Calls `on_bad` for
  /// every malformed line. Throws Error as Source does.
  data::BlockSummaries Load(const std::function<void(const data::BadLine&)>& on_bad);

  /// Evaluates the model. Collective over all workers; the result is empty elsewhere than at the
  /// chief. REQUIRES: no worker pushes meanwhile.
  EvaluationResult Evaluate(const data::Normalizer& normalizer);

 private:
  void Add(const Scorer::Scored& scored, class BlockResults* results) const;
  void ForEachBlock(const std::function<void(int64_t, const data::Rows&)>& visit);

  const Job job_;
  Group* group_;
  int n_workers_;
  model::TaskHeads* heads_;
  std::unique_ptr<data::Source> source_;
  bool kept_ = true;
  std::map<int64_t, data::Rows> blocks_;
  Scorer scorer_;
};

}  // namespace zhiyin::worker::train
