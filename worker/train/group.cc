#include "worker/train/group.h"

#include <algorithm>
#include <utility>

#include "common/error.h"

namespace zhiyin::worker::train {

std::vector<std::string> Group::Gather(std::string mine, const char* what) {
  const uint64_t call = n_calls_++;
  if (!IsChief()) {
    mailbox_->Send(roles_.ChiefRank(),
                   net::Frame(net::FrameKind::kGather, mailbox_->NewRequestId(), call, mine));
    return {};
  }
  std::vector<std::string> all(static_cast<size_t>(roles_.n_workers));
  all[0] = std::move(mine);
  std::vector<bool> is_here(all.size());
  is_here[0] = true;
  int n_missing = roles_.n_workers - 1;
  const auto take = [&](const net::Frame& frame) {
    if (roles_.IsServer(frame.source()))
      Fail(net::NameOf(frame), ", which is a server, expected one from a worker");
    const size_t worker = static_cast<size_t>(roles_.WorkerOfRank(frame.source()));
    if (is_here[worker]) Fail(net::NameOf(frame), ": call ", call, " came twice");
    is_here[worker] = true;
    all[worker] = frame.text();
    --n_missing;
  };
  std::erase_if(early_, [&](const net::Frame& frame) {
    const bool now = frame.header().clock == call;
    if (now) take(frame);
    return now;
  });
  while (n_missing > 0) {
    net::Frame frame = mailbox_->Await({net::FrameKind::kGather}, what, [&](int rank) {
      return !roles_.IsServer(rank) && !is_here[static_cast<size_t>(roles_.WorkerOfRank(rank))];
    });
    if (frame.header().clock < call)
      Fail(net::NameOf(frame), ": call ", frame.header().clock, ", expected at least ", call);
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
  if (!IsChief()) {
    const net::Frame frame = mailbox_->Await({net::FrameKind::kBroadcast}, what,
                                             [&](int rank) { return rank == roles_.ChiefRank(); });
    if (frame.source() != roles_.ChiefRank())
      Fail(net::NameOf(frame), ", expected one from the chief, rank ", roles_.ChiefRank());
    if (frame.header().clock != call)
      Fail(net::NameOf(frame), ": call ", frame.header().clock, ", expected ", call);
    return std::string(frame.text());
  }
  for (int w = 1; w < roles_.n_workers; ++w) {
    mailbox_->Send(roles_.RankOfWorker(w), net::Frame(net::FrameKind::kBroadcast,
                                                      mailbox_->NewRequestId(), call, from_chief));
  }
  return from_chief;
}

void Group::Send(int worker, std::string_view bytes) {
  mailbox_->Send(roles_.RankOfWorker(worker),
                 net::Frame(net::FrameKind::kExamples, mailbox_->NewRequestId(), 0, bytes));
}

std::string Group::Receive(int worker, const char* what) {
  const int from = RankOfWorker(worker);
  while (true) {
    if (std::optional<std::string> bytes = TakeKept(from)) return *std::move(bytes);
    Keep(mailbox_->Await({net::FrameKind::kExamples}, what,
                         [from](int rank) { return rank == from; }));
  }
}

std::optional<std::string> Group::TakeArrived(int worker) {
  while (std::optional<net::Frame> frame = mailbox_->Take({net::FrameKind::kExamples}))
    Keep(*std::move(frame));
  return TakeKept(RankOfWorker(worker));
}

void Group::Keep(net::Frame frame) {
  if (roles_.IsServer(frame.source()))
    Fail(net::NameOf(frame), ", which is a server, expected one from a worker");
  sent_.push_back(std::move(frame));
}

std::optional<std::string> Group::TakeKept(int rank) {
  const auto frame = std::ranges::find(sent_, rank, &net::Frame::source);
  if (frame == sent_.end()) return std::nullopt;
  std::string bytes(frame->text());
  sent_.erase(frame);
  return bytes;
}

void Group::Barrier(const char* what) {
  Gather("", what);
  Broadcast("", what);
}

}  // namespace zhiyin::worker::train
