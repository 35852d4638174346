#include "ps/client/replica.h"

#include <glog/logging.h>

#include <algorithm>

#include "common/hash.h"

namespace zhiyin::ps::client {

Replica::Replica(int dim, int64_t n_rows, int refresh_steps, int64_t refresh_clock,
                 bool has_admission)
    : dim_(static_cast<size_t>(dim)),
      refresh_steps_(static_cast<uint32_t>(refresh_steps)),
      refresh_clock_(static_cast<uint64_t>(refresh_clock)),
      has_admission_(has_admission),
      entries_((static_cast<size_t>(n_rows) + kWays - 1) / kWays * kWays),
      copies_(entries_.size() * dim_),
      sums_(entries_.size() * dim_) {}

std::span<Replica::Entry> Replica::BucketOf(Key key) {
  const uint64_t n_buckets = entries_.size() / kWays;
  return std::span(entries_).subspan(((Mix(key + 1) >> 32) * n_buckets >> 32) * kWays, kWays);
}

Replica::Entry* Replica::Find(Key key) {
  for (Entry& entry : BucketOf(key)) {
    if (entry.count > 0 && entry.key == key) return &entry;
  }
  return nullptr;
}

Replica::Entry* Replica::Touch(Key key) {
  if (Entry* entry = Find(key)) {
    ++entry->count;
    return entry;
  }
  const std::span<Entry> bucket = BucketOf(key);
  for (Entry& entry : bucket) {
    if (entry.count > 0) continue;
    entry = Entry();
    entry.key = key;
    entry.count = 1;
    return &entry;
  }
  // A new key lowers the counters of the bucket; entries in use or with unsent gradients stay.
  for (Entry& entry : bucket) {
    if (entry.count > 1 || entry.MayGo()) --entry.count;
  }
  return nullptr;
}

void Replica::Ask(Entry* entry, Selection* selection) {
  if (!has_admission_ || !entry->pulled.IsNever()) entry->pulled = now_;
  ++entry->n_asked;
  selection->keys.push_back(entry->key);
}

void Replica::Select(std::span<const Key> keys, uint64_t clock, Selection* selection) {
  now_ = {now_.own_step + 1, static_cast<uint32_t>(clock % Moment::kNever)};
  selection->moment = now_;
  selection->keys.clear();
  selection->positions.clear();
  selection->copied.clear();
  selection->batch.assign(keys.begin(), keys.end());
  for (uint32_t i = 0; i < keys.size(); ++i) {
    Entry* entry = Touch(keys[i]);
    if (entry != nullptr && !entry->pulled.IsNever() && !HasAged(entry->pulled)) {
      ++entry->n_reads;
      selection->copied.push_back(i);
      continue;
    }
    selection->positions.push_back(i);
    if (entry != nullptr) {
      Ask(entry, selection);
    } else {
      selection->keys.push_back(keys[i]);
    }
  }
  while (due_begin_ < due_.size() && HasAged(due_[due_begin_].owed_since)) {
    const Due& due = due_[due_begin_++];
    Entry* entry = Find(due.key);
    // The gradients have been sent since, or are about to be.
    if (entry == nullptr || entry->owed_since != due.owed_since || entry->n_asked > 0) continue;
    Ask(entry, selection);
  }
  if (due_begin_ > due_.size() / 2) {
    due_.erase(due_.begin(), due_.begin() + static_cast<std::ptrdiff_t>(due_begin_));
    due_begin_ = 0;
  }
  selection->weights.resize(selection->keys.size() * dim_);
}

void Replica::Distribute(const Selection& selection, float* weights) {
  if (!selection.moment.IsNever()) {
    CHECK_EQ(selection.moment.own_step, distributed_ + 1)
        << "exchanges are finished in the order in which they were started";
    distributed_ = selection.moment.own_step;
  }
  for (size_t i = 0; i < selection.keys.size(); ++i) {
    const float* came = selection.weights.data() + i * dim_;
    if (i < selection.positions.size())
      std::copy_n(came, dim_, weights + selection.positions[i] * dim_);
    Entry* const entry = Find(selection.keys[i]);
    if (entry == nullptr) continue;
    std::copy_n(came, dim_, CopyOf(entry));
    if (!has_admission_) continue;
    if (std::all_of(came, came + dim_, [](float weight) { return weight == 0; })) {
      entry->pulled = Moment();
    } else if (entry->pulled.IsNever()) {
      entry->pulled = selection.moment;
    }
  }
  // Entries that are read keep their place.
  for (const uint32_t position : selection.copied)
    std::copy_n(CopyOf(Find(selection.batch[position])), dim_, weights + position * dim_);
}

void Replica::Settle(Entry* entry, float* gradient) {
  if (entry->owed_since.IsNever()) return;
  float* sum = SumOf(entry);
  for (size_t d = 0; d < dim_; ++d) gradient[d] += sum[d];
  std::fill_n(sum, dim_, 0.0f);
  entry->owed_since = Moment();
}

void Replica::Collect(const float* gradients, Selection* selection) {
  selection->gradients.assign(selection->keys.size() * dim_, 0.0f);
  for (size_t i = 0; i < selection->keys.size(); ++i) {
    float* gradient = selection->gradients.data() + i * dim_;
    if (i < selection->positions.size())
      std::copy_n(gradients + selection->positions[i] * dim_, dim_, gradient);
    Entry* entry = Find(selection->keys[i]);
    if (entry == nullptr) continue;
    if (entry->n_asked > 0) --entry->n_asked;
    Settle(entry, gradient);
  }
  for (const uint32_t position : selection->copied) {
    const Key key = selection->batch[position];
    Entry* entry = Find(key);
    --entry->n_reads;
    float* sum = SumOf(entry);
    for (size_t d = 0; d < dim_; ++d) sum[d] += gradients[position * dim_ + d];
    if (!entry->owed_since.IsNever()) continue;
    entry->owed_since = selection->moment;
    due_.push_back({key, selection->moment});
  }
}

bool Replica::SelectOwed(size_t n_keys, Selection* selection) {
  *selection = Selection();
  for (Entry& entry : entries_) {
    if (entry.count == 0 || entry.owed_since.IsNever()) continue;
    Ask(&entry, selection);
    if (selection->keys.size() == n_keys) break;
  }
  selection->weights.resize(selection->keys.size() * dim_);
  return !selection->keys.empty();
}

}  // namespace zhiyin::ps::client
