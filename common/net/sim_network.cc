#include "common/net/sim_network.h"

#include <glog/logging.h>
#include <semaphore.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <deque>
#include <exception>
#include <limits>
#include <map>
#include <sstream>
#include <thread>
#include <utility>
#include <vector>

#include "common/error.h"
#include "common/hash.h"
#include "common/random.h"

namespace zhiyin::net {
namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();

double Seconds(int64_t ns) {
  return 1e-9 * static_cast<double>(ns);
}

/// Leaves the body of a rank that has crashed. Not a std::exception: nothing but the network may
/// catch it and report it as a failure.
struct Gone {};

/// The permission to run, which a rank waits for. Not std::binary_semaphore, which spins and yields
/// before it sleeps: that costs a third of a job's time where the one that runs will be long.
class Baton {
 public:
  Baton() { CHECK_EQ(sem_init(&semaphore_, 0, 0), 0); }
  ~Baton() { sem_destroy(&semaphore_); }
  Baton(const Baton&) = delete;
  Baton& operator=(const Baton&) = delete;

  void Give() { sem_post(&semaphore_); }
  void Await() {
    while (sem_wait(&semaphore_) != 0) CHECK_EQ(errno, EINTR);
  }

 private:
  sem_t semaphore_;
};

}  // namespace

/// The state of the simulation. Used only by the thread that holds the baton.
struct SimNetwork::Impl {
  class SimEndpoint;

  struct UnderWay {
    double at = 0;
    Frame frame;
  };

  /// The frames on their way from one rank to another.
  struct Pair {
    std::deque<UnderWay> queue;  // times ascend
    std::deque<Frame> held;      // wait at the sender, as the queue is full
    int64_t n_queued_bytes = 0;
    int64_t n_bytes = 0;  // of both
    int64_t peak_bytes = 0;
  };

  /// Why a rank does not run.
  enum class State {
    kReceiving,  // until a frame arrives, or wake_at
    kWorking,    // until wake_at
    kFlushing,   // until nothing that it sent is held, or wake_at
    kDone,
  };

  struct Window {
    double begin = 0;
    double end = 0;
  };

  struct Rank {
    std::unique_ptr<SimEndpoint> endpoint;
    Baton baton;
    State state = State::kWorking;
    double since = 0;  // when it began to wait
    double wake_at = 0;
    const char* waiting_for = "";
    bool must_hear = false;                   // of the deadlock
    std::vector<std::unique_ptr<Pair>> from;  // [source], made when there is something
    double next_arrival = kNever;
    int n_held = 0;  // frames of this sender
    int64_t n_bytes = 0;
    int64_t peak_bytes = 0;

    double work_s = 0;
    std::vector<Window> pauses;
    double crash_at = kNever;
  };

  Impl(int n, SimOptions o, Tamper t)
      : options(std::move(o)),
        tamper(std::move(t)),
        random(options.seed),
        ranks(static_cast<size_t>(n)) {}

  Rank& rank(int r) { return ranks[static_cast<size_t>(r)]; }

  /// The time when the rank continues if nothing else happens.
  double NextTime(const Rank& r) const {
    double at = r.wake_at;
    switch (r.state) {
      case State::kReceiving:
        if (r.next_arrival < kNever)
          at = std::min(at, std::max(r.next_arrival, r.since) + r.work_s);
        break;
      case State::kWorking:
        break;
      case State::kFlushing:
        if (r.n_held == 0) at = r.since;
        break;
      case State::kDone:
        return kNever;
    }
    at = std::max(at, r.since);
    for (const Window& pause : r.pauses) {
      if (at >= pause.begin && at < pause.end) at = pause.end;
    }
    return std::min(at, std::max(r.crash_at, r.since));
  }

