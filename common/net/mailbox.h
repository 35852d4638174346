// The receiving side of a rank: sorts frames by kind, bounds every wait, exchanges heartbeats, and
// turns another rank's failure into an exception here.
#pragma once

#include <deque>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include "common/error.h"
#include "common/net/endpoint.h"

namespace zhiyin::net {

/// The exception of every wait once rank 0 has stopped the job. The cause has been printed already.
class JobStopped : public Error {
 public:
  JobStopped(const std::string& text, bool host_is_lost)
      : Error(text), host_is_lost_(host_is_lost) {}
  /// Whether some host may be lost, see Mailbox::HostIsLost.
  bool host_is_lost() const { return host_is_lost_; }

 private:
  bool host_is_lost_;
};

/// The exception of a wait that has lasted too long, or of a rank that sends no heartbeat.
class TimeoutError : public Error {
 public:
  TimeoutError(const std::string& text, bool of_rank_zero)
      : Error(text), of_rank_zero_(of_rank_zero) {}
  /// Whether rank 0 is the silent one: it must not be sent a report.
  bool of_rank_zero() const { return of_rank_zero_; }

 private:
  bool of_rank_zero_;
};

/// Tells whether a wait is for this rank: it cannot end before all such ranks have sent something.
/// Called only for reports. Empty: any rank may end the wait.
using AwaitedRanks = std::function<bool(int rank)>;

/// Waits for frames of given kinds and keeps the others for later. Used by the rank's own thread;
/// borrows the endpoint, which outlives it.
///
/// Once a second every rank sends rank 0 a heartbeat, and rank 0 sends one to all: rank 0 notices
/// when a rank falls silent, and all ranks notice when rank 0 does. A heartbeat carries how many
/// messages its sender has taken (kWaiting's request_id; in rank 0's heartbeat, the sum over all
/// ranks), which tells whether work goes on anywhere. Two things end the job, both after
/// `timeout_s` seconds (the first after one heartbeat interval more): a rank without a heartbeat,
/// and a wait during which no rank was at work, that is, none sent kHeartbeat and none took a
/// message.
///
/// Time in which this rank did not look at the network, because it was stopped or computed, does
/// not count: whatever arrived meanwhile is read first.
class Mailbox {
 public:
  Mailbox(Endpoint* endpoint, double timeout_s);

  Endpoint& endpoint() { return *endpoint_; }
  /// Sets the hosts of all ranks, [rank], for messages. Until then ranks are named without host.
  void SetHosts(std::vector<std::string> hosts) { hosts_ = std::move(hosts); }
  /// Whether another host may be lost. On rank 0: all ranks of some host are silent; on other
  /// ranks: rank 0 is silent, and runs on another host.
  bool HostIsLost() const;
  /// The rank in words: "rank 3 on node-b".
  std::string Name(int rank) const;

  void Send(int to, Frame frame) { endpoint_->Send(to, std::move(frame)); }
  /// A number that this rank has not used yet.
  uint64_t NewRequestId() { return ++last_request_id_; }

  /// Returns the next frame of one of these kinds; others are kept for their own Await. `what`
  /// names what is awaited ("a pull reply"), `from` the ranks that it must come from. Throws
  /// JobStopped; Error when a rank reported a failure (on rank 0); TimeoutError.
  Frame Await(std::initializer_list<FrameKind> kinds, const char* what,
              const AwaitedRanks& from = nullptr);
  /// Returns such a frame if one has arrived, without waiting. Throws as Await does.
  std::optional<Frame> Take(std::initializer_list<FrameKind> kinds);

  /// Tells all other ranks that this one is at work although it sends nothing else, and takes what
  /// has arrived, so that a failure elsewhere is noticed. For long work between messages; may be
  /// called often, as it does something at most once a second. Throws as Await does.
  void SendHeartbeat();

 private:
  /// The latest from a rank. Times are on the clock attended_s_.
  struct Heard {
    double at_s = 0;                            // of a message or a heartbeat
    double message_at_s = 0;                    // of a message
    FrameKind message = FrameKind::kHeartbeat;  // kHeartbeat: no message has come yet
    uint64_t clock = 0;
    uint64_t n_messages =
        0;  // that it has taken, as its last sign says; of rank 0: that all ranks have taken
    std::string wait;    // on rank 0: what it waits for, in its own words; "" when it is at work
    int waits_for = -1;  // the rank that it waits for; -1: anyone
  };
  struct Wait {
    const char* what;
    const AwaitedRanks& from;
  };

  /// Advances attended_s_; returns the endpoint's time.
  double Attend();
  std::optional<Frame> TakeKept(std::initializer_list<FrameKind> kinds);
  /// Takes note of a frame. Returns whether it was for the mailbox itself.
  bool Handle(const Frame& frame);
  /// Sends kWaiting, the heartbeat of a rank that waits, to the ranks that watch this one.
  void SendWaiting(const Wait& wait, double began_s);

  /// Whether this rank expects heartbeats from that one.
  bool Watches(int rank) const;
  /// Throws TimeoutError when a watched rank has been silent for too long. `wait` says what this
  /// rank waits for; called only then.
  void CheckHeartbeats(const std::function<std::string()>& wait);
  [[noreturn]] void ReportTimeout(const std::string& own_wait) const;
  bool IsSilent(const Heard& heard) const;
  /// The watched ranks that are silent, the longest silent first.
  std::vector<int> SilentRanks() const;
  /// "no heartbeat from rank 3 on node-b for 12 s; ", or "".
  std::string SilentRanksInWords() const;

  /// "rank 4 on node-b: waited 120 s LIMIT for a pull reply from rank 1 on node-a; the last message
  /// from rank 1 came 121 s ago: pull reply of step 812"
  std::string Describe(const Wait& wait, double since_s, const char* limit) const;
  /// The rank, among those that a wait is for, whose last message is oldest; -1: any rank may end
  /// the wait.
  int LongestAwaited(const AwaitedRanks& from) const;
  std::string LastMessageFrom(int rank) const;

  Endpoint* endpoint_;
  double timeout_s_;
  double heartbeat_every_s_;
  uint64_t last_request_id_ = 0;
  double looked_at_s_;     // endpoint's clock
  double heartbeat_at_s_;  // endpoint's clock
  // A clock that passes with the endpoint's while this rank looks at the network at least every
  // other second, and stands still while it does not.
  double attended_s_ = 0;
  double work_seen_s_ = 0;    // in the current wait: when some rank was last known to be at work
  uint64_t n_messages_ = 0;   // taken
  double next_heartbeat_s_;   // when to send kWaiting
  double next_silence_s_;     // not before this time has any watched rank been silent for too long
  std::vector<Heard> heard_;  // [rank]
  std::vector<std::string> hosts_;  // [rank], or empty
  std::deque<Frame> kept_;
};

}  // namespace zhiyin::net
