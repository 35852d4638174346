#include "ps/table/oldest_rows.h"

#include <algorithm>
#include <limits>
#include <tuple>

namespace zhiyin::ps::table {

OldestRows::OldestRows(uint32_t max_rows_of_shard)
    : n_ahead_(max_rows_of_shard / 8),
      lists_(kNumShards),
      n_bytes_(static_cast<int64_t>(kNumShards * sizeof(List))) {}

void OldestRows::Take(int shard, uint32_t n, uint64_t oldest_in_use, const RowUses& uses,
                      const std::function<void(const Index::Entry&)>& take) {
  List& list = lists_[static_cast<size_t>(shard)];
  while (n > 0 && !list.entries.empty()) {
    const Index::Entry entry = list.entries.back();
    const uint32_t last_step = uses.Of(entry.row).last_step;
    const bool was_pulled = last_step > list.newest;
    if (!was_pulled && last_step >= oldest_in_use) return;
    list.entries.pop_back();
    if (was_pulled) {
      list.others_from = std::min(list.others_from, last_step);
    } else {
      take(entry);
      --n;
    }
  }
  if (n > 0 && list.others_from < oldest_in_use) Search(shard, n, oldest_in_use, uses, take);
}

void OldestRows::Search(int shard, uint32_t n, uint64_t oldest_in_use, const RowUses& uses,
                        const std::function<void(const Index::Entry&)>& take) {
  candidates_.clear();
  uint32_t in_use_from = std::numeric_limits<uint32_t>::max();
  uses.index.VisitShard(shard, [&](const Index::Entry& entry) {
    const RowUse& use = uses.Of(entry.row);
    if (use.last_step < oldest_in_use) {
      candidates_.push_back({use.last_step, use.n_pulls, entry});
    } else {
      in_use_from = std::min(in_use_from, use.last_step);
    }
  });
  const size_t n_taken = std::min<size_t>(n, candidates_.size());
  const size_t n_found = std::min<size_t>(n_taken + n_ahead_, candidates_.size());
  std::partial_sort(candidates_.begin(), candidates_.begin() + static_cast<std::ptrdiff_t>(n_found),
                    candidates_.end(), [](const Candidate& a, const Candidate& b) {
                      return std::tuple(a.last_step, a.n_pulls, a.entry.key) <
                             std::tuple(b.last_step, b.n_pulls, b.entry.key);
                    });
  for (size_t i = 0; i < n_taken; ++i) take(candidates_[i].entry);

  List& list = lists_[static_cast<size_t>(shard)];
  n_bytes_ -= static_cast<int64_t>(list.entries.capacity() * sizeof(Index::Entry));
  list.entries.reserve(n_found - n_taken);
  for (size_t i = n_found; i-- > n_taken;) list.entries.push_back(candidates_[i].entry);
  n_bytes_ += static_cast<int64_t>(list.entries.capacity() * sizeof(Index::Entry));
  list.newest = n_found > 0 ? candidates_[n_found - 1].last_step : 0;
  list.others_from = n_found < candidates_.size() ? list.newest : in_use_from;
}

void OldestRows::NoteNew(int shard, uint64_t step) {
  List& list = lists_[static_cast<size_t>(shard)];
  list.others_from = std::min(list.others_from, static_cast<uint32_t>(step));
}

void OldestRows::Forget(int shard) {
  List& list = lists_[static_cast<size_t>(shard)];
  list.entries.clear();
  list.others_from = 0;
}

}  // namespace zhiyin::ps::table
