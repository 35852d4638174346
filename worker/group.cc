#include "worker/group.h"

#include <algorithm>

namespace zhiyin::worker {

std::vector<std::string> Group::Gather(std::string mine, const char* what) {
  const uint64_t call = n_calls_++;
  if (!IsChief()) {
    mailbox_->Send(roles_.ChiefRank(), Frame(FrameKind::kGather, mailbox_->NewRequestId(), call, mine));
    return {};
  }
  std::vector<std::string> all(static_cast<size_t>(roles_.n_workers));
  all[0] = std::move(mine);
  int n_missing = roles_.n_workers - 1;
  const auto take = [&](const Frame& frame) {
    all[static_cast<size_t>(roles_.WorkerOfRank(frame.source()))] = frame.text();
    --n_missing;
  };
  std::erase_if(early_, [&](const Frame& frame) {
    const bool now = frame.header().clock == call;
    if (now) take(frame);
    return now;
  });
  while (n_missing > 0) {
    Frame frame = mailbox_->Await({FrameKind::kGather}, what);
    if (frame.header().clock == call) {
      take(frame);
    } else {
      early_.push_back(std::move(frame));
    }
  }
  return all;
}

std::string Group::Broadcast(std::string from_chief, const char* what) {
  const uint64_t call = n_calls_++;
  if (!IsChief()) return std::string(mailbox_->Await({FrameKind::kBroadcast}, what).text());
  for (int w = 1; w < roles_.n_workers; ++w) {
    mailbox_->Send(roles_.RankOfWorker(w),
                   Frame(FrameKind::kBroadcast, mailbox_->NewRequestId(), call, from_chief));
  }
  return from_chief;
}

void Group::Barrier(const char* what) {
  Gather("", what);
  Broadcast("", what);
}

}  // namespace zhiyin::worker
