#include "common/net/mailbox.h"

#include <algorithm>

namespace zhiyin {
namespace {

bool Contains(std::initializer_list<FrameKind> kinds, FrameKind kind) {
  return std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
}

}  // namespace

Frame Mailbox::Await(std::initializer_list<FrameKind> kinds, const char* what) {
  if (std::optional<Frame> kept = TakeKept(kinds)) return std::move(*kept);
  while (true) {
    endpoint_->NoteWaitingFor(what);
    std::optional<Frame> frame = endpoint_->Receive(endpoint_->Now() + timeout_s_);
    endpoint_->NoteWaitingFor("");
    if (!frame) ReportSilence(what);
    if (Handle(*frame)) continue;
    if (Contains(kinds, frame->kind())) return std::move(*frame);
    kept_.push_back(std::move(*frame));
  }
}

std::optional<Frame> Mailbox::Take(std::initializer_list<FrameKind> kinds) {
  if (std::optional<Frame> kept = TakeKept(kinds)) return kept;
  while (std::optional<Frame> frame = endpoint_->Poll()) {
    if (Handle(*frame)) continue;
    if (Contains(kinds, frame->kind())) return frame;
    kept_.push_back(std::move(*frame));
  }
  return std::nullopt;
}

std::optional<Frame> Mailbox::TakeKept(std::initializer_list<FrameKind> kinds) {
  const auto it =
      std::find_if(kept_.begin(), kept_.end(), [&](const Frame& f) { return Contains(kinds, f.kind()); });
  if (it == kept_.end()) return std::nullopt;
  Frame frame = std::move(*it);
  kept_.erase(it);
  return frame;
}

bool Mailbox::Handle(const Frame& frame) {
  last_kind_ = frame.kind();
  last_source_ = frame.source();
  switch (frame.kind()) {
    case FrameKind::kAbort:
      throw Error(std::string(frame.text()));
    case FrameKind::kStop:
      throw JobStopped(std::string(frame.text()));
    case FrameKind::kAlive:
      return true;
    default:
      return false;
  }
}

void Mailbox::SayAlive() {
  const double now = endpoint_->Now();
  if (said_alive_at_ >= 0 && now - said_alive_at_ < 1.0) return;
  said_alive_at_ = now;
  for (int rank = 0; rank < endpoint_->n_ranks(); ++rank) {
    if (rank != endpoint_->rank()) Send(rank, Frame(FrameKind::kAlive, 0, 0, 0));
  }
}

void Mailbox::ReportSilence(const char* what) const {
  if (last_source_ < 0) {
    Fail("rank ", endpoint_->rank(), " on ", endpoint_->host(), ": no message from any rank within ",
         timeout_s_, " s of waiting for ", what, " (the limit is --timeout_s)");
  }
  Fail("rank ", endpoint_->rank(), " on ", endpoint_->host(), ": silence for ", timeout_s_,
       " s while waiting for ", what, "; the last message was a ", NameOf(last_kind_), " from rank ",
       last_source_, " (the limit is --timeout_s)");
}

}  // namespace zhiyin
