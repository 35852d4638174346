#include "common/net/mailbox.h"

#include <algorithm>
#include <cmath>
#include <sstream>

namespace zhiyin {
namespace {

bool Contains(std::initializer_list<FrameKind> kinds, FrameKind kind) {
  return std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
}

/// What a failed rank says.
std::string FailureOf(const Frame& frame) {
  if (frame.text().empty()) return NameOf(frame) + ": it failed and does not say why";
  return std::string(frame.text());
}

}  // namespace

Mailbox::Mailbox(Endpoint* endpoint, double timeout_s)
    : endpoint_(endpoint),
      timeout_s_(timeout_s),
      sign_every_s_(std::min(1.0, timeout_s / 4)),
      said_alive_at_(endpoint->Now()),
      heard_at_(static_cast<size_t>(endpoint->n_ranks()), endpoint->Now()) {}

Frame Mailbox::Await(std::initializer_list<FrameKind> kinds, const char* what) {
  if (std::optional<Frame> kept = TakeKept(kinds)) return std::move(*kept);
  double now = endpoint_->Now();
  double deadline = now + timeout_s_;
  double next_sign = now + sign_every_s_;
  while (true) {
    endpoint_->NoteWaitingFor(what);
    std::optional<Frame> frame = endpoint_->Receive(std::min(deadline, next_sign));
    endpoint_->NoteWaitingFor("");
    now = endpoint_->Now();
    if (frame) {
      if (frame->kind() != FrameKind::kWaiting) deadline = now + timeout_s_;
      if (Handle(*frame, now)) continue;
      if (Contains(kinds, frame->kind())) return std::move(*frame);
      kept_.push_back(std::move(*frame));
    } else if (now >= deadline) {
      ReportSilence(what);
    } else {
      if (endpoint_->rank() != 0) Send(0, Frame(FrameKind::kWaiting, 0, 0, 0));
      next_sign = now + sign_every_s_;
    }
  }
}

std::optional<Frame> Mailbox::Take(std::initializer_list<FrameKind> kinds) {
  if (std::optional<Frame> kept = TakeKept(kinds)) return kept;
  while (std::optional<Frame> frame = endpoint_->Poll()) {
    if (Handle(*frame, endpoint_->Now())) continue;
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

bool Mailbox::Handle(const Frame& frame, double now) {
  heard_at_[static_cast<size_t>(frame.source())] = now;
  switch (frame.kind()) {
    case FrameKind::kAbort:
      // A reported silence has its clock set: rank 0 knows best who has fallen silent.
      throw Error(FailureOf(frame) + (frame.header().clock != 0 ? SilentRanks() : ""));
    case FrameKind::kStop:
      throw JobStopped(FailureOf(frame));
    case FrameKind::kAlive:
    case FrameKind::kWaiting:
      return true;
    default:
      return false;
  }
}

void Mailbox::SayAlive() {
  const double now = endpoint_->Now();
  if (now - said_alive_at_ < sign_every_s_) return;
  said_alive_at_ = now;
  for (int rank = 0; rank < endpoint_->n_ranks(); ++rank) {
    if (rank != endpoint_->rank()) Send(rank, Frame(FrameKind::kAlive, 0, 0, 0));
  }
  while (std::optional<Frame> frame = endpoint_->Poll()) {
    if (!Handle(*frame, now)) kept_.push_back(std::move(*frame));
  }
}

std::string Mailbox::SilentRanks() const {
  if (endpoint_->rank() != 0) return "";
  const double now = endpoint_->Now();
  std::ostringstream text;
  for (size_t rank = 1; rank < heard_at_.size(); ++rank) {
    const double silent_s = now - heard_at_[rank];
    if (silent_s < 3 * sign_every_s_) continue;
    text << "; no sign of life from rank " << rank << " for " << std::round(silent_s * 10) / 10 << " s";
  }
  return text.str();
}

void Mailbox::ReportSilence(const char* what) const {
  std::ostringstream text;
  text << "rank " << endpoint_->rank() << " on " << endpoint_->host() << ": no news for " << timeout_s_
       << " s (the limit is --timeout_s) while waiting for " << what << SilentRanks();
  throw Silence(text.str());
}

}  // namespace zhiyin
