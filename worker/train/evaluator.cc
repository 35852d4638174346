#include "worker/train/evaluator.h"

#include <glog/logging.h>

#include "common/error.h"
#include "worker/model/label_domains.h"
#include "worker/train/block_results.h"

namespace zhiyin::worker::train {

namespace {

/// Metrics of all blocks in order.
EvaluationResult Summarise(const BlockResults& results, const model::TaskHeads& heads,
                           Group* group) {
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
    group->SendHeartbeat();
    labels.clear();
    predictions.clear();
    for (const auto& [number, block] : results.blocks()) {
      for (size_t at = t; at < block.labels.size(); at += n_tasks) {
        labels.push_back(block.labels[at]);
        predictions.push_back(block.predictions[at]);
      }
    }
    const int task = static_cast<int>(t);
    summary.tasks.push_back(
        model::metric::ComputeMetrics(heads.name(task), heads.kind(task), predictions, labels));
    const int64_t n = summary.tasks.back().n_samples;
    if (n > 0) summary.loss += heads.weight(task) * loss_sums[t] / static_cast<double>(n);
  }
  return summary;
}

}  // namespace

Evaluator::Evaluator(const Job& job, ps::client::Client* client, Group* group, int n_workers,
                     model::Model* model, model::DenseWeights* dense, model::TaskHeads* heads)
    : job_(job),
      group_(group),
      n_workers_(n_workers),
      heads_(heads),
      source_(data::MakeSource(job, data::SplitKind::kTest, model::LabelDomainsOf(job))),
      scorer_(job, client, model, dense, heads) {}

data::BlockSummaries Evaluator::Load(const std::function<void(const data::BadLine&)>& on_bad) {
  data::BlockSummaries summaries;
  int64_t n_rows = 0;
  data::Rows rows;
  std::vector<data::BadLine> bad;
  for (int64_t block = group_->worker(); source_->Read(block, &rows, &bad) > 0;
       block += n_workers_) {
    group_->SendHeartbeat();
    for (const data::BadLine& line : bad) on_bad(line);
    data::BlockSummary& summary = summaries[block] = data::BlockSummary::Of(rows);
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

void Evaluator::ForEachBlock(const std::function<void(int64_t, const data::Rows&)>& visit) {
  if (kept_) {
    for (const auto& [block, rows] : blocks_) {
      group_->SendHeartbeat();
      visit(block, rows);
    }
    return;
  }
  data::Rows rows;
  std::vector<data::BadLine> bad;
  for (int64_t block = group_->worker(); source_->Read(block, &rows, &bad) > 0;
       block += n_workers_) {
    group_->SendHeartbeat();
    visit(block, rows);
  }
}

EvaluationResult Evaluator::Evaluate(const data::Normalizer& normalizer) {
  BlockResults results(static_cast<size_t>(heads_->n_tasks()));
  scorer_.Begin();
  ForEachBlock([&](int64_t block, const data::Rows& rows) {
    if (rows.n == 0) return;
    scorer_.Start(block, rows, normalizer);
    if (scorer_.n_started() == 2) Add(scorer_.Finish(), &results);
  });
  while (scorer_.n_started() > 0) Add(scorer_.Finish(), &results);

  const std::vector<std::string> all =
      group_->Gather(results.Serialize(), "its part of an evaluation");
  if (!group_->IsChief()) return {};
  for (size_t w = 1; w < all.size(); ++w)
    FromRank(group_->RankOfWorker(static_cast<int>(w)), [&] { results.Merge(all[w]); });
  return Summarise(results, *heads_, group_);
}

void Evaluator::Add(const Scorer::Scored& scored, BlockResults* results) const {
  std::vector<model::TaskSums> sums(static_cast<size_t>(heads_->n_tasks()));
  heads_->Sums(scored.outputs, scored.predictions, scored.targets, sums);
  BlockResults::Block block{scored.targets.labels, scored.predictions, {}};
  for (const model::TaskSums& sum : sums) block.loss_sums.push_back(sum.loss);
  results->Add(scored.block, std::move(block));
}

}  // namespace zhiyin::worker::train
