#include "worker/train/evaluator.h"

#include <glog/logging.h>

#include <cmath>
#include <utility>

#include "common/error.h"
#include "worker/model/label_domains.h"
#include "worker/saved/scored_split.h"
#include "worker/train/block_results.h"
#include "worker/train/data_pass.h"

namespace zhiyin::worker::train {

EvaluationResult Summarise(const BlockResults& results, const model::TaskHeads& heads,
                           const Tick& tick) {
  EvaluationResult summary;
  const size_t n_tasks = static_cast<size_t>(heads.n_tasks());
  std::vector<ExactSum> loss_sums(n_tasks);
  for (const auto& [number, block] : results.blocks()) {
    summary.n_rows += static_cast<int64_t>(block.labels.size() / n_tasks);
    for (size_t t = 0; t < n_tasks; ++t) loss_sums[t].Add(block.loss_sums[t]);
  }
  std::vector<double> labels;
  std::vector<float> predictions;
  std::vector<double> weights;
  std::vector<Key> groups;
  for (const auto& [number, block] : results.blocks())
    groups.insert(groups.end(), block.groups.begin(), block.groups.end());
  for (size_t t = 0; t < n_tasks; ++t) {
    tick();
    labels.clear();
    predictions.clear();
    weights.clear();
    for (const auto& [number, block] : results.blocks()) {
      for (size_t at = t; at < block.labels.size(); at += n_tasks) {
        labels.push_back(block.labels[at]);
        predictions.push_back(block.predictions[at]);
        if (!block.weights.empty()) weights.push_back(block.weights[at]);
      }
    }
    const int task = static_cast<int>(t);
    const double loss = loss_sums[t].Value();
    // The loss of a task of probabilities is its log loss.
    summary.tasks.push_back(model::metric::ComputeMetrics(
        heads.name(task), heads.kind(task), predictions, labels, weights, loss, groups));
    const model::metric::TaskMetrics& metrics = summary.tasks.back();
    if (metrics.weight > 0) {
      summary.loss += heads.weight(task) * loss / metrics.weight;
    } else if (metrics.n_samples == 0 && heads.weight(task) > 0) {
      summary.loss = std::nan("");  // the split has labels of the task, but no prediction for them
    }
  }
  return summary;
}

Evaluator::Evaluator(const Job& job, data::SplitKind split, ps::client::Client* client,
                     Group* group, int n_workers, model::Model* model, model::DenseWeights* dense,
                     model::TaskHeads* heads, const data::SideInputs& side, data::ReadCounts* reads)
    : job_(job),
      split_(split),
      group_(group),
      n_workers_(n_workers),
      heads_(heads),
      source_(data::MakeSource(
          job, split, model::LabelDomainsOf(job),
          /*observer=*/{}, [group] { group->SendHeartbeat(); }, reads, side)),
      scorer_(job, client, model, dense, heads),
      gauc_field_(saved::FieldOfName(job, job.evaluation().gauc_field())) {}

data::SplitSummary Evaluator::Load(SplitIndexes* indexes, const data::SharedFiles* known) {
  const auto wanted = [this](const data::RecordCounts& records, int worker) {
    return KeptBlocks(records, worker);
  };
  pass_ = std::make_unique<SplitPass>(job_, split_, source_.get(), job_.data().shuffle_rows(),
                                      wanted, group_, n_workers_, indexes);
  SharedFindings found = pass_->Read({n_workers_, n_workers_}, known);
  records_ = found.records;
  own_ = BlocksOf(records_, group_->worker());
  keeps_ = !KeptBlocks(records_, group_->worker()).empty();
  if (!pass_->is_found()) EndPass();
  return std::move(found.summary);
}

Evaluator::Blocks Evaluator::BlocksOf(const data::RecordCounts& records, int64_t worker) const {
  const int64_t n = records.n_blocks();
  if (source_->shared_files() == nullptr) return {worker, n, n_workers_};
  // Consecutive blocks, where they are read in shares: most of them are here already.
  return {n * worker / n_workers_, n * (worker + 1) / n_workers_, 1};
}

std::vector<int64_t> Evaluator::KeptBlocks(const data::RecordCounts& records,
                                           int64_t worker) const {
  const Blocks blocks = BlocksOf(records, worker);
  int64_t n_examples = 0;
  std::vector<int64_t> numbers;
  for (int64_t b = blocks.first; b < blocks.end; b += blocks.stride) {
    numbers.push_back(b);
    n_examples += records.ExamplesOf(b);
  }
  return n_examples <= job_.data().shuffle_rows() ? numbers : std::vector<int64_t>();
}

void Evaluator::EndPass() {
  pass_->Deliver(
      [this](int64_t block, data::Examples examples) { kept_[block] = std::move(examples); });
  pass_.reset();
  const int64_t n_own = (own_.end - own_.first + own_.stride - 1) / own_.stride;
  is_kept_ = static_cast<int64_t>(kept_.size()) >= n_own;
  if (!is_kept_) kept_.clear();
}

void Evaluator::ForEachBlock(const std::function<void(int64_t, const data::Examples&)>& visit) {
  if (is_kept_) {
    for (const auto& [block, examples] : kept_) {
      group_->SendHeartbeat();
      visit(block, examples);
    }
    return;
  }
  data::Examples examples;
  std::vector<data::BadLine> bad;
  for (int64_t block = own_.first; block < own_.end; block += own_.stride) {
    group_->SendHeartbeat();
    source_->Read(block, &examples, &bad);
    if (examples.n != records_.ExamplesOf(block)) {
      Fail("data.", data::SplitName(split_), ": ", examples.n, " examples in block ", block,
           ", expected ", records_.ExamplesOf(block),
           " as when they were counted: files that stay as they are, equal on all hosts");
    }
    visit(block, examples);
    // A copy is just as large as it must be; what a source fills has grown in steps.
    if (keeps_) kept_.emplace(block, data::Examples(examples));
  }
  is_kept_ = keeps_;
}

EvaluationResult Evaluator::Evaluate(const data::Normalizer& normalizer) {
  if (pass_ != nullptr) EndPass();
  BlockResults results(static_cast<size_t>(heads_->n_tasks()));
  data::Unpredicted unpredicted;
  const auto finish = [&] {
    const Scorer::Scored& scored = scorer_.Finish();
    unpredicted.Add(scored.block, scored.unpredicted);
    Add(scored, &results);
  };
  scorer_.Begin();
  ForEachBlock([&](int64_t block, const data::Examples& examples) {
    if (examples.n == 0) return;
    if (gauc_field_) groups_[block] = examples.FirstKeys(*gauc_field_);
    scorer_.Start(block, examples, normalizer);
    if (scorer_.n_started() == 2) finish();
  });
  while (scorer_.n_started() > 0) finish();
  unpredicted.Name(job_, normalizer, source_.get(), [this] { group_->SendHeartbeat(); });
  unpredicted = GatherUnpredicted(unpredicted, group_);

  const std::vector<std::string> all =
      group_->Gather(results.Serialize(), "its part of an evaluation");
  if (!group_->IsChief()) return {};
  for (size_t w = 1; w < all.size(); ++w) {
    group_->SendHeartbeat();
    FromRank(group_->RankOfWorker(static_cast<int>(w)), [&] { results.Merge(all[w]); });
  }
  EvaluationResult result = Summarise(results, *heads_, [this] { group_->SendHeartbeat(); });
  result.unpredicted = std::move(unpredicted);
  return result;
}

void Evaluator::Add(const Scorer::Scored& scored, BlockResults* results) {
  BlockResults::Block block{scored.targets.labels,
                            scored.predictions,
                            scored.targets.weights,
                            heads_->LossSums(scored.outputs, scored.targets),
                            {}};
  if (gauc_field_) block.groups = std::move(groups_.extract(scored.block).mapped());
  results->Add(scored.block, std::move(block));
}

}  // namespace zhiyin::worker::train
