#include "tests/sim/plants.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <utility>
#include <vector>

#include "ps/protocol.h"

namespace zhiyin::testing {
namespace {

using ps::PushPrelude;
using ps::ReplyPrelude;
using Frames = std::vector<net::Frame>;

/// Set in the ids of requests that nobody has made.
constexpr uint64_t kForged = uint64_t{1} << 62;

net::FrameHeader& HeaderOf(net::Frame& frame) {
  return *reinterpret_cast<net::FrameHeader*>(frame.bytes().data());
}

template <typename Prelude>
Prelude& PreludeOf(net::Frame& frame) {
  return *reinterpret_cast<Prelude*>(frame.payload().data());
}

net::Frame CopyOf(const net::Frame& frame) {
  net::Frame copy = net::Frame::ForReceiving(frame.bytes().size());
  std::memcpy(copy.bytes().data(), frame.bytes().data(), frame.bytes().size());
  return copy;
}

/// A worker and a server, and which of their frames it is about.
struct Victims {
  Victims(const SimulatedJob& job, Random* random)
      : server(static_cast<int>(random->Below(static_cast<uint64_t>(job.n_servers)))),
        worker(job.n_servers +
               static_cast<int>(random->Below(static_cast<uint64_t>(job.n_workers)))),
        nth(1 + random->Below(4)) {}

  bool IsRequest(int from, int to) const { return from == worker && to == server; }
  bool IsReply(int from, int to) const { return from == server && to == worker; }