  /// Chooses who runs next, time advancing if it must: holder, or -1 when all are done.
  void ChooseHolder() {
    double soonest = kNever;
    bool is_deadlock = crashed.empty() && deadlock.empty();
    ready.clear();
    for (size_t r = 0; r < ranks.size(); ++r) {
      if (ranks[r].state == State::kDone) continue;
      // A rank that has not named what it waits for only passes the time: it continues by itself.
      if (ranks[r].state != State::kReceiving || ranks[r].next_arrival < kNever ||
          *ranks[r].waiting_for == '\0')
        is_deadlock = false;
      const double at = std::max(NextTime(ranks[r]), now);
      if (at < soonest) ready.clear();
      soonest = std::min(soonest, at);
      if (at == soonest) ready.push_back(static_cast<int>(r));
    }
    holder = -1;
    if (ready.empty()) return;
    if (is_deadlock) {
      ReportDeadlock();
    } else {
      now = soonest;
    }
    holder = ready[ready.size() == 1 ? 0 : random.Below(ready.size())];
  }

  void ReportDeadlock() {
    std::ostringstream text;
    text << "deadlock at " << now << " s: nothing is under way, and";
    const char* separator = " ";
    ready.clear();
    for (size_t r = 0; r < ranks.size(); ++r) {
      if (ranks[r].state == State::kDone) continue;
      text << separator << "rank " << r << " waits for " << ranks[r].waiting_for;
      separator = ", ";
      ready.push_back(static_cast<int>(r));
      ranks[r].wake_at = now;
      ranks[r].must_hear = true;
    }
    deadlock = text.str();
  }

  /// Lets others run until this rank is chosen again. Throws Gone when it has crashed meanwhile.
  void Wait(int r, State state, double wake_at) {
    Rank& me = rank(r);
    me.state = state;
    me.since = now;
    me.wake_at = wake_at;
    ChooseHolder();
    if (holder != r) {
      rank(holder).baton.Give();
      me.baton.Await();
    }
    if (now >= me.crash_at) throw Gone();
    if (std::exchange(me.must_hear, false)) throw Error(deadlock);
  }

  Pair& PairOf(int from, int to) {
    auto& pair = rank(to).from[static_cast<size_t>(from)];
    if (!pair) pair = std::make_unique<Pair>();
    return *pair;
  }

  bool HasRoom(const Pair& pair, const Frame& frame) const {
    if (pair.queue.empty()) return true;
    if (options.queue_frames > 0 && static_cast<int64_t>(pair.queue.size()) >= options.queue_frames)
      return false;
    return options.queue_bytes == 0 ||
           pair.n_queued_bytes + static_cast<int64_t>(frame.bytes().size()) <= options.queue_bytes;
  }

  /// When something that leaves now arrives.
  double DrawArrival(int from, int to) {
    double at = now + options.delay.Draw(&random);
    for (const SimOptions::Down& down : options.downs) {
      const bool is_here = (down.a == from && down.b == to) || (down.a == to && down.b == from);
      const double begin = Seconds(down.at_ns);
      const double end = Seconds(down.at_ns + down.for_ns);
      if (is_here && now < end && at >= begin) at = std::max(at, end + options.delay.Draw(&random));
    }
    return at;
  }

  /// REQUIRES: there is room.
  void Dispatch(int from, int to, Pair* pair, Frame frame) {
    double at = DrawArrival(from, to);
    if (!pair->queue.empty()) at = std::max(at, pair->queue.back().at);
    pair->n_queued_bytes += static_cast<int64_t>(frame.bytes().size());
    pair->queue.push_back({at, std::move(frame)});
    rank(to).next_arrival = std::min(rank(to).next_arrival, at);
  }

  void Send(int from, int to, Frame frame) {
    if (rank(to).state == State::kDone) {
      ++n_left[frame.kind()];
      return;
    }
    Pair& pair = PairOf(from, to);
    AddBytes(from, to, &pair, static_cast<int64_t>(frame.bytes().size()));
    if (pair.held.empty() && HasRoom(pair, frame)) {
      Dispatch(from, to, &pair, std::move(frame));
    } else {
      ++rank(from).n_held;
      pair.held.push_back(std::move(frame));
    }
  }

