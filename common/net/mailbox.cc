#include "common/net/mailbox.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <future>
#include <set>
#include <sstream>

namespace zhiyin::net {
namespace {

constexpr double kShortestWaitS = 1e-6;
constexpr const char* kTheLimit = " (the limit is --timeout_s)";

bool Contains(std::initializer_list<FrameKind> kinds, FrameKind kind) {
  return std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
}

/// The cause that a failed rank gives.
std::string FailureOf(const Frame& frame) {
  if (frame.text().empty()) return NameOf(frame) + ": it failed and does not say why";
  return std::string(frame.text());
}

/// "120 s", in tenths of a second.
std::string SecondsText(double seconds) {
  std::ostringstream text;
  text << std::round(seconds * 10) / 10 << " s";
  return text.str();
}

/// Whether a message's clock is a training step, which tells a reader something.
bool HasStep(FrameKind kind) {
  return Contains(
      {FrameKind::kPull, FrameKind::kPullReply, FrameKind::kPush, FrameKind::kPushReply}, kind);
}

}  // namespace

Mailbox::Mailbox(Endpoint* endpoint, double timeout_s, std::function<void()> on_life)
    : endpoint_(endpoint),
      timeout_s_(timeout_s),
      on_life_(std::move(on_life)),
      heartbeat_every_s_(std::min(1.0, timeout_s / 4)),
      looked_at_s_(endpoint->Now()),
      heartbeat_at_s_(looked_at_s_),
      next_heartbeat_s_(heartbeat_every_s_),
      next_silence_s_(timeout_s + heartbeat_every_s_),
      heard_(static_cast<size_t>(endpoint->n_ranks())) {}

std::string Mailbox::Name(int rank) const {
  std::string name = "rank " + std::to_string(rank);
  if (rank == endpoint_->rank()) return name + " on " + endpoint_->host();
  if (!hosts_.empty()) name += " on " + hosts_[static_cast<size_t>(rank)];
  return name;
}

double Mailbox::Attend() {
  const double now = endpoint_->Now();
  attended_s_ += std::min(now - looked_at_s_, 2 * heartbeat_every_s_);
  looked_at_s_ = now;
  return now;
}

Frame Mailbox::Await(std::initializer_list<FrameKind> kinds, const char* what,
                     const AwaitedRanks& from) {
  if (std::optional<Frame> kept = TakeKept(kinds)) {
    SendTaking();
    return std::move(*kept);
  }
  double now = Attend();
  const Wait wait{what, from};
  const double began_s = attended_s_;
  work_seen_s_ = attended_s_;
  while (true) {
    const double look_up_s =
        std::min({work_seen_s_ + timeout_s_, next_heartbeat_s_, next_silence_s_});
    endpoint_->NoteWaitingFor(what);
    // A shorter wait would not advance a simulated clock, where rounding has left a tiny rest.
    const double wait_s = std::max(look_up_s - attended_s_, kShortestWaitS);
    std::optional<Frame> frame = endpoint_->Receive(now + wait_s);
    endpoint_->NoteWaitingFor("");
    on_life_();
    now = Attend();
    if (attended_s_ >= next_heartbeat_s_)
      SendWaiting(LongestAwaited(from), [&] { return Describe(wait, began_s, ""); });
    if (frame) {
      if (Handle(*frame)) continue;
      if (Contains(kinds, frame->kind())) {
        LookForSilence();
        return std::move(*frame);
      }
      kept_.push_back(std::move(*frame));
      continue;
    }
    // A rank counts as silent only now, when everything that has arrived has been read.
    const auto describe = [&] { return Describe(wait, work_seen_s_, kTheLimit); };
    if (attended_s_ >= work_seen_s_ + timeout_s_) ReportTimeout(describe());
    CheckHeartbeats(describe);
  }
}

std::optional<Frame> Mailbox::Take(std::initializer_list<FrameKind> kinds) {
  std::optional<Frame> taken = TakeKept(kinds);
  if (!taken) taken = TakeArrived(kinds);
  if (taken) SendTaking();
  return taken;
}

std::optional<Frame> Mailbox::TakeArrived(std::initializer_list<FrameKind> kinds) {
  while (std::optional<Frame> frame = endpoint_->Poll()) {
    if (Handle(*frame)) continue;
    if (Contains(kinds, frame->kind())) return frame;
    kept_.push_back(std::move(*frame));
  }
  return std::nullopt;
}

std::optional<Frame> Mailbox::TakeKept(std::initializer_list<FrameKind> kinds) {
  const auto it = std::find_if(kept_.begin(), kept_.end(),
                               [&](const Frame& f) { return Contains(kinds, f.kind()); });
  if (it == kept_.end()) return std::nullopt;
  Frame frame = std::move(*it);
  kept_.erase(it);
  ++n_messages_;
  return frame;
}

bool Mailbox::Handle(const Frame& frame) {
  Heard& heard = heard_[static_cast<size_t>(frame.source())];
  heard.at_s = attended_s_;
  heard.wait.clear();
  const uint64_t clock = frame.header().clock;
  switch (frame.kind()) {
    case FrameKind::kAbort:
      // The clock of a reported timeout is 2 when rank 0 is the silent one, otherwise 1: then rank
      // 0 knows best which rank is.
      if (clock == 2) throw TimeoutError(FailureOf(frame), /*of_rank_zero=*/true);
      throw Error((clock != 0 ? SilentRanksInWords() : "") + FailureOf(frame));
    case FrameKind::kStop:
      throw JobStopped(FailureOf(frame), /*host_is_lost=*/clock != 0);
    case FrameKind::kHeartbeat:
      work_seen_s_ = attended_s_;
      return true;
    case FrameKind::kWaiting:
      if (frame.header().request_id != heard.n_messages) work_seen_s_ = attended_s_;
      heard.n_messages = frame.header().request_id;
      if (clock > heard_.size())
        Fail(NameOf(frame), ": waits for rank ", clock - 1, ", but there are ", heard_.size(),
             " ranks");
      heard.wait = frame.text();
      heard.waits_for = static_cast<int>(clock) - 1;
      return true;
    default:
      work_seen_s_ = attended_s_;
      ++n_messages_;
      heard.message_at_s = attended_s_;
      heard.message = frame.kind();
      heard.clock = clock;
      return false;
  }
}

void Mailbox::SendTaking() {
  on_life_();
  SendTakingIfDue();
  LookForSilence();
}

void Mailbox::SendTakingIfDue() {
  Attend();
  if (attended_s_ >= next_heartbeat_s_) SendWaiting(-1, [] { return std::string(); });
}

void Mailbox::SendWaiting(int waits_for, const std::function<std::string()>& describe) {
  next_heartbeat_s_ = attended_s_ + heartbeat_every_s_;
  if (endpoint_->rank() == 0) {
    uint64_t n_messages = n_messages_;
    for (const Heard& heard : heard_) n_messages += heard.n_messages;
    for (int rank = 1; rank < endpoint_->n_ranks(); ++rank)
      Send(rank, Frame(FrameKind::kWaiting, n_messages, 0, 0));
    return;
  }
  Send(0,
       Frame(FrameKind::kWaiting, n_messages_, static_cast<uint64_t>(waits_for + 1), describe()));
}

void Mailbox::SendHeartbeat() {
  on_life_();
  if (endpoint_->Now() - heartbeat_at_s_ < heartbeat_every_s_) return;
  heartbeat_at_s_ = Attend();
  next_heartbeat_s_ = attended_s_ + heartbeat_every_s_;
  for (int rank = 0; rank < endpoint_->n_ranks(); ++rank) {
    if (rank != endpoint_->rank()) Send(rank, Frame(FrameKind::kHeartbeat, 0, 0, 0));
  }
  ReadAndCheckHeartbeats();
}

void Mailbox::SendHeartbeatWhileDiskIsBusy(double since_s) {
  if (endpoint_->Now() - since_s < kDiskPatience * timeout_s_) SendHeartbeat();
}

void Mailbox::WaitForDisk(const std::function<void()>& call) {
  // Simulated runs repeat exactly, which takes one thread at a time.
  if (endpoint_->TimeIsVirtual()) return call();
  const double since_s = endpoint_->Now();
  // If a heartbeat throws, the destructor waits for the call: it uses what the caller owns.
  std::future<void> done = std::async(std::launch::async, call);
  const std::chrono::duration<double> look_every(heartbeat_every_s_ / 4);
  while (done.wait_for(look_every) != std::future_status::ready)
    SendHeartbeatWhileDiskIsBusy(since_s);
  done.get();
}

bool Mailbox::Watches(int rank) const {
  return rank != endpoint_->rank() && (rank == 0 || endpoint_->rank() == 0);
}

void Mailbox::LookForSilence() {
  if (attended_s_ >= next_silence_s_) ReadAndCheckHeartbeats();
}

void Mailbox::ReadAndCheckHeartbeats() {
  while (std::optional<Frame> frame = endpoint_->Poll()) {
    if (!Handle(*frame)) kept_.push_back(std::move(*frame));
    SendTakingIfDue();  // more may arrive than this rank can read in time
  }
  CheckHeartbeats([] { return std::string(); });
}

void Mailbox::CheckHeartbeats(const std::function<std::string()>& wait) {
  if (attended_s_ < next_silence_s_) return;
  // A rank that was stopped just before its next heartbeat, for less than the limit, is not silent.
  const double silence_max_s = timeout_s_ + heartbeat_every_s_;
  next_silence_s_ = attended_s_ + silence_max_s;
  for (int rank = 0; rank < endpoint_->n_ranks(); ++rank) {
    if (Watches(rank))
      next_silence_s_ =
          std::min(next_silence_s_, heard_[static_cast<size_t>(rank)].at_s + silence_max_s);
  }
  if (attended_s_ < next_silence_s_) return;
  ReportTimeout(wait());
}

void Mailbox::ReportTimeout(const std::string& own_wait) const {
  const std::vector<int> silent = SilentRanks();
  std::string wait = own_wait;
  if (!silent.empty() && endpoint_->rank() == 0) {
    // The best explanation comes from a rank that waits for the silent one, then from one that
    // waits for some particular rank.
    const auto worth = [&](const Heard& h) {
      return h.waits_for == silent.front() ? 2 : h.waits_for >= 0 ? 1 : 0;
    };
    const Heard* best = nullptr;
    for (const Heard& heard : heard_) {
      if (heard.wait.empty() || IsSilent(heard)) continue;
      if (best == nullptr || worth(heard) > worth(*best)) best = &heard;
    }
    if (best != nullptr && (own_wait.empty() || worth(*best) > 0)) wait = best->wait;
  }
  std::string text = SilentRanksInWords() + wait;
  if (wait.empty()) text.resize(text.size() - std::string_view("; ").size());
  throw TimeoutError(text, /*of_rank_zero=*/endpoint_->rank() != 0 && !silent.empty());
}

bool Mailbox::IsSilent(const Heard& heard) const {
  return attended_s_ - heard.at_s >= 3 * heartbeat_every_s_;
}

std::vector<int> Mailbox::SilentRanks() const {
  std::vector<int> silent;
  const auto at_s = [&](int rank) { return heard_[static_cast<size_t>(rank)].at_s; };
  for (int rank = 0; rank < endpoint_->n_ranks(); ++rank) {
    if (Watches(rank) && IsSilent(heard_[static_cast<size_t>(rank)])) silent.push_back(rank);
  }
  std::stable_sort(silent.begin(), silent.end(), [&](int a, int b) { return at_s(a) < at_s(b); });
  return silent;
}

bool Mailbox::HostIsLost() const {
  if (hosts_.empty()) return false;
  if (endpoint_->rank() != 0) return hosts_[0] != endpoint_->host() && !SilentRanks().empty();
  std::set<std::string> silent;
  std::set<std::string> heard = {endpoint_->host()};
  const std::vector<int> silent_ranks = SilentRanks();
  for (int rank = 0; rank < endpoint_->n_ranks(); ++rank) {
    const bool is_silent =
        std::find(silent_ranks.begin(), silent_ranks.end(), rank) != silent_ranks.end();
    (is_silent ? silent : heard).insert(hosts_[static_cast<size_t>(rank)]);
  }
  return !std::includes(heard.begin(), heard.end(), silent.begin(), silent.end());
}

std::string Mailbox::SilentRanksInWords() const {
  std::string text;
  for (const int rank : SilentRanks()) {
    text += text.empty() ? "no heartbeat from " : ", from ";
    text +=
        Name(rank) + " for " + SecondsText(attended_s_ - heard_[static_cast<size_t>(rank)].at_s);
  }
  if (!text.empty()) text += std::string(kTheLimit) + "; ";
  return text;
}

std::string Mailbox::Describe(const Wait& wait, double since_s, const char* limit) const {
  const int awaited = LongestAwaited(wait.from);
  std::string text = Name(endpoint_->rank()) + ": waited " + SecondsText(attended_s_ - since_s) +
                     limit + " for " + wait.what;
  if (awaited >= 0) text += " from " + Name(awaited);
  return text + "; " + LastMessageFrom(awaited);
}

int Mailbox::LongestAwaited(const AwaitedRanks& from) const {
  int longest = -1;
  if (!from) return longest;
  for (int rank = 0; rank < endpoint_->n_ranks(); ++rank) {
    if (rank == endpoint_->rank() || !from(rank)) continue;
    if (longest < 0 || heard_[static_cast<size_t>(rank)].message_at_s <
                           heard_[static_cast<size_t>(longest)].message_at_s) {
      longest = rank;
    }
  }
  return longest;
}

std::string Mailbox::LastMessageFrom(int rank) const {
  const bool of_anyone = rank < 0;
  if (of_anyone) {
    const auto latest = std::max_element(
        heard_.begin(), heard_.end(),
        [](const Heard& a, const Heard& b) { return a.message_at_s < b.message_at_s; });
    rank = static_cast<int>(latest - heard_.begin());
  }
  const Heard& heard = heard_[static_cast<size_t>(rank)];
  if (heard.message == FrameKind::kHeartbeat)
    return of_anyone ? "no message has come"
                     : "no message from rank " + std::to_string(rank) + " has come";
  std::ostringstream text;
  text << "the last message" << (of_anyone ? "" : " from rank " + std::to_string(rank)) << " came "
       << SecondsText(attended_s_ - heard.message_at_s) << " ago: " << NameOf(heard.message);
  if (HasStep(heard.message)) text << " of step " << heard.clock;
  if (of_anyone) text << " from " << Name(rank);
  return text.str();
}

}  // namespace zhiyin::net