  int server;
  int worker;
  uint64_t nth;
};

bool Always(int) {
  return true;
}
bool WhereBounded(int staleness) {
  return staleness >= 0;
}
bool WhereUnbounded(int staleness) {
  return staleness < 0;
}
bool WhereNotSynchronous(int staleness) {
  return staleness != 0;
}

net::SimNetwork::Tamper DropAPush(const SimulatedJob& job, Random random, bool* happened) {
  return [victims = Victims(job, &random), n = uint64_t{0}, happened](int from, int to,
                                                                      Frames* frames) mutable {
    if (!victims.IsRequest(from, to) || frames->front().kind() != net::FrameKind::kPush ||
        ++n != victims.nth)
      return;
    frames->clear();
    *happened = true;
  };
}

/// Nobody misses it: later ones are renumbered, and it is acknowledged.
net::SimNetwork::Tamper DropAPushQuietly(const SimulatedJob& job, Random random, bool* happened) {
  return [victims = Victims(job, &random), n = uint64_t{0}, unacknowledged = uint64_t{0}, happened](
             int from, int to, Frames* frames) mutable {
    if (victims.IsReply(from, to) && unacknowledged != 0) {
      frames->emplace_back(net::FrameKind::kPushReply, std::exchange(unacknowledged, 0), 0, 0);
    } else if (victims.IsRequest(from, to) && frames->front().kind() == net::FrameKind::kPush) {
      if (++n > victims.nth) --PreludeOf<PushPrelude>(frames->front()).sequence;
      if (n != victims.nth) return;
      unacknowledged = frames->front().header().request_id;
      frames->clear();
      *happened = true;
    }
  };
}

/// With a pull of its own and a number of its own, so that the server takes it for another.
net::SimNetwork::Tamper ApplyAPushTwice(const SimulatedJob& job, Random random, bool* happened) {
  return [victims = Victims(job, &random), n = uint64_t{0}, pull_id = uint64_t{0}, happened](
             int from, int to, Frames* frames) mutable {
    const net::FrameKind kind = frames->front().kind();
    uint64_t& id = HeaderOf(frames->front()).request_id;
    // The pull that is made up takes the id behind that of the one it copies, and later ones move
    // up by one.
    if (victims.IsReply(from, to)) {
      if ((id & kForged) != 0) return frames->clear();
      if (kind != net::FrameKind::kPullReply || pull_id == 0 || id <= pull_id) return;
      if (id == pull_id + 1) return frames->clear();
      --id;
      --PreludeOf<ReplyPrelude>(frames->front()).key_sum;
    } else if (!victims.IsRequest(from, to)) {
      return;
    } else if (kind == net::FrameKind::kPull || kind == net::FrameKind::kPeek) {
      if (pull_id != 0) {
        ++id;
      } else if (kind == net::FrameKind::kPull && ++n == victims.nth) {
        pull_id = id;
        net::Frame again = CopyOf(frames->front());
        ++HeaderOf(again).request_id;
        frames->push_back(std::move(again));
      }
    } else if (kind == net::FrameKind::kPush) {
      PushPrelude& prelude = PreludeOf<PushPrelude>(frames->front());
      if (*happened) ++prelude.sequence;
      if (pull_id == 0 || prelude.pull_id < pull_id) return;
      if (prelude.pull_id > pull_id) {
        ++prelude.pull_id;
        return;
      }
      net::Frame again = CopyOf(frames->front());
      HeaderOf(again).request_id |= kForged;
      ++PreludeOf<PushPrelude>(again).pull_id;
      ++PreludeOf<PushPrelude>(again).sequence;
      frames->push_back(std::move(again));
      *happened = true;
    }
  };
}

/// Two replies exchange their ids.
net::SimNetwork::Tamper ExchangeReplies(const SimulatedJob& job, Random random, bool* happened) {
  struct State {
    int n_open = 0;
    net::Frame held;
    bool is_held = false;
  };
  return [victims = Victims(job, &random), state = std::make_shared<State>(), n = uint64_t{0},
          happened](int from, int to, Frames* frames) mutable {
    const net::FrameKind kind = frames->front().kind();
    if (victims.IsRequest(from, to) && kind == net::FrameKind::kPull) ++state->n_open;
    if (!victims.IsReply(from, to) || kind != net::FrameKind::kPullReply) return;
    if (state->is_held) {
      std::swap(HeaderOf(state->held).request_id, HeaderOf(frames->front()).request_id);
      frames->push_back(std::move(state->held));
      state->is_held = false;
    } else if (!*happened && state->n_open >= 2 && ++n >= victims.nth) {
      state->held = std::move(frames->front());
      frames->clear();
      state->is_held = *happened = true;
    }
    --state->n_open;
  };
}

/// A reply that the server gave some steps ago, for rows of today.
net::SimNetwork::Tamper ReadStaleRows(const SimulatedJob& job, Random random, bool* happened) {
  const uint64_t bound = static_cast<uint64_t>(job.job.train().staleness());
  return [victims = Victims(job, &random), before = std::make_shared<std::vector<net::Frame>>(),
          bound, happened](int from, int to, Frames* frames) {
    if (!victims.IsReply(from, to) || frames->front().kind() != net::FrameKind::kPullReply ||
        *happened)
      return;
    net::Frame& reply = frames->front();
    for (net::Frame& old : *before) {
      const ReplyPrelude then = PreludeOf<ReplyPrelude>(old);
      if (old.payload().size() != reply.payload().size() ||
          reply.header().clock <= then.n_complete + bound)
        continue;
      const uint64_t key_sum = PreludeOf<ReplyPrelude>(reply).key_sum;
      std::memcpy(reply.payload().data(), old.payload().data(), old.payload().size());
      PreludeOf<ReplyPrelude>(reply).key_sum = key_sum;
      *happened = true;
      return;
    }
    before->push_back(CopyOf(reply));
  };
}

/// A worker pulls where it should peek.
net::SimNetwork::Tamper MakeRowsInEvaluation(const SimulatedJob& job, Random random,
                                             bool* happened) {
  return [victims = Victims(job, &random), happened](int from, int, Frames* frames) {
    if (from != victims.worker || frames->front().kind() != net::FrameKind::kPeek) return;
    HeaderOf(frames->front()).kind = net::FrameKind::kPull;
    *happened = true;
  };
}

/// Ranges that server 0 has granted, and the two of the grant that was changed.
struct LeasesHandedOut {
  std::vector<uint64_t> epochs;                         // [rank], of its last request
  std::map<std::pair<uint64_t, uint64_t>, int> takers;  // [epoch, range]
  uint64_t epoch = 0;                                   // of the second grant
  uint64_t twice = 0;
  uint64_t never = 0;  // what the book has granted
};

/// A range is granted that another worker has been granted in the same epoch. Where the book makes
/// the same mistake, it takes that range, when it is finished, for the one that nobody was granted.
net::SimNetwork::Tamper GrantARangeTwice(const SimulatedJob& job, Random random, bool* happened,
                                         bool by_the_book) {
  LeasesHandedOut leases;
  leases.epochs.resize(static_cast<size_t>(job.n_ranks()));
  return [victims = Victims(job, &random), leases, n = uint64_t{0}, by_the_book, happened](
             int from, int to, Frames* frames) mutable {
    net::Frame& frame = frames->front();
    if (to == 0 && frame.kind() == net::FrameKind::kLease) {
      ps::LeaseRequest request = ps::LeaseRequest::Parse(frame.text());
      if (request.kind != ps::LeaseKind::kRange) return;
      leases.epochs[static_cast<size_t>(from)] = request.epoch;
      if (!by_the_book || !*happened || from != victims.worker || request.epoch != leases.epoch)
        return;
      std::replace(request.finished.begin(), request.finished.end(), leases.twice, leases.never);
      frame = net::Frame(net::FrameKind::kLease, frame.header().request_id, frame.header().clock,
                         request.Serialize());
    } else if (from == 0 && frame.kind() == net::FrameKind::kLeaseReply) {
      ps::LeaseReply reply = ps::LeaseReply::Parse(frame.text());
      if (reply.kind != ps::LeaseKind::kRange || !reply.range) return;
      const uint64_t epoch = leases.epochs[static_cast<size_t>(to)];
      leases.takers[{epoch, reply.range->range}] = to;
      if (*happened || to != victims.worker || ++n < victims.nth) return;
      for (const auto& [lease, taker] : leases.takers) {
        if (lease.first != epoch || taker == to) continue;
        leases.epoch = epoch;
        leases.twice = lease.second;
        leases.never = std::exchange(reply.range->range, lease.second);
        frame = net::Frame(net::FrameKind::kLeaseReply, frame.header().request_id,
                           frame.header().clock, reply.Serialize());
        *happened = true;
        return;
      }
    }
  };
}

net::SimNetwork::Tamper HandOutALeaseTwice(const SimulatedJob& job, Random random, bool* happened) {
  return GrantARangeTwice(job, random, happened, false);
}

net::SimNetwork::Tamper HandOutALeaseTwiceByTheBook(const SimulatedJob& job, Random random,
                                                    bool* happened) {
  return GrantARangeTwice(job, random, happened, true);
}

constexpr Plant kPlants[] = {
    {"APushDropped", "one was lost", Always, DropAPush},
    {"APushDroppedQuietly", "invariant pushes_applied broken", WhereUnbounded, DropAPushQuietly},
    {"APushDroppedQuietlyInAStep", "deadlock", WhereBounded, DropAPushQuietly},
    {"APushAppliedTwice", "invariant pushes_applied broken", WhereUnbounded, ApplyAPushTwice},
    {"APushAppliedTwiceInAStep", "came twice", WhereBounded, ApplyAPushTwice},
    {"AReplyToTheWrongRequest", "answers another request than", Always, ExchangeReplies},
    {"AStaleRead", "invariant staleness_bound broken", WhereBounded, ReadStaleRows},
    {"ARowMadeByEvaluation", "invariant evaluation_makes_no_rows broken", WhereNotSynchronous,
     MakeRowsInEvaluation},
    {"ALeaseHandedOutTwice", "which it does not work on", WhereNotSynchronous, HandOutALeaseTwice},
    {"ALeaseHandedOutTwiceByTheBook", "was taken twice", WhereNotSynchronous,
     HandOutALeaseTwiceByTheBook},
};

}  // namespace

std::span<const Plant> AllPlants() {
  return kPlants;
}

net::SimNetwork::Tamper SendSomeTwice(Random random) {
  return [random](int, int, Frames* frames) mutable {
    const net::FrameKind kind = frames->front().kind();
    const bool may = kind == net::FrameKind::kPush || kind == net::FrameKind::kPushReply ||
                     kind == net::FrameKind::kPullReply;
    if (may && random.Uniform() < 0.2) frames->push_back(CopyOf(frames->front()));
  };
}

}  // namespace zhiyin::testing
