// Evaluation on a split that is held out. Results are bitwise equal for any number of workers and
// servers.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "common/tick.h"
#include "configs/job.pb.h"
#include "ps/client/client.h"
#include "worker/data/source.h"
#include "worker/data/split_summary.h"
#include "worker/data/statistics.h"
#include "worker/data/unpredicted.h"
#include "worker/model/dense_weights.h"
#include "worker/model/metric/metric.h"
#include "worker/model/model.h"
#include "worker/model/task_heads.h"
#include "worker/train/block_results.h"
#include "worker/train/group.h"
#include "worker/train/scorer.h"
#include "worker/train/split_indexes.h"
#include "worker/train/split_pass.h"

namespace zhiyin::worker::train {

/// What becomes of an example without a prediction, for notes.
inline constexpr char kCountsInNoMetric[] = "left out of the metrics";

/// The result of an evaluation. Only the chief has it.
struct EvaluationResult {
  std::vector<model::metric::TaskMetrics> tasks;  // [n_tasks]
  /// The sum over tasks of their mean losses, by the weights of the tasks; NaN where no example
  /// with the label of a task has a prediction.
  double loss = 0;
  int64_t n_rows = 0;  // examples
  /// Those that lack the prediction of some task, and do not count for it.
  data::Unpredicted unpredicted = {};
};

/// The evaluations of one model.
struct Evaluations {
  std::optional<EvaluationResult> validation;  // where the job has the split, as is the next
  std::optional<EvaluationResult> test;

  bool IsEmpty() const { return !validation && !test; }
  std::optional<EvaluationResult>& Of(data::SplitKind kind) {
    return kind == data::SplitKind::kValidation ? validation : test;
  }
  /// The one by which models are compared. REQUIRES: there is one.
  const EvaluationResult& Deciding() const { return validation ? *validation : *test; }
};

/// Computes the metrics over all blocks, in their order. Calls `tick` before each task. A pure
/// function. REQUIRES: the blocks are those of a job with these heads.
EvaluationResult Summarise(const BlockResults& results, const model::TaskHeads& heads,
                           const Tick& tick);

/// Each worker evaluates some blocks of the split; the chief puts the blocks in order and computes
/// the metrics. Used by the rank's thread; borrows all pointers that it is given.
class Evaluator {
 public:
  /// What is read of the split is added to *reads. REQUIRES: the job has the split.
  Evaluator(const Job& job, data::SplitKind split, ps::client::Client* client, Group* group,
            int n_workers, model::Model* model, model::DenseWeights* dense, model::TaskHeads* heads,
            const data::SideInputs& side, data::ReadCounts* reads);

  data::SplitKind split() const { return split_; }

  /// Reads the split with all workers (SplitPass) and returns what was found. Keeps the blocks of
  /// this worker if they have at most data.shuffle_rows examples; otherwise every evaluation reads
  /// them again. Where an index tells what is found, nothing is read before the first evaluation.
  /// `indexes`: as for SplitPass; `known`: as for SplitPass::Read. Throws Error as that does. Call
  /// once. Collective over all workers.
  data::SplitSummary Load(SplitIndexes* indexes, const data::SharedFiles* known = nullptr);

  /// The joins of the data; null where there are none.
  const data::Joins* joins() const { return source_->joins(); }

  /// Evaluates the model. Collective over all workers; the result is empty elsewhere than at the
  /// chief. REQUIRES: Load was called; no worker pushes meanwhile.
  EvaluationResult Evaluate(const data::Normalizer& normalizer);

 private:
  /// Every stride-th block from `first` up to `end`, exclusive.
  struct Blocks {
    int64_t first = 0;
    int64_t end = 0;
    int64_t stride = 1;
  };

  /// The blocks that a worker evaluates.
  Blocks BlocksOf(const data::RecordCounts& records, int64_t worker) const;
  /// Those that it keeps: all of them or none.
  std::vector<int64_t> KeptBlocks(const data::RecordCounts& records, int64_t worker) const;
  /// Takes the blocks that the pass delivers, and ends it. Collective over all workers.
  void EndPass();
  void Add(const Scorer::Scored& scored, BlockResults* results);
  void ForEachBlock(const std::function<void(int64_t, const data::Examples&)>& visit);

  const Job job_;
  data::SplitKind split_;
  Group* group_;
  int n_workers_;
  model::TaskHeads* heads_;
  std::unique_ptr<data::Source> source_;
  std::unique_ptr<SplitPass> pass_;  // from Load until its blocks were delivered; borrows job_
  data::RecordCounts records_;
  Blocks own_;            // of this worker
  bool is_kept_ = false;  // all of own_, in memory
  bool keeps_ = false;    // an evaluation that reads them keeps them
  std::map<int64_t, data::Examples> kept_;
  Scorer scorer_;
  std::optional<int> gauc_field_;               // its position among the fields
  std::map<int64_t, std::vector<Key>> groups_;  // of the blocks under way
};

}  // namespace zhiyin::worker::train
