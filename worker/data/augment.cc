#include "worker/data/augment.h"

#include <algorithm>
#include <span>

namespace zhiyin::worker::data {

Augmenter::Augmenter(const Job& job) {
  for (const Field& field : job.field()) {
    const Augment& rules = field.augment();
    fields_.push_back({rules.dropout(), rules.crop(), rules.reorder(), rules.mask()});
    is_active_ |=
        rules.dropout() > 0 || rules.crop() > 0 || rules.reorder() > 0 || rules.mask() > 0;
  }
  for (const Task& task : job.task()) {
    negative_share_.push_back(task.negative_share());
    is_active_ |= task.negative_share() < 1;
  }
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

void Augmenter::Append(const Rows& from, int64_t i, Random random, Rows* to) {
  to->Append(from, i);
  const size_t first = to->key_begin.size() - 1 - fields_.size();
  row_.assign(to->keys.begin() + to->key_begin[first], to->keys.end());
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
  float* const labels = to->labels.data() + to->labels.size() - negative_share_.size();
  for (size_t t = 0; t < negative_share_.size(); ++t) {
    const bool kept = random.Uniform() < negative_share_[t];
    if (!kept && labels[t] == 0) labels[t] = kMissing;
  }
}

}  // namespace zhiyin::worker::data
