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

/// Returns whether a wait is for this rank. A wait ends when all ranks that it is for have sent
/// something; if the function is empty, any rank may end the wait. Called only for reports.
using AwaitedRanks = std::function<bool(int rank)>;

/// Waits for frames of given kinds and keeps the others for later. Used by the rank's own thread;
/// borrows the endpoint, which outlives it.
///
/// Once a second every rank sends a heartbeat to rank 0, and rank 0 sends one to all ranks: rank 0
/// notices when a rank falls silent, and all ranks notice when rank 0 does. A heartbeat carries the
/// number of messages that its sender has taken (in request_id of kWaiting; in the heartbeat of
/// rank 0, the sum over all ranks): while that number grows, the job makes progress. Heartbeats are
/// sent and checked by Await, also by Take for a rank that is never idle, and by the three
/// functions at the end.
///
/// Two events end the job: a rank has sent no heartbeat for `timeout_s` seconds plus one heartbeat
/// interval; or a wait has lasted `timeout_s` seconds in which no rank was at work, that is, no
/// rank sent kHeartbeat or took a message. Time in which this rank did not read from the network,
/// because it computed or was stopped, does not count: frames that arrived meanwhile are read
/// first.
class Mailbox {
 public:
  /// A call that waits for the disk may last so many times the limit.
  static constexpr double kDiskPatience = 10;

  /// `on_life` is called with every sign of life: a message, a heartbeat, a look at the network
  /// during a wait. May be empty; costs little.
  Mailbox(
      Endpoint* endpoint, double timeout_s, std::function<void()> on_life = [] {});

  Endpoint& endpoint() { return *endpoint_; }
  /// Sets the hosts of all ranks, [n_ranks], for messages. Until then ranks are named without host.
  void SetHosts(std::vector<std::string> hosts) { hosts_ = std::move(hosts); }
  /// Whether another host may be lost: on rank 0, whether all ranks of some host are silent; on
  /// another rank, whether rank 0 is silent and runs on another host.
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
  /// Returns a frame of one of these kinds if one has arrived, without waiting. Throws as Await
  /// does.
  std::optional<Frame> Take(std::initializer_list<FrameKind> kinds);

  /// Sends kHeartbeat to all other ranks and takes the frames that have arrived, so that a failure
  /// elsewhere is noticed. Called during long work between messages, whenever a piece of it is done
  /// (common/tick.h); may be called often, since it does this at most once a second. Throws as
  /// Await does.
  void SendHeartbeat();
  /// Sends heartbeats as SendHeartbeat does while this rank waits for its disk, since `since_s` on
  /// the endpoint's clock, although that shows no progress. Does nothing once the wait is longer
  /// than kDiskPatience times the limit, so that a disk that never answers ends the job.
  void SendHeartbeatWhileDiskIsBusy(double since_s);
  /// Runs a call that may wait for the disk for long (fsync, the removal of files) in a thread of
  /// its own, if time is real, and sends heartbeats meanwhile, as SendHeartbeatWhileDiskIsBusy
  /// does. Returns when the call has. Throws what it throws, or, once it has returned, as Await
  /// does. `call` uses neither the network nor anything else that only the rank's thread may use.
  void WaitForDisk(const std::function<void()>& call);

 private:
  /// The latest news of a rank. Times are on the clock attended_s_.
  struct Heard {
    double at_s = 0;                            // of a message or a heartbeat
    double message_at_s = 0;                    // of a message
    FrameKind message = FrameKind::kHeartbeat;  // kHeartbeat: no message has come yet
    uint64_t clock = 0;
    // The number of messages that it has taken, by its last heartbeat; for rank 0, the number that
    // all ranks have taken.
    uint64_t n_messages = 0;
    std::string wait;    // on rank 0: its own description of its wait; "" when it is at work
    int waits_for = -1;  // the rank that it waits for; -1: any rank
  };
  struct Wait {
    const char* what;
    const AwaitedRanks& from;
  };

  /// Advances attended_s_; returns the endpoint's time.
  double Attend();
  std::optional<Frame> TakeKept(std::initializer_list<FrameKind> kinds);
  /// Takes what has arrived, up to the first frame of these kinds; keeps the others.
  std::optional<Frame> TakeArrived(std::initializer_list<FrameKind> kinds);
  /// Records the arrival of a frame. Returns whether the frame was for the mailbox itself.
  bool Handle(const Frame& frame);
  /// Sends kWaiting to the ranks that watch this one. `describe` returns the wait in words, "" for
  /// a rank that takes one message after the other; called only on other ranks than rank 0.
  void SendWaiting(int waits_for, const std::function<std::string()>& describe);
  /// Sends kWaiting once a second while this rank takes messages without a wait between them, and
  /// checks heartbeats as LookForSilence does.
  void SendTaking();
  /// Sends kWaiting if the last one was a second ago.
  void SendTakingIfDue();

  /// Whether this rank expects heartbeats from that one.
  bool Watches(int rank) const;
  /// Throws TimeoutError when a watched rank has been silent for too long. `wait` returns a
  /// description of this rank's wait; called only for the error.
  void CheckHeartbeats(const std::function<std::string()>& wait);
  /// Checks heartbeats where it is time for that and a message has been taken: a rank that always
  /// finds one never waits to the end of its deadline.
  void LookForSilence();
  /// Reads what has arrived, keeps the messages, and checks heartbeats.
  void ReadAndCheckHeartbeats();
  [[noreturn]] void ReportTimeout(const std::string& own_wait) const;
  bool IsSilent(const Heard& heard) const;
  /// The watched ranks that are silent, the longest silent first.
  std::vector<int> SilentRanks() const;
  /// "no heartbeat from rank 3 on node-b for 12 s; ", or "".
  std::string SilentRanksInWords() const;

  /// "rank 4 on node-b: waited 120 s LIMIT for a pull reply from rank 1 on node-a; the last message
  /// from rank 1 came 121 s ago: pull reply of step 812"
  std::string Describe(const Wait& wait, double since_s, const char* limit) const;
  /// The rank whose last message is oldest, among the ranks that a wait is for; -1 if any rank may
  /// end the wait.
  int LongestAwaited(const AwaitedRanks& from) const;
  std::string LastMessageFrom(int rank) const;

  Endpoint* endpoint_;
  double timeout_s_;
  std::function<void()> on_life_;
  double heartbeat_every_s_;
  uint64_t last_request_id_ = 0;
  double looked_at_s_;     // endpoint's clock
  double heartbeat_at_s_;  // endpoint's clock
  // A clock that runs with the endpoint's clock while this rank reads from the network at least
  // every other second, and stands still otherwise.
  double attended_s_ = 0;
  double work_seen_s_ = 0;  // in the current wait: when some rank was last known to be at work
  // Taken. One that was kept counts again when it is asked for: either is progress.
  uint64_t n_messages_ = 0;
  double next_heartbeat_s_;   // when to send kWaiting
  double next_silence_s_;     // not before this time has any watched rank been silent for too long
  std::vector<Heard> heard_;  // [rank]
  std::vector<std::string> hosts_;  // [rank], or empty
  std::deque<Frame> kept_;
};

}  // namespace zhiyin::net
