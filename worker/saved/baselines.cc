#include "worker/saved/baselines.h"

#include <cmath>

#include "worker/data/source.h"
#include "worker/model/label_domains.h"
#include "worker/saved/scored_split.h"

namespace zhiyin::worker::saved {

using data::Examples;

MeanLabels::MeanLabels(int n_tasks, std::optional<int> item_field)
    : item_field_(item_field), all_(static_cast<size_t>(n_tasks)), of_items_(all_.size()) {}

void MeanLabels::Add(const Examples& examples) {
  for (size_t at = 0; at < examples.labels.size(); ++at) {
    if (std::isnan(examples.labels[at])) continue;
    const size_t t = at % all_.size();
    const double weight = examples.weights.empty() ? 1.0 : examples.weights[at];
    const double label = weight * examples.labels[at];
    all_[t].n += weight;
    all_[t].label += label;
    if (!item_field_) continue;
    const auto keys = examples.KeysOf(static_cast<int64_t>(at / all_.size()), *item_field_);
    LabelSum& own = of_items_[t][keys.empty() ? 0 : keys[0]];
    own.n += weight;
    own.label += label;
  }
}

Baselines MeanLabels::Predict(const std::vector<Examples>& blocks) const {
  size_t n = 0;
  for (const Examples& block : blocks) n += static_cast<size_t>(block.n);
  Baselines found;
  const std::vector<Key> items = item_field_ ? FirstKeys(blocks, *item_field_) : std::vector<Key>();
  for (size_t t = 0; t < all_.size(); ++t) {
    const double mean = all_[t].n > 0 ? all_[t].label / all_[t].n : 0;
    found.constant.emplace_back(n, static_cast<float>(mean));
    if (!item_field_) continue;
    std::vector<float>& by_item = found.by_item.emplace_back();
    for (const Key item : items) {
      const auto own = of_items_[t].find(item);
      const LabelSum sum = own == of_items_[t].end() ? LabelSum() : own->second;
      by_item.push_back(
          static_cast<float>((sum.label + kPriorExamples * mean) / (sum.n + kPriorExamples)));
    }
  }
  return found;
}

Baselines FindBaselines(const Job& job, const std::vector<Examples>& blocks) {
  const std::optional<int> item =
      job.data().has_behaviour() ? FieldOfColumn(job, job.data().behaviour().item()) : std::nullopt;
  MeanLabels means(job.task_size(), item);
  const auto source = data::MakeSource(job, data::SplitKind::kTrain, model::LabelDomainsOf(job));
  Examples examples;
  std::vector<data::BadLine> bad;
  for (int64_t block = 0; source->Read(block, &examples, &bad) > 0; ++block) means.Add(examples);
  return means.Predict(blocks);
}

}  // namespace zhiyin::worker::saved
