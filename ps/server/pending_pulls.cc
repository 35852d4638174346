#include "ps/server/pending_pulls.h"

#include <algorithm>
#include <utility>

#include "common/error.h"
#include "ps/protocol.h"
#include "ps/table/table.h"

namespace zhiyin::ps::server {

void PendingPulls::CheckRoom(int worker, const net::Frame& pull) const {
  const size_t n = pending_[static_cast<size_t>(worker)].size();
  if (n >= kMaxPullsInFlight) {
    Fail("pull from rank ", pull.source(), ": ", n, " pulls wait for their push, at most ",
         kMaxPullsInFlight, " are allowed");
  }
}

PendingPull PendingPulls::New(uint64_t version) {
  PendingPull pull;
  if (!spare_.empty()) {
    pull = std::move(spare_.back());
    spare_.pop_back();
    pull.rows.clear();
    pull.request = net::Frame();
  }
  pull.version = version;
  return pull;
}

void PendingPulls::Add(int worker, PendingPull pull) {
  pending_[static_cast<size_t>(worker)].push_back(std::move(pull));
}

PendingPull PendingPulls::Take(int worker, uint64_t pull_id, const net::Frame& push) {
  std::vector<PendingPull>& pending = pending_[static_cast<size_t>(worker)];
  const auto it = std::find_if(pending.begin(), pending.end(),
                               [&](const PendingPull& p) { return p.id() == pull_id; });
  if (it == pending.end()) {
    Fail("push from rank ", push.source(), ": answers pull ", pull_id,
         ", which is not waiting for one");
  }
  PendingPull pull = std::move(*it);
  pending.erase(it);
  return pull;
}

uint64_t PendingPulls::OldestStep() const {
  uint64_t oldest = table::Table::kNoneInUse;
  for (const auto& pending : pending_) {
    for (const PendingPull& pull : pending) oldest = std::min(oldest, pull.step());
  }
  return oldest;
}

int64_t PendingPulls::size() const {
  int64_t n = 0;
  for (const auto& pending : pending_) n += static_cast<int64_t>(pending.size());
  return n;
}

}  // namespace zhiyin::ps::server
