#include "worker/evaluator.h"

#include <glog/logging.h>

#include "common/error.h"
#include "worker/block_results.h"

namespace zhiyin::worker {

namespace {

/// Metrics of all blocks in order.
EvaluationResult Summarise(const BlockResults& results, const TaskHeads& heads, Group* group) {
  EvaluationResult summary;
  const size_t n_tasks = static_cast<size_t>(heads.n_tasks());
  std::vector<double> loss_sums(n_tasks);
  for (const auto& [number, block] : results.blocks()) {
    summary.n_rows += static_cast<int64_t>(block.labels.size() / n_tasks);
    for (size_t t = 0; t < n_tasks; ++t) loss_sums[t] += block.loss_sums[t];
  }
  std::vector<float> labels;
  std::vector<float> predictions;
  for (size_t t = 0; t < n_tasks; ++t) {
    group->SayAlive();
    labels.clear();
    predictions.clear();
    for (const auto& [number, block] : results.blocks()) {
      for (size_t at = t; at < block.labels.size(); at += n_tasks) {
        labels.push_back(block.labels[at]);
        predictions.push_back(block.predictions[at]);
      }
    }
    const int task = static_cast<int>(t);
    summary.tasks.push_back(ComputeMetrics(heads.name(task), heads.IsBinary(task), predictions, labels));
    const int64_t n = summary.tasks.back().n_samples;
    if (n > 0) summary.loss += heads.weight(task) * loss_sums[t] / static_cast<double>(n);
  }
  return summary;
}

}  // namespace

Evaluator::Evaluator(const Job& job, ps::Client* client, Group* group, int n_workers, Model* model,
                     DenseWeights* dense, const TaskHeads* heads)
    : job_(job),
      client_(client),
      group_(group),
      n_workers_(n_workers),
      model_(model),
      dense_(dense),
      heads_(heads),
      source_(MakeSource(job, SplitKind::kTest)),
      slots_{Slot(EmbeddingInput(job, InputLayout::Of(job))),
             Slot(EmbeddingInput(job, InputLayout::Of(job)))} {}

BlockSummaries Evaluator::Load(const std::function<void(const BadLine&)>& on_bad) {
  BlockSummaries summaries;
  int64_t n_rows = 0;
  Rows rows;
  std::vector<BadLine> bad;
  for (int64_t block = group_->worker(); source_->Read(block, &rows, &bad) > 0; block += n_workers_) {
    group_->SayAlive();
    for (const BadLine& line : bad) on_bad(line);
    BlockSummary& summary = summaries[block] = BlockSummary::Of(rows);
    summary.n_bad = static_cast<int64_t>(bad.size());
    if (!bad.empty()) summary.first_bad = bad.front().what;
    n_rows += rows.n;
    kept_ = n_rows <= job_.data().shuffle_rows();
    if (kept_) {
      blocks_[block] = std::move(rows);
    } else {
      blocks_.clear();
    }
  }
  return summaries;
}

void Evaluator::ForEachBlock(const std::function<void(int64_t, Rows&)>& visit) {
  if (kept_) {
    for (auto& [block, rows] : blocks_) {
      group_->SayAlive();
      visit(block, rows);
    }
    return;
  }
  Rows rows;
  std::vector<BadLine> bad;
  for (int64_t block = group_->worker(); source_->Read(block, &rows, &bad) > 0; block += n_workers_) {
    group_->SayAlive();
    visit(block, rows);
  }
}

EvaluationResult Evaluator::Evaluate(const Normalizer& normalizer) {
  dense_is_fresh_ = false;
  BlockResults results(static_cast<size_t>(heads_->n_tasks()));
  // The next block's rows are on their way while this one computes.
  int n_started = 0;
  ForEachBlock([&](int64_t block, Rows& rows) {
    if (rows.n == 0) return;
    Start(block, rows, normalizer, &slots_[n_started % 2]);
    if (n_started++ > 0) Finish(&slots_[n_started % 2], &results);
  });
  if (n_started > 0) Finish(&slots_[(n_started + 1) % 2], &results);

  const std::vector<std::string> all =
      group_->Gather(results.Serialize(), "the workers' part of an evaluation");
  if (!group_->IsChief()) return {};
  for (size_t w = 1; w < all.size(); ++w)
    FromRank(group_->RankOfWorker(static_cast<int>(w)), [&] { results.Merge(all[w]); });
  return Summarise(results, *heads_, group_);
}

void Evaluator::Start(int64_t block, const Rows& rows, const Normalizer& normalizer, Slot* slot) {
  slot->block = block;
  slot->labels = rows.labels;
  scratch_ = rows;  // a kept block stays as it was read
  normalizer.Apply(scratch_.numerics);
  slot->input.Prepare(scratch_);
  slot->exchange.parts.resize(static_cast<size_t>(slot->input.n_tables()) + 1);
  ps::Exchange::Part& dense = slot->exchange.parts[kDenseTable];
  dense = {};
  if (!dense_is_fresh_) dense = {dense_->keys(), true, dense_->weight_rows().data(), nullptr};
  dense_is_fresh_ = true;
  for (int t = 0; t < slot->input.n_tables(); ++t) {
    slot->exchange.parts[static_cast<size_t>(t) + 1] = {slot->input.keys(t), true, slot->input.weights(t),
                                                        nullptr};
  }
  client_->PeekStart(&slot->exchange);
}

void Evaluator::Finish(Slot* slot, BlockResults* results) {
  client_->PullFinish(&slot->exchange);
  slot->input.Pool(&x_);
  model_->Forward(dense_->weights(), ConstMatrixView(x_.data(), x_.rows(), x_.cols()), &outputs_);
  BlockResults::Block block;
  block.predictions.resize(slot->labels.size());
  heads_->Predictions(outputs_, block.predictions);
  std::vector<TaskSums> sums(static_cast<size_t>(heads_->n_tasks()));
  heads_->Sums(outputs_, block.predictions, slot->labels, sums);
  for (const TaskSums& sum : sums) block.loss_sums.push_back(sum.loss);
  block.labels = slot->labels;
  results->Add(slot->block, std::move(block));
}

}  // namespace zhiyin::worker
