#include "worker/data/augment.h"

#include <algorithm>
#include <span>

namespace zhiyin::worker::data {

Augmenter::Augmenter(const Job& job) {
  for (const Field& field : job.field()) {
    const Augment& rules = field.augment();
    fields_.push_back({rules.dropout(), rules.crop(), rules.reorder(), rules.mask()});
    changes_keys_ |=
        rules.dropout() > 0 || rules.crop() > 0 || rules.reorder() > 0 || rules.mask() > 0;
  }
  is_active_ = changes_keys_;
  for (const Task& task : job.task()) {
    negative_share_.push_back(task.negative_share());
    samples_ |= task.negative_share() < 1;
  }
  is_active_ |= samples_;
}

void Augmenter::Change(const FieldRules& rules, Random* random) {
  // Always three draws, so that one rule does not change the draws of another.
  const bool drops = random->Uniform() < rules.dropout;
  const bool crops = random->Uniform() < rules.crop;
  const bool reorders = random->Uniform() < rules.reorder;
  if (drops) values_.clear();
  const auto part = [&] {
    const size_t n = (values_.size() + 1) / 2;
    return std::span(values_).subspan(random->Below(values_.size() - n + 1), n);
  };
  if (crops && !values_.empty()) {
    const std::span<const Key> kept = part();
    values_ = std::vector<Key>(kept.begin(), kept.end());
  }
  if (reorders && !values_.empty()) random->Shuffle(part());
  if (rules.mask > 0) std::erase_if(values_, [&](Key) { return random->Uniform() < rules.mask; });
}

void Augmenter::KeepDataKeys(Examples* to) const {
  if (to->data_key_begin.empty()) to->data_key_begin.push_back(0);
  const size_t last = to->key_begin.size() - 1;
  const size_t first = last - fields_.size();
  for (size_t f = first; f < last; ++f) {
    const uint32_t n_values = to->key_begin[f + 1] - to->key_begin[f];
    to->data_key_begin.push_back(to->data_key_begin.back() + n_values);
  }
  to->data_keys.insert(to->data_keys.end(), row_.begin(), row_.end());
}

void Augmenter::Append(const Examples& from, int64_t i, Random random, Examples* to) {
  to->Append(from, i);
  const size_t first = to->key_begin.size() - 1 - fields_.size();
  row_.assign(to->keys.begin() + to->key_begin[first], to->keys.end());
  if (changes_keys_) KeepDataKeys(to);
  to->keys.resize(to->key_begin[first]);
  size_t begin = 0;
  for (size_t f = 0; f < fields_.size(); ++f) {
    const size_t n = from.KeysOf(i, static_cast<int>(f)).size();
    values_.assign(row_.begin() + static_cast<std::ptrdiff_t>(begin),
                   row_.begin() + static_cast<std::ptrdiff_t>(begin + n));
    begin += n;
    Change(fields_[f], &random);
    to->keys.insert(to->keys.end(), values_.begin(), values_.end());
    to->key_begin[first + f + 1] = static_cast<uint32_t>(to->keys.size());
  }
  SampleNegatives(&random, to);
}

void Augmenter::SampleNegatives(Random* random, Examples* to) const {
  const size_t n_tasks = negative_share_.size();
  if (samples_ && to->weights.size() < to->labels.size()) to->weights.resize(to->labels.size(), 1);
  double* const labels = to->labels.data() + to->labels.size() - n_tasks;
  for (size_t t = 0; t < n_tasks; ++t) {
    const bool kept = random->Uniform() < negative_share_[t];
    if (labels[t] != 0 || negative_share_[t] == 1) continue;
    if (kept) {
      to->weights[to->weights.size() - n_tasks + t] *= 1 / negative_share_[t];
    } else {
      labels[t] = kMissing;
    }
  }
}

}  // namespace zhiyin::worker::data
