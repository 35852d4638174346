#include "common/net/sim_network.h"

#include <glog/logging.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <exception>
#include <limits>
#include <mutex>
#include <sstream>
#include <thread>
#include <vector>

#include "common/error.h"
#include "common/hash.h"
#include "common/random.h"

namespace zhiyin {
namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();
/// Virtual cost of a Poll that finds nothing: a rank that only polls must not stop the time.
constexpr double kPollCost = 1e-6;

}  // namespace

struct SimNetwork::Impl {
  class SimEndpoint;

  struct UnderWay {
    double at = 0;
    Frame frame;
  };

  enum class State { kRunnable, kWaiting, kDone };

  struct Rank {
    std::unique_ptr<SimEndpoint> endpoint;
    State state = State::kRunnable;
    double wake_at = kNever;  // deadline while waiting
    const char* waiting_for = "";
    std::condition_variable baton;
    std::vector<std::deque<UnderWay>> inbox;  // [source]; in each, times ascend

    double NextArrival() const {
      double at = kNever;
      for (const auto& queue : inbox) {
        if (!queue.empty()) at = std::min(at, queue.front().at);
      }
      return at;
    }
  };

  Impl(int n, Options o) : options(o), random(o.seed), ranks(static_cast<size_t>(n)) {}

  /// The baton passes to a rank that can go on, time advancing if it must. REQUIRES: the lock is held.
  void PassBaton() {
    std::vector<int> ready;
    double soonest = kNever;
    bool any_left = false;
    bool any_under_way = false;
    for (size_t r = 0; r < ranks.size(); ++r) {
      Rank& rank = ranks[r];
      if (rank.state == State::kDone) continue;
      any_left = true;
      const double arrival = rank.NextArrival();
      // A rank that waits without saying what for only sleeps: it goes on by itself.
      any_under_way |= arrival < kNever || *rank.waiting_for == '\0';
      const double at = rank.state == State::kRunnable ? now : std::min(arrival, rank.wake_at);
      any_under_way |= rank.state == State::kRunnable;
      if (at <= now) ready.push_back(static_cast<int>(r));
      soonest = std::min(soonest, at);
    }
    holder = -1;
    if (!any_left) return;
    if (!any_under_way && deadlock.empty()) {
      ReportDeadlock();
      for (size_t r = 0; r < ranks.size(); ++r) {
        if (ranks[r].state != State::kDone) ready.push_back(static_cast<int>(r));
      }
    } else if (ready.empty()) {
      now = std::max(now, soonest);
      for (size_t r = 0; r < ranks.size(); ++r) {
        const Rank& rank = ranks[r];
        if (rank.state == State::kDone) continue;
        if (rank.state == State::kRunnable || std::min(rank.NextArrival(), rank.wake_at) <= now) {
          ready.push_back(static_cast<int>(r));
        }
      }
    }
    CHECK(!ready.empty());
    holder = ready[random.Below(ready.size())];
    ranks[static_cast<size_t>(holder)].baton.notify_one();
  }

  void ReportDeadlock() {
    std::ostringstream text;
    text << "deadlock at " << now << " s: nothing is under way, and";
    const char* separator = " ";
    for (size_t r = 0; r < ranks.size(); ++r) {
      if (ranks[r].state == State::kDone) continue;
      text << separator << "rank " << r << " waits for " << ranks[r].waiting_for;
      separator = ", ";
    }
    deadlock = text.str();
  }

  /// Lets others run until this rank is chosen again.
  void Yield(int rank, std::unique_lock<std::mutex>& lock) {
    PassBaton();
    ranks[static_cast<size_t>(rank)].baton.wait(lock, [&] { return holder == rank; });
  }

  Options options;
  Random random;
  std::mutex mutex;
  std::vector<Rank> ranks;
  int holder = -1;
  double now = 0;
  uint64_t trace = 0;
  std::string deadlock;  // not empty: found, and every wait fails with it
  std::exception_ptr failure;
};

class SimNetwork::Impl::SimEndpoint final : public Endpoint {
 public:
  SimEndpoint(Impl* net, int rank) : net_(net), rank_(rank) {}

  int rank() const override { return rank_; }
  int n_ranks() const override { return static_cast<int>(net_->ranks.size()); }
  std::string host() const override { return "simulated"; }
  double Now() const override {
    std::lock_guard lock(net_->mutex);
    return net_->now;
  }
  bool TimeIsVirtual() const override { return true; }
  void NoteWaitingFor(const char* what) override { Me().waiting_for = what; }