  /// The frame that arrived at `to` first, if one has arrived.
  std::optional<Frame> Take(int to) {
    Rank& me = rank(to);
    if (me.next_arrival > now) return std::nullopt;
    size_t source = 0;
    while (!me.from[source] || me.from[source]->queue.empty() ||
           me.from[source]->queue.front().at != me.next_arrival)
      ++source;
    Pair& pair = *me.from[source];
    const int from = static_cast<int>(source);
    const double at = pair.queue.front().at;
    Frame frame = std::move(pair.queue.front().frame);
    pair.queue.pop_front();
    const int64_t n_bytes = static_cast<int64_t>(frame.bytes().size());
    pair.n_queued_bytes -= n_bytes;
    AddBytes(from, to, &pair, -n_bytes);
    while (!pair.held.empty() && HasRoom(pair, pair.held.front())) {
      Dispatch(from, to, &pair, std::move(pair.held.front()));
      pair.held.pop_front();
      --rank(from).n_held;
    }
    me.next_arrival = kNever;
    for (const auto& other : me.from) {
      if (other && !other->queue.empty())
        me.next_arrival = std::min(me.next_arrival, other->queue.front().at);
    }
    frame.Arrived(from);
    const FrameHeader& h = frame.header();
    trace = Mix(trace ^ Mix(static_cast<uint64_t>(to) << 32 | static_cast<uint64_t>(source)) ^
                Mix(h.request_id + (static_cast<uint64_t>(h.kind) << 48)) ^
                Mix(std::bit_cast<uint64_t>(at)) ^ Mix(std::bit_cast<uint64_t>(now) + 1) ^
                h.payload_bytes);
    ++n_delivered;
    return frame;
  }

  /// Adds bytes that are now under way, or subtracts those that no longer are.
  void AddBytes(int from, int to, Pair* pair, int64_t n_bytes) {
    pair->n_bytes += n_bytes;
    pair->peak_bytes = std::max(pair->peak_bytes, pair->n_bytes);
    for (Rank* end : {&rank(from), &rank(to)}) {
      end->n_bytes += n_bytes;
      end->peak_bytes = std::max(end->peak_bytes, end->n_bytes);
    }
  }

  /// The rank takes and sends nothing any more. What has left it is still under way, unless it
  /// crashed while the frame waited at the sender.
  void End(int r) {
    Rank& me = rank(r);
    me.state = State::kDone;
    for (size_t source = 0; source < me.from.size(); ++source) {
      if (!me.from[source]) continue;
      Pair& pair = *me.from[source];
      for (const UnderWay& frame : pair.queue) ++n_left[frame.frame.kind()];
      for (const Frame& frame : pair.held) ++n_left[frame.kind()];
      ranks[source].n_held -= static_cast<int>(pair.held.size());
      pair.queue.clear();
      pair.held.clear();
      AddBytes(static_cast<int>(source), r, &pair, -pair.n_bytes);
    }
    if (now < me.crash_at) return;
    crashed.push_back(r);
    for (Rank& other : ranks) {
      if (const auto& pair = other.from[static_cast<size_t>(r)]) pair->held.clear();
    }
    me.n_held = 0;
  }

  SimOptions options;
  Tamper tamper;
  Random random;
  std::vector<Rank> ranks;
  int holder = -1;
  double now = 0;
  uint64_t trace = 0;
  int64_t n_delivered = 0;
  std::map<FrameKind, int64_t> n_left;
  std::vector<int> crashed;
  std::string deadlock;  // not empty: found, and every wait of then fails with it
  std::exception_ptr failure;
  std::vector<int> ready;        // workspace
  std::vector<Frame> tampering;  // workspace
};

class SimNetwork::Impl::SimEndpoint final : public Endpoint {
 public:
  SimEndpoint(Impl* net, int rank) : net_(net), rank_(rank) {}

  int rank() const override { return rank_; }
  int n_ranks() const override { return static_cast<int>(net_->ranks.size()); }
  std::string host() const override { return "simulated"; }
  double Now() const override { return net_->now; }
  bool TimeIsVirtual() const override { return true; }
  void NoteWaitingFor(const char* what) override { net_->rank(rank_).waiting_for = what; }

  void Send(int to, Frame frame) override {
    CHECK_NE(to, rank_);
    CHECK_LT(frame.bytes().size(), kMaxFrameBytes);
    if (!net_->tamper) return net_->Send(rank_, to, std::move(frame));
    net_->tampering.clear();
    net_->tampering.push_back(std::move(frame));
    net_->tamper(rank_, to, &net_->tampering);
    for (Frame& sent : net_->tampering) net_->Send(rank_, to, std::move(sent));
  }

