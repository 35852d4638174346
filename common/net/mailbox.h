// A rank's post office: sorts what arrives by kind, bounds every wait, and turns another rank's
// failure into an exception here.
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

/// Thrown by every wait once rank 0 has stopped the job. The cause has been printed already.
class JobStopped : public Error {
 public:
  JobStopped(const std::string& text, bool host_is_lost)
      : Error(text), host_is_lost_(host_is_lost) {}
  /// Some host may be lost, see Mailbox::HostIsLost.
  bool host_is_lost() const { return host_is_lost_; }

 private:
  bool host_is_lost_;
};

/// Thrown when a wait has lasted too long, or a rank gives no sign of life.
class TimeoutError : public Error {
 public:
  TimeoutError(const std::string& text, bool of_rank_zero)
      : Error(text), of_rank_zero_(of_rank_zero) {}
  /// Nobody listens there any more.
  bool of_rank_zero() const { return of_rank_zero_; }

 private:
  bool of_rank_zero_;
};

/// Whether a wait is for this rank: the wait cannot end before all of those have spoken. Asked only
/// now and then, for reports. None: anyone may end it.
using AwaitedRanks = std::function<bool(int rank)>;

/// Used by the rank's own thread; borrows the endpoint.
///
/// Once a second every rank gives rank 0 a sign of life, and rank 0 gives one to all. So rank 0
/// knows who has fallen silent, and all know whether rank 0 has. Two limits, both `timeout_s`: a
/// rank that gives no sign for so long, and the time between two signs, ends the job, whatever else
/// goes on; and so does a wait in which no rank was at work for so long: none said that it was
/// busy, and none took a message, as the signs tell, which carry how many their sender has taken
/// (kWaiting's request_id; rank 0's those of all).
///
/// Time in which this rank itself did not look, because it was stopped or computed, counts for
/// nothing: what others sent meanwhile is read first.
class Mailbox {
 public:
  Mailbox(Endpoint* endpoint, double timeout_s);

  Endpoint& endpoint() { return *endpoint_; }
  /// [rank]: where each runs, for messages. Before that they are named without their host.
  void SetHosts(std::vector<std::string> hosts) { hosts_ = std::move(hosts); }
  /// Whether some other host may be lost: on rank 0, that all its ranks have fallen silent; on
  /// others, that rank 0 has.
  bool HostIsLost() const;
  /// "rank 3 on node-b"
  std::string Name(int rank) const;

  void Send(int to, Frame frame) { endpoint_->Send(to, std::move(frame)); }
  /// A number that this rank has not used yet.
  uint64_t NewRequestId() { return ++last_request_id_; }

  /// The next frame of one of these kinds; others are kept for their own Await. `what` says what is
  /// waited for ("a pull reply"), `from` of whom. Throws JobStopped; Error when a rank reported a
  /// failure (on rank 0); TimeoutError.
  Frame Await(std::initializer_list<FrameKind> kinds, const char* what,
              const AwaitedRanks& from = nullptr);
  /// The same without waiting.
  std::optional<Frame> Take(std::initializer_list<FrameKind> kinds);

  /// Tells all others that this rank is at work although it has nothing to say, and takes what has
  /// come, so that a failure elsewhere is heard of; at most once a second, otherwise it costs a
  /// look at the clock. For long work between messages. Throws as Await does.
  void SendHeartbeat();

 private:
  /// What was last heard of a rank, on the clock attended_s_.
  struct Heard {
    double at_s = 0;                            // of a message or a sign of life
    double message_at_s = 0;                    // of a message
    FrameKind message = FrameKind::kHeartbeat;  // kHeartbeat: there was none yet
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

  /// Lets the clock of attention pass; returns the endpoint's time.
  double Attend();
  std::optional<Frame> TakeKept(std::initializer_list<FrameKind> kinds);
  /// True: the frame was for the mailbox itself.
  bool Handle(const Frame& frame);
  /// Gives a sign of life to those who watch this rank.
  void Sign(const Wait& wait, double began_s);

  /// Whether this rank expects signs of life from that one.
  bool Watches(int rank) const;
  /// Throws TimeoutError when a watched rank has been silent for too long; `wait`: in words, what
  /// this rank waits for, asked only then.
  void CheckHeartbeats(const std::function<std::string()>& wait);
  [[noreturn]] void ReportTimeout(const std::string& own_wait) const;
  bool IsSilent(const Heard& heard) const;
  /// The watched ranks that are silent, longest first.
  std::vector<int> SilentRanks() const;
  /// "no heartbeat from rank 3 on node-b for 12 s; ", or "".
  std::string SilentRanksInWords() const;

  /// "rank 4 on node-b: waited 120 s LIMIT for a pull reply from rank 1 on node-a; the last message
  /// from rank 1 came 121 s ago: pull reply of step 812"
  std::string Describe(const Wait& wait, double since_s, const char* limit) const;
  /// Of the ranks that a wait is for, the one that has sent nothing for the longest time; -1: it is
  /// for anyone.
  int LongestAwaited(const AwaitedRanks& from) const;
  std::string LastMessageFrom(int rank) const;

  Endpoint* endpoint_;
  double timeout_s_;
  double sign_every_s_;
  uint64_t last_request_id_ = 0;
  double looked_at_s_;     // endpoint's clock
  double heartbeat_at_s_;  // endpoint's clock
  // The clock of attention passes with the endpoint's while this rank looks at the network at least
  // every other second, and stands still while it does not.
  double attended_s_ = 0;
  double work_seen_s_ = 0;    // in the wait at hand: when some rank was last known to be at work
  uint64_t n_messages_ = 0;   // taken
  double next_sign_s_;        // when to tell that this rank waits
  double next_silence_s_;     // not before this time has any watched rank been silent for too long
  std::vector<Heard> heard_;  // [rank]
  std::vector<std::string> hosts_;  // [rank], or empty
  std::deque<Frame> kept_;
};

}  // namespace zhiyin::net