  void Send(int to, Frame frame) override {
    CHECK_NE(to, rank_);
    CHECK_LT(frame.bytes().size(), kMaxFrameBytes);
    std::lock_guard lock(net_->mutex);
    const Options& o = net_->options;
    double at = net_->now + o.delay_min_s + (o.delay_max_s - o.delay_min_s) * net_->random.Uniform();
    auto& queue = net_->ranks[static_cast<size_t>(to)].inbox[static_cast<size_t>(rank_)];
    if (!queue.empty()) at = std::max(at, queue.back().at);
    queue.push_back({at, std::move(frame)});
  }

  std::optional<Frame> Poll() override {
    std::unique_lock lock(net_->mutex);
    net_->Yield(rank_, lock);
    if (!net_->deadlock.empty()) throw Error(net_->deadlock);
    if (std::optional<Frame> frame = Take()) return frame;
    net_->now += kPollCost;
    return std::nullopt;
  }

  std::optional<Frame> Receive(double deadline) override {
    std::unique_lock lock(net_->mutex);
    Me().state = State::kWaiting;
    Me().wake_at = deadline;
    net_->Yield(rank_, lock);
    Me().state = State::kRunnable;
    Me().wake_at = kNever;
    if (!net_->deadlock.empty()) throw Error(net_->deadlock);
    return Take();
  }

  bool Flush(double) override { return true; }

 private:
  Rank& Me() { return net_->ranks[static_cast<size_t>(rank_)]; }

  /// The frame that arrived first, if one has arrived.
  std::optional<Frame> Take() {
    int source = -1;
    double at = net_->now;
    for (size_t s = 0; s < Me().inbox.size(); ++s) {
      const auto& queue = Me().inbox[s];
      if (queue.empty() || queue.front().at > at || (source >= 0 && queue.front().at == at)) continue;
      at = queue.front().at;
      source = static_cast<int>(s);
    }
    if (source < 0) return std::nullopt;
    auto& queue = Me().inbox[static_cast<size_t>(source)];
    Frame frame = std::move(queue.front().frame);
    queue.pop_front();
    frame.Arrived(source);
    const FrameHeader& h = frame.header();
    net_->trace = Mix(net_->trace ^ Mix(static_cast<uint64_t>(rank_) << 32 | static_cast<uint64_t>(source)) ^
                      Mix(h.request_id + (static_cast<uint64_t>(h.kind) << 48)) ^
                      Mix(std::bit_cast<uint64_t>(at)) ^ h.payload_bytes);
    return frame;
  }

  Impl* net_;
  int rank_;
};

SimNetwork::SimNetwork(int n_ranks, Options options) : impl_(std::make_unique<Impl>(n_ranks, options)) {
  for (int r = 0; r < n_ranks; ++r) {
    auto& rank = impl_->ranks[static_cast<size_t>(r)];
    rank.endpoint = std::make_unique<Impl::SimEndpoint>(impl_.get(), r);
    rank.inbox.resize(static_cast<size_t>(n_ranks));
  }
}

SimNetwork::~SimNetwork() = default;

void SimNetwork::Run(const std::function<void(Endpoint&)>& body) {
  std::vector<std::thread> threads;
  threads.reserve(impl_->ranks.size());
  for (size_t r = 0; r < impl_->ranks.size(); ++r) {
    threads.emplace_back([this, r, &body] {
      Impl::Rank& rank = impl_->ranks[r];
      {
        std::unique_lock lock(impl_->mutex);
        rank.baton.wait(lock, [&] { return impl_->holder == static_cast<int>(r); });
      }
      std::exception_ptr failure;
      try {
        body(*rank.endpoint);
      } catch (...) {
        failure = std::current_exception();
      }
      std::lock_guard lock(impl_->mutex);
      if (failure && !impl_->failure) impl_->failure = failure;
      rank.state = Impl::State::kDone;
      impl_->PassBaton();
    });
  }
  {
    std::lock_guard lock(impl_->mutex);
    impl_->PassBaton();
  }
  for (std::thread& thread : threads) thread.join();
  if (impl_->failure) std::rethrow_exception(impl_->failure);
}

uint64_t SimNetwork::trace_hash() const {
  return impl_->trace;
}

}  // namespace zhiyin