  std::optional<Frame> Poll() override {
    net_->Wait(rank_, State::kWorking, net_->now + net_->rank(rank_).work_s);
    return net_->Take(rank_);
  }

  std::optional<Frame> Receive(double deadline) override {
    net_->Wait(rank_, State::kReceiving, deadline);
    return net_->Take(rank_);
  }

  bool Flush(double deadline) override {
    if (net_->rank(rank_).n_held > 0) net_->Wait(rank_, State::kFlushing, deadline);
    return net_->rank(rank_).n_held == 0;
  }

 private:
  Impl* net_;
  int rank_;
};

SimNetwork::SimNetwork(int n_ranks, SimOptions options, Tamper tamper)
    : impl_(std::make_unique<Impl>(n_ranks, std::move(options), std::move(tamper))) {
  for (int r = 0; r < n_ranks; ++r) {
    Impl::Rank& rank = impl_->rank(r);
    rank.endpoint = std::make_unique<Impl::SimEndpoint>(impl_.get(), r);
    rank.from.resize(static_cast<size_t>(n_ranks));
    rank.work_s = Seconds(impl_->options.work_ns);
  }
  SimOptions& o = impl_->options;
  std::sort(o.downs.begin(), o.downs.end(),
            [](const SimOptions::Down& a, const SimOptions::Down& b) { return a.at_ns < b.at_ns; });
  for (const SimOptions::Slow& slow : o.slow) impl_->rank(slow.rank).work_s *= slow.factor;
  for (const SimOptions::Pause& pause : o.pauses)
    impl_->rank(pause.rank)
        .pauses.push_back({Seconds(pause.at_ns), Seconds(pause.at_ns + pause.for_ns)});
  for (Impl::Rank& rank : impl_->ranks) {
    std::sort(rank.pauses.begin(), rank.pauses.end(),
              [](const Impl::Window& a, const Impl::Window& b) { return a.begin < b.begin; });
  }
  for (const SimOptions::Crash& crash : o.crashes) {
    double& at = impl_->rank(crash.rank).crash_at;
    at = std::min(at, Seconds(crash.at_ns));
  }
}

SimNetwork::~SimNetwork() = default;

void SimNetwork::Run(const std::function<void(Endpoint&)>& body) {
  std::vector<std::thread> threads;
  threads.reserve(impl_->ranks.size());
  for (size_t r = 0; r < impl_->ranks.size(); ++r) {
    threads.emplace_back([net = impl_.get(), r, &body] {
      Impl::Rank& rank = net->ranks[r];
      rank.baton.Await();
      std::exception_ptr failure;
      try {
        if (net->now < rank.crash_at) body(*rank.endpoint);
      } catch (const Gone&) {
      } catch (...) {
        failure = std::current_exception();
      }
      if (failure && !net->failure) net->failure = failure;
      net->End(static_cast<int>(r));
      net->ChooseHolder();
      if (net->holder >= 0) net->rank(net->holder).baton.Give();
    });
  }
  impl_->ChooseHolder();
  if (impl_->holder >= 0) impl_->rank(impl_->holder).baton.Give();
  for (std::thread& thread : threads) thread.join();
  if (impl_->failure) std::rethrow_exception(impl_->failure);
}

uint64_t SimNetwork::trace_hash() const {
  return impl_->trace;
}

int64_t SimNetwork::n_delivered() const {
  return impl_->n_delivered;
}

double SimNetwork::now() const {
  return impl_->now;
}

const std::vector<int>& SimNetwork::crashed() const {
  return impl_->crashed;
}

int64_t SimNetwork::peak_bytes(int from, int to) const {
  const auto& pair = impl_->rank(to).from[static_cast<size_t>(from)];
  return pair ? pair->peak_bytes : 0;
}

int64_t SimNetwork::peak_bytes_at(int rank) const {
  return impl_->rank(rank).peak_bytes;
}

int64_t SimNetwork::n_left(FrameKind kind) const {
  const auto at = impl_->n_left.find(kind);
  return at == impl_->n_left.end() ? 0 : at->second;
}

}  // namespace zhiyin::net
